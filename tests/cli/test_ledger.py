"""`infratrack ledger`, as a user drives it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from infratrack.evidence.keys import PublicKey
from infratrack.ledger.proof import read_proof, verify_proof

PROJECT = """
infratrack: 1
project: {id: dc-west, name: West, start: 2026-01-05}
ledger: sqlite:///.infratrack/ledger.db
trust: {signers: [{name: ci, key: keys/ci.pub}]}
tasks:
  - {id: core, name: Build, duration: 5d, deliverables: [core-vlans]}
deliverables:
  - {id: core-vlans, name: Core, done_when: {command.succeeded: {command: 'true'}}}
"""

Run = subprocess.CompletedProcess[str]
Infratrack = Callable[..., Run]


def driving(folder: Path, home: Path) -> Infratrack:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("INFRATRACK_")},
        "INFRATRACK_HOME": str(home),
        "HOME": str(home),
        "NO_COLOR": "1",
    }

    def infratrack(*argv: str | Path) -> Run:
        command = [sys.executable, "-m", "infratrack", *map(str, argv)]
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)

    return infratrack


@pytest.fixture(scope="module")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose ledger holds a run that succeeded and one that failed, and its bundle."""
    folder = tmp_path_factory.mktemp("project")
    infratrack = driving(folder, folder / "home")
    (folder / "keys").mkdir()
    assert infratrack("key", "new", "ci").returncode == 0
    (folder / "keys" / "ci.pub").write_text(infratrack("key", "export", "ci").stdout)
    (folder / "infratrack.yaml").write_text(PROJECT)
    assert infratrack("run", "--deliverable", "core-vlans", "--", "true").returncode == 0
    assert infratrack("run", "--", "false").returncode == 1
    exported = infratrack("ledger", "export", "bundle")
    assert (exported.returncode, exported.stdout) == (0, "")
    assert "exported 4 entries and 1 blob" in exported.stderr
    return folder


@pytest.fixture
def folder(delivered: Path, tmp_path: Path) -> Path:
    shutil.copytree(delivered, tmp_path / "project")
    return tmp_path / "project"


@pytest.fixture
def infratrack(folder: Path) -> Infratrack:
    return driving(folder, folder / "home")


def alter(folder: Path, statement: str) -> None:
    connection = sqlite3.connect(folder / ".infratrack" / "ledger.db")
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_show_lists_entries(infratrack: Infratrack) -> None:
    shown = json.loads(infratrack("ledger", "show", "--format", "json").stdout)["entries"]
    assert [row["index"] for row in shown] == [0, 1, 2, 3]
    assert [row["outcome"] for row in shown] == [None, "succeeded", None, "failed"]
    assert all(row["signer"] == "ci" and row["trusted"] for row in shown)
    assert shown[1]["deliverables"] == ["core-vlans"]
    assert shown[1]["run"] == shown[0]["run"]
    assert set(shown[1]) >= {"recordedAt", "predicateType", "keyid", "digest", "tasks", "commit", "finishedAt"}
    table = infratrack("ledger", "show").stdout
    assert "succeeded" in table
    assert shown[1]["run"] in table


@pytest.mark.parametrize(
    ("options", "indexes"),
    [
        (["--type", "command"], [1, 3]),
        (["--type", "urn:infratrack:run-start:v1"], [0, 2]),
        (["--deliverable", "core-vlans"], [0, 1]),
        (["--limit", "1"], [3]),
        (["--since", "1h"], [0, 1, 2, 3]),
        (["--since", "2100-01-01"], []),
    ],
)
def test_show_filters(infratrack: Infratrack, options: list[str], indexes: list[int]) -> None:
    shown = infratrack("ledger", "show", "--format", "json", *options)
    assert [row["index"] for row in json.loads(shown.stdout)["entries"]] == indexes


def test_show_refuses_what_is_no_time(infratrack: Infratrack) -> None:
    shown = infratrack("ledger", "show", "--since", "yesterday")
    assert shown.returncode == 2
    assert "'yesterday' is not a date or time" in shown.stderr


