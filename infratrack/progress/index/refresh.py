"""Ledger → facts index: reads what is new, checks each signature once, and keeps what was read."""

from __future__ import annotations

import hashlib
import itertools
import json
import sqlite3
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import Struct

from infratrack import __version__
from infratrack.errors import InfratrackError, IntegrityFailure
from infratrack.evidence.identity.sigstore_library import installed
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.trust import Trust
from infratrack.progress.index.projection import Entry, EvidenceFacts, WordsOf, read_entry
from infratrack.progress.index.store import UNKNOWN_KEY, FactsIndex, discard, is_damage, writing
from infratrack.progress.index.writer import IndexWriter
from infratrack.values import Digest, sha256_digest

CHUNK: Final = 20_000
"""Entries that are written in one transaction."""

OnProgress = Callable[[int, int], None]


class Blobs(Protocol):
    """The part of the blob store that is read."""

    def get(self, digest: Digest, /) -> bytes:
        """The content."""

    def has(self, digest: Digest, /) -> bool:
        """Whether it is there."""


class ReadableLedger(Protocol):
    """The part of a ledger that is read."""

    @property
    def blobs(self) -> Blobs:
        """Artifacts."""

    def size(self) -> int:
        """How many entries there are."""

    def root_at(self, size: int, /) -> bytes:
        """The Merkle root over the first `size` entries."""

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Any]:
        """The entries from `start` to before `stop`."""

    def known_keys(self) -> Mapping[str, PublicKey]:
        """Public keys that appended evidence, by key id."""


class NothingRecorded:
    """Stands in for a ledger that is not there yet."""

    class _NoBlobs:
        def get(self, digest: Digest, /) -> bytes:
            raise KeyError(digest)

        def has(self, digest: Digest, /) -> bool:
            return False

    blobs = _NoBlobs()

    def size(self) -> int:
        """Nothing."""
        return 0

    def root_at(self, size: int, /) -> bytes:
        """The root of the empty tree (RFC 6962)."""
        return hashlib.sha256(b"").digest()

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[Any]:
        """Nothing."""
        return iter(())

    def known_keys(self) -> Mapping[str, PublicKey]:
        """Nobody."""
        return {}


def refresh(
    index_path: Path | None,
    ledger: ReadableLedger,
    trust: Trust,
    types: Mapping[str, WordsOf],
    on_progress: OnProgress | None = None,
) -> FactsIndex:
    """Bring the index at `index_path` (None: in memory) up to the ledger's present size and return it, open.

    `on_progress(done, total)` is called now and then. Raises IntegrityFailure when the ledger no longer begins with
    what was read from it before. An index file that is damaged, locked or not writable is done without.
    """
    for path in (index_path, index_path, None):
        index = FactsIndex.open(path)
        index.root_at = ledger.root_at
        try:
            _bring_up_to_date(index, ledger, trust, types, on_progress or _silent)
        except BaseException as error:
            index.close()
            if index.path is None or not isinstance(error, sqlite3.DatabaseError):
                raise
            if is_damage(error):
                discard(index.path)
        else:
            return index
    raise AssertionError  # pragma: no cover -- the last round is in memory: it returns or raises


def unchanged(index_path: Path | None, stamp: str | None, types: Mapping[str, WordsOf]) -> FactsIndex | None:
    """The index, open, if the ledger's stamp is the one it was read under and nothing waits to be verified; else None.

    A stamp (see `FactsIndex.keep_stamp`) changes whenever the ledger may have changed.
    """
    if stamp is None or index_path is None or not index_path.exists():
        return None
    index = FactsIndex.open(index_path)
    try:
        settled = index.meta("stamp") == stamp and index.meta("unknown_keys", "[]") == "[]"
        if settled and index.meta("code") == code_fingerprint(types.values()):
            return index
    except sqlite3.DatabaseError:
        pass  # refreshing makes it anew
    index.close()
    return None


def _silent(done: int, total: int) -> None:
    """Nobody watches."""


def _bring_up_to_date(
    index: FactsIndex,
    ledger: ReadableLedger,
    trust: Trust,
    types: Mapping[str, WordsOf],
    on_progress: OnProgress,
) -> None:
    size = ledger.size()
    fingerprint = code_fingerprint(types.values())
    if index.meta("code") == fingerprint:
        check_continuity(index, ledger, size)
        waiting = set(json.loads(index.meta("unknown_keys", "[]")))
        if index.size == size and not waiting & _public_keys(ledger, trust, waiting).keys():
            return
    public_keys = _public_keys(ledger, trust, None)
    reader = _Reader(ledger, public_keys, types)
    while True:
        index.connection.execute("BEGIN IMMEDIATE")
        with writing(index.connection):
            if index.meta("code") != fingerprint:
                index.clear()
                index.set_meta("code", fingerprint)
            # Another process may have been quicker: what it wrote is not written twice.
            check_continuity(index, ledger, size)
            begin, end = index.size, min(size, index.size + CHUNK)
            verify_waiting(index, ledger, public_keys)
            if begin < end:
                reader.read(index, begin, end)
        on_progress(end, size)
        if end >= size:
            return


