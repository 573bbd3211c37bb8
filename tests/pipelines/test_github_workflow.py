"""The workflow and the action that `infratrack ci init github` writes, run for real against a bare remote."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from tests.pipelines.github_runner import GitHubRunner
from tests.pipelines.repositories import Team

pytestmark = pytest.mark.slow


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path)
    made.call("infratrack", "ci", "init", "github", "--install", "")
    made.push()
    return made


def test_a_push_to_the_branch_delivers_and_the_ledger_proves_it(team: Team) -> None:
    jobs = GitHubRunner(team, "push", key=team.signing_key).run()
    assert list(jobs) == ["deliver"]
    delivered = jobs["deliver"]
    assert not delivered.failed, delivered.log
    assert "::warning::" not in delivered.log
    assert team.statuses() == {"vlans": "complete", "greeting": "complete"}
    assert team.call("infratrack", "ledger", "verify")
    assert "VLANs live" in delivered.summary
    assert delivered.artifacts == {}
    assert team.signing_key not in delivered.log
    assert delivered.keyed == ["Plan", "Apply", "Configure", "Observe", "Deliver and tell"]


def test_a_pull_request_plans_holds_its_evidence_and_fails_for_no_comment(team: Team) -> None:
    team.push("feature")
    jobs = GitHubRunner(team, "pull_request", ref="feature", key=team.signing_key).run()
    assert list(jobs) == ["check", "plan"]
    assert not jobs["check"].failed, jobs["check"].log
    plan = jobs["plan"]
    assert not plan.failed, plan.log
    assert "Plan: 2 to add" in plan.log
    assert "there is no token in GITHUB_TOKEN or GH_TOKEN" in plan.log
    assert "vlans" in plan.summary
    assert plan.environment["INFRATRACK_POLICY_REF"] == "refs/remotes/origin/main"
    assert "INFRATRACK_SIGNING_KEY" not in plan.environment
    assert plan.keyed == []
    assert team.status()["ledger"]["size"] == 0
    (packed,) = plan.artifacts.values()
    with tarfile.open(packed) as pack:
        assert len(pack.getnames()) >= 2


def test_a_pull_request_of_a_fork_is_checked_and_runs_nothing_of_its_own(team: Team) -> None:
    jobs = GitHubRunner(team, "pull_request", fork=True).run()
    assert list(jobs) == ["check"]
    assert "Plan:" not in jobs["check"].log
    assert "valid: 1 task, 2 deliverables" in jobs["check"].log


def test_a_push_to_another_branch_delivers_nothing(team: Team) -> None:
    team.push("feature")
    assert GitHubRunner(team, "push", ref="feature", key=team.signing_key).run() == {}


def test_a_schedule_looks_and_changes_nothing(team: Team) -> None:
    jobs = GitHubRunner(team, "schedule", key=team.signing_key).run()
    assert list(jobs) == ["observe"]
    assert not jobs["observe"].failed, jobs["observe"].log
    assert jobs["observe"].keyed == ["Observe", "Deliver and tell"]
    assert team.status()["ledger"]["size"] == 2
    assert team.statuses() == {"vlans": "not_started", "greeting": "not_started"}


def test_a_gate_that_says_no_stops_before_anything_is_applied_and_a_report_joins_the_summary(team: Team) -> None:
    text = (team.clone / ".github/workflows/infratrack.yml").read_text()
    gate = "echo not now, key ${INFRATRACK_SIGNING_KEY-none}; false"
    more = f"      branch: main\n      gate: {gate}\n      report: echo '## Also'\n"
    team.write(".github/workflows/infratrack.yml", text.replace("      branch: main\n", more))
    team.push()
    delivered = GitHubRunner(team, "push", key=team.signing_key).run()["deliver"]
    assert delivered.failed
    assert "not now, key none" in delivered.log
    assert "Apply complete" not in delivered.log
    assert "## Also" in delivered.summary
    assert team.statuses()["vlans"] == "in_progress"


def test_evidence_that_cannot_be_delivered_becomes_an_artifact_and_the_job_goes_on(team: Team) -> None:
    text = (team.clone / "infratrack.yaml").read_text()
    team.write("infratrack.yaml", text.replace(team.ledger, "sqlite:////dev/null/ledger.db"))
    team.push()
    delivered = GitHubRunner(team, "push", key=team.signing_key).run()["deliver"]
    assert "::warning::not all evidence reached the ledger" in delivered.log
    assert list(delivered.artifacts) == ["infratrack-evidence-deliver-1"]
