"""`record awx`: a job of AWX becomes the evidence of a playbook run; what is odd about it ends in a sentence."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

import infratrack_ansible
from infratrack.api import Collected, InfratrackError, InputError, Instant, JobContext, RecordSource, Unreachable
from infratrack_ansible import awx as awx_module
from infratrack_ansible import awx_client
from infratrack_ansible.awx import AwxJobs
from infratrack_ansible.awx_job import JobRun, read_job
from infratrack_ansible.evidence import RESULT_SCHEMA, AnsibleRun
from infratrack_ansible.recorders import RunnerFolderRecorder
from tests.capture.workshop import PROJECT, Workshop
from tests.plugins.ansible.awx_server import EVENTS, TOKEN, Awx, event, job, result, serving
from tests.plugins.ansible.test_events import JSON
from tests.plugins.ansible.test_recorders import private_data_dir

__all__ = ["private_data_dir"]

AT = Instant(1_800_000_000_000_000)


@pytest.fixture
def awx() -> Iterator[Awx]:
    with serving(Awx()) as server:
        yield server


def record(awx: Awx, text: str = "42", folder: str = ".", *tasks: str, at: Instant = AT, **more: str) -> Collected:
    wanted = {"ansible.task_ok": tuple({"task": task} for task in tasks)}
    environment = {"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": TOKEN, **more}
    (found,) = AwxJobs().read(JobContext(text, environment, wanted, folder, at))
    assert [error.message for error in Draft202012Validator(RESULT_SCHEMA).iter_errors(found.result)] == []
    return found


def test_a_job_is_the_evidence_of_a_playbook_run(awx: Awx) -> None:
    found = record(awx)
    assert found.predicate_type == "urn:infratrack:evidence:ansible-run:v1"
    assert found.outcome == "failed"
    (book,) = found.result["playbooks"]
    assert (book["path"], book["complete"], book["changed"]) == ("site.yml", True, True)
    assert {host: own["outcome"] for host, own in book["hosts"].items()} == {"core-1": "succeeded", "core-2": "failed"}
    assert {own["check"] for own in book["hosts"].values()} == {False}
    assert book["tasks"] == [
        {
            "path": "site.yml:1",
            "action": "ansible.builtin.copy",
            "results": {"changed": ["core-1"], "failed": ["core-2"]},
            "seconds": 0.5,
        },
        {
            "path": "site.yml:2",
            "action": "ansible.builtin.copy",
            "results": {"changed": ["core-1"]},
            "seconds": 0.5,
        },
    ]
    assert found.result["job"] == {
        "server": awx.url,
        "id": 42,
        "template": "Configure core",
        "revision": "0123456789abcdef0123456789abcdef01234567",
    }
    assert (found.result["inventory"], found.result["limit"]) == (["West"], "core")
    assert found.started_at is not None
    assert found.finished_at is not None
    assert found.finished_at - found.started_at == 60_000_001
    assert found.subjects[0].digest == {"gitCommit": "0123456789abcdef0123456789abcdef01234567"}
    assert AnsibleRun().summary({"result": found.result}) == "site.yml: 1 host ok, 1 host failed"


def test_nothing_beyond_the_allow_list_is_kept(awx: Awx) -> None:
    found = record(awx, "42", ".", "Write Pl4nted-in-name")
    assert found.result["playbooks"][0]["tasks"][0]["name"] == "Write Pl4nted-in-name"
    assert "Pl4nted" not in repr(record(awx))
    assert found.secrets == {TOKEN}


def test_long_runs_come_in_pages(awx: Awx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awx_module, "PAGE", 4)
    assert len(record(awx).result["playbooks"][0]["hosts"]) == 2
    asked = [path.partition("?")[2] for path in awx.asked if "job_events" in path]
    assert [query.split("&")[1] for query in asked] == ["counter__gt=0", "counter__gt=4", "counter__gt=7"]
    monkeypatch.setattr(awx_module, "MOST_EVENTS", 3)
    with pytest.raises(InputError, match="more than 3 events"):
        record(awx)


def test_the_controller_of_automation_platform_is_found(awx: Awx) -> None:
    awx.root = {"apis": {"gateway": "/api/gateway/", "controller": "/api/controller/"}}
    awx.prefix = "/api/controller/v2/"
    assert record(awx).outcome == "failed"


def test_names_of_files_are_placed_where_the_jobs_project_lies(awx: Awx) -> None:
    awx.events[42] = [*EVENTS[:4], result(5, "ok", "core-2", 2), EVENTS[-1]]
    awx.events[42][4]["event_data"]["task_path"] = "/usr/share/ansible/roles/x/tasks/main.yml:3"
    (book,) = record(awx, "42", "ansible/west").result["playbooks"]
    assert book["path"] == "ansible/west/site.yml"
    assert [task["path"] for task in book["tasks"]] == [
        "ansible/west/site.yml:1", "/usr/share/ansible/roles/x/tasks/main.yml:3",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("successful", "succeeded"), ("failed", "failed"), ("error", "indeterminate"), ("canceled", "indeterminate")],
)
def test_the_outcome_is_what_was_seen(awx: Awx, status: str, outcome: str) -> None:
    awx.jobs[42] = job(status=status)
    assert record(awx).outcome == outcome


@pytest.mark.parametrize(
    ("told", "check", "partial"),
    [
        ({"job_type": "check"}, True, False),
        ({"job_type": "scan"}, None, False),
        ({"job_tags": "a, b"}, False, True),
        ({"job_tags": "all"}, False, False),
        ({"skip_tags": "slow"}, False, True),
        ({"start_at_task": "Third"}, False, True),
    ],
)
def test_a_check_run_or_a_part_of_a_run_is_told_as_one(
    awx: Awx,
    told: dict[str, Any],
    check: bool | None,  # noqa: FBT001 -- a parameter of the test
    partial: bool,  # noqa: FBT001 -- likewise
) -> None:
    awx.jobs[42] = job(42, **told)
    found = record(awx)
    assert found.result["checkMode"] is check
    assert found.result.get("partial", False) is partial
    assert ("checkMode" in found.missing) is (check is None)


def test_a_job_that_started_no_playbook_or_lost_its_events_says_so(awx: Awx) -> None:
    awx.jobs[42] = job(status="error", job_type="check", summary_fields=None, limit=None, scm_revision="main")
    awx.events[42] = []
    found = record(awx)
    assert found.result == {
        "source": "awx", "checkMode": True, "diffMode": False, "playbooks": [], "job": {"server": awx.url, "id": 42},
    }  # fmt: skip
    assert "started a playbook" in found.missing["playbooks"]
    assert found.subjects == ()


def test_a_run_that_broke_off_leaves_its_hosts_unknown(awx: Awx) -> None:
    awx.jobs[42] = job(status="canceled")
    awx.events[42] = EVENTS[:-1]
    found = record(awx)
    assert found.result["playbooks"][0]["hosts"]["core-1"]["outcome"] == "unknown"
    assert "closing statistics" in found.missing["hosts"]


def test_events_that_are_not_there_are_missed(awx: Awx) -> None:
    awx.events[42] = [one for one in EVENTS if one["counter"] not in {3, 5}]
    assert record(awx).missing["tasks"] == "2 of the job's events are not there"


def test_a_job_from_the_future_happened_when_it_was_recorded(awx: Awx) -> None:
    found = record(awx, at=Instant(1))
    assert (found.started_at, found.finished_at) == (None, None)


def test_a_job_that_runs_is_not_recorded(awx: Awx) -> None:
    awx.jobs[42] = job(status="running", finished=None)
    with pytest.raises(InputError, match="has not ended, it is running"):
        record(awx)


def test_events_that_are_still_on_their_way_are_waited_for(awx: Awx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awx_module, "_PAUSE", 0.01)
    awx.jobs[42] = [job(event_processing_finished=False), job()]
    assert record(awx).outcome == "succeeded"
    awx.jobs[42] = job(event_processing_finished=False)
    monkeypatch.setattr(awx_module, "STORING_SECONDS", 0.05)
    with pytest.raises(Unreachable, match="has not stored all events"):
        record(awx)


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("workflow_job", "record the jobs that it ran"),
        ("project_update", "only runs of playbooks"),
        ("x" * 500, "check the number"),
        (None, "check the number"),
    ],
)
def test_what_is_no_job_is_a_sentence_with_a_way_on(awx: Awx, kind: str | None, hint: str) -> None:
    awx.others = {} if kind is None else {7: kind}
    with pytest.raises(InputError, match="there is no job 7") as caught:
        record(awx, "7")
    assert hint in caught.value.hint


@pytest.mark.parametrize("text", ["", "0", "x", "-1", "4/../5", "1e3", "٤٢", "9" * 30, "1?x=y"])
def test_a_job_is_named_by_its_number(awx: Awx, text: str) -> None:
    with pytest.raises(InputError, match="is not the number of a job"):
        record(awx, text)
    assert awx.asked == []


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("CONTROLLER_HOST", "", "the address of AWX is not set"),
        ("CONTROLLER_HOST", "https://u:p@awx.example.com", "holds credentials"),
        ("CONTROLLER_HOST", "ftp://awx.example.com", "not an http"),
        ("CONTROLLER_HOST", "http://[::1", "is not a URL"),
        ("CONTROLLER_HOST", "http://a b/", "characters"),
        ("CONTROLLER_HOST", "http://awx.example.com", "is plain http"),
        ("CONTROLLER_HOST", "HTTP://10.0.0.1:8052/", "is plain http"),
        ("CONTROLLER_HOST", "http://localhost.example.com", "is plain http"),
        ("CONTROLLER_HOST", "http://[::2]/", "is plain http"),
        ("CONTROLLER_OAUTH_TOKEN", "", "a token for AWX is not set"),
        ("CONTROLLER_OAUTH_TOKEN", "a\nb: c", "is not a token"),
    ],
)
def test_what_is_not_set_or_is_no_address_is_a_sentence(awx: Awx, name: str, value: str, message: str) -> None:
    environment = {"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": TOKEN}
    with pytest.raises(InputError, match=message) as caught:
        AwxJobs().read(JobContext("42", environment | {name: value}, {}, ".", AT))
    assert "u:p" not in caught.value.message + caught.value.hint
    assert awx.asked == []


def test_a_bare_name_of_a_host_is_https() -> None:
    assert awx_client._address("AWX.example.com/") == "https://awx.example.com"
    assert awx_client._address("https://awx.example.com:8052/awx/api/") == "https://awx.example.com:8052/awx"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_plain_http_stays_on_this_machine(host: str) -> None:
    assert awx_client._address(f"http://{host.upper()}:8052/") == f"http://{host}:8052"


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (401, b"{}", InputError, "does not take the token"),
        (302, b"", InputError, "answers 302"),
        (400, b"{}", InputError, "answers 400"),
        (200, b"<html>", InputError, "no JSON"),
        (200, b"[" * 100_000, InputError, "no JSON"),
        (200, b"[]", InputError, "not as AWX"),
        (200, b'{"apis": ["x"]}', InputError, "not as AWX"),
    ],
)
def test_an_answer_that_is_of_no_use_is_a_sentence(
    awx: Awx, status: int, body: bytes, kind: type[InfratrackError], message: str
) -> None:
    awx.trouble = [(status, body)]
    with pytest.raises(kind, match=message) as caught:
        record(awx)
    assert TOKEN not in caught.value.message + caught.value.hint
    assert len(awx.asked) == 1


def test_a_server_that_is_overloaded_is_asked_again(awx: Awx) -> None:
    awx.trouble = [(503, b""), (429, b"{}")]
    assert record(awx).outcome == "failed"


def test_a_server_that_stays_away_is_exit_4(awx: Awx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awx_client, "TRIES", 2)
    awx.trouble = [(500, b"")] * 2
    with pytest.raises(Unreachable, match="answers 500"):
        record(awx)
    with pytest.raises(Unreachable, match="could not be reached"):
        record(awx, CONTROLLER_HOST="http://127.0.0.1:9")
    with pytest.raises(Unreachable, match="no TLS connection"):
        record(awx, CONTROLLER_HOST=awx.url.replace("http:", "https:"))


def test_a_server_that_is_too_slow_is_exit_4(awx: Awx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awx_client, "TRIES", 1)
    monkeypatch.setattr(awx_client, "TIMEOUT", 0.2)
    monkeypatch.setattr(awx_client, "_PIECE", 1)
    awx.slowly = True
    with pytest.raises(Unreachable, match="took longer than"):
        record(awx)


@pytest.mark.parametrize("package", ["requests", "stamina"])
def test_without_the_packages_it_needs_it_says_which(awx: Awx, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=f"package {package} is missing") as caught:
        record(awx)
    assert caught.value.hint == "pip install 'infratrack[awx]'"


def test_an_endless_answer_is_not_read(awx: Awx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(awx_client, "LARGEST_ANSWER", 100)
    awx.root |= {"more": "x" * 1_000}
    with pytest.raises(Unreachable, match="answers with more"):
        record(awx)


@pytest.mark.parametrize(
    "events",
    [
        [event(1, "playbook_on_start"), event(1, "playbook_on_start")],
        [event(2, "playbook_on_start"), event(1, "playbook_on_start")],
        [{"counter": True}],
        [{"counter": "1"}],
        [7],
    ],
)
def test_events_out_of_order_are_refused(events: list[Any]) -> None:
    run = JobRun(read_job(job(), 42), ".", lambda _: False)
    with pytest.raises(InputError, match="out of order"):
        run.feed({"results": events})


@pytest.mark.parametrize("document", [None, [], {}, job(43), job() | {"type": "workflow_job"}, job() | {"status": 7}])
def test_an_answer_about_something_else_is_refused(document: Any) -> None:
    with pytest.raises(InputError, match="does not tell of a job 42"):
        read_job(document, 42)


@given(st.dictionaries(st.sampled_from(sorted(job())), JSON), st.lists(JSON, max_size=5))
@settings(max_examples=60, deadline=None)
def test_nothing_in_an_answer_is_more_than_a_sentence(more: dict[str, Any], data: list[Any]) -> None:
    try:
        found = read_job({**job(), **more}, 42)
    except InputError:
        return
    run = JobRun(found, "a", lambda _: True)
    events = [{**one, "event_data": value, "created": value} for one, value in zip(EVENTS, data, strict=False)]
    for page in ({"results": EVENTS}, {"results": [{**one, "counter": one["counter"] + 9} for one in events]}):
        run.feed(page)
    facts = {"source": "awx", **run.run.facts(), **run.given("https://awx")}
    assert [error.message for error in Draft202012Validator(RESULT_SCHEMA).iter_errors(facts)] == []
    for bad in data:
        with contextlib.suppress(InputError):
            run.feed(bad)


@pytest.mark.slow
def test_a_real_run_says_the_same_through_awx_as_by_its_artifacts(awx: Awx, private_data_dir: Path) -> None:
    by_artifacts = RunnerFolderRecorder().read(RecordSource(private_data_dir, None, {}, "."))[0]
    files = (private_data_dir / "artifacts" / "first" / "job_events").glob("*.json")
    events = sorted((json.loads(path.read_text()) for path in files), key=lambda one: one["counter"])
    awx.jobs[42] = job(status="failed", job_cwd=str(private_data_dir / "project"))
    awx.events[42] = events
    found = record(awx)
    for member in ("playbooks", "checkMode", "startedAt", "finishedAt"):
        assert found.result[member] == by_artifacts.result[member]
    assert found.outcome == by_artifacts.outcome


def test_the_plugin_offers_it() -> None:
    assert [system.name for system in infratrack_ansible.infratrack_job_systems()] == ["awx"]


@pytest.fixture
def shop(tmp_path: Path, awx: Awx) -> Workshop:
    """A project that waits for a playbook run on core-1."""
    shop = Workshop(tmp_path)
    shop.with_environment({"CONTROLLER_HOST": awx.url, "CONTROLLER_OAUTH_TOKEN": TOKEN})
    shop.infratrack("key", "new", "ci")
    shop.write("keys/ci.pub", shop.infratrack("key", "export", "ci").stdout)
    done = "{ansible.succeeded: {playbook: site.yml, hosts: [core-1]}}"
    project = PROJECT.replace('{command.succeeded: {command: "true"}}', done)
    shop.write("infratrack.yaml", project + "trust: {signers: [{name: ci, key: keys/ci.pub}]}\n")
    return shop


def test_criteria_on_ansible_count_a_job_of_awx(shop: Workshop, awx: Awx) -> None:
    awx.jobs[43] = job(43)
    awx.events[43] = [*EVENTS[:4], event(5, "playbook_on_stats", ok={"core-1": 1}, changed={"core-1": 1})]
    ended = shop.infratrack("record", "awx", "42", "43", "--deliverable", "smoke", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    assert [(one["source"], one["kind"], one["outcome"]) for one in told["evidence"]] == [
        ("awx 42", "awx job", "failed"),
        ("awx 43", "awx job", "succeeded"),
    ]
    (smoke,) = json.loads(shop.infratrack("status", "--format", "json").stdout)["deliverables"]
    assert smoke["status"] == "complete"
    assert [one.started_at for one in shop.ledger()] == [1_767_605_400_000_001] * 2
    for path, content in shop.files():
        assert b"Pl4nted" not in content, path
        assert TOKEN.encode() not in content, path


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("awx",), 2, "which job of awx?"),
        (("awx", "44"), 2, "there is no job 44"),
        (("awx", "42", "44"), 2, "there is no job 44"),
        (("./awx", "42"), 2, "awx cannot be read"),
        (("awx", "42", "--directory", "../x"), 2, "--directory"),
    ],
)
def test_the_command_line_is_told_what_is_wrong_and_nothing_is_recorded(
    shop: Workshop, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = shop.infratrack("record", *arguments)
    assert (ended.returncode, said in ended.stderr) == (code, True), ended.stderr
    assert shop.waiting() == []


SYSTEM = """\
from infratrack.api import hookimpl
class System:
    name = "broken"
    def read(self, context): return {"1": [], "2": [7], "3": 1 / int(context.job[:-1] or 0)}[context.job]
@hookimpl
def infratrack_job_systems(): return [System()]
"""


@pytest.mark.parametrize(("number", "said"), [("1", "raised"), ("20", "raised")])
def test_a_system_that_fails_is_a_sentence(shop: Workshop, number: str, said: str) -> None:
    shop.install("broken", SYSTEM)
    ended = shop.infratrack("record", "broken", number)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_system_that_hands_over_nothing_is_a_sentence(shop: Workshop) -> None:
    shop.install("broken", SYSTEM.replace("1 / int(context.job[:-1] or 0)", "0"))
    for number in ("1", "2"):
        assert "broken handed over no facts" in shop.infratrack("record", "broken", number).stderr
