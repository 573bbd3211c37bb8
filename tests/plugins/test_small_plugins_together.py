"""Commands, test reports, Git and sign-offs through a signed ledger: status moves as the evidence says."""

from __future__ import annotations

from pathlib import Path

from infratrack.testing.builders import MINUTE
from infratrack.testing.projects import TemporaryProject
from infratrack_command.evidence import COMMAND
from infratrack_git.evidence import GIT_OBSERVATION
from infratrack_junit.evidence import TEST_RESULT
from infratrack_junit.report import Suite, predicate_members


def test_a_command_completes_regresses_goes_stale_and_recovers(tmp_path: Path) -> None:
    project = TemporaryProject(tmp_path, {"command.succeeded": {"command": "make smoke*", "within": "1h"}})
    assert project.status() == "not_started"
    project.leave(COMMAND, argv=["make", "smoke-test"])
    assert project.status() == "complete"
    assert project.status(later=90 * MINUTE) == "stale"
    project.leave(COMMAND, argv=["make", "smoke-test"], outcome="failed")
    assert project.status() == "regressed"
    assert project.reasons() == ["make smoke-test: failed"]
    project.leave(COMMAND, argv=["make", "smoke-test"])
    assert project.status() == "complete"


def test_evidence_by_a_key_that_is_not_trusted_does_not_count(tmp_path: Path) -> None:
    project = TemporaryProject(tmp_path, {"command.succeeded": {"command": "true"}})
    project.leave(COMMAND, argv=["true"], key="ana")
    project.leave(COMMAND, argv=["true"], key="stranger")
    assert project.status() == "not_started"


def test_a_report_with_a_failure_regresses(tmp_path: Path) -> None:
    project = TemporaryProject(tmp_path, {"tests.passed": {"suite": "smoke"}})
    project.leave(TEST_RESULT, extra=predicate_members([Suite("smoke", {"ping": "PASSED", "later": "WARNED"})]))
    assert project.status() == "complete"
    project.leave(TEST_RESULT, extra=predicate_members([Suite("smoke", {"ping": "FAILED"})]), outcome="failed")
    assert project.status() == "regressed"


def test_a_merge_seen_in_git_completes(tmp_path: Path) -> None:
    project = TemporaryProject(tmp_path, {"git.merged": {"trailer": "Deliverable: core-vlans"}})
    answer = {"trailer": "deliverable: core-vlans", "branch": None, "ref": "refs/heads/main", "complete": True}
    project.leave(GIT_OBSERVATION, {"merged": [answer | {"found": False}], "tagged": []})
    assert project.status() == "in_progress"
    found = answer | {"trailer": "Deliverable: core-vlans", "found": True, "commit": "a" * 40}
    project.leave(GIT_OBSERVATION, {"merged": [found], "tagged": []})
    assert project.status() == "complete"


def test_two_people_sign_off_and_one_reopens(tmp_path: Path) -> None:
    project = TemporaryProject(tmp_path, {"signoff": {"role": "approver", "count": 2}})
    project.sign_off("ana")
    project.sign_off("ci")
    project.sign_off("stranger")
    assert project.status() == "in_progress"
    project.sign_off("ben")
    assert project.status() == "complete"
    project.sign_off("ana", "reopened")
    assert project.status() not in ("complete", "accepted")
