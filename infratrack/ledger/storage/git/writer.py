"""What a write would make of a branch: the new files of a commit. It reads the branch and changes nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

from infratrack.errors import IntegrityFailure
from infratrack.ledger.merkle import HASH_BYTES, Place
from infratrack.ledger.storage.git import layout
from infratrack.ledger.storage.git.branch import Branch
from infratrack.ledger.storage.git.growth import Growth
from infratrack.ledger.storage.interface import Head, StoredEntry


class BranchWriter:
    """A `LedgerWriter` over one state of a branch."""

    def __init__(self, branch: Branch) -> None:
        self._branch: Final = branch
        self._base: Final = branch.count()
        self._head = branch.head()
        self._rows: Final[list[StoredEntry]] = []
        self._by_digest: Final[dict[bytes, int]] = {}
        self._keys: Final[dict[str, bytes]] = {}

    def head(self) -> Head:
        """See LedgerReader."""
        return self._head

    def count(self) -> int:
        """See LedgerReader."""
        return self._base + len(self._rows)

    def leaves(self, indexes: Collection[int]) -> Mapping[int, bytes]:
        """See LedgerReader."""
        new = {index: self._rows[index - self._base].entry for index in indexes if self._is_new(index)}
        old = [index for index in indexes if index < self._base]
        return {**(self._branch.leaves(old) if old else {}), **new}

    def hashes(self, wanted: Collection[Place]) -> Mapping[Place, bytes]:
        """See LedgerReader."""
        found = dict(self._branch.hashes([place for place in wanted if place.last_leaf < self._base]))
        for place in wanted:
            if self._is_new(place.last_leaf):
                joined = self._rows[place.last_leaf - self._base].hashes
                found[place] = joined[HASH_BYTES * place.level : HASH_BYTES * (place.level + 1)]
        return found

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """See LedgerReader."""
        old = self._branch.entries(start, min(stop, self._base)) if start < self._base else []
        return [*old, *self._rows[max(start - self._base, 0) : max(stop - self._base, 0)]]

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """See LedgerReader."""
        new = {digest: self._by_digest[digest] for digest in digests if digest in self._by_digest}
        return {**self._branch.indexes_of([digest for digest in digests if digest not in new]), **new}

    def keys(self) -> Mapping[str, bytes]:
        """See LedgerReader."""
        return {**self._keys, **self._branch.keys()}

    def write(self, head: Head, entries: Sequence[StoredEntry], keys: Mapping[str, bytes]) -> None:
        """See LedgerWriter."""
        taken = self.indexes_of([row.digest for row in entries])
        for row in entries:
            if row.index != self.count() or row.digest in taken or row.digest in self._by_digest:
                raise IntegrityFailure(
                    f"entry {row.index} cannot be written: the next is {self.count()}, or its envelope is there already"
                )
            self._rows.append(row)
            self._by_digest[row.digest] = row.index
        stored = self._branch.known_keys(keys)
        self._keys.update({keyid: raw for keyid, raw in keys.items() if keyid not in stored})
        self._head = head

    def files(self) -> dict[str, bytes]:
        """The files that the commit adds or replaces; none when nothing was written.

        IntegrityFailure when the hashes handed over are not those of the tree that the branch holds.
        """
        changed: dict[str, bytes] = {}
        if self._rows:
            growth = Growth(self._branch.edge(len(self._rows)))
            for row in self._rows:
                if growth.add(row.entry) != row.hashes:
                    raise IntegrityFailure(f"entry {row.index}: its hashes are not those of the branch's tree")
                changed[layout.envelope_path(row.index)] = row.line
            changed.update(growth.files())
            changed.update(self._digests())
        changed.update({layout.key_path(keyid): layout.write_key(raw) for keyid, raw in self._keys.items()})
        before = self._branch.head()
        if self._head.origin != before.origin:
            changed[layout.ORIGIN] = layout.write_origin(self._head.origin)
        if self._head.note is not None and self._head.note != before.note:
            changed[layout.CHECKPOINT] = self._head.note.encode()
        return changed

    def _digests(self) -> dict[str, bytes]:
        """The files that say where the new envelopes stand, with what stood in them before."""
        added: dict[str, list[bytes]] = {}
        for row in self._rows:
            added.setdefault(layout.digest_path(row.digest), []).append(layout.digest_line(row.digest, row.index))
        before = self._branch.read(added)
        return {path: before.get(path, b"") + b"".join(lines) for path, lines in added.items()}

    def summary(self) -> str:
        """The commit's message."""
        return f"Entries {self._base} to {self.count() - 1}" if self._rows else "Head, keys or blobs"

    def _is_new(self, index: int) -> bool:
        return self._base <= index < self.count()
