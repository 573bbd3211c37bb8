"""At which ref it is read whom to trust, as people and their machines meet it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.security.team import PROJECT, Machine, Team

NO_REMOTE = {"policy": {"ref": None, "commit": None}}


@pytest.fixture
def team(tmp_path: Path) -> Team:
    return Team(tmp_path)


@pytest.fixture
def published(team: Team) -> Team:
    team.publish()
    return team


def policy(machine: Machine, *arguments: str, **more: str) -> dict[str, str | None]:
    found: dict[str, str | None] = machine.status(*arguments, **more)["policy"]
    return found


def test_without_a_remote_the_files_as_they_lie_here_are_taken_and_nothing_is_said_of_it(team: Team) -> None:
    machine = team.maintainer
    machine.ok("run", "--key", "ci", "--", "true", "core")
    shutil.rmtree(machine.folder / ".git")
    assert policy(machine) == NO_REMOTE["policy"]
    machine.git("init", "-q")
    machine.commit()
    assert policy(machine) == NO_REMOTE["policy"]
    machine.git("remote", "add", "origin", "https://192.0.2.1/never-asked")
    assert policy(machine) == NO_REMOTE["policy"]
    assert "trust as of" not in machine.ok("status")
    assert machine.deliverable()["status"] == "complete"


def test_a_remote_that_was_never_asked_says_nothing_in_ci_either_and_that_is_told(team: Team) -> None:
    team.maintainer.git("fetch", "-q")
    refused = team.maintainer.infratrack("status", CI="true")
    assert refused.returncode == 2
    assert "it cannot be told which branch of origin is protected" in refused.stderr
    assert "INFRATRACK_POLICY_REF=origin/main" in refused.stderr


def test_the_first_pull_request_of_a_repository_is_told_to_be_merged_first(team: Team) -> None:
    machine = team.maintainer
    machine.git("commit", "-q", "--allow-empty", "-m", "Empty")
    machine.git("push", "-q", "origin", "HEAD:main")
    machine.git("fetch", "-q", "origin")
    # Somebody who is just writing the project file is not in their own way.
    machine.ok("run", "--key", "ci", "--deliverable", "core", "--", "true", "core")
    assert (policy(machine), machine.deliverable()["status"]) == (NO_REMOTE["policy"], "complete")
    machine.git("checkout", "-q", "-b", "first")
    machine.commit()
    told = "origin/main:infratrack.yaml does not exist yet, so nobody is trusted and no evidence counts"
    for command in (("status",), ("explain", "core"), ("run", "--key", "ci", "--", "true")):
        ended = machine.infratrack(*command)
        assert (ended.returncode, told in ended.stderr) == (0, True), ended.stderr
        assert "merge the project file there first" in ended.stderr
    assert machine.deliverable()["status"] == "not_started"
    assert policy(machine)["ref"] == "refs/remotes/origin/main"
    verified = machine.infratrack("ledger", "verify")
    assert (verified.returncode, told in verified.stderr) == (6, True)
    machine.git("push", "-q", "origin", "HEAD:main")
    machine.git("fetch", "-q", "origin")
    assert machine.deliverable()["status"] == "complete"


def test_table_markdown_explanation_and_verification_say_where_trust_was_read(published: Team) -> None:
    machine = published.maintainer
    machine.ok("run", "--key", "ci", "--", "true", "core")
    commit = machine.git("rev-parse", "origin/main")
    expected = {"ref": "refs/remotes/origin/main", "commit": commit}
    assert policy(machine) == expected
    for document in (("explain", "core"), ("ledger", "verify")):
        assert json.loads(machine.ok(*document, "--format", "json"))["policy"] == expected
    assert f"trust as of origin/main {commit[:7]}" in machine.ok("status", COLUMNS="200")
    assert f"trust as of origin/main {commit[:7]}" in machine.ok("status", "--format", "markdown")
    by_hand = ("ledger", "verify", "--trust", "keys/ci.pub", "--format", "json")
    assert json.loads(machine.ok(*by_hand))["policy"] is None


def test_the_option_goes_before_the_environment_and_both_before_the_default(published: Team) -> None:
    machine = published.maintainer
    machine.git("push", "-q", "origin", "HEAD:release")
    machine.git("fetch", "-q", "origin")
    machine.git("tag", "v1")
    commit = machine.git("rev-parse", "HEAD")
    assert policy(machine, INFRATRACK_POLICY_REF="release")["ref"] == "refs/remotes/origin/release"
    assert policy(machine, "--policy-ref", "origin/main", INFRATRACK_POLICY_REF="release")["ref"] == (
        "refs/remotes/origin/main"
    )
    assert policy(machine, "--policy-ref", "refs/tags/v1") == {"ref": "refs/tags/v1", "commit": commit}
    assert policy(machine, "--policy-ref", commit) == {"ref": commit, "commit": commit}
    assert policy(machine, "--policy-ref", ".", INFRATRACK_POLICY_REF="release") == NO_REMOTE["policy"]
    assert policy(machine, INFRATRACK_POLICY_REF="")["ref"] == "refs/remotes/origin/main"
    refused = machine.infratrack("status", "--policy-ref", "0" * 39 + "1")
    assert (refused.returncode, "is not in this clone" in refused.stderr) == (2, True)
    shutil.rmtree(machine.folder / ".git")
    refused = machine.infratrack("status", "--policy-ref", "main")
    assert (refused.returncode, "git could not read the repository" in refused.stderr) == (2, True)


def test_what_is_not_pushed_yet_does_not_count_yet(published: Team) -> None:
    machine = published.maintainer
    machine.edit("plan/work.yaml", "accepted_by: [lead]", "accepted_by: [ben]")
    machine.edit("plan/work.yaml", "name: Network", "name: The network")
    machine.ok("run", "--key", "ci", "--deliverable", "core", "--", "true", "core")
    machine.ok("accept", "core", "--key", "anna", "--comment", "seen")
    assert machine.deliverable()["status"] == "accepted"
    assert machine.status()["tasks"][0]["name"] == "The network"
    machine.edit("infratrack.yaml", "project: {id: dc-west", "project: {id: dc-east")
    refused = machine.infratrack("status")
    assert (refused.returncode, "at origin/main it is 'dc-west'" in refused.stderr) == (2, True)


def test_a_project_file_that_is_wrong_at_the_protected_ref_is_named_there(published: Team) -> None:
    machine = published.maintainer
    machine.write("infratrack.yaml", PROJECT + "nonsense: 1\n")
    published.publish()
    machine.write("infratrack.yaml", PROJECT)
    refused = machine.infratrack("status")
    assert refused.returncode == 2
    assert "whom to trust cannot be read: origin/main:infratrack.yaml:" in refused.stderr
    assert "mend the project file at origin/main" in refused.stderr


def test_a_project_in_a_folder_a_worktree_or_a_submodule_is_read_at_its_own_remote(published: Team) -> None:
    machine = published.maintainer
    expected = policy(machine)
    machine.git("worktree", "add", "-q", "../tree", "HEAD")
    tree = machine.infratrack_in(machine.home / "tree", "status", "--format", "json")
    assert json.loads(tree.stdout)["policy"] == expected
    outer = Machine(published.root, "outer")
    outer.folder.mkdir()
    outer.git("init", "-q", "-b", "main")
    outer.git("submodule", "--quiet", "add", f"file://{published.server}", "west")
    inner = outer.infratrack_in(outer.folder / "west", "status", "--format", "json")
    assert json.loads(inner.stdout)["policy"] == expected
    (published.root / "below").mkdir()
    below = Team(published.root / "below")
    (below.maintainer.folder / "west").mkdir()
    for name in ("infratrack.yaml", "plan", "keys"):
        (below.maintainer.folder / name).rename(below.maintainer.folder / "west" / name)
    below.publish()
    found = below.maintainer.infratrack_in(below.maintainer.folder / "west", "status", "--format", "json")
    assert json.loads(found.stdout)["policy"]["ref"] == "refs/remotes/origin/main"


def test_a_clone_that_git_refuses_to_read_ends_in_a_sentence_and_harms_no_command(
    published: Team, tmp_path: Path
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a folder away")
    machine = published.contributor()
    for path in (machine.folder, machine.folder / ".git"):
        os.chown(path, 65_534, 65_534)
    refused = machine.infratrack("status")
    assert refused.returncode == 2
    assert f"git config --global --add safe.directory {machine.folder}" in refused.stderr
    assert machine.infratrack("run", "--", "echo", "done").stdout == "done\n"
    allowed = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": str(machine.folder)}
    assert policy(machine, **allowed)["ref"] == "refs/remotes/origin/main"


def test_without_a_git_program_a_clone_ends_in_a_sentence_and_harms_no_command(published: Team) -> None:
    machine = published.maintainer
    empty = machine.home / "empty"
    empty.mkdir()
    refused = machine.infratrack("status", PATH=str(empty))
    assert (refused.returncode, "git is not on PATH" in refused.stderr) == (4, True)
    ran = machine.infratrack("run", "--key", "ci", "--", "/bin/echo", "done", PATH=str(empty))
    assert (ran.returncode, ran.stdout) == (0, "done\n")
    assert "recorded without a definition, not delivered yet: git is not on PATH" in ran.stderr
    machine.ok("spool", "send", "--key", "ci")
    assert machine.status()["evidence"]["counted"] == 2
