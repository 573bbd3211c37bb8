"""The Atlantis workflow, its steps run for real in the clone that Atlantis makes; the server itself is played."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.pipelines.repositories import Team, run

pytestmark = pytest.mark.slow


def atlantis(folder: Path, environment: dict[str, str], steps: list[Any]) -> None:
    """Run the steps of a stage: `env` sets a variable for those that follow, `init` is Atlantis' own step."""
    now = dict(environment)
    for step in steps:
        if step == "init":
            command = "terraform init -input=false"
        else:
            ((kind, said),) = step.items()
            command = said["command"] if isinstance(said, dict) else said
        ended = run(("sh", "-c", command), folder, now)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        if step != "init" and kind == "env":
            now[said["name"]] = ended.stdout.strip()


def test_a_plan_is_held_and_reaches_the_ledger_with_its_apply(tmp_path: Path) -> None:
    team = Team(tmp_path)
    team.call("infratrack", "ci", "init", "atlantis")
    team.push()
    # What a pull request puts where evidence and keys might be looked for is of no concern.
    for planted in (".infratrack/home", "infra/.infratrack/home"):
        team.write(planted, "in the way\n")
        team.call("git", "add", "-f", planted)
    team.push("feature")
    clone = team.place / "clone-of-atlantis"
    url = team.remote.as_uri()
    team.call("git", "clone", "-q", "--depth=1", "--single-branch", "-b", "feature", url, str(clone), cwd=team.place)
    (project,) = yaml.safe_load((clone / "atlantis.yaml").read_text())["projects"]
    folder = clone / project["dir"]
    stages = yaml.safe_load((clone / ".atlantis/repos.yaml").read_text())["workflows"][project["workflow"]]
    kept = {name: value for name, value in team.environment.items() if name != "INFRATRACK_HOME"}
    given = {
        "ATLANTIS_TERRAFORM_VERSION": "1.11.4",
        "ATLANTIS_DATA_DIR": str(team.place / "data"),
        "BASE_BRANCH_NAME": "main",
        "BASE_REPO_NAME": "core",
        "BASE_REPO_OWNER": "team",
        "DIR": str(folder),
        "INFRATRACK_SIGNING_KEY": team.signing_key,
        "PLANFILE": str(folder / "default.tfplan"),
        "PULL_NUM": "7",
    }
    atlantis(folder, kept | given, stages["plan"]["steps"])
    assert (team.place / "data/infratrack/team/core/7/spool").is_dir()
    assert team.status()["ledger"]["size"] == 0
    atlantis(folder, kept | given, stages["apply"]["steps"])
    status = team.status()
    assert status["ledger"]["size"] == 4
    assert {one["id"]: one["status"] for one in status["deliverables"]}["vlans"] == "complete"
    changed = team.call("git", "status", "--porcelain", "--ignored", cwd=clone)
    assert ".infratrack" not in changed
