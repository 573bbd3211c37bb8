"""A ledger's branch as a database on this machine: for reading many entries, brought up to date bit by bit.

It can be deleted at any time. What it holds is what the branch held when it was read, with the hashes worked out again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from infratrack.errors import IntegrityFailure
from infratrack.evidence.durable_files import make_private_folder, reaching
from infratrack.ledger.merkle import GrowingTree, Place, places
from infratrack.ledger.storage.git import layout
from infratrack.ledger.storage.interface import Head, LedgerReader, LedgerWriter, StoredEntry
from infratrack.ledger.storage.sql import sqlite
from infratrack.ledger.storage.sql.store import SqlStorage

if TYPE_CHECKING:
    from infratrack.ledger.storage.git.branch import Branch

_PAGE: Final = 4_096
"""Entries fetched at a time."""
_LONGEST_GAP: Final = 16
"""After so many bundles in which nothing can be read, nothing more is looked for: the size may be anybody's word."""


class DoesNotFit(IntegrityFailure):
    """The branch is not what the copy could grow to."""


class LocalCopy:
    """The copy at a path; made when it is first needed."""

    def __init__(self, path: Path) -> None:
        self._path: Final = path
        self._storage: SqlStorage | None = None
        self._commit: str | None = None
        self._as_found: tuple[str, AsFound] | None = None

    def as_of(self, branch: Branch) -> LedgerReader:
        """The log of a branch, for reading. Where the branch does not fit together, it is handed over as it is found.

        Raises Unreachable when the remote or the disk cannot be reached.
        """
        if self._as_found and self._as_found[0] == branch.tip.commit:
            return self._as_found[1]
        for _ in range(2):
            try:
                return self._grown(branch)
            except IntegrityFailure:
                self._discard()
        self._as_found = branch.tip.commit, AsFound(branch)
        return self._as_found[1]

    def close(self) -> None:
        """Close the database."""
        if self._storage is not None:
            self._storage.close()
            self._storage = None

    def _grown(self, branch: Branch) -> LedgerReader:
        head = branch.head()
        storage = self._opened(head.origin)
        if self._commit != branch.tip.commit:
            if (storage.head(), storage.count()) != (head, branch.count()):
                storage.write(lambda writer: _grow(writer, branch, head))
            self._commit = branch.tip.commit
        return storage

    def _opened(self, origin: str) -> SqlStorage:
        if self._storage is None:
            what = f"the local copy of the ledger at {self._path}"
            with reaching(self._path, "written"):
                make_private_folder(self._path.parent)
                if not self._path.exists():
                    with sqlite.explained(what):
                        sqlite.create_file(self._path, origin)
            engine = sqlite.sqlite_engine(self._path)
            self._storage = SqlStorage(engine, sqlite.begin_writing, lambda: sqlite.explained(what), sqlite.damage)
            self._storage.prepare()
        return self._storage

    def _discard(self) -> None:
        self.close()
        self._commit = None
        with reaching(self._path, "removed"):
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)


class AsFound:
    """The entries of a branch that does not fit together, in memory, so that verification can name what is wrong.

    What cannot be read is left out; the tree goes on over it as over an empty leaf.
    """

    def __init__(self, branch: Branch) -> None:
        self._branch: Final = branch
        self._rows: Final[dict[int, StoredEntry]] = {}
        tree = GrowingTree()
        for index, leaf, line in _readable(branch):
            while tree.size < index:
                tree.add(b"")
            self._rows[index] = StoredEntry(index, hashlib.sha256(line).digest(), tree.add(leaf), leaf, line)

    def head(self) -> Head:
        """See LedgerReader."""
        return self._branch.head()

    def count(self) -> int:
        """See LedgerReader."""
        return self._branch.count()

    def leaves(self, indexes: Collection[int]) -> Mapping[int, bytes]:
        """See LedgerReader."""
        return {index: self._rows[index].entry for index in indexes if index in self._rows}

    def hashes(self, wanted: Collection[Place]) -> Mapping[Place, bytes]:
        """See LedgerReader."""
        there = [place for place in wanted if place.last_leaf in self._rows]
        return {place: self._rows[place.last_leaf].hashes[32 * place.level :][:32] for place in there}

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """See LedgerReader."""
        return [self._rows[index] for index in range(start, stop) if index in self._rows]

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """See LedgerReader."""
        return {row.digest: row.index for row in self._rows.values() if row.digest in set(digests)}

    def keys(self) -> Mapping[str, bytes]:
        """See LedgerReader."""
        return self._branch.keys()


def _grow(writer: LedgerWriter, branch: Branch, head: Head) -> None:
    """Add what the branch has more; IntegrityFailure when it does not lead to the branch's own hashes."""
    have = writer.count()
    size, frontier = branch.frontier()
    if have > size or (have and writer.head().origin != head.origin):
        raise DoesNotFit("the local copy is of another log, or of one that was longer")
    span = places((0, have))
    hashes = writer.hashes(span)
    tree = GrowingTree(have, [hashes.get(place, b"") for place in span])
    rows: list[StoredEntry] = []
    for index, leaf, line in _records(branch, have, size):
        rows.append(StoredEntry(index, hashlib.sha256(line).digest(), tree.add(leaf), leaf, line))
        if len(rows) == _PAGE:
            writer.write(head, rows, {})
            rows = []
    if tree.size != size or tree.edge != frontier:
        raise DoesNotFit("the branch's entries do not lead to its own hashes")
    writer.write(head, rows, {})


def _records(branch: Branch, start: int, stop: int) -> Iterator[tuple[int, bytes, bytes]]:
    """Index, leaf and envelope of entries, in order; an envelope that is missing is empty, a missing leaf ends it."""
    for first in range(start, stop, _PAGE):
        span = range(first, min(first + _PAGE, stop))
        leaves, lines = branch.leaves(span), branch.lines(span)
        for index in span:
            if index not in leaves:
                return
            yield index, leaves[index], lines.get(index, b"")


def _readable(branch: Branch) -> Iterator[tuple[int, bytes, bytes]]:
    """What can be read of a damaged branch, bundle by bundle, up to a gap that only an invented size can have."""
    try:
        size = branch.count()
    except IntegrityFailure:
        return
    gap = 0
    for first in range(0, size, layout.WIDTH):
        gap += 1
        with contextlib.suppress(IntegrityFailure):
            for record in _records(branch, first, min(first + layout.WIDTH, size)):
                gap = 0
                yield record
        if gap == _LONGEST_GAP:
            return
