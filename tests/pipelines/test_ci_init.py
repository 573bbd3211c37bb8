"""`infratrack ci init`: writes what the project needs, never over anything, and says what is left to do."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.pipelines.repositories import Team


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


def refused(team: Team, *argv: str) -> str:
    ended = subprocess.run(
        ["infratrack", *argv], cwd=team.clone, env=team.environment, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "Traceback" not in ended.stderr
    return ended.stderr


def test_it_writes_what_it_finds_and_names_the_secrets(team: Team) -> None:
    project = (team.clone / "infratrack.yaml").read_text()
    team.write("infratrack.yaml", project.replace(team.ledger, "sqlite:///.infratrack/ledger.db"))
    printed = team.call("infratrack", "ci", "init", "github")
    assert printed.startswith("wrote .github/actions/infratrack/action.yml\n")
    key_file = team.place / "home" / "infratrack" / "keys" / "ci.pem"
    assert f"INFRATRACK_SIGNING_KEY: the key that signs: what {key_file} holds" in printed
    assert f"`gh secret set INFRATRACK_SIGNING_KEY --env production < {key_file}`" in printed
    assert "Terraform root infra: say where its state is kept" in printed
    assert "ledger: git:infratrack/ledger" in printed
    caller = (team.clone / ".github/workflows/infratrack.yml").read_text()
    assert "terraform: |\n        infra\n" in caller
    assert "playbooks: |\n        site.yml\n" in caller
    action = (team.clone / ".github/actions/infratrack/action.yml").read_text()
    assert 'default: "infratrack[forge,terraform,terraform-binary,ansible]==' in action


def test_declared_pipelines_say_what_to_build(team: Team) -> None:
    project = (team.clone / "infratrack.yaml").read_text()
    pipeline = "pipelines:\n  - id: core\n    steps:\n      - terraform.plan: {directory: infra}\n"
    team.write("infratrack.yaml", project + pipeline)
    team.call("infratrack", "ci", "init", "gitlab")
    assert 'terraform: "infra"' in (team.clone / ".gitlab-ci.yml").read_text()
    assert "playbooks" not in (team.clone / ".gitlab-ci.yml").read_text()


def test_nothing_is_overwritten_and_what_to_add_is_printed(team: Team) -> None:
    team.write(".gitlab-ci.yml", "mine: {script: [make]}\n")
    printed = team.call("infratrack", "ci", "init", "gitlab")
    assert "wrote .gitlab/infratrack.yml" in printed
    assert "kept .gitlab-ci.yml: it is there already and differs" in printed
    assert "Add this to .gitlab-ci.yml:" in printed
    assert "- local: .gitlab/infratrack.yml" in printed
    assert (team.clone / ".gitlab-ci.yml").read_text() == "mine: {script: [make]}\n"


def test_twice_is_the_same_as_once_and_json_says_so(team: Team) -> None:
    first = json.loads(team.call("infratrack", "ci", "init", "azure", "--format", "json"))
    again = json.loads(team.call("infratrack", "ci", "init", "azure", "--format", "json"))
    assert {one["state"] for one in first["files"]} == {"written"}
    assert {one["state"] for one in again["files"]} == {"there"}
    assert first["secrets"][0]["name"] == "INFRATRACK_SIGNING_KEY"
    assert first["next"] == again["next"]


def test_a_project_below_the_repository_is_built_where_it_lies(team: Team) -> None:
    team.call("git", "init", "-q", "outer", cwd=team.place)
    outer = team.place / "outer" / "platform"
    team.clone.rename(outer)
    team.call("rm", "-rf", ".git", cwd=outer)
    team.call("infratrack", "ci", "init", "github", cwd=outer)
    caller = (team.place / "outer/.github/workflows/infratrack.yml").read_text()
    assert "project: platform\n" in caller


def test_the_branch_is_the_one_that_the_remote_calls_its_default(team: Team) -> None:
    team.write(".git/refs/remotes/origin/HEAD", "ref: refs/remotes/origin/trunk\n")
    team.call("infratrack", "ci", "init", "github")
    assert "branches: [trunk]" in (team.clone / ".github/workflows/infratrack.yml").read_text()


def test_a_folder_that_is_a_link_to_somewhere_else_is_not_written_into(team: Team) -> None:
    elsewhere = team.place / "elsewhere"
    elsewhere.mkdir()
    (team.clone / ".github").symlink_to(elsewhere)
    assert "outside the repository" in refused(team, "ci", "init", "github")
    assert list(elsewhere.iterdir()) == []


def test_a_name_that_a_shell_would_obey_is_refused_and_nothing_is_written(team: Team) -> None:
    assert "cannot stand in a pipeline" in refused(team, "ci", "init", "jenkins", "--terraform", "infra;id")
    assert not (team.clone / "Jenkinsfile").exists()


def test_where_there_is_nothing_to_build_it_says_how_to_name_it(team: Team) -> None:
    os.remove(team.clone / "infra/main.tf")  # noqa: PTH107 -- as a person would
    os.remove(team.clone / "site.yml")  # noqa: PTH107 -- likewise
    assert "nothing to plan, apply or configure" in refused(team, "ci", "init", "github")


def test_what_is_left_to_do_follows_the_files_here_and_not_those_of_the_protected_branch(team: Team) -> None:
    team.push("main")
    project = (team.clone / "infratrack.yaml").read_text()
    team.write("infratrack.yaml", "\n".join(line for line in project.splitlines() if not line.startswith("trust")))
    team.call("git", "remote", "set-head", "origin", "main")
    team.call("git", "add", "-A")
    team.call("git", "commit", "-q", "-m", "Trust nobody yet")
    assert "`trust: {signers: [{name: ci, key: keys/ci.pub}]}`" in team.call("infratrack", "ci", "init", "github")
    team.write("infratrack.yaml", project)
    assert "add {name: ci, key: keys/ci.pub} to trust.signers" in team.call("infratrack", "ci", "init", "github")
