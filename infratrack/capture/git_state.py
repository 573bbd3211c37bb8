"""The checkout that a command runs in: commit, branch, dirty, remote without credentials.

Two short git processes, started together and read later, so that they cost next to nothing; whatever goes wrong makes a
fact unknown with its reason and never fails the run. (GitPython is for history; its import alone would cost more.)
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct, structs

from infratrack.capture.child_environment import without_signing_key
from infratrack.evidence.predicates import GitState

DEADLINE_SECONDS: Final = 5.0
_GUARDS: Final = (
    # Nothing that a checkout holds, or that its clone was set up with, may make us run a program: no repository hidden
    # among the files, no file-system monitor, no hooks.
    "-c", "safe.bareRepository=explicit",
    "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}",
)  # fmt: skip
_STATUS: Final = ("--no-optional-locks", "status", "--porcelain=v2", "--branch", "--untracked-files=no")
_REMOTES: Final = ("config", "--get-regexp", r"^(remote\..*\.url|branch\..*\.remote)$")


class Checkout(Struct, frozen=True):
    """What is known of a checkout, and why the rest is not (`missing`: fact → reason)."""

    state: GitState | None
    missing: Mapping[str, str] = {}


class GitQuestion:
    """Two questions to git, asked at once when made; `answer()` reads what came back."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._answer: Checkout | None = None
        self._processes = [_ask(folder, environ, arguments) for arguments in (_STATUS, _REMOTES)]

    def answer(self) -> Checkout:
        """What git said, within the deadline; the same each time. Never raises."""
        if self._answer is None:
            self._answer = self._hear()
        return self._answer

    def _hear(self) -> Checkout:
        status, remotes = (_read(process) for process in self._processes)
        if isinstance(status, str):
            return Checkout(None, {"git": status})
        return read_checkout(status, b"" if isinstance(remotes, str) else remotes)


def read_checkout(status: bytes, remotes: bytes) -> Checkout:
    """Read `git status --porcelain=v2 --branch` and `git config --get-regexp` of remotes. Pure."""
    headers: dict[str, str] = {}
    dirty = False
    for line in status.decode(errors="replace").splitlines():
        if line.startswith("# "):
            name, _, value = line[2:].partition(" ")
            headers[name] = value
        elif line:
            dirty = True
    commit, branch = headers.get("branch.oid"), headers.get("branch.head")
    commit = None if commit == "(initial)" else commit
    branch = None if branch == "(detached)" else branch
    missing = {"git.commit": "the repository has no commits yet"} if commit is None else {}
    return Checkout(GitState(commit, branch, dirty, _remote(remotes, branch)), missing)


def _remote(remotes: bytes, branch: str | None) -> str | None:
    """The address of the branch's own remote, else of origin, else of the only one."""
    urls: dict[str, str] = {}
    upstream: dict[str, str] = {}
    for line in remotes.decode(errors="replace").splitlines():
        key, _, value = line.partition(" ")
        kind, _, rest = key.partition(".")
        name, _, _ = rest.rpartition(".")
        if kind == "remote":
            urls.setdefault(name, value)
        else:
            upstream[name] = value
    wanted = upstream.get(branch or "", "origin")
    if wanted in urls:
        return urls[wanted]
    return urls.get("origin") or (next(iter(urls.values())) if len(urls) == 1 else None)


def with_told_branch(checkout: Checkout, branch: str | None) -> Checkout:
    """A CI system checks out a commit without a branch; then the branch is the one that it told us. Pure."""
    if checkout.state is None or checkout.state.branch is not None or branch is None:
        return checkout
    return Checkout(structs.replace(checkout.state, branch=branch), checkout.missing)


def _ask(folder: Path, environ: Mapping[str, str], arguments: Sequence[str]) -> subprocess.Popen[bytes] | str:
    """Start git; the reason in words when that fails."""
    quiet = {name: value for name, value in without_signing_key(environ).items() if not name.startswith("GIT_TRACE")}
    try:
        return subprocess.Popen(
            ["git", *_GUARDS, *arguments],
            cwd=folder,
            env={**quiet, "LC_ALL": "C", "GIT_ALLOW_PROTOCOL": "none", "GIT_TERMINAL_PROMPT": "0"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except FileNotFoundError:
        return "git is not installed" if os.access(folder, os.X_OK) else "the folder is gone"
    except OSError as error:
        return f"git could not be started: {os.strerror(error.errno or 0)}"


def _read(process: subprocess.Popen[bytes] | str) -> bytes | str:
    if isinstance(process, str):
        return process
    try:
        output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=1)
        return f"git did not answer within {DEADLINE_SECONDS:g} s"
    return output if process.returncode == 0 else explain_refusal(errors)


def explain_refusal(errors: bytes) -> str:
    """Why git refused, in words that hold no path or address. Pure."""
    if b"dubious ownership" in errors:
        return "git refuses a repository of another owner (see git's safe.directory)"
    if b"not a git repository" in errors:
        return "not a git repository"
    return "git could not read the repository"
