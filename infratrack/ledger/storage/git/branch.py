"""One state of a ledger's branch, read file by file; what was read once is not asked for again."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from infratrack.ledger.merkle import Place, places
from infratrack.ledger.storage.git import layout
from infratrack.ledger.storage.git.growth import needed_to_grow
from infratrack.ledger.storage.git.lookup import hash_from, hash_paths, leaf_paths, leaves_from
from infratrack.ledger.storage.interface import Head, StoredEntry

if TYPE_CHECKING:
    from infratrack.ledger.storage.git.remote import GitRemote, Tip

_FEW: Final = 20
_NO_SUCH_NAME: Final = "none"
"""Looking for it in a folder fetches the folder and nothing below."""
_FIRST: Final = (
    layout.ORIGIN,
    layout.CHECKPOINT,
    layout.FRONTIER,
    layout.NEWEST,
    *(f"{folder}/{_NO_SUCH_NAME}" for folder in (layout.DIGESTS, layout.KEYS, layout.BLOBS, layout.ENVELOPES)),
)
"""What every append needs, found in as few questions to the remote as its folders are deep."""


class Branch:
    """The branch at one commit; a `LedgerReader` that needs nothing but what it is asked for."""

    def __init__(self, remote: GitRemote, tip: Tip) -> None:
        self._remote: Final = remote
        self._files: Final[dict[str, bytes | None]] = {}
        self.tip: Final = tip

    def read(self, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of files; those that are not there are left out."""
        wanted = list(dict.fromkeys(paths))
        missing = [path for path in wanted if path not in self._files]
        if missing:
            found = self._remote.read(self.tip, missing)
            self._files.update({path: found.get(path) for path in missing})
        return {path: content for path in wanted if (content := self._files[path]) is not None}

    def below(self, folder: str) -> Mapping[str, bytes]:
        """The contents of all files below a folder, by whole path, fetched together."""
        return self._remote.read_all(self.tip, folder)

    def names(self) -> Mapping[str, str]:
        """The object ids of all files, by path, without their contents."""
        return self._remote.names(self.tip)

    def file(self, path: str) -> bytes | None:
        """The content of one file."""
        return self.read([path]).get(path)

    def expect(self, digests: Collection[bytes], keyids: Collection[str], others: Collection[str]) -> None:
        """Read ahead, in few round trips, what appending envelopes with these digests and keys will ask for."""
        size = self.count()
        self.read(
            [
                *map(layout.digest_path, digests),
                *map(layout.key_path, keyids),
                *others,
                *needed_to_grow(size, len(digests)),
                # It is not there yet: but the folders on the way to it are needed to put it there.
                layout.envelope_path(size),
            ]
        )

    def head(self) -> Head:
        """See LedgerReader."""
        first = self.read(_FIRST)
        if layout.ORIGIN not in first:
            raise layout.damaged(layout.ORIGIN, "it is missing; perhaps this is no ledger's branch")
        note = first.get(layout.CHECKPOINT)
        text = None if note is None else layout.read_text(layout.CHECKPOINT, note)
        return Head(layout.read_origin(first[layout.ORIGIN]), text)

    def frontier(self) -> tuple[int, tuple[bytes, ...]]:
        """How many entries there are, and the hashes of the complete subtrees that they make, largest first."""
        first = self.read(_FIRST)
        if layout.FRONTIER in first:
            return layout.read_frontier(first[layout.FRONTIER])
        if layout.CHECKPOINT in first:
            raise layout.damaged(layout.FRONTIER, "it is missing")
        return 0, ()

    def count(self) -> int:
        """See LedgerReader."""
        return self.frontier()[0]

    def leaves(self, indexes: Collection[int]) -> Mapping[int, bytes]:
        """See LedgerReader."""
        size, wanted = self.count(), sorted(indexes)
        return leaves_from(wanted, size, self._many(leaf_paths(wanted, size)))

    def hashes(self, wanted: Collection[Place]) -> Mapping[Place, bytes]:
        """See LedgerReader; those of the frontier cost nothing."""
        size, frontier = self.frontier()
        known = dict(zip(places((0, size)), frontier, strict=True))
        others = [place for place in wanted if place not in known]
        files = self.read(hash_paths(others, size))
        found = ((place, known.get(place) or hash_from(place, size, files)) for place in wanted)
        return {place: one for place, one in found if one is not None}

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """See LedgerReader. Each envelope is a file of its own: for many entries there is the local copy."""
        span = range(max(start, 0), min(stop, self.count()))
        lines = self.lines(span)
        leaves = self.leaves(span)
        hashes = self.hashes([place for index in span for place in ending_with(index)])
        return [
            StoredEntry(
                index,
                hashlib.sha256(lines[index]).digest(),
                b"".join(hashes.get(place, b"") for place in ending_with(index)),
                leaves[index],
                lines[index],
            )
            for index in span
            if index in lines and index in leaves
        ]

    def lines(self, span: range) -> Mapping[int, bytes]:
        """The envelopes of these entries."""
        paths = {layout.envelope_path(index): index for index in span}
        return {paths[path]: line for path, line in self._many(paths).items()}

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """See LedgerReader; IntegrityFailure for an index that no entry has."""
        known: dict[bytes, int] = {}
        for path, content in self.read(map(layout.digest_path, digests)).items():
            known |= layout.read_digests(path, content)
        found = {digest: known[digest] for digest in digests if digest in known}
        for digest, index in found.items():
            if index >= self.count():
                raise layout.damaged(layout.digest_path(digest), f"it names entry {index}, which there is not")
        return found

    def keys(self) -> Mapping[str, bytes]:
        """See LedgerReader."""
        found = {}
        for path, content in self.below(layout.KEYS).items():
            keyid = layout.fanned_in(layout.KEYS, path)
            if keyid is None:
                raise layout.damaged(path[:120], "it is no key's name")
            found[keyid] = layout.read_key(path, content)
        return found

    def known_keys(self, keyids: Collection[str]) -> frozenset[str]:
        """Which of these keys are stored."""
        paths = {layout.key_path(keyid): keyid for keyid in keyids}
        return frozenset(paths[path] for path in self.read(paths))

    def _many(self, paths: Collection[str]) -> Mapping[str, bytes]:
        """Files; of many at once, which are on their way into a copy, none is kept here."""
        return self.read(paths) if len(paths) <= _FEW else self._remote.read(self.tip, paths)

    def edge(self, more: int) -> dict[str, bytes]:
        """The files that adding so many leaves builds on."""
        return self.read([layout.FRONTIER, layout.NEWEST, *needed_to_grow(self.count(), more)])


def ending_with(index: int) -> list[Place]:
    """The complete subtrees that end with a leaf, the leaf's own first."""
    levels = ((index + 1) & -(index + 1)).bit_length()
    return [Place(level, index >> level) for level in range(levels)]
