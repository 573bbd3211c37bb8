"""Reading a bundle's files, strictly: what is there, lines that end with a line feed, blobs that are their names."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.evidence.envelope import MAXIMUM_LINE_BYTES
from infratrack.ledger.bundle_format import BLOB_NAME, BLOBS, CHECKPOINT, ENTRIES, ENVELOPES, FILES, KEYS
from infratrack.ledger.check import Findings, Record
from infratrack.ledger.checkpoint import MAXIMUM_NOTE_BYTES
from infratrack.ledger.entry import MAXIMUM_ENTRY_BYTES
from infratrack.ledger.log import PAGE
from infratrack.values import Digest, sha256_digest

MAXIMUM_KEYS_BYTES: Final = 64 * 1024 * 1024
MAXIMUM_BLOB_BYTES: Final = 4 * 1024 * 1024 * 1024


class BundleFiles:
    """The files of a bundle. Whatever is not as it must be goes to `findings`."""

    def __init__(self, folder: Path, findings: Findings) -> None:
        """InputError when there is no such folder."""
        if not folder.is_dir():
            raise InputError(f"there is no bundle at {folder}", "name the folder that `infratrack ledger export` wrote")
        self._folder: Final = folder
        self._findings: Final = findings
        self._present: Final[set[str]] = set()
        self.blobs: Final = frozenset(self._look(folder))

    def checkpoint(self) -> str:
        """The text of the checkpoint; IntegrityFailure when it cannot be read."""
        try:
            return self._content(CHECKPOINT, MAXIMUM_NOTE_BYTES).decode()
        except UnicodeDecodeError as error:
            raise IntegrityFailure(f"{CHECKPOINT}: it is not UTF-8") from error

    def keys(self) -> bytes:
        """The bytes of the keys file; IntegrityFailure when it cannot be read."""
        return self._content(KEYS, MAXIMUM_KEYS_BYTES)

    def blob(self, digest: Digest) -> bytes:
        """A blob's content. InputError when it is not there, IntegrityFailure when it is not what its name says."""
        name = digest.removeprefix("sha256:")
        if name not in self.blobs:
            raise InputError(f"there is no blob {digest} in the bundle")
        content = self._content(f"{BLOBS}/{name}", MAXIMUM_BLOB_BYTES)
        if sha256_digest(content) != digest:
            raise IntegrityFailure("its content was altered")
        return content

    def pages(self) -> Iterator[list[Record]]:
        """Leaves with their envelopes, in order; where one file is longer than the other, that is damage."""
        leaves = self._lines(ENTRIES, MAXIMUM_ENTRY_BYTES)
        envelopes = self._lines(ENVELOPES, MAXIMUM_LINE_BYTES)
        index = 0
        page: list[Record] = []
        while True:
            leaf, line = next(leaves, None), next(envelopes, None)
            if leaf is None or line is None:
                if leaf is not None or line is not None:
                    self._findings.add(f"entry {index}: {ENTRIES} and {ENVELOPES} do not have the same number of lines")
                break
            page.append(Record(index, leaf, line))
            index += 1
            if len(page) == PAGE:
                yield page
                page = []
        if page:
            yield page

    def _look(self, folder: Path) -> Iterator[str]:
        """Walk the folder; yields the names of blobs, and notes which of the other files are there."""
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            mode = path.lstat().st_mode
            parent, _, last = name.rpartition("/")
            if stat.S_ISREG(mode) and parent == BLOBS and BLOB_NAME.fullmatch(last):
                yield last
            elif stat.S_ISREG(mode) and name in FILES:
                self._present.add(name)
            elif not (stat.S_ISDIR(mode) and name in {"blobs", BLOBS}):
                self._findings.add(f"{ascii(name)[1:-1]}: it is no part of a bundle")
        for name in sorted(FILES - self._present):
            self._findings.add(f"{name}: it is missing")

    def _content(self, name: str, maximum: int) -> bytes:
        try:
            with self._place(name).open("rb") as file:
                content = file.read(maximum + 1)
        except OSError as error:
            raise self._unreadable(name, error) from error
        if len(content) > maximum:
            raise IntegrityFailure(f"{name}: it is larger than {maximum} bytes")
        return content

    def _lines(self, name: str, maximum: int) -> Iterator[bytes]:
        """Lines without their line feed (0x0A and nothing else); the last one must have it too."""
        number = 0
        try:
            with self._place(name).open("rb") as file:
                while line := file.readline(maximum + 1):
                    number += 1
                    if not line.endswith(b"\n"):
                        self._findings.add(f"{name}: line {number} does not end with a line feed, or is too long")
                        return
                    yield line[:-1]
        except OSError as error:
            raise self._unreadable(name, error) from error

    def _place(self, name: str) -> Path:
        """Where the file is. No link and no pipe is opened: who knows where they lead, or how long."""
        if name in FILES and name not in self._present:
            raise IntegrityFailure(f"{name}: it is missing")
        return self._folder / name

    def _unreadable(self, name: str, error: OSError) -> IntegrityFailure | Unreachable:
        if isinstance(error, FileNotFoundError):
            return IntegrityFailure(f"{name}: it is missing")
        return Unreachable(f"{self._folder / name} could not be read ({error.strerror})", "check its permissions")
