from __future__ import annotations

from pathlib import Path

import pytest

from infratrack.capture.child_environment import without_signing_key
from infratrack.capture.context import Linking, known_ids, last_seen, links_of, login_name
from infratrack.evidence.predicates import Links
from infratrack.evidence.spool import Spool
from infratrack.project.model import CriterionCall, Definition, Deliverable, Project, System, Task
from infratrack.values import sha256_digest

PROJECT = Project(
    id="dc-west",
    name="West",
    definition=Definition(sha256_digest(b"{}"), b"{}"),
    systems=(System("core", "production"),),
    tasks=(Task("build", "Build"),),
    deliverables=(Deliverable("smoke", "Smoke", CriterionCall("command.succeeded", {})),),
)
LINKING = Linking(("smoke", "typo"), ("build",), "CHG-1", "core")


def test_the_environment_comes_from_the_system() -> None:
    links, unknown = links_of(LINKING, "dc-west", PROJECT)
    assert links == Links("dc-west", ("smoke", "typo"), ("build",), "CHG-1", "core", "production")
    assert unknown == ["the project has no deliverable 'typo'; the link is recorded as it is"]


def test_an_unknown_system_is_recorded_and_unclassified() -> None:
    links, unknown = links_of(Linking(system="edge"), "dc-west", PROJECT)
    assert (links.system, links.environment) == ("edge", "unclassified")
    assert unknown == ["the project has no system 'edge'; the link is recorded as it is"]


def test_without_a_readable_project_nothing_can_be_called_unknown() -> None:
    links, unknown = links_of(LINKING, "dc-west", None)
    assert (links.deliverables, links.environment, unknown) == (("smoke", "typo"), "unclassified", [])


def test_only_ids_that_the_project_knows_are_kept_from_the_scrubber() -> None:
    assert known_ids(PROJECT, LINKING) == ["smoke", "build", "core"]
    assert known_ids(None, LINKING) == []


def test_the_last_checkpoint_is_none_when_it_cannot_be_read(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "dc-west")
    assert last_seen(spool) is None
    spool.write_seen("nonsense")
    assert last_seen(spool) is None


def test_a_user_without_a_name_is_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert login_name({"LOGNAME": "anna", "USER": "bo"}) == "anna"
    assert login_name({"USER": "bo"}) == "bo"
    assert login_name({})
    monkeypatch.setattr("os.geteuid", lambda: 4_000_000_123)
    assert login_name({}) == "4000000123"


def test_the_signing_key_is_left_out() -> None:
    assert without_signing_key({"A": "1", "INFRATRACK_SIGNING_KEY": "pem"}) == {"A": "1"}
