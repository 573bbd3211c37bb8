"""`infratrack spool`: what waits is shown and sent, once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.workshop import PROJECT, Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A machine on which two runs wait, because the ledger could not be reached."""
    shop = Workshop(tmp_path)
    shop.write(".infratrack", "not a folder")
    for code in ("0", "3"):
        shop.run("sh", "-c", f"exit {code}")
    return shop


def test_what_waits_is_listed_oldest_first_and_starts_before_ends(shop: Workshop) -> None:
    listed = json.loads(shop.infratrack("spool", "list", "--format", "json").stdout)
    assert [one["outcome"] for one in listed["evidence"]] == [None, "succeeded", None, "failed"]
    assert listed["damaged"] == []
    assert len({one["run"] for one in listed["evidence"]}) == 2


def test_the_table_shows_whole_digests(shop: Workshop) -> None:
    said = shop.infratrack("spool", "list").stdout
    assert said.count("sha256:") == 4
    assert max(len(line) for line in said.splitlines()) > 80


def test_sending_fails_while_the_ledger_cannot_be_reached_and_loses_nothing(shop: Workshop) -> None:
    ended = shop.infratrack("spool", "send")
    assert ended.returncode == 4
    assert "Traceback" not in ended.stderr
    assert len(shop.waiting()) == 4


def test_sending_brings_everything_into_the_ledger_once(shop: Workshop) -> None:
    (shop.folder / ".infratrack").unlink()
    assert "4 new entries in the ledger, 0 waiting" in shop.infratrack("spool", "send").stdout
    assert json.loads(shop.infratrack("spool", "send", "--format", "json").stdout) == {"new": 0, "kept": []}
    assert [one.outcome for one in shop.ledger()] == [None, "succeeded", None, "failed"]
    assert "nothing waits" in shop.infratrack("spool", "list").stderr


def test_what_is_damaged_is_set_aside_and_the_rest_is_sent(shop: Workshop) -> None:
    (shop.folder / ".infratrack").unlink()
    line = shop.workspace().spool.pending()[1].path / "line"
    line.write_bytes(line.read_bytes()[:-20])
    assert shop.infratrack("spool", "send").returncode == 0
    assert len(shop.ledger()) == 3
    assert "could not be read and was set aside" in shop.infratrack("spool", "list").stderr


def test_evidence_of_an_unknown_key_stays(shop: Workshop) -> None:
    (shop.folder / ".infratrack").unlink()
    (shop.home / "infratrack" / "keys" / "default.pem").unlink()
    shop.infratrack("key", "new", "other")
    ended = shop.infratrack("spool", "send")
    assert ended.returncode == 6
    assert ended.stderr.count("its signing key is not known on this machine") == 4
    assert len(shop.waiting()) == 4


def test_the_list_works_with_an_invalid_project(shop: Workshop) -> None:
    shop.write("infratrack.yaml", PROJECT + "nonsense: 1\n")
    assert shop.infratrack("spool", "list").returncode == 0
    assert shop.infratrack("spool", "send").returncode == 2


def test_without_a_project_it_is_a_sentence(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    (shop.folder / "infratrack.yaml").unlink()
    ended = shop.infratrack("spool", "list")
    assert ended.returncode == 2
    assert ended.stderr.startswith("infratrack: ")
