"""Where the ledger's remote is and how the user's git reaches it: asked of the user's repository, which stays as is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from infratrack.errors import InputError, Unreachable
from infratrack.ledger.storage.git.configuration import Configuration, is_relative_path, read_configuration
from infratrack.ledger.storage.git.environment import Settings, reading_environment
from infratrack.ledger.storage.git.plumbing import Ended, run_git

_SECONDS: Final = 20.0
_REMOTE_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/+-]{0,200}")
_ANOTHER_WAY: Final = "or name the repository itself: `ledger: git+URL#infratrack/ledger`"


class RemoteAddress(Struct, frozen=True):
    """A remote's URL and the settings with which git reaches it. Both may hold credentials: never show them."""

    url: str
    settings: Settings

    def __repr__(self) -> str:
        """Nothing that a log must not hold."""
        return "RemoteAddress(…)"


def named_remote(folder: Path, name: str, environ: Mapping[str, str]) -> RemoteAddress:
    """The remote that the repository around `folder` calls `name` (`origin`), where it is pushed to.

    Works in worktrees, submodules, shallow and detached checkouts alike. InputError when there is no repository, when
    git will not read it, or when it has no such remote.
    """
    if not _REMOTE_NAME.fullmatch(name):
        raise InputError(f"{name[:80]!a} is not the name of a Git remote", "write it like ?remote=origin")
    top = _repository(folder, environ)
    configuration = _configuration(folder, environ)
    url = configuration.url_of(name)
    if url is None:
        raise InputError(
            f"the Git repository has no remote called {name}, which is to hold the ledger",
            f"add it with `git remote add {name} URL`, {_ANOTHER_WAY}",
        )
    return RemoteAddress(str(top / url) if is_relative_path(url) else url, configuration.ways(name))


def given_remote(url: str, folder: Path, environ: Mapping[str, str]) -> RemoteAddress:
    """The remote at a URL (after `insteadOf`), with the settings that git would use in `folder`, repository or not."""
    configuration = _configuration(folder, environ)
    url = configuration.rewritten(url)
    return RemoteAddress(str(folder / url) if is_relative_path(url) else url, configuration.ways(None))


def _repository(folder: Path, environ: Mapping[str, str]) -> Path:
    """The folder that relative URLs start at: the top of the work tree, or a bare repository itself."""
    ended = _ask(["rev-parse", "--show-toplevel"], folder, environ)
    if ended.code == 0:
        return Path(ended.output.decode(errors="surrogateescape").removesuffix("\n"))
    if b"dubious ownership" in ended.errors:
        raise InputError(
            "git will not read this repository, since it belongs to somebody else",
            f"`git config --global --add safe.directory '{folder}'` if you trust it, {_ANOTHER_WAY}",
        )
    if b"not a git repository" in ended.errors:
        raise InputError(
            "the ledger is to be on a branch of this repository's remote, but there is no Git repository here",
            f"run this in a checkout, {_ANOTHER_WAY}",
        )
    raise InputError(
        "git cannot read the repository here (it is bare, or damaged)", f"run this in a checkout, {_ANOTHER_WAY}"
    )


def _configuration(folder: Path, environ: Mapping[str, str]) -> Configuration:
    ended = _ask(["config", "--list", "--null", "--show-scope"], folder, environ)
    if ended.code != 0:
        raise InputError("git cannot read its configuration", "see what `git config --list` says")
    return read_configuration(ended.output)


def _ask(arguments: list[str], folder: Path, environ: Mapping[str, str]) -> Ended:
    ended = run_git(arguments, folder=folder, environment=reading_environment(environ), deadline=_SECONDS)
    if ended.code is None:
        raise Unreachable(f"git did not answer within {_SECONDS:g} s", "see what `git config --list` does")
    return ended
