"""What this machine remembers of a ledger's branch: the log it saw last, and where its own copy lies."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infratrack.errors import IntegrityFailure, Unreachable
from infratrack.evidence.durable_files import PRIVATE_FILE, make_private_folder, reaching, write_file
from infratrack.ledger.checkpoint import MAXIMUM_NOTE_BYTES, Checkpoint, read_note
from infratrack.ledger.storage.interface import Head

WAIT_SECONDS: Final = 300.0
"""How long an appender waits for others on this machine."""
_LOOK_SECONDS: Final = 0.02
_LONGEST_TIP: Final = 128


class Memory:
    """A folder of ours for one branch of one remote."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self._kept: Head | None = None

    @property
    def copy_path(self) -> Path:
        """Where the local copy of the log lies."""
        return self.folder / "copy.db"

    @property
    def blobs_path(self) -> Path:
        """Where the local copy of the blobs lies."""
        return self.folder / "blobs"

    @property
    def forget(self) -> str:
        """What to remove so that this machine takes the branch as it finds it."""
        return str(self.folder / "seen")

    def seen(self) -> Checkpoint | None:
        """The newest checkpoint that was seen on the branch; None when there was none.

        IntegrityFailure when it cannot be read any more: then nobody can tell whether the branch is still the same.
        """
        content = self._read("seen", MAXIMUM_NOTE_BYTES)
        try:
            return None if content is None else read_note(content.decode()).checkpoint
        except (IntegrityFailure, UnicodeDecodeError) as error:
            raise IntegrityFailure(
                f"{self.forget} cannot be read: it says which state of the ledger's branch this machine saw last",
                "remove it to take the branch as it is now",
            ) from error

    def tip(self) -> str | None:
        """The commit that a process of this machine saw last; None when there was none."""
        content = self._read("tip", _LONGEST_TIP)
        return None if content is None else content.decode(errors="replace")

    def keep(self, commit: str, head: Head) -> None:
        """Remember a state of the branch that was found sound. Unreachable when the folder cannot be written."""
        with reaching(self.folder, "written"):
            make_private_folder(self.folder)
            if self.tip() != commit:
                write_file(self.folder / "tip", commit.encode())
            if head.note is not None and head != self._kept:
                # A note that cannot be read is for others to complain about: it must not become what is remembered.
                with contextlib.suppress(IntegrityFailure):
                    read_note(head.note)
                    write_file(self.folder / "seen", head.note.encode())
                self._kept = head

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """One appender of this machine at a time: that they outrun each other would only cost time."""
        with reaching(self.folder, "locked"):
            make_private_folder(self.folder)
            descriptor = os.open(self.folder / "turn", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
        try:
            give_up = time.monotonic() + WAIT_SECONDS
            while not _locked(descriptor):
                if time.monotonic() > give_up:
                    raise Unreachable(
                        f"another process of this machine has been writing to the ledger for {WAIT_SECONDS:.0f} s",
                        "wait until it has finished, or end it, and try again",
                    )
                time.sleep(_LOOK_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def _read(self, name: str, longest: int) -> bytes | None:
        try:
            with (self.folder / name).open("rb") as file:
                return file.read(longest + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise Unreachable(
                f"{self.folder / name} could not be read ({error.strerror})", "check its permissions"
            ) from error


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
