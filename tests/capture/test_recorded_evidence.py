from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infratrack.capture.assemble import UNSEEN
from infratrack.capture.recorded_evidence import read_back, recorded_evidence
from infratrack.capture.workspace import Workspace
from infratrack.errors import IntegrityFailure
from infratrack.evidence.predicates import RUN_START
from infratrack.ledger.log import Ledger
from infratrack.testing.projects import TemporaryProject
from infratrack.values import Digest

KIND = "urn:infratrack:evidence:netbox-sync:v1"
OTHER = "urn:example:other:v1"


@pytest.fixture
def project(tmp_path: Path) -> TemporaryProject:
    (tmp_path / "project").mkdir()
    return TemporaryProject(tmp_path / "project", {"command.succeeded": {"command": "true"}})


@pytest.fixture
def workspace(project: TemporaryProject, tmp_path: Path) -> Workspace:
    return Workspace.open(project.folder, environ={"INFRATRACK_HOME": str(tmp_path / "home")})


def results(workspace: Workspace) -> list[Any]:
    return [one.predicate["result"] for one in recorded_evidence(workspace, KIND)]


def test_without_a_ledger_nothing_is_recorded(workspace: Workspace) -> None:
    assert list(recorded_evidence(workspace, KIND)) == []


def test_whole_predicates_come_back_oldest_first(project: TemporaryProject, workspace: Workspace) -> None:
    project.leave(KIND, {"number": 1})
    project.leave(OTHER, {"number": 2})
    project.leave(KIND, {"number": 3}, outcome="failed")
    first, second = recorded_evidence(workspace, KIND)
    assert [first.predicate["result"], second.predicate["result"]] == [{"number": 1}, {"number": 3}]
    assert (first.outcome, second.outcome) == ("succeeded", "failed")
    assert first.at < second.at
    assert first.digest.startswith("sha256:")
    assert first.run == first.predicate["run"]["id"]


def test_what_comes_later_is_seen_too(project: TemporaryProject, workspace: Workspace) -> None:
    project.leave(KIND, {"number": 1})
    assert results(workspace) == [{"number": 1}]
    project.leave(KIND, {"number": 2})
    assert results(workspace) == [{"number": 1}, {"number": 2}]


def test_evidence_of_a_key_that_is_not_trusted_does_not_count_and_is_counted(
    project: TemporaryProject, workspace: Workspace
) -> None:
    project.leave(KIND, {"number": 1}, key="stranger")
    project.leave(KIND, {"number": 2})
    back = read_back(workspace, KIND)
    assert [one.predicate["result"] for one in back.counted] == [{"number": 2}]
    assert list(back.left_out.values()) == [1]


def start(**unseen: Any) -> dict[str, Any]:
    return {UNSEEN: unseen}


def test_a_start_without_an_end_tells_what_was_to_be_written(project: TemporaryProject, workspace: Workspace) -> None:
    project.leave(RUN_START, start(predicateType=KIND, result={"number": 1}), run="lost")
    project.leave(RUN_START, start(predicateType=OTHER, result={"number": 2}), run="other")
    project.leave(RUN_START, {}, run="plain")
    project.leave(RUN_START, start(predicateType=KIND, result={"number": 3}), run="whole")
    project.leave(KIND, {"number": 4}, run="whole")
    back = read_back(workspace, KIND, with_unended=True)
    assert [(one.run, one.predicate["result"]["number"]) for one in back.counted] == [("lost", 1), ("whole", 4)]
    assert results(workspace) == [{"number": 4}]


def test_only_the_entries_asked_for_are_read(
    project: TemporaryProject, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.leave(KIND, {"number": 0})
    for number in range(40):
        project.leave(OTHER, {"number": number})
    project.leave(KIND, {"number": 1})
    results(workspace)  # the facts index has read everything once
    asked: list[tuple[int, int | None]] = []
    entries = Ledger.entries

    def counted(self: Ledger, begin: int = 0, stop: int | None = None) -> Iterator[Any]:
        asked.append((begin, stop))
        return entries(self, begin, stop)

    monkeypatch.setattr(Ledger, "entries", counted)
    assert results(workspace) == [{"number": 0}, {"number": 1}]
    assert asked == [(0, 1), (41, 42)]


def test_a_line_that_was_exchanged_after_it_was_verified_is_found(
    project: TemporaryProject, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.leave(KIND, {"number": 1})
    results(workspace)
    database = sqlite3.connect(project.folder / ".infratrack" / "ledger.db")
    database.execute("UPDATE entries SET line = CAST(REPLACE(line, 'eyJ', 'eyK') AS BLOB)")
    database.commit()
    database.close()
    with pytest.raises(IntegrityFailure, match="entry 0 is not what was signed"):
        # The files changed, so that the index looks again; it verified this entry long ago.
        results(workspace)


def test_digests_are_of_the_lines(project: TemporaryProject, workspace: Workspace) -> None:
    project.leave(KIND, {"number": 1})
    ledger = workspace.ledger(create=False)
    try:
        (entry,) = ledger.entries()
        (found,) = recorded_evidence(workspace, KIND)
        assert found.digest == Digest(entry.digest)
    finally:
        ledger.close()