def _public_keys(ledger: ReadableLedger, trust: Trust, waiting: set[str] | None) -> Mapping[str, PublicKey]:
    """Keys to verify with; the ledger is asked only when it matters."""
    if waiting is not None and not waiting:
        return {}
    return {**ledger.known_keys(), **trust.public_keys}


def check_continuity(index: FactsIndex, ledger: ReadableLedger, size: int) -> None:
    """The ledger must still begin with the entries that were read; IntegrityFailure when it does not."""
    known = index.size
    if known and (known > size or ledger.root_at(known).hex() != index.root):
        found = f"it has only {size}" if known > size else "its root over them is another one"
        raise IntegrityFailure(
            f"the ledger is not the one that was read before: {known} entries were seen on this machine, {found}",
            f"run `infratrack ledger verify`; if the ledger was replaced on purpose, delete {index.path}",
        )


class _Reader(Struct, frozen=True):
    """What it takes to read entries."""

    ledger: ReadableLedger
    public_keys: Mapping[str, PublicKey]
    types: Mapping[str, WordsOf]

    def read(self, index: FactsIndex, begin: int, end: int) -> None:
        """Read the entries from `begin` to before `end` into the index."""
        verified = {
            digest: keyid
            for digest, keyid in index.rows("SELECT digest, keyid FROM verified")
            if keyid in self.public_keys
        }
        found: Iterable[Entry] = itertools.islice(self.ledger.entries(begin, end), end - begin)
        facts = [read_entry(entry, self.public_keys, self.types, verified) for entry in found]
        if len(facts) != end - begin:
            raise IntegrityFailure(
                f"the ledger says that it has {end} entries but handed over only {begin + len(facts)}",
                "run `infratrack ledger verify`",
            )
        IndexWriter(index, end, lambda digest: _document(self.ledger, digest)).add(facts)
        _note_unknown_keys(index, facts)
        index.set_meta("root", self.ledger.root_at(end).hex())
        index.set_meta("size", str(end))


def _note_unknown_keys(index: FactsIndex, facts: Iterable[EvidenceFacts]) -> None:
    unknown = {one.keyid for one in facts if one.state == UNKNOWN_KEY}
    if unknown:
        waiting = unknown.union(json.loads(index.meta("unknown_keys", "[]")))
        index.set_meta("unknown_keys", json.dumps(sorted(waiting)))


def verify_waiting(index: FactsIndex, ledger: ReadableLedger, public_keys: Mapping[str, PublicKey]) -> None:
    """Verify evidence whose key was not known before and is known now."""
    waiting = set(json.loads(index.meta("unknown_keys", "[]")))
    for keyid in sorted(waiting & public_keys.keys()):
        query = "SELECT entry FROM evidence JOIN name ON name.id = key WHERE text = ? AND state = ?"
        for (number,) in index.rows(query, keyid, UNKNOWN_KEY):
            entry = next(iter(ledger.entries(number, number + 1)))
            facts = read_entry(entry, public_keys, {}, {})
            index.connection.execute(
                "UPDATE evidence SET state = ?, problem = CASE ? WHEN '' THEN problem ELSE ? END WHERE entry = ?",
                (facts.state, facts.problem, facts.problem, number),
            )
            if facts.checked:
                row = (facts.digest, facts.keyid)
                index.connection.execute("INSERT OR REPLACE INTO verified VALUES (?, ?)", row)
        waiting.discard(keyid)
        index.set_meta("unknown_keys", json.dumps(sorted(waiting)))
        index.set_meta("epoch", str(int(index.meta("epoch", "0")) + 1))


def _document(ledger: ReadableLedger, digest: str) -> bytes | None:
    """A definition's document from the blobs; None when it is not there or not what its digest says."""
    try:
        if not ledger.blobs.has(Digest(digest)):
            return None
        document = ledger.blobs.get(Digest(digest))
    except InfratrackError:
        return None
    return document if sha256_digest(document) == digest else None


def code_fingerprint(plugged: Iterable[object]) -> str:
    """Changes when the code that reads evidence may have changed: what it read before is then read again.

    Built from infratrack's version, from size and time of the source files beside each plugged-in object's class, and
    from whether endorsements of sigstore can be read.
    """
    folders = {Path(__file__).parent.parent}
    for one in plugged:
        module = sys.modules.get(type(getattr(one, "wrapped", one)).__module__)
        source = getattr(module, "__file__", None)
        if source:
            folders.add(Path(source).parent)
    hashed = hashlib.sha256(f"{__version__}\0{installed()}".encode())
    for folder in sorted(folders):
        for source in sorted(folder.rglob("*.py")):
            state = source.stat()
            hashed.update(f"{source}\0{state.st_size}\0{state.st_mtime_ns}\n".encode())
    return hashed.hexdigest()
