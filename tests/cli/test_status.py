"""`infratrack status`, driven as a person would."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.project.schema_files import schema_file
from tests.cli.delivered import Delivered

SCHEMA = json.loads(schema_file("v1/status.schema.json"))


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    return Delivered(tmp_path)


def status(delivered: Delivered, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(delivered.ok("status", "--format", "json", *arguments).stdout)
    assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []
    return document


def test_before_anything_was_recorded_there_is_a_status_and_no_ledger(delivered: Delivered) -> None:
    document = status(delivered)
    assert (document["progress"], document["ledger"]["size"]) == (0, 0)
    assert {one["status"] for one in document["deliverables"]} == {"not_started"}
    assert not (delivered.folder / ".infratrack").exists()


def test_a_run_completes_a_deliverable_and_json_markdown_and_table_agree(delivered: Delivered) -> None:
    delivered.build("core")
    document = status(delivered)
    core, edge = document["deliverables"]
    assert (core["status"], edge["status"], document["progress"]) == ("complete", "not_started", 0.75)
    (evidence,) = core["criteria"][0]["evidence"]
    assert (evidence["signer"], evidence["entry"]) == ("ci", 1)
    assert document["evidence"]["counted"] == 2
    table = delivered.ok("status").stdout
    assert "75 % delivered" in table
    assert "\x1b" not in table
    assert not [line for line in table.splitlines() if line != line.rstrip()]
    assert "| ✓ complete |" in delivered.ok("status", "--format", "markdown").stdout


def test_check_says_no_until_everything_asked_about_is_complete(delivered: Delivered) -> None:
    delivered.build("core")
    refused = delivered.infratrack("status", "--check")
    assert refused.returncode == 1
    assert "infratrack: 1 of 2 is not complete: edge (not started)\n  → infratrack explain edge\n" in refused.stderr
    delivered.ok("status", "--check", "core")
    delivered.build("edge")
    delivered.ok("status", "--check", "--tag", "wan")
    exit_open = delivered.infratrack("status", "--check", "--phase", "build")
    assert exit_open.returncode == 1
    assert "exit of phase build (not started)" in exit_open.stderr
    nothing = delivered.infratrack("status", "--check", "--task", "plan")
    assert nothing.returncode == 1
    assert "nothing was asked about" in nothing.stderr


def test_what_a_failed_run_says(delivered: Delivered) -> None:
    delivered.build("core", "edge")
    assert delivered.infratrack("run", "--", "sh", "-c", "exit 3").returncode == 3
    delivered.write("true", "#!/bin/sh\nexit 1\n").chmod(0o755)
    failing = delivered.environment["PATH"]
    assert delivered.infratrack("run", "--", "true", "core", PATH=f"{delivered.folder}:{failing}").returncode == 1
    core = status(delivered)["deliverables"][0]
    assert (core["status"], core["completed"] is not None) == ("regressed", True)
    assert core["criteria"][0]["verdict"] == "unsatisfied"


def test_as_of_and_at_size_look_back(delivered: Delivered) -> None:
    delivered.build("core")
    assert status(delivered, "--as-of", "2020-01-01")["deliverables"][0]["status"] == "not_started"
    assert status(delivered, "--at-size", "1")["deliverables"][0]["status"] != "complete"
    assert status(delivered, "--at-size", "2")["ledger"] == status(delivered)["ledger"]
    assert delivered.infratrack("status", "--at-size", "3").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["coree"], "no deliverable 'coree'\n  → did you mean 'core'?"),
        (["--task", "nett"], "did you mean 'net'?"),
        (["--phase", "buidl"], "did you mean 'build'?"),
        (["--owner", "x"], "the project has anna"),
        (["--as-of", "yesterday"], "'yesterday' is not a date or time"),
    ],
)
def test_what_cannot_be_answered_is_a_sentence_and_exit_2(
    delivered: Delivered, arguments: list[str], said: str
) -> None:
    refused = delivered.infratrack("status", *arguments)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert refused.stdout == ""


def test_evidence_that_waits_and_evidence_that_does_not_count_are_mentioned(delivered: Delivered) -> None:
    delivered.ok("key", "new", "stranger")
    assert delivered.infratrack("run", "--key", "stranger", "--", "true", "core").returncode == 0
    table = delivered.ok("status").stdout
    assert "are signed by a key that the project does not trust" in table
    document = status(delivered)
    assert sum(document["evidence"]["untrusted"].values()) == 2
    assert document["deliverables"][0]["status"] == "not_started"
    delivered.write(
        "infratrack.yaml", (delivered.folder / "infratrack.yaml").read_text() + "ledger: sqlite:////proc/x.db\n"
    )
    assert delivered.infratrack("run", "--", "true", "edge").returncode == 0
    assert "2 wait in the spool" in delivered.infratrack("status").stdout


def test_a_damaged_index_is_made_anew_and_a_ledger_that_shrank_is_refused(delivered: Delivered) -> None:
    delivered.build("core")
    before = status(delivered)
    (index,) = (Path(delivered.environment["INFRATRACK_HOME"]) / "index").glob("*.db")
    content = bytearray(index.read_bytes())
    content[2048:] = b"\xff" * (len(content) - 2048)
    index.write_bytes(content)
    assert status(delivered)["deliverables"] == before["deliverables"]
    ledger = delivered.folder / ".infratrack" / "ledger.db"
    ledger.rename(ledger.with_name("away.db"))
    gone = delivered.infratrack("status")
    assert gone.returncode == 6
    assert "2 entries were seen on this machine, it has only 0" in gone.stderr
    sqlite3.connect(ledger.with_name("away.db")).close()


def test_a_plugin_that_fails_to_import_is_reported_and_status_goes_on(delivered: Delivered) -> None:
    delivered.build("core")
    delivered.install("broken", "import no_such_module\n")
    shown = delivered.ok("status", "--format", "json")
    assert "the plugin broken is broken" in shown.stderr
    assert json.loads(shown.stdout)["deliverables"][0]["status"] == "complete"


def test_no_answer_passes_for_sound_where_evidence_is_damaged(delivered: Delivered) -> None:
    delivered.build("core")
    with sqlite3.connect(delivered.folder / ".infratrack/ledger.db") as connection:
        connection.execute("UPDATE entries SET line = CAST('{}' AS BLOB) WHERE position = 0")
    connection.close()
    for command in (("status",), ("status", "--format", "json"), ("status", "--check", "core"), ("explain", "core")):
        told = delivered.infratrack(*command)
        assert told.returncode == 6, told.stderr
        assert "1 piece of evidence in the ledger cannot be what was signed" in told.stderr
        assert told.stdout
    refused = delivered.infratrack("accept", "core", "--key", "anna", "--comment", "seen")
    assert (refused.returncode, refused.stdout) == (6, "")
