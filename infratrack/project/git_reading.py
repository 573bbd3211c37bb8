"""Asks the `git` program about a repository, read-only, such that nothing in a checkout can make it run anything.

The commands used here read refs, configuration and objects: no work tree, no index, hence no hooks, no file-system
monitor, no filters and no textconv. What could still be abused is switched off: a repository hidden in the files of
a checkout (`safe.bareRepository`), and fetching what a partial clone lacks, which would run the transport that its
configuration names. Git gets no variable that it does not need, so no secret either. (GitPython is for history: its
import alone would cost more than all of this.)
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from infratrack.errors import InputError, Unreachable

DEADLINE_SECONDS: Final = 30.0
OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
CONFIG_AT_MOST: Final = 1 << 20

_GUARDS: Final = (
    "-c", "safe.bareRepository=explicit",
    "-c", "core.fsmonitor=false",
    "-c", f"core.hooksPath={os.devnull}",
    "-c", "core.quotePath=false",
)  # fmt: skip
_KEPT: Final = frozenset({
    "DEVELOPER_DIR", "DYLD_LIBRARY_PATH", "GIT_EXEC_PATH", "HOME", "HOMEDRIVE", "HOMEPATH", "LD_LIBRARY_PATH", "PATH",
    "PATHEXT", "SUDO_UID", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "USERPROFILE", "XDG_CONFIG_HOME",
})  # fmt: skip
"""What git needs to start and to find the user's own configuration (`safe.directory` is there)."""
_KEPT_PREFIX: Final = "GIT_CONFIG"
_SETTINGS: Final = {
    "GIT_ALLOW_PROTOCOL": "none",  # also stops lazy fetching, in versions that do not know the next one
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}
_MAY_NAME_A_REMOTE: Final = re.compile(rb"(?im)^[ \t]*\[[ \t]*(?:remote|include|includeif|extensions)\b")
_CONFIGURED: Final = 0
_NOTHING_FOUND: Final = 1


class GitRefused(InputError):
    """Git answered with an error; the message is a sentence without paths of git's own or credentials."""


class GitReader:
    """One repository, asked from a folder in its work tree."""

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        """Prepare; git is not asked yet."""
        self.folder: Final = folder
        kept = {name: value for name, value in environ.items() if name in _KEPT or name.startswith(_KEPT_PREFIX)}
        self._environment = {**kept, **_SETTINGS}

    def ask(self, *arguments: str, given: bytes = b"", accept: tuple[int, ...] = (_CONFIGURED,)) -> bytes:
        """What git prints when it is given some input.

        Raises GitRefused when it ends with a code that is not accepted, Unreachable when it cannot be started or does
        not answer in time.
        """
        try:
            ended = subprocess.run(
                ["git", *_GUARDS, *arguments],
                cwd=self.folder,
                env=self._environment,
                input=given,
                capture_output=True,
                timeout=DEADLINE_SECONDS,
                check=False,
            )
        except FileNotFoundError as error:
            raise Unreachable("git is not on PATH, so whom to trust cannot be read", "install git") from error
        except (OSError, subprocess.TimeoutExpired) as error:
            what = "did not answer in time" if isinstance(error, subprocess.TimeoutExpired) else "could not be started"
            raise Unreachable(f"git {what}, so whom to trust cannot be read", "try again") from error
        if ended.returncode not in accept:
            raise _refusal(ended.stderr, self.folder)
        return ended.stdout

    def remotes(self) -> tuple[str, ...]:
        """The names of the remotes that have an address; none also where git refuses the repository: see `prefix`."""
        listed = self.ask(
            "config", "-z", "--get-regexp", r"^remote\..*\.url$", accept=(_CONFIGURED, _NOTHING_FOUND)
        ).decode(errors="replace")
        keys = [one.partition("\n")[0] for one in listed.split("\0") if one]
        return tuple(dict.fromkeys(key.removeprefix("remote.").removesuffix(".url") for key in keys))

    def prefix(self) -> str:
        """The folder's own path in the repository: empty, or ending in `/`. GitRefused where git refuses to use it."""
        return self.ask("rev-parse", "--show-prefix").decode(errors="surrogateescape").removesuffix("\n")


def may_have_remote(folder: Path) -> bool:
    """Whether a folder lies in a repository whose configuration might name a remote, without asking git.

    A wrong yes costs a few milliseconds; no is said only where there is no repository or no section that could.
    """
    try:
        configuration = _configuration(folder)
        if configuration is None:
            return False
        if (configuration.parent / "remotes").exists():  # how remotes were written down long ago
            return True
        with configuration.open("rb") as file:
            content = file.read(CONFIG_AT_MOST)
    except FileNotFoundError:
        return False
    except (OSError, ValueError):
        return True
    return len(content) == CONFIG_AT_MOST or _MAY_NAME_A_REMOTE.search(content) is not None


def is_submodule(folder: Path) -> bool:
    """Whether a folder lies in a repository that git keeps inside of another one's, as it does for submodules."""
    try:
        private = _repository(folder)
        inside = () if private is None else private.resolve().parents
        return any(place.name == "modules" and (place.parent / "HEAD").is_file() for place in inside)
    except (OSError, ValueError):
        return False


def _configuration(folder: Path) -> Path | None:
    """The configuration file of the repository that a folder lies in."""
    private = _repository(folder)
    if private is None:
        return None
    common = private / "commondir"
    if common.is_file():
        private /= common.read_text(errors="surrogateescape").strip()
    return private / "config"


def _repository(folder: Path) -> Path | None:
    """Where git keeps the repository that a folder lies in; worktrees and submodules point to theirs."""
    for place in (folder, *folder.parents):
        found = place / ".git"
        if found.is_dir():
            return found
        if found.is_file():
            with found.open("rb") as file:
                target = file.read(CONFIG_AT_MOST).decode(errors="surrogateescape")
            return place / target.removeprefix("gitdir:").strip()
    return None


def _refusal(errors: bytes, folder: Path) -> GitRefused:
    """Why git refused, and what to do."""
    if b"dubious ownership" in errors:
        return GitRefused(
            f"git does not read {folder}: the repository belongs to another user, so whom to trust cannot be read",
            f"git config --global --add safe.directory {folder}",
        )
    if b"bareRepository" in errors or b"bare repository" in errors:
        return GitRefused(
            f"{folder} holds a repository among its files, which git was told not to use",
            "somebody may have put it there to have its settings obeyed: look at it, and take it out",
        )
    if b"promisor" in errors or b"lazy" in errors or b"not allowed" in errors:
        return GitRefused(
            f"this clone of {folder} lacks files (it is a partial one), so whom to trust cannot be read",
            "fetch all of it: git fetch --refetch --no-filter",
        )
    return GitRefused(
        f"git could not read the repository of {folder}, so whom to trust cannot be read",
        "`git status` there says what is wrong",
    )
