"""infratrack runs the command that it is given, and nothing that a checkout or its clone brings along."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.security.team import Machine, Team

PYTHON_TRAP = "import pathlib\npathlib.Path({marker!r}).write_text(__name__)\n"
MODULES = (
    "click", "conftest", "git", "infratrack", "infratrack_evil", "infratrack_git", "msgspec", "sitecustomize",
    "usercustomize", "yaml",
)  # fmt: skip
COMMANDS = (
    ("validate",),
    ("status",),
    ("explain", "core"),
    ("observe", "git"),
    ("run", "--key", "ci", "--", "true", "core"),
    ("accept", "core", "--key", "anna", "--comment", "seen"),
    ("links", "suggest"),
    ("ledger", "verify"),
    ("spool", "send"),
)
GIT_SETTINGS = (
    "core.fsmonitor", "core.sshCommand", "core.pager", "core.editor", "core.alternateRefsCommand", "core.gitProxy",
    "diff.external", "diff.evil.textconv", "gpg.program", "credential.helper", "remote.origin.uploadpack",
    "sequence.editor", "uploadpack.packObjectsHook",
)  # fmt: skip
HOOKS = ("post-index-change", "reference-transaction", "pre-auto-gc", "post-checkout", "fsmonitor-watchman")


class Trap:
    """A program that leaves a mark when somebody runs it."""

    def __init__(self, folder: Path) -> None:
        self.marker = folder / "sprung"
        self.program = folder / "trap"
        self.program.write_text(f'#!/bin/sh\necho "$0 $@" >> {self.marker}\nexit 1\n')
        self.program.chmod(0o755)

    def arm(self, path: Path) -> None:
        """Lay the program itself down somewhere."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.program.read_bytes())
        path.chmod(0o755)

    @property
    def sprung(self) -> str:
        return self.marker.read_text() if self.marker.exists() else ""


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def play_all(machine: Machine, cwd: Path | None = None) -> None:
    """Every kind of command; how each ends does not matter here, only that none is a bug."""
    for command in COMMANDS:
        ended = machine.infratrack_in(cwd or machine.folder, *command)
        assert ended.returncode in {0, 1, 2, 4, 5, 6}, ended.stderr


def runner_of(team: Team, mallory: Machine) -> Machine:
    mallory.commit()
    team.propose(mallory)
    return team.runner(keys=True)