def test_verify_says_what_it_verified(infratrack: Infratrack) -> None:
    verified = infratrack("ledger", "verify")
    assert verified.returncode == 0
    assert "4 envelopes, each with its leaf and signature; 4 by keys that are trusted here" in verified.stdout
    assert "7 tree hashes, 1 key, 1 blob" in verified.stdout
    document = json.loads(infratrack("ledger", "verify", "--format", "json").stdout)
    assert document["sound"] is True
    assert document["verified"]["envelopes"] == 4


def test_verify_names_damage_to_the_entry(infratrack: Infratrack, folder: Path) -> None:
    alter(folder, "UPDATE entries SET line = CAST(replace(line, 'a', 'b') AS BLOB) WHERE position = 2")
    verified = infratrack("ledger", "verify")
    assert verified.returncode == 6
    assert "infratrack: entry 2: the envelope is not the one that the leaf names" in verified.stderr
    assert "the ledger is damaged: 1 finding" in verified.stderr
    document = json.loads(infratrack("ledger", "verify", "--format", "json").stdout)
    assert document["sound"] is False
    assert document["findings"][0].startswith("entry 2: ")


def test_verify_compares_the_facts_index(infratrack: Infratrack, folder: Path) -> None:
    infratrack("status")
    assert "facts index of 4 envelopes, as rebuilt" in infratrack("ledger", "verify").stdout


def test_verify_of_nothing_is_a_failure(infratrack: Infratrack, folder: Path) -> None:
    shutil.rmtree(folder / ".infratrack")
    verified = infratrack("ledger", "verify")
    assert verified.returncode == 6
    assert "so nothing was verified" in verified.stderr


def test_verify_without_a_trust_root_is_a_failure(infratrack: Infratrack, folder: Path) -> None:
    text = (folder / "infratrack.yaml").read_text()
    (folder / "infratrack.yaml").write_text(text.replace("trust: {signers: [{name: ci, key: keys/ci.pub}]}\n", ""))
    for command in (["ledger", "verify"], ["ledger", "verify", "--bundle", "bundle"]):
        verified = infratrack(*command)
        assert verified.returncode == 6
        assert "there is no trust root" in verified.stderr


def test_a_checkpoint_of_a_stranger_is_told_with_what_to_do(infratrack: Infratrack, folder: Path) -> None:
    stranger = driving(folder, folder / "another home")
    assert stranger("run", "--", "true").returncode == 0
    verified = infratrack("ledger", "verify")
    assert verified.returncode == 6
    assert "is whole, but its newest checkpoint is signed by nobody who is trusted here" in verified.stderr
    assert "add it to `trust.signers`" in verified.stderr
    assert "damaged" not in verified.stderr
    keyid = verified.stderr.partition("`keyid: ")[2].partition("`")[0]
    text = (folder / "infratrack.yaml").read_text()
    trusting = text.replace("keys/ci.pub}", f"keys/ci.pub}}, {{name: stranger, keyid: {keyid}}}")
    (folder / "infratrack.yaml").write_text(trusting)
    assert infratrack("ledger", "verify").returncode == 0
    (folder / "infratrack.yaml").write_text(text)
    assert infratrack("ledger", "verify").returncode == 6
    assert infratrack("run", "--", "true").returncode == 0
    assert "8 envelopes, each with its leaf and signature; 6 by keys" in infratrack("ledger", "verify").stdout


def test_a_rolled_back_ledger_is_found(infratrack: Infratrack, folder: Path) -> None:
    shutil.copytree(folder / ".infratrack", folder / "older")
    assert infratrack("run", "--", "true").returncode == 0
    shutil.rmtree(folder / ".infratrack")
    (folder / "older").rename(folder / ".infratrack")
    verified = infratrack("ledger", "verify")
    assert verified.returncode == 6
    assert "the ledger was rolled back" in verified.stderr


