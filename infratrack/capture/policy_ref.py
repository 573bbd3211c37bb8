"""Finds the ref that says whom to trust, and puts a checkout's project under it.

Without a repository, or without a remote, the working tree is all there is, and it is taken as it lies. It is taken
too where somebody is just writing the project file: on their own machine, and not committed, so that it cannot have
come with a pull request.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infratrack.capture.ci_branches import told_branches
from infratrack.errors import InputError
from infratrack.project.at_commit import CommitFiles
from infratrack.project.files import load_files
from infratrack.project.git_reading import GitReader, is_submodule, may_have_remote
from infratrack.project.include_files import read_at_most
from infratrack.project.model import Project
from infratrack.project.policy import Policy, governed, trusting_nobody
from infratrack.project.problems import ProjectProblems
from infratrack.project.project_files import FolderFiles
from infratrack.project.protected_ref import (
    FORMAT,
    POLICY_REF_VARIABLE,
    WORKING_TREE,
    Known,
    Told,
    asked_patterns,
    choose,
    names_a_commit,
    read_refs,
)
from infratrack.project.schema import PluginSchemas

EVENT_FILE: Final = "GITHUB_EVENT_PATH"
EVENT_AT_MOST: Final = 32 << 20


def load_governed(
    path: Path,
    plugins: PluginSchemas,
    broken: Mapping[str, str],
    environ: Mapping[str, str],
    asked: str | None = None,
) -> tuple[Project, Policy]:
    """The project of a project file under the policy of the protected ref, and where that was read.

    `asked` is what `--policy-ref` says; else the environment is asked. Raises ProjectProblems, InputError where it
    cannot be told which ref is protected or this clone does not have it, Unreachable without git.
    """
    files = FolderFiles(path)
    own = load_files(files, plugins, broken)
    asked = asked or environ.get(POLICY_REF_VARIABLE) or None
    commit = protected_files(path, environ, asked)
    if commit is None:
        return own, Policy()
    protected = commit.protected
    policy = Policy(protected.name, protected.commit)
    if commit.equals(files):  # nearly always: asked first, because it answers everything at once
        return own, policy
    if not commit.exists:
        if asked is None and not _told(environ).in_ci and commit.main_is_new:
            return own, Policy()
        return trusting_nobody(own), Policy(protected.name, protected.commit, _nobody(commit.label(commit.main)))
    try:
        ruling = load_files(commit, plugins, broken)
    except ProjectProblems as wrong:
        # Only the first is told: the others are not in these files, so nobody can mend them here.
        raise InputError(
            f"whom to trust cannot be read: {wrong.problems[0]}", f"mend the project file at {protected.short}"
        ) from wrong
    return governed(own, ruling, protected.short), policy


def protected_files(path: Path, environ: Mapping[str, str], asked: str | None) -> CommitFiles | None:
    """The files of the project at the protected ref; None where the working tree itself says whom to trust.

    Raises what `load_governed` raises.
    """
    folder = path.parent
    if asked == WORKING_TREE:
        return None
    told = _told(environ)
    if told.in_ci and not names_a_commit(asked) and is_submodule(folder):
        raise InputError(
            f"{folder} is a submodule here, and a pull request can have it come from anywhere, so nothing says whom "
            "this project trusts",
            "check out the project's own repository, or name the commit that says it with --policy-ref",
        )
    if asked is None and not may_have_remote(folder):
        return None
    git = GitReader(folder, environ)
    prefix = git.prefix()  # first: where git refuses a repository, `git config` would only find no remote
    remotes = git.remotes()
    if asked is None and not remotes:
        return None
    patterns = asked_patterns(asked, remotes)
    refs = read_refs(git.ask("for-each-ref", f"--format={FORMAT}", *patterns)) if patterns else {}
    protected = choose(asked, told, Known(remotes, refs))
    return None if protected is None else CommitFiles(git, protected, prefix, path)


def _told(environ: Mapping[str, str]) -> Told:
    event = environ.get(EVENT_FILE)
    try:
        content = read_at_most(Path(event), EVENT_AT_MOST) if event else b""
    except (InputError, ValueError):
        content = b""
    return told_branches(environ, content)


def _nobody(label: str) -> str:
    """What to say, and do, where the protected ref has no project file yet."""
    return (
        f"{label} does not exist yet, so nobody is trusted and no evidence counts: merge the project file there first, "
        "a pull request cannot say whom to trust"
    )
