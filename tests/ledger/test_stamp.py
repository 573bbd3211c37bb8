"""A ledger's stamp: told from its files, and never the same for two states."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infratrack.errors import InputError
from infratrack.ledger.stamp import ledger_stamp
from infratrack.values import Instant

ADDRESS = "sqlite:///ledger.db"
SECOND = 1_000_000
THEN = 1_767_603_600
LATER = Instant((THEN + 60) * SECOND)


def written(path: Path, content: bytes, at: int = THEN) -> None:
    path.write_bytes(content)
    os.utime(path, (at, at))


def test_the_stamp_stays_while_nothing_is_written_and_changes_with_every_file(tmp_path: Path) -> None:
    ledger, log = tmp_path / "ledger.db", tmp_path / "ledger.db-wal"
    written(ledger, b"1")
    stamps = {ledger_stamp(ADDRESS, tmp_path, LATER)}
    assert stamps == {ledger_stamp(ADDRESS, tmp_path, LATER)}
    written(ledger, b"22")
    stamps.add(ledger_stamp(ADDRESS, tmp_path, LATER))
    written(log, b"")
    stamps.add(ledger_stamp(ADDRESS, tmp_path, LATER))
    written(log, b"", THEN + 1)
    stamps.add(ledger_stamp(ADDRESS, tmp_path, LATER))
    assert len(stamps) == 4
    assert None not in stamps


def test_what_was_just_written_may_be_written_again_within_the_same_tick(tmp_path: Path) -> None:
    written(tmp_path / "ledger.db", b"1")
    assert ledger_stamp(ADDRESS, tmp_path, Instant((THEN + 1) * SECOND)) is None
    assert ledger_stamp(ADDRESS, tmp_path, Instant((THEN - 60) * SECOND)) is None


def test_a_ledger_that_is_not_there_or_cannot_be_looked_at_has_none(tmp_path: Path) -> None:
    assert ledger_stamp(ADDRESS, tmp_path, LATER) is None
    (tmp_path / "file").write_text("")
    assert ledger_stamp("sqlite:///file/ledger.db", tmp_path, LATER) is None
    assert ledger_stamp("git:infratrack/ledger", tmp_path, LATER) is None
    with pytest.raises(InputError):
        ledger_stamp("other://x", tmp_path, LATER)