def test_a_bundle_verifies_anywhere_with_a_key_from_outside(folder: Path, tmp_path: Path) -> None:
    elsewhere = driving(tmp_path, tmp_path / "nobody")
    verified = elsewhere("ledger", "verify", "--bundle", folder / "bundle", "--trust", folder / "keys" / "ci.pub")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert "4 envelopes" in verified.stdout
    rootless = elsewhere("ledger", "verify", "--bundle", folder / "bundle")
    assert rootless.returncode == 6
    assert "no trust root" in rootless.stderr
    assert elsewhere("ledger", "verify", "--bundle", "none", "--trust", folder / "keys" / "ci.pub").returncode == 2
    wrong = elsewhere("ledger", "verify", "--bundle", folder / "bundle", "--trust", folder / "infratrack.yaml")
    assert wrong.returncode == 2
    assert "not a public key in PEM" in wrong.stderr
    (folder / "bundle" / "keys.json").write_text("{}")
    damaged = elsewhere("ledger", "verify", "--bundle", folder / "bundle", "--trust", folder / "keys" / "ci.pub")
    assert damaged.returncode == 6
    assert "the bundle is damaged" in damaged.stderr


def test_a_proof_can_be_checked_offline(infratrack: Infratrack, folder: Path) -> None:
    text = infratrack("ledger", "proof", "1").stdout
    entry = (folder / "bundle" / "entries.jsonl").read_bytes().split(b"\n")[1]
    key = PublicKey.from_pem((folder / "keys" / "ci.pub").read_text())
    assert verify_proof(read_proof(text), entry, [key]).size == 4
    assert infratrack("ledger", "proof", "1", "--out", "p.tlog-proof").stdout == ""
    assert (folder / "p.tlog-proof").read_text() == text
    beyond = infratrack("ledger", "proof", "4")
    assert beyond.returncode == 2
    assert "there is no entry 4" in beyond.stderr
    assert infratrack("ledger", "proof", "1", "--out", "none/p").returncode == 4


def test_the_checkpoint_is_the_one_in_the_bundle(infratrack: Infratrack, folder: Path) -> None:
    assert infratrack("ledger", "checkpoint").stdout == (folder / "bundle" / "checkpoint").read_text()


def test_an_export_overwrites_nothing(infratrack: Infratrack) -> None:
    again = infratrack("ledger", "export", "bundle")
    assert again.returncode == 2
    assert "is in use" in again.stderr


def test_an_import_brings_the_log_back_and_then_adds_nothing(infratrack: Infratrack, folder: Path) -> None:
    shutil.rmtree(folder / ".infratrack")
    first = infratrack("ledger", "import", "bundle")
    assert first.returncode == 0
    assert "verified 4 entries and added 4 as the log it was" in first.stderr
    assert infratrack("ledger", "checkpoint").stdout == (folder / "bundle" / "checkpoint").read_text()
    assert "added 0" in infratrack("ledger", "import", "bundle").stderr
    assert infratrack("ledger", "verify").returncode == 0


def test_a_damaged_bundle_makes_no_ledger(infratrack: Infratrack, folder: Path) -> None:
    shutil.rmtree(folder / ".infratrack")
    (folder / "bundle" / "checkpoint").write_text("x")
    assert infratrack("ledger", "import", "bundle").returncode == 6
    assert not (folder / ".infratrack").exists()


def test_a_missing_ledger_is_a_sentence(infratrack: Infratrack, folder: Path) -> None:
    shutil.rmtree(folder / ".infratrack")
    for command in (["show"], ["proof", "0"], ["checkpoint"], ["export", "out"]):
        asked = infratrack("ledger", *command)
        assert asked.returncode == 2
        assert "there is no ledger at" in asked.stderr
    (folder / ".infratrack").mkdir()
    (folder / ".infratrack" / "ledger.db").write_text("not a database " * 100)
    for command in (["show"], ["verify"]):
        asked = infratrack("ledger", *command)
        assert asked.returncode == 6
        assert "is no SQLite database" in asked.stderr
        assert "Traceback" not in asked.stderr
