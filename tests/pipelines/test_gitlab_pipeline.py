"""The GitLab pipeline that `infratrack ci init gitlab` writes, run for real against a bare remote."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import pytest

from tests.pipelines.gitlab_machine import GitLabMachine
from tests.pipelines.repositories import Team

pytestmark = pytest.mark.slow


@pytest.fixture
def team(tmp_path: Path) -> Team:
    made = Team(tmp_path)
    made.call("infratrack", "ci", "init", "gitlab", "--install", "")
    made.push()
    return made


def test_a_push_to_the_branch_delivers_and_the_ledger_proves_it(team: Team) -> None:
    machine = GitLabMachine(team, "runner")
    ended = machine.pipeline("push", INFRATRACK_SIGNING_KEY=team.signing_key)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "PASS  infratrack-deliver" in ended.stdout
    assert team.statuses() == {"vlans": "complete", "greeting": "complete"}
    assert team.call("infratrack", "ledger", "verify")
    assert "VLANs live" in machine.left("summary.md").read_text()
    assert json.loads(machine.left("code-quality.json").read_text()) == []
    assert not machine.left("evidence.tar").exists()
    assert team.signing_key not in ended.stdout + ended.stderr


def test_a_merge_request_plans_and_leaves_the_ledger_alone(team: Team) -> None:
    team.push("feature")
    machine = GitLabMachine(team, "runner", "feature")
    ended = machine.pipeline(
        "merge_request_event",
        CI_MERGE_REQUEST_SOURCE_PROJECT_ID="7",
        CI_MERGE_REQUEST_IID="1",
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME="main",
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "PASS  infratrack-plan" in ended.stdout
    assert "infratrack-deliver" not in ended.stdout
    assert team.status()["ledger"]["size"] == 0
    assert json.loads(machine.left("changes/infra.json").read_text()) == {"create": 2, "update": 0, "delete": 0}
    with tarfile.open(machine.left("evidence.tar")) as pack:
        assert len(pack.getnames()) >= 2


def test_a_merge_request_of_a_fork_runs_nothing(team: Team) -> None:
    machine = GitLabMachine(team, "runner")
    ended = machine.pipeline("merge_request_event", CI_MERGE_REQUEST_SOURCE_PROJECT_ID="8", CI_MERGE_REQUEST_IID="1")
    assert "infratrack-" not in ended.stdout
    assert not machine.left("summary.md").exists()


def test_a_schedule_looks_and_changes_nothing(team: Team) -> None:
    machine = GitLabMachine(team, "runner")
    ended = machine.pipeline("schedule", INFRATRACK_SIGNING_KEY=team.signing_key)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "PASS  infratrack-observe" in ended.stdout
    assert team.status()["ledger"]["size"] == 2
    assert team.statuses() == {"vlans": "not_started", "greeting": "not_started"}


def test_a_gate_that_says_no_stops_before_anything_is_applied(team: Team) -> None:
    text = (team.clone / ".gitlab-ci.yml").read_text()
    team.write(".gitlab-ci.yml", text + '      gate: "echo not now; false"\n')
    team.push()
    machine = GitLabMachine(team, "runner")
    ended = machine.pipeline("push", INFRATRACK_SIGNING_KEY=team.signing_key)
    assert ended.returncode == 1
    assert "not now" in ended.stdout
    assert team.statuses() == {"vlans": "in_progress", "greeting": "not_started"}
    assert team.status()["ledger"]["size"] == 2  # the plan's start and end


def test_a_failing_apply_fails_the_job_and_is_on_record(team: Team) -> None:
    team.write(
        "infra/main.tf",
        'resource "terraform_data" "vlan" {\n  provisioner "local-exec" {\n    command = "false"\n  }\n}\n',
    )
    team.push()
    machine = GitLabMachine(team, "runner")
    ended = machine.pipeline("push", INFRATRACK_SIGNING_KEY=team.signing_key, INFRATRACK_REPORT="")
    assert ended.returncode == 1
    assert "each configure" not in ended.stdout
    shown = team.call("infratrack", "ledger", "show", "--format", "json")
    assert '"failed"' in shown
