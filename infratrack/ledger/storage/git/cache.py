"""Where our repositories are kept: one a session, thrown away after it; one that lasts where servers do not filter.

A session's repository holds a few kilobytes and costs a few milliseconds; there is nothing in it that another process
could lock, damage or leave behind for good. What a killed process left is removed by the next one.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infratrack.evidence.durable_files import (
    PRIVATE_FILE,
    make_private_folder,
    new_folder,
    reaching,
    remove_leftovers,
    write_file,
)
from infratrack.ledger.storage.git.capabilities import BY_FOLDER, FetchMode, mode_named

_MODE_FILE: Final = "fetches"
_LONGEST_NAME: Final = 64


class Cache:
    """The folder of one remote's branch. Raises Unreachable when it cannot be written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = contextlib.ExitStack()

    def session(self) -> Path:
        """A new private folder that goes with this process."""
        with reaching(self._folder, "written"):
            make_private_folder(self._folder)
            remove_leftovers(self._folder)
            return self._open.enter_context(new_folder(self._folder, {}))

    def lasting(self, mode: FetchMode) -> Path:
        """The folder that all processes share for a mode in which fetching from nothing is dear."""
        return self._folder / f"{mode.name}.git"

    def keep(self, repository: Path, mode: FetchMode) -> Path:
        """Make a session's repository the lasting one, unless there is one; returns where the session goes on."""
        target = self.lasting(mode)
        with self.alone(), contextlib.suppress(OSError):
            if not target.exists():
                repository.rename(target)
                return target
        return repository

    def discard(self, mode: FetchMode) -> None:
        """Forget a lasting repository that turned out to be damaged."""
        with self.alone():
            shutil.rmtree(self.lasting(mode), ignore_errors=True)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time, for the lasting repository."""
        with reaching(self._folder, "locked"):
            make_private_folder(self._folder)
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def mode(self) -> FetchMode:
        """The mode that worked last time; the thriftiest when nothing is known."""
        try:
            with (self._folder / _MODE_FILE).open("rb") as file:
                return mode_named(file.read(_LONGEST_NAME).decode(errors="replace").strip())
        except OSError:
            return BY_FOLDER

    def remember(self, mode: FetchMode) -> None:
        """Begin with this mode next time."""
        with reaching(self._folder, "written"):
            write_file(self._folder / _MODE_FILE, f"{mode.name}\n".encode())

    def close(self) -> None:
        """Throw the session's folder away."""
        self._open.close()
