"""What others left: artifact folders of real ansible-runner runs, the json callback's output, our own lines."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from infratrack.api import Collected, InputError, Recorder, RecordSource
from infratrack_ansible import json_callback, runner_artifacts
from infratrack_ansible.evidence import RESULT_SCHEMA
from infratrack_ansible.recorders import EventLinesRecorder, JsonCallbackRecorder, RunnerFolderRecorder
from tests.plugins.ansible.conftest import Site, inventory
from tests.plugins.ansible.test_events import JSON

SECRET = "Pl4nted-runner-secret"  # noqa: S105 -- a planted secret
PLAY = f"""- hosts: core
  gather_facts: false
  vars: {{secret: {SECRET}}}
  tasks:
  - {{name: 'Named {{{{ secret }}}}', debug: {{msg: '{{{{ secret }}}}'}}}}
  - {{name: Keep, command: 'echo {{{{ secret }}}}', register: said}}
  - {{name: Again, debug: {{var: said}}}}
  - {{name: Fails, command: 'false', when: inventory_hostname == 'core-1'}}
  - {{name: Last, debug: {{msg: x}}}}
"""


def read(recorder: Recorder, path: Path, content: bytes | None = None, *tasks: str) -> Collected:
    wanted = {"ansible.task_ok": tuple({"task": task} for task in tasks)}
    (found,) = recorder.read(RecordSource(path, content, wanted, "."))
    assert [error.message for error in Draft202012Validator(RESULT_SCHEMA).iter_errors(found.result)] == []
    return found


def outcomes(found: Collected) -> dict[str, str]:
    return {host: own["outcome"] for host, own in found.result["playbooks"][0]["hosts"].items()}


@pytest.fixture(scope="module")
def private_data_dir() -> Iterator[Path]:
    """One real ansible-runner run, as others leave it: nothing suppressed."""
    import ansible_runner

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "project").mkdir()
        (folder / "project/site.yml").write_text(PLAY)
        (folder / "inventory").write_text(inventory("core-1", "core-2"))
        ansible_runner.run(
            private_data_dir=name, playbook="site.yml", quiet=True, ident="first", cancel_callback=bool,
            envvars={
                "HOME": name, "CI_JOB_TOKEN": SECRET,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            },
        )  # fmt: skip
        yield folder


@pytest.mark.slow
def test_an_artifact_folder_of_a_real_run(private_data_dir: Path) -> None:
    recorder = RunnerFolderRecorder()
    for folder in (private_data_dir, private_data_dir / "artifacts", private_data_dir / "artifacts/first"):
        assert recorder.detect(RecordSource(folder, None, {}, "."))
    found = read(recorder, private_data_dir, None, "Keep", "Other")
    assert found.outcome == "failed"
    assert outcomes(found) == {"core-1": "failed", "core-2": "succeeded"}
    assert found.result["checkMode"] is False
    assert found.result["startedAt"] < found.result["finishedAt"]
    (book,) = found.result["playbooks"]
    assert book["path"] == "site.yml"
    assert [task.get("name") for task in book["tasks"]] == [None, "Keep", None, None, None]
    assert book["tasks"][3]["results"] == {"failed": ["core-1"], "skipped": ["core-2"]}
    assert book["tasks"][3]["returnCodes"] == {"core-1": 1}
    assert SECRET not in json.dumps(found.result)
    assert found.missing["taskNames"]


@pytest.mark.slow
def test_a_run_that_was_stopped_is_indeterminate(private_data_dir: Path, tmp_path: Path) -> None:
    events = tmp_path / "job_events"
    events.mkdir()
    for path in (private_data_dir / "artifacts/first/job_events").iterdir():
        if "playbook_on_stats" not in path.read_text():
            (events / path.name).write_bytes(path.read_bytes())
    (events / "notes.txt").write_text("no event")
    (events / "99-x-partial.json").write_text("{")
    (tmp_path / "status").write_text("canceled")
    found = read(RunnerFolderRecorder(), tmp_path)
    assert found.outcome == "indeterminate"
    assert set(outcomes(found).values()) == {"unknown"}
    assert found.result["checkMode"] is None
    assert set(found.missing) == {"hosts", "checkMode", "taskNames"}


def test_folders_that_are_no_run_and_broken_runs(tmp_path: Path) -> None:
    recorder = RunnerFolderRecorder()
    assert not recorder.detect(RecordSource(tmp_path, None, {}, "."))
    assert not recorder.detect(RecordSource(tmp_path / "gone", None, {}, "."))
    assert not recorder.detect(RecordSource(tmp_path, b"", {}, "."))
    with pytest.raises(InputError, match="holds no job_events"):
        recorder.read(RecordSource(tmp_path, None, {}, "."))
    for ident in ("a", "b"):
        (tmp_path / "artifacts" / ident / "job_events").mkdir(parents=True)
    assert not recorder.detect(RecordSource(tmp_path, None, {}, "."))
    folder = tmp_path / "artifacts/a"
    with pytest.raises(InputError, match="no playbook_on_start"):
        recorder.read(RecordSource(folder, None, {}, "."))
    for content in (b"{", b"\xff", b"[" * 100_000):
        (folder / "job_events/1-x.json").write_bytes(content)
        with pytest.raises(InputError, match="not a whole JSON document"):
            recorder.read(RecordSource(folder, None, {}, "."))
    (folder / "job_events/1-x.json").unlink()
    (folder / "job_events/1-x.json").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        recorder.read(RecordSource(folder, None, {}, "."))


@pytest.mark.parametrize(
    ("arguments", "partial"),
    [
        ([], False),
        (["-t", "all"], False),
        (["-tweb"], True),
        (["--skip-tags=a"], True),
        (["--start-at-task", "B"], True),
    ],
)
def test_the_command_file_tells_that_tasks_were_left_out(arguments: list[str], partial: bool) -> None:  # noqa: FBT001 -- parameter
    content = json.dumps({"command": ["ansible-playbook", *arguments, "s.yml"]}).encode()
    assert runner_artifacts.read_command(content).partial is partial


@pytest.mark.parametrize(
    ("content", "folder", "check"),
    [
        (None, "", None),
        (b"{", "", None),
        (b"[]", "", None),
        (b'{"command": 7, "cwd": 7}', "", None),
        (b'{"command": ["bash"], "cwd": "/p"}', "/p", None),
        (b'{"command": ["ansible-playbook", "-i", "x", "s.yml"], "cwd": "/p"}', "/p", False),
        (b'{"command": ["ansible-playbook", "--check", "s.yml"]}', "", True),
        (b'{"command": ["ansible-playbook", "-vC", "s.yml"]}', "", True),
        (b'{"command": ["ansible-playbook", "-iC", "s.yml"]}', "", False),
    ],
)
def test_the_command_file_tells_two_things(content: bytes | None, folder: str, check: bool | None) -> None:  # noqa: FBT001 -- parameter
    assert runner_artifacts.read_command(content) == runner_artifacts.CommandFile(folder, check)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["event", "event_data"]), JSON) | JSON, st.dictionaries(st.text(max_size=5), JSON)
)
def test_no_runner_event_makes_it_raise(event: object, data: Mapping[str, Any]) -> None:
    command = runner_artifacts.CommandFile()
    runner_artifacts.events_of(event, command, lambda _name: True, set())
    for kind in ("playbook_on_start", "playbook_on_stats", "playbook_on_play_start", "runner_on_ok"):
        members = {"task_uuid": "u", "processed": data, "ok": data, "res": data, "task": data, **data}
        runner_artifacts.events_of({"event": kind, "event_data": members}, command, lambda _name: True, set())


def test_the_recap_is_turned_round() -> None:
    command = runner_artifacts.CommandFile("/p", check=False)
    data = {"processed": {"h": 1, "g": 1}, "ok": {"h": 2}, "dark": {"g": 1}}
    event = {"event": "playbook_on_stats", "event_data": data}
    assert runner_artifacts.events_of(event, command, bool, set()) == [
        {"event": "playbook_on_stats", "stats": {"h": {"ok": 2}, "g": {"dark": 1}}}
    ]
    begun = {"event": "playbook_on_start", "event_data": {"playbook": "s.yml"}}
    assert runner_artifacts.events_of(begun, command, bool, set())[1]["playbook"] == "/p/s.yml"
    again = {"event": "runner_on_ok", "event_data": {"task_uuid": "u_2", "host": "h"}}
    assert len(runner_artifacts.events_of(again, command, bool, {"u"})) == 1
    assert runner_artifacts.events_of({"event": "verbose"}, command, bool, set()) == []


def test_ignored_and_launched_runner_results() -> None:
    command = runner_artifacts.CommandFile()
    data = {
        "task_uuid": "u", "task_action": "command", "task": "web : Restart", "host": "h", "ignore_errors": True,
        "res": {"ansible_job_id": "1", "finished": 0, "rc": 3},
    }  # fmt: skip
    first, second = runner_artifacts.events_of(
        {"event": "runner_on_failed", "event_data": data}, command, lambda name: name == "Restart", set()
    )
    assert (first["name"], first["resolved_action"]) == ("Restart", "command")
    assert second == {
        "event": "runner_on_failed", "uuid": "u", "host": "h", "duration": None, "ignored": True, "changed": False,
        "rc": 3, "launched": True,
    }  # fmt: skip


DOCUMENT: dict[str, Any] = {
    "custom_stats": {},
    "plays": [
        {
            "play": {"name": "core", "path": "/p/site.yml:1"},
            "tasks": [
                {
                    "task": {"name": "web : Install", "path": "/p/site.yml:4"},
                    "hosts": {
                        "a": {"action": "copy", "changed": True, "content": SECRET},
                        "b": {"action": "copy", "failed": True, "rc": 2},
                        "c": {"unreachable": True},
                        "d": {"skipped": True},
                        "e": 7,
                    },
                },
                {"task": 7, "hosts": {"a": {}}},
                {"hosts": []},
            ],
        }
    ],
    "stats": {"a": {"ok": 2, "changed": 1}, "b": {"failures": 1}, "c": {"unreachable": 1}, "d": {"skipped": 1}},
}


def test_json_callback_output_after_warnings() -> None:
    content = b"[WARNING]: {odd}\n{ not json\n" + json.dumps(DOCUMENT, indent=4).encode() + b"\nPlaybook run took 3s\n"
    recorder = JsonCallbackRecorder()
    assert recorder.detect(RecordSource(Path("out.json"), content, {}, "."))
    found = read(recorder, Path("out.json"), content, "Install")
    assert found.outcome == "failed"
    assert outcomes(found) == {"a": "succeeded", "b": "failed", "c": "unreachable", "d": "unknown", "e": "unknown"}
    assert found.result["checkMode"] is None
    assert "check run" in found.missing["checkMode"]
    (book,) = found.result["playbooks"]
    assert book["path"] == "/p/site.yml"
    assert book["tasks"][0]["name"] == "Install"
    assert book["tasks"][0]["action"] == "copy"
    assert SECRET not in json.dumps(found.result)


def test_json_callback_output_without_paths_names_no_playbook() -> None:
    document = {"plays": [{"play": {"name": "x"}, "tasks": []}], "stats": {"a": {"ok": 1}}}
    found = read(JsonCallbackRecorder(), Path("x"), json.dumps(document).encode())
    assert found.outcome == "succeeded"
    assert found.result["playbooks"][0]["path"] == ""
    assert found.missing["playbook"] == "the output does not name its playbook"


@pytest.mark.parametrize(
    "content",
    [None, b"", b'{"plays": 7, "stats": {}}', b'{"plays": [7], "stats": {}}', b'{"plays" "stats"', b"[" * 99_999],
)
def test_other_content_is_not_json_callback_output(content: bytes | None) -> None:
    recorder = JsonCallbackRecorder()
    assert not recorder.detect(RecordSource(Path("x"), content, {}, "."))
    with pytest.raises(InputError, match="no output of Ansible's json callback"):
        recorder.read(RecordSource(Path("x"), content, {}, "."))


def test_only_so_many_beginnings_are_tried() -> None:
    assert json_callback.find_document(b"{\n" * 50 + json.dumps(DOCUMENT).encode()) is None


@settings(max_examples=200, deadline=None)
@given(st.lists(st.fixed_dictionaries({"tasks": st.lists(JSON)}, optional={"play": JSON}), max_size=3), JSON)
def test_no_document_makes_it_raise(plays: list[Any], statistics: object) -> None:
    document = {"plays": plays, "stats": statistics if isinstance(statistics, dict) else {}}
    assert json_callback.is_document(document)
    list(json_callback.events_of(document, lambda _name: True))
    source = RecordSource(Path("x"), json.dumps(document).encode(), {}, ".")
    if JsonCallbackRecorder().detect(source):  # not where it holds an Infinity, which is no JSON
        JsonCallbackRecorder().read(source)


@pytest.mark.slow
def test_our_own_event_lines(site: Site) -> None:
    run = site.play(PLAY)
    recorder = EventLinesRecorder()
    path = Path("events.jsonl")
    assert recorder.detect(RecordSource(path, run.events, {}, "."))
    found = read(recorder, path, run.events)
    assert (found.outcome, outcomes(found)) == ("failed", run.outcomes)
    whole = run.events.replace(b'"failures":1', b'"failures":0')
    assert read(recorder, path, whole).outcome == "succeeded"
    cut = run.events[: run.events.index(b'"stats"')]
    assert read(recorder, path, cut).outcome == "indeterminate"
    with pytest.raises(InputError, match="no playbook_on_start"):
        recorder.read(RecordSource(path, run.events.splitlines()[0], {}, "."))
    assert not recorder.detect(RecordSource(path, None, {}, "."))
    assert not recorder.detect(RecordSource(path, b'{"event": "else"}\n', {}, "."))