def test_python_modules_and_plugins_in_the_tree_are_not_loaded(team: Team, trap: Trap) -> None:
    mallory = team.contributor()
    text = PYTHON_TRAP.format(marker=str(trap.marker))
    for name in MODULES:
        mallory.write(f"{name}.py", text)
    mallory.write("infratrack/__init__.py", text)
    mallory.write("evil-1.0.dist-info/entry_points.txt", "[infratrack]\nevil = infratrack_evil\n")
    mallory.write("evil-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    mallory.write("evil.pth", text.replace("\n", ";"))
    runner = runner_of(team, mallory)
    play_all(runner)
    assert trap.sprung == ""
    subprocess.run([sys.executable, "-c", "import infratrack_evil"], cwd=runner.folder, check=True)
    assert trap.sprung, "the trap works: Python itself would have loaded it"


def test_programs_and_settings_in_the_tree_are_not_run(team: Team, trap: Trap) -> None:
    mallory = team.contributor()
    for name in ("git", "sh", "true", "terraform", "ansible", "ansible-playbook", "python3", "ssh", "pager", "less"):
        trap.arm(mallory.folder / name)
    for hook in HOOKS:
        trap.arm(mallory.folder / "hooks" / hook)
        trap.arm(mallory.folder / ".githooks" / hook)
    settings = f"[core]\n\tfsmonitor = {trap.program}\n\thooksPath = hooks\n\tsshCommand = {trap.program}\n"
    for name in (".gitconfig", "gitconfig", "config", ".config/git/config"):
        mallory.write(name, settings)
    mallory.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
    mallory.write(".gitmodules", f'[submodule "x"]\n\tpath = x\n\turl = ext::{trap.program}\n')
    mallory.write(".env", f"GIT_SSH_COMMAND={trap.program}\nPATH=.\nINFRATRACK_POLICY_REF=.\n")
    mallory.write(".envrc", f"{trap.program}\n")
    runner = runner_of(team, mallory)
    play_all(runner)
    assert trap.sprung == ""
    assert runner.status()["policy"]["ref"] == "refs/remotes/origin/main"


def test_a_repository_hidden_among_the_files_is_not_obeyed(team: Team, trap: Trap) -> None:
    mallory = team.contributor()
    hidden = mallory.folder / "site"
    mallory.git("init", "-q", "--bare", str(hidden))
    for folder in ("objects/info", "refs/heads"):
        mallory.write(f"site/{folder}/kept", "")
    for hook in HOOKS:
        trap.arm(hidden / "hooks" / hook)
    settings = f"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n\tfsmonitor = {trap.program}\n"
    mallory.write("site/config", settings)
    mallory.write("site/infratrack.yaml", "infratrack: 1\nproject: {id: dc-west, name: West}\n")
    runner = runner_of(team, mallory)
    play_all(runner, cwd=runner.folder / "site")
    assert trap.sprung == ""
    refused = runner.infratrack_in(runner.folder / "site", "status")
    assert refused.returncode == 2
    assert "holds a repository among its files" in refused.stderr
    subprocess.run(["git", "status"], cwd=runner.folder / "site", env=runner.environment, check=False, timeout=60)
    assert trap.sprung, "the trap works: plain git would have sprung it"


def test_programs_that_the_clone_is_set_up_with_are_not_run(team: Team, trap: Trap) -> None:
    mallory = team.contributor()
    mallory.write("README", "x")
    runner = runner_of(team, mallory)
    for hook in HOOKS:
        trap.arm(runner.folder / ".git" / "hooks" / hook)
    for name in GIT_SETTINGS:
        runner.git("config", name, str(trap.program))
    runner.git("config", "log.showSignature", "true")
    trap.marker.unlink(missing_ok=True)
    runner.write("README", "changed")
    play_all(runner)
    assert trap.sprung == ""
    subprocess.run(["git", "status"], cwd=runner.folder, env=runner.environment, check=False, timeout=60)
    assert trap.sprung, "the trap works: plain git would have sprung it"


def test_reading_whom_to_trust_runs_no_filter_even_of_the_clone(team: Team, trap: Trap) -> None:
    mallory = team.contributor()
    mallory.write(".gitattributes", "* filter=evil\n")
    runner = runner_of(team, mallory)
    for kind in ("clean", "smudge", "process"):
        runner.git("config", f"filter.evil.{kind}", str(trap.program))
    trap.marker.unlink(missing_ok=True)
    runner.write("plan/work.yaml", (runner.folder / "plan/work.yaml").read_text() + "# changed\n")
    assert runner.status()["policy"]["ref"] == "refs/remotes/origin/main"
    assert trap.sprung == ""


def test_what_a_partial_clone_lacks_is_not_fetched_and_the_sentence_says_so(team: Team, trap: Trap) -> None:
    team.maintainer.git("config", "uploadpack.allowFilter", "true", cwd=team.server)
    old = team.contributor("old")
    old.edit("infratrack.yaml", "West data centre", "Another name")
    old.commit()
    team.propose(old)
    partial = Machine(team.root, "partial")
    partial.folder.mkdir()
    partial.git("init", "-q")
    partial.git("remote", "add", "origin", f"file://{team.server}")
    partial.git("fetch", "-q", "--filter=blob:none", "origin", "+refs/pull/7/merge:refs/remotes/pull/7/merge")
    partial.git("checkout", "-q", "--detach", "refs/remotes/pull/7/merge")
    partial.git("fetch", "-q", "--filter=blob:none", "origin", "+refs/heads/main:refs/remotes/origin/main")
    partial.git("config", "remote.origin.uploadpack", str(trap.program))
    refused = partial.infratrack("status")
    assert refused.returncode == 2, refused.stdout
    assert "lacks files (it is a partial one)" in refused.stderr
    assert trap.sprung == ""
    partial.git("config", "--unset", "remote.origin.uploadpack")
    partial.git("fetch", "-q", "--refetch", "--no-filter", "origin", "+refs/heads/main:refs/remotes/origin/main")
    assert partial.status()["policy"]["ref"] == "refs/remotes/origin/main"


def test_names_give_no_orders_to_the_ci_system_that_reads_the_log(team: Team) -> None:
    orders = "::warning::a ##vso[task.setvariable variable=b]c ##[group]d"
    far = "x" * 90  # so that lines are broken just before what follows
    mallory = team.contributor()
    mallory.edit("plan/work.yaml", "name: Core is live", f"name: '{far} {orders} \\e[31m'".replace("'", '"'))
    mallory.edit("plan/work.yaml", '"true core"', f'"true {far} {orders}"')
    mallory.edit("infratrack.yaml", "name: West data centre", f"name: '{orders}'")
    mallory.commit()
    team.propose(mallory)
    runner = team.runner(keys=True)
    commands = (*COMMANDS, ("explain", orders), ("status", "--phase", orders), ("summary", "--no-annotations"))
    for command in commands:
        ended = runner.infratrack(*command)
        for line in (ended.stdout + ended.stderr).splitlines():
            assert not re.search(r"(?i)\x1b|##(?:vso)?\[|^\s*::", line), command
    assert "# #vso[task" in runner.ok("status")
