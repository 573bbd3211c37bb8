"""`infratrack sync` as a person or a pipeline uses it, with a spreadsheet as CMDB."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.reconciliation.evidence_schema import result_schema
from tests.capture.workshop import INFRATRACK
from tests.cli.synced import KIND, SyncShop


@pytest.fixture
def shop(tmp_path: Path) -> SyncShop:
    return SyncShop(tmp_path)


def test_the_default_only_plans_and_needs_no_signing_key(shop: SyncShop) -> None:
    shop.with_environment({"INFRATRACK_HOME": str(shop.home / "empty")})
    plan = shop.sync()
    assert {name: plan["summary"][name] for name in ("create", "change", "same")} == {
        "create": 2,
        "change": 0,
        "same": 0,
    }
    assert shop.rows() == []
    assert not (shop.folder / ".infratrack").exists()
    assert not list(Path(shop.environment["INFRATRACK_HOME"]).rglob("*.pem"))


def test_the_json_has_the_shape_that_programs_rely_on(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.edit("a", status="offline")
    shop.desire(a="active", b="active", c="active")
    plan = shop.sync()
    assert set(plan) == {"cmdb", "identity", "planDigest", "summary", "records", "refused", "notes"}
    assert set(plan["summary"]) == {"create", "adopt", "change", "delete", "conflict", "unmanaged", "same"}
    by_name = {one["key"]["name"]: one for one in plan["records"]}
    assert {name: one["action"] for name, one in by_name.items()} == {"a": "conflict", "b": "same", "c": "create"}
    assert by_name["a"]["fields"] == [
        {"name": "status", "base": "active", "live": "offline", "desired": "active", "verdict": "conflict"}
    ]
    for one in plan["records"]:
        assert {"type", "key", "action", "id", "fields", "reason", "cascade"} <= set(one)


@pytest.mark.parametrize("output", ["table", "json", "markdown"])
def test_check_is_1_when_anything_differs_and_0_when_nothing_does(shop: SyncShop, output: str) -> None:
    ended = shop.infratrack("sync", "csv", "--check", "--format", output)
    assert ended.returncode == 1
    assert "csv differs: 2 to create" in ended.stderr
    shop.sync("--apply")
    ended = shop.infratrack("sync", "csv", "--check", "--format", output)
    assert (ended.returncode, ended.stderr) == (0, ended.stderr)


def test_what_others_keep_in_the_cmdb_is_no_difference(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.sheet([*shop.rows(), {"id": "x", "name": "theirs", "site": "", "status": "", "managed_by": ""}])
    plan = shop.sync("--check")
    assert plan["summary"]["unmanaged"] == 1
    assert "theirs" not in shop.infratrack("sync", "csv").stdout
    assert "theirs" in shop.infratrack("sync", "csv", "--all").stdout


def test_apply_writes_and_leaves_evidence_of_every_value(shop: SyncShop) -> None:
    applied = shop.sync("--apply", "--deliverable", "smoke", "--change", "CHG-7")
    assert shop.states() == {"a": "active", "b": "active"}
    (sync,) = shop.syncs()
    result = sync.predicate["result"]
    Draft202012Validator(result_schema(KIND)).validate(result)
    assert sync.deliverables == ("smoke",)
    assert result["planDigest"] == applied["planDigest"]
    assert [(one["action"], one["outcome"]) for one in result["records"]] == [("create", "written")] * 2
    (run,) = applied["applied"]["runs"]
    assert run["run"] == sync.run_id
    assert [one["outcome"] for one in applied["records"]] == ["written", "written"]
    assert result["sources"][0]["items"] == 2


def test_a_second_apply_has_nothing_to_write_and_says_that_all_agrees(shop: SyncShop) -> None:
    shop.sync("--apply")
    before = (shop.folder / "inventory.csv").read_bytes()
    applied = shop.sync("--apply")
    assert applied["summary"]["same"] == 2
    assert (shop.folder / "inventory.csv").read_bytes() == before
    assert shop.syncs()[-1].predicate["result"]["records"] == []


def test_what_somebody_else_changed_is_left_alone_and_the_rest_is_written(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.edit("a", status="offline")
    shop.desire(a="planned", b="planned")
    applied = shop.sync("--apply")
    assert applied["summary"]["conflict"] == 1
    assert shop.states() == {"a": "offline", "b": "planned"}
    assert shop.sync("--check", code=1)["summary"]["conflict"] == 1


def test_take_ours_decides_a_conflict(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.edit("a", status="offline")
    shop.sync("--apply", "--take-ours", "status")
    assert shop.states() == {"a": "active", "b": "active"}


def test_take_ours_of_a_field_that_nobody_knows_is_a_mistake(shop: SyncShop) -> None:
    assert "statis" in shop.sync("--take-ours", "statis", code=2)


def test_records_found_equal_are_bound_so_that_later_changes_are_ours(shop: SyncShop) -> None:
    shop.sheet(
        [
            {"id": f"id-{name}", "name": name, "site": "ams1", "status": "active", "managed_by": "dc-west"}
            for name in ("a", "b")
        ]
    )
    assert shop.sync("--apply")["applied"]["bound"] == 2
    assert {one["action"] for one in shop.syncs()[-1].predicate["result"]["records"]} == {"bind"}
    shop.desire(a="planned", b="active")
    assert shop.actions() == {"a": "change", "b": "same"}


def test_first_contact_adopts_and_writes_only_what_is_asked_for(shop: SyncShop) -> None:
    shop.sheet([{"id": "1", "name": "a", "site": "ams1", "status": "offline", "managed_by": "dc-west"}])
    assert shop.actions() == {"a": "adopt", "b": "create"}
    shop.sync("--apply")
    assert shop.states() == {"a": "offline", "b": "active"}
    shop.sync("--apply", "--take-ours", "status")
    assert shop.states() == {"a": "active", "b": "active"}


def test_deletes_need_prune(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.desire(a="active")
    plan = shop.sync()
    (gone,) = [one for one in plan["records"] if one["action"] == "delete"]
    assert (gone["carriedOut"], "--prune" in gone["reason"]) == (False, True)
    shop.sync("--apply")
    assert set(shop.states()) == {"a", "b"}
    shop.sync("--apply", "--prune")
    assert set(shop.states()) == {"a"}


def test_an_empty_source_deletes_nothing(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.desire()
    plan = shop.sync("--apply", "--prune")
    assert plan["refused"]
    assert set(shop.states()) == {"a", "b"}


def test_undo_brings_back_what_a_run_found(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.desire(a="planned", c="staged")
    run = shop.sync("--apply", "--prune")["applied"]["runs"][0]["run"]
    assert shop.states() == {"a": "planned", "c": "staged"}
    undone = shop.sync("--undo", run[:13])
    assert {one["key"]["name"]: one["action"] for one in undone["records"]} == {
        "a": "change",
        "b": "create",
        "c": "delete",
    }
    shop.sync("--apply", "--undo", run)
    assert shop.states() == {"a": "active", "b": "active"}
    result = shop.syncs()[-1].predicate["result"]
    assert (result["mode"], result["undoes"]) == ("undo", run)


@pytest.mark.parametrize("run", ["nothing", "01", "00000000-0000"])
def test_undo_of_a_run_that_nobody_knows_names_the_newest(shop: SyncShop, run: str) -> None:
    newest = shop.sync("--apply")["applied"]["runs"][0]["run"]
    told = shop.sync("--undo", run, code=2)
    assert newest in told


def test_a_saved_plan_is_applied_as_it_was_shown(shop: SyncShop) -> None:
    shop.sync("--out", "plan.json")
    assert stat.S_IMODE((shop.folder / "plan.json").stat().st_mode) == 0o600
    applied = shop.sync("--apply", "--plan", "plan.json")
    assert applied["planDigest"] == json.loads((shop.folder / "plan.json").read_text())["planDigest"]
    assert shop.states() == {"a": "active", "b": "active"}


def test_a_saved_plan_stops_when_something_that_it_rests_on_moved(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.desire(a="planned", b="active")
    shop.sync("--out", "plan.json")
    shop.edit("a", status="offline")
    told = shop.sync("--apply", "--plan", "plan.json", code=1)
    assert "device a" in told
    assert "has moved, nothing was written" in told
    assert shop.states() == {"a": "offline", "b": "active"}


def test_a_saved_plan_writes_nothing_that_it_does_not_name(shop: SyncShop) -> None:
    shop.sync("--out", "plan.json")
    shop.desire(a="active", b="active", c="active")
    shop.sync("--apply", "--plan", "plan.json")
    assert set(shop.states()) == {"a", "b"}


def test_a_forged_plan_injects_nothing(shop: SyncShop) -> None:
    shop.sync("--out", "plan.json")
    plan = json.loads((shop.folder / "plan.json").read_text())
    plan["records"][0]["fields"][0]["desired"] = "evil"
    shop.write("plan.json", json.dumps(plan))
    assert "another value is desired" in shop.sync("--apply", "--plan", "plan.json", code=1)
    assert shop.rows() == []


def test_a_saved_plan_remembers_what_it_was_asked_for_with(shop: SyncShop) -> None:
    shop.sync("--apply")
    shop.desire(a="active")
    shop.sync("--prune", "--out", "plan.json")
    shop.sync("--apply", "--plan", "plan.json")
    assert set(shop.states()) == {"a"}


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"pin": 7}', "\x00", '{"cmdb": "csv", "records": []}'])
def test_what_is_no_plan_is_a_sentence(shop: SyncShop, content: str) -> None:
    shop.write("plan.json", content)
    told = shop.sync("--apply", "--plan", "plan.json", code=2)
    assert "plan.json" in told
    assert "Traceback" not in told


def test_a_plan_of_another_project_is_refused(shop: SyncShop) -> None:
    shop.sync("--out", "plan.json")
    text = (shop.folder / "plan.json").read_text().replace('"project": "dc-west"', '"project": "dc-east"')
    shop.write("plan.json", text)
    assert "dc-east" in shop.sync("--apply", "--plan", "plan.json", code=2)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--check", "--apply"),
        ("--plan", "plan.json"),
        ("--apply", "--plan", "plan.json", "--prune"),
        ("--apply", "--out", "plan.json"),
    ],
)
def test_contradictions_are_bad_usage(shop: SyncShop, arguments: tuple[str, ...]) -> None:
    told = shop.sync(*arguments, code=2)
    assert any(advice in told for advice in ("leave out", "leave them out", "add --apply"))


@pytest.mark.parametrize(
    ("name", "sentence"), [("cvs", "did you mean csv?"), ("netbox", "does not say what netbox should hold")]
)
def test_a_cmdb_that_is_not_there_is_a_sentence(shop: SyncShop, name: str, sentence: str) -> None:
    ended = shop.infratrack("sync", name)
    assert ended.returncode == 2
    assert sentence in ended.stderr


def test_evidence_that_does_not_count_is_told(shop: SyncShop) -> None:
    shop.sync("--apply")
    text = (shop.folder / "infratrack.yaml").read_text()
    shop.write("infratrack.yaml", text.replace("trust: {signers: [{name: ci, key: ci.pub}]}\n", ""))
    shop.desire(a="planned", b="active")
    plan = shop.sync()
    assert any("signed by a key that the project does not trust" in note for note in plan["notes"])
    assert {one["key"]["name"]: one["action"] for one in plan["records"]}["a"] == "adopt"


def test_a_key_that_the_project_does_not_trust_is_told_before_it_writes(shop: SyncShop) -> None:
    shop.infratrack("key", "new", "stranger")
    assert "`trust`" not in shop.infratrack("sync", "csv", "--apply", "--yes").stderr
    ended = shop.infratrack("sync", "csv", "--apply", "--yes", "--key", "stranger")
    assert "is not under the project's `trust`: what it writes will look like others' work" in " ".join(
        ended.stderr.split()
    )


def test_evidence_that_waits_is_told_and_sent_first(shop: SyncShop) -> None:
    shop.write(".infratrack", "not a folder")
    assert shop.sync("--apply", "--require-delivery", code=4)["applied"]["delivered"] is False
    assert "1 piece of evidence of earlier syncs did not reach the ledger" in shop.sync()["notes"][0]
    (shop.folder / ".infratrack").unlink()
    shop.desire(a="planned", b="active")
    plan = shop.sync()
    assert (plan["notes"], plan["summary"]["change"]) == ([], 1)


def test_require_delivery(shop: SyncShop) -> None:
    assert shop.sync("--apply", "--require-delivery")["applied"]["delivered"] is True


def at_a_terminal(shop: SyncShop, answer: bytes, *arguments: str) -> tuple[int, str]:
    """Run `infratrack sync csv --apply` at a terminal of 80 columns, and type an answer."""
    master, terminal = pty.openpty()
    process = subprocess.Popen(
        [INFRATRACK, "sync", "csv", "--apply", *arguments],
        cwd=shop.folder,
        env=shop.environment | {"TERM": "xterm", "COLUMNS": "80"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    os.write(master, answer)
    shown = b""
    while True:
        try:
            some = os.read(master, 65_536)
        except OSError:
            break
        if not some:
            break
        shown += some
    os.close(master)
    return process.wait(60), shown.decode(errors="replace")


@pytest.mark.parametrize(
    ("answer", "arguments", "code", "count"),
    [(b"y\n", (), 0, 2), (b"n\n", (), 1, 0), (b"\n", (), 1, 0), (b"", ("--yes",), 0, 2)],
)
def test_at_a_terminal_it_asks_before_it_writes(
    shop: SyncShop, answer: bytes, arguments: tuple[str, ...], code: int, count: int
) -> None:
    ended, shown = at_a_terminal(shop, answer, *arguments)
    assert ended == code, shown
    assert ("apply?" in shown) is not bool(arguments)
    assert len(shop.rows()) == count


def test_a_person_who_gets_json_is_still_shown_what_they_are_asked(shop: SyncShop) -> None:
    ended, shown = at_a_terminal(shop, b"y\n", "--format", "json")
    assert ended == 0
    assert shown.index("2 to create") < shown.index("apply?") < shown.index('"planDigest"')


def test_the_shell_completes_names_and_runs(shop: SyncShop) -> None:
    run = shop.sync("--apply")["applied"]["runs"][0]["run"]
    assert "csv" in completed(shop, "infratrack sync c", 2)
    assert run in completed(shop, "infratrack sync csv --undo ", 4)
    shop.write("infratrack.yaml", "broken: [")
    assert "Traceback" not in completed(shop, "infratrack sync ", 2)


def completed(shop: SyncShop, words: str, place: int) -> str:
    more: Any = {"_INFRATRACK_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(place)}
    ended = shop.infratrack(**more)
    return ended.stdout + ended.stderr


def test_status_explain_and_ledger_cope_with_evidence_of_syncs(shop: SyncShop) -> None:
    shop.sync("--apply", "--deliverable", "smoke")
    for arguments in (("status",), ("explain", "smoke"), ("ledger", "show"), ("ledger", "verify")):
        ended = shop.infratrack(*arguments)
        assert ended.returncode == 0, ended.stderr
    assert "csv-sync" in shop.infratrack("ledger", "show").stdout
