"""Asks the `git` program, through GitPython, read-only. Nothing here goes over the network.

One process answers each question; per-commit calls would cost milliseconds a commit, one log costs 20 µs.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infratrack.api import InputError, Unreachable
from infratrack_git.branches import Checkout, Ref, read_refs
from infratrack_git.parse import COMMIT_FORMAT, TAG_FORMAT, Commit, Tag, newest, read_commits, read_tags
from infratrack_git.unrecorded import CHANGES_FORMAT, BranchCommit, read_changes

if TYPE_CHECKING:
    from git.cmd import Git

SECONDS: Final = 120.0
PATH_COMMITS: Final = 100
"""How many of the newest commits on a path are read: the order is by committer time only where clocks agree."""

_GUARDS: Final = ("-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}")
"""No program that a repository's settings name is run. (A project in a hidden repository is refused before.)"""
_ENVIRONMENT: Final = {
    "GIT_ALLOW_PROTOCOL": "none",  # lazy fetching in versions that do not know the next one
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_PLAIN: Final = ("-c", "log.showSignature=false", "-c", "log.follow=false", "-c", "core.quotePath=false")
_CREDENTIALS: Final = re.compile(r"://[^/@\s]+@")
_ABSENT: Final = 1
"""git's exit code for "there is no such thing" in `config`, `rev-parse --verify -q` and `symbolic-ref -q`."""


class GitFailed(Exception):
    """git ended with an error; `reason` is its first line, without credentials."""

    def __init__(self, status: int | None, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class GitClient:
    """One repository, as seen from the project folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        """Prepare; git is not asked yet. Unreachable without a git program, InputError without such a folder."""
        if not (folder.is_dir() and os.access(folder, os.X_OK)):
            # GitPython would silently look at the current folder instead.
            raise InputError(f"{folder} is not a folder that can be entered", "name the project's folder")
        try:
            from git.cmd import Git  # noqa: PLC0415 -- GitPython costs 0.1 s: only who observes pays
        except ImportError as error:
            raise Unreachable("git is not on PATH", "install git, then observe again") from error
        self._folder = folder
        self._git: Git = Git(str(folder))
        self._environment = {**environment, **_ENVIRONMENT}

    def checkout(self) -> Checkout:
        """What has to be known before questions can be answered. InputError in a sentence when there is no commit."""
        try:
            shallow = self._ask("rev-parse", "--is-shallow-repository").strip() == b"true"
            head = self._ask_or_none("rev-parse", "--verify", "--quiet", "HEAD^{commit}")
            current = self._ask_or_none("symbolic-ref", "--quiet", "--short", "HEAD")
            if head is None:
                raise InputError(f"the repository of {self._folder} has no commit yet", "commit the project file first")
            refs = self._ask(
                "for-each-ref", "--format=%(refname)%1f%(objectname)%1f%(symref)", "refs/heads", "refs/remotes"
            )
            return Checkout(
                head=_text(head),
                current=None if current is None else _text(current),
                shallow=shallow,
                boundary=self._boundary() if shallow else frozenset(),
                remotes=tuple(_text(self._ask("remote")).split()),
                refs=read_refs(refs),
                tags_fetched=not self._ask_or_none("config", "--get-regexp", r"^remote\..*\.tagopt$", "^--no-tags$"),
                default_branch=self._environment.get("CI_DEFAULT_BRANCH"),
                version=_text(self._ask("version")).removeprefix("git version ") or None,
            )
        except GitFailed as error:
            raise self._explained(error) from error

    def commits_with_trailers(self, branch: Ref, keys: Sequence[str]) -> list[Commit]:
        """Commits on the branch whose messages hold one of the trailer keys. Raises GitFailed."""
        wanted = [f"--grep={key}" for key in keys]
        return self._log(["--fixed-strings", "--regexp-ignore-case", *wanted], branch, [])

    def newest_on_path(self, checkout: Checkout, branch: Ref, path: str) -> Commit | None:
        """The newest commit on the branch that touches the path (a glob below the project folder). Raises GitFailed.

        A commit at which a shallow clone was cut seems to touch everything, and is passed over.
        """
        commits = self._log([f"--max-count={PATH_COMMITS}"], branch, [f":(glob){path}"])
        return newest([commit for commit in commits if commit.id not in checkout.boundary])

    def tags(self, branch: Ref | None) -> list[Tag]:
        """All tags; with a branch those on it. Raises GitFailed."""
        merged = [f"--merged={branch.commit}"] if branch else []
        return read_tags(self._ask("for-each-ref", f"--format={TAG_FORMAT}", *merged, "refs/tags"))

    def changes(self, branch: Ref, without: Collection[str], pathspecs: Sequence[str], most: int) -> list[BranchCommit]:
        """The newest commits on the branch that touch the paths and that none of `without` (here) contains.

        Raises GitFailed.
        """
        options = ["-z", "--no-color", "--encoding=UTF-8", "--name-only", "--diff-merges=dense-combined", "--relative"]
        options += [f"--format={CHANGES_FORMAT}", f"--max-count={most}", "--stdin"]
        revisions = [branch.commit, *(f"^{commit}" for commit in sorted(without))]
        return read_changes(self._ask(*_PLAIN, "log", *options, "--", *pathspecs, lines=revisions))

    def present(self, commits: Collection[str]) -> frozenset[str]:
        """Those of some commits that are in this clone. Raises GitFailed."""
        return self._revisions(["--no-walk", "--ignore-missing"], sorted(commits))

    def outside(self, commits: Collection[str], without: Collection[str]) -> frozenset[str]:
        """Those of some commits (here) that none of the others (here) contains. Raises GitFailed."""
        listed = self._revisions([], [*sorted(commits), *(f"^{commit}" for commit in sorted(without))])
        return listed & frozenset(commits)

    def _revisions(self, options: Sequence[str], revisions: Sequence[str]) -> frozenset[str]:
        if not revisions:
            return frozenset()
        output = self._ask("rev-list", *options, "--stdin", lines=revisions)
        return frozenset(output.decode(errors="replace").split())

    def _log(self, options: Sequence[str], branch: Ref, paths: Sequence[str]) -> list[Commit]:
        command = [*_PLAIN, "log", "-z", "--no-color", "--encoding=UTF-8", f"--format={COMMIT_FORMAT}", *options]
        return read_commits(self._ask(*command, "--end-of-options", branch.commit, "--", *paths))

    def _boundary(self) -> frozenset[str]:
        """The commits at which a shallow clone was cut, one a line in the file `shallow`."""
        path = self._folder / _text(self._ask("rev-parse", "--git-path", "shallow"))
        try:
            return frozenset(path.read_text(encoding="ascii").split())
        except (OSError, UnicodeError) as error:
            raise GitFailed(None, "the list of a shallow clone's boundary cannot be read") from error

    def _ask_or_none(self, *arguments: str) -> bytes | None:
        """The answer; None when git says that there is no such thing."""
        try:
            return self._ask(*arguments)
        except GitFailed as error:
            if error.status == _ABSENT:
                return None
            raise

    def _ask(self, *arguments: str, lines: Sequence[str] = ()) -> bytes:
        """Git's answer; `lines` are what it reads, since there may be more commits than a command line holds."""
        from git.exc import GitCommandError, GitCommandNotFound  # noqa: PLC0415 -- loaded by now

        try:
            with tempfile.TemporaryFile() as given:
                given.write("".join(f"{line}\n" for line in lines).encode())
                given.seek(0)
                answer = self._git.execute(
                    ["git", *_GUARDS, *arguments],
                    istream=given,
                    env=self._environment,
                    kill_after_timeout=SECONDS,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                )
        except GitCommandNotFound as error:
            raise Unreachable(f"git cannot be started in {self._folder}", "is git installed?") from error
        except GitCommandError as error:
            status = error.status if isinstance(error.status, int) else None
            raise GitFailed(status, _first_line(str(error.stderr or ""))) from error
        return answer if isinstance(answer, bytes) else b""

    def _explained(self, error: GitFailed) -> InputError:
        if "dubious ownership" in error.reason:
            return InputError(
                f"git does not read {self._folder}: the repository belongs to another user",
                f"git config --global --add safe.directory {self._folder}",
            )
        if "not a git repository" in error.reason:
            return InputError(f"{self._folder} is in no git repository", "run it in a clone, or `git init` here")
        return InputError(f"git failed in {self._folder}: {error.reason}")


def _text(output: bytes) -> str:
    return output.decode(errors="replace").strip()


def _first_line(stderr: str) -> str:
    """GitPython hands stderr over as `stderr: 'fatal: …'`."""
    text = stderr.strip().removeprefix("stderr:").strip().strip("'")
    line = next((line for line in text.split("\n") if line.strip()), "no reason given")
    return _CREDENTIALS.sub("://", line)[:300]
