"""The ledger: an append-only log of signed envelopes, on whatever storage keeps it.

The rules it keeps: the same envelope is one entry; recording times never go back; every batch is written as a whole,
with the blobs before the entries that name them and one new signed checkpoint; appending reads the newest state
inside the storage's `write`, so that several processes can append at once and none forks the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct

from infratrack.errors import InputError, IntegrityFailure
from infratrack.evidence.envelope import open_envelope, verify
from infratrack.evidence.keys import PublicKey, SigningKey
from infratrack.evidence.statement import read_statement
from infratrack.ledger.blobs import Blobs
from infratrack.ledger.checkpoint import Checkpoint, sign_checkpoint
from infratrack.ledger.edge import Edge, check_found, head_checkpoint, read_edge, subtree_hashes
from infratrack.ledger.entry import Entry, LedgerEntry, read_entry, write_entry
from infratrack.ledger.merkle import (
    GrowingTree,
    consistency_spans,
    fold,
    inclusion_spans,
    places,
    proof_hashes,
)
from infratrack.ledger.proof import LogProof
from infratrack.ledger.storage.interface import Head, LedgerStorage, LedgerWriter, StoredEntry
from infratrack.values import Digest, Instant

PAGE: Final = 1_000
"""Entries read at a time."""


class Incoming(Struct, frozen=True):
    """An envelope to append: its JSONL line without line feed, the key that signed it, and blobs that it names."""

    line: bytes
    keyid: str
    public_key: PublicKey
    blobs: Mapping[Digest, bytes] = {}


class Appended(Struct, frozen=True, gc=False):
    """Where an envelope stands; `new` is False when it stood there before."""

    index: int
    digest: Digest
    new: bool


class _Payload(Struct, frozen=True, gc=False):
    payload: bytes  # msgspec reads base64


class _Kind(Struct, frozen=True, gc=False):
    predicate_type: str = msgspec.field(name="predicateType")


_PAYLOAD: Final = msgspec.json.Decoder(_Payload)
_KIND: Final = msgspec.json.Decoder(_Kind)


class Closed(IntegrityFailure):
    """The ledger can take nothing in: what it holds is damaged, or not what this machine saw there."""


class Ledger:
    """One log. `project_id` is what the origin is named for."""

    def __init__(self, storage: LedgerStorage, blobs: Blobs, *, project_id: str, address: str) -> None:
        self.storage: Final = storage
        self.blobs: Final = blobs
        self.project_id: Final = project_id
        self.address: Final = address
        self._edge: Edge | None = None

    def append(
        self,
        items: Sequence[Incoming],
        *,
        signer: SigningKey,
        signer_name: str,
        clock: Callable[[], Instant],
        verified: bool = False,
    ) -> list[Appended]:
        """Append envelopes, all or none; returns, in their order, where each stands. Durable when it returns.

        Each envelope is opened strictly and its signature checked, unless `verified` says that the caller has just done
        it. All new entries of a batch carry one recording time, which is never before that of the entry before them,
        even if the clock went back.
        Raises IntegrityFailure for an envelope that does not verify, InputError for one that is not readable or a blob
        that is not what its digest says, Closed when it is the ledger that is not sound, Unreachable when it could not
        be written.
        """
        arrivals = [_arrive(item, verified=verified) for item in items]
        for item in items:
            self._keep_blobs(item.blobs)
        if not items:
            return []
        try:
            appended, self._edge = self.storage.write(
                lambda writer: self._append(writer, arrivals, signer, signer_name, clock),
                digests={arrival.digest for arrival in arrivals},
                keyids={signer.keyid, *(arrival.key.keyid for arrival in arrivals)},
            )
        except IntegrityFailure as error:
            raise Closed(error.message, error.hint or "run `infratrack ledger verify`") from error
        return appended

    def _append(
        self,
        writer: LedgerWriter,
        arrivals: Sequence[_Arrival],
        signer: SigningKey,
        signer_name: str,
        clock: Callable[[], Instant],
    ) -> tuple[list[Appended], Edge]:
        head = writer.head()
        edge = self._edge if self._edge and self._edge.note == head.note else read_edge(writer, head)
        known = dict(writer.indexes_of({arrival.digest for arrival in arrivals}))
        if known:
            check_found(writer, edge, known)
        tree = GrowingTree(edge.size, edge.hashes)
        recorded_at = max(clock(), edge.recorded_at)
        rows: list[StoredEntry] = []
        appended: list[Appended] = []
        keys: dict[str, bytes] = {}
        for arrival in arrivals:
            name = Digest("sha256:" + arrival.digest.hex())
            index = known.get(arrival.digest)
            if index is None:
                index = known[arrival.digest] = tree.size
                key = arrival.key
                keys[key.keyid] = key.raw
                leaf = write_entry(Entry(name, key.keyid, arrival.predicate_type, recorded_at))
                rows.append(StoredEntry(index, arrival.digest, tree.add(leaf), leaf, arrival.line))
                appended.append(Appended(index, name, new=True))
            else:
                appended.append(Appended(index, name, new=False))
        if not rows:
            return appended, edge
        keys[signer.keyid] = signer.public_key.raw
        note = sign_checkpoint(Checkpoint(head.origin, tree.size, tree.root()), signer, signer_name)
        new_keys = {keyid: raw for keyid, raw in keys.items() if keyid not in edge.keyids}
        writer.write(Head(head.origin, note), rows, new_keys)
        return appended, Edge(note, tree.size, tree.edge, recorded_at, edge.keyids.union(new_keys))

    def restore(
        self, head: Head, records: Callable[[], Iterable[tuple[bytes, bytes]]], keys: Mapping[str, PublicKey]
    ) -> None:
        """Fill an empty ledger with a verified log as it is: same leaves, same root, same checkpoint, same origin.

        `records` gives pairs of leaf and envelope line, from the first on whenever it is called. InputError when the
        ledger is not empty, IntegrityFailure when the records do not lead to the head's checkpoint; then nothing is
        written.
        """
        raw = {keyid: key.raw for keyid, key in keys.items()}

        def fill(writer: LedgerWriter) -> None:
            tree = GrowingTree()
            rows: list[StoredEntry] = []
            if writer.head().note is not None:
                raise InputError("the ledger is not empty", "only an empty ledger can be filled with a log as it is")
            for leaf, line in records():
                rows.append(StoredEntry(tree.size, hashlib.sha256(line).digest(), tree.add(leaf), leaf, line))
                if len(rows) == PAGE:
                    writer.write(head, rows, {})
                    rows = []
            writer.write(head, rows, raw)
            if head_checkpoint(head) != Checkpoint(head.origin, tree.size, tree.root()):
                raise IntegrityFailure("the records do not lead to the checkpoint's root", "verify the bundle again")

        self.storage.write(fill)
        self._edge = None

    def origin(self) -> str:
        """The log's own name, the first line of its checkpoints."""
        return self.storage.head().origin

    def checkpoint(self) -> str | None:
        """The newest signed checkpoint's text; None while the ledger is empty."""
        return self.storage.head().note

    def size(self) -> int:
        """How many entries the newest checkpoint covers; IntegrityFailure when there are entries but no checkpoint."""
        return self._head().size

    def root(self) -> bytes:
        """The root that the newest checkpoint names (32 bytes)."""
        return head_checkpoint(self.storage.head()).root

    def root_at(self, size: int) -> bytes:
        """The root over the first `size` entries, from the stored hashes."""
        self._check_size(size)
        span = places((0, size))
        hashes = subtree_hashes(self.storage, span)
        return fold([hashes[place] for place in span])

    def entries(self, start: int = 0, stop: int | None = None) -> Iterator[LedgerEntry]:
        """The entries with index `start` up to, not including, `stop` (all there are when None), in order.

        Raises IntegrityFailure, naming the entry, for one that cannot be read or that the stored hashes of the tree do
        not fit; and after the last one when all of them do not lead to the checkpoint's root.
        """
        head, start = self._head(), max(start, 0)
        end = head.size if stop is None else min(stop, head.size)
        if start >= end:
            return
        span = places((0, start))
        stored = subtree_hashes(self.storage, span)
        tree = GrowingTree(start, [stored[place] for place in span])
        for first in range(start, end, PAGE):
            wanted = first
            for row in self.storage.entries(first, min(first + PAGE, end)):
                entry = _ledger_entry(row, wanted)
                if tree.add(row.entry) != row.hashes:
                    raise IntegrityFailure(
                        f"entry {wanted}: the stored hashes of the tree are not those of its leaves",
                        "run `infratrack ledger verify`",
                    )
                yield entry
                wanted += 1
            if wanted != min(first + PAGE, end):
                raise IntegrityFailure(f"entry {wanted} is missing from the ledger", "run `infratrack ledger verify`")
        if end == head.size and tree.root() != head.root:
            raise IntegrityFailure(
                "the ledger's entries do not lead to the root in its checkpoint", "run `infratrack ledger verify`"
            )

    def known_keys(self) -> Mapping[str, PublicKey]:
        """Every key that signed an entry or a checkpoint here, by key id. Known is not trusted."""
        return {keyid: stored_key(keyid, raw) for keyid, raw in self.storage.keys().items()}

    def inclusion_proof(self, index: int, size: int | None = None) -> tuple[bytes, ...]:
        """The hashes that lead from a leaf to the root of the first `size` entries (RFC 6962, 2.1.1)."""
        size = self.size() if size is None else size
        self._check_size(size)
        if not 0 <= index < size:
            raise InputError(f"there is no entry {index}", f"the ledger has the entries 0 to {size - 1}")
        return self._proof(inclusion_spans(index, size))

    def consistency_proof(self, old: int, new: int | None = None) -> tuple[bytes, ...]:
        """The hashes that show that the first `old` entries are the beginning of the first `new` (RFC 6962, 2.1.2)."""
        new = self.size() if new is None else new
        self._check_size(new)
        if not 0 <= old <= new:
            raise InputError(f"a ledger of {new} entries cannot have grown from {old}", "the smaller size comes first")
        return self._proof(consistency_spans(old, new))

    def proof(self, index: int) -> LogProof:
        """The proof that an entry stands under the newest checkpoint, with the checkpoint."""
        head = self.storage.head()
        if head.note is None:
            raise InputError("the ledger is empty: there is nothing to prove")
        return LogProof(index, self.inclusion_proof(index, head_checkpoint(head).size), head.note)

    def close(self) -> None:
        """Let go of files and connections."""
        self.storage.close()

    def _head(self) -> Checkpoint:
        """The newest checkpoint, as it stands (nobody has checked its signature)."""
        head = self.storage.head()
        if head.note is None and self.storage.count():
            raise IntegrityFailure("the ledger has entries but no checkpoint", "run `infratrack ledger verify`")
        return head_checkpoint(head)

    def _proof(self, spans: Sequence[tuple[int, int]]) -> tuple[bytes, ...]:
        hashes = subtree_hashes(self.storage, [place for span in spans for place in places(span)])
        return proof_hashes(spans, hashes.__getitem__)

    def _check_size(self, size: int) -> None:
        if not 0 <= size <= self.size():
            raise InputError(f"the ledger has {self.size()} entries, not {size}", "ask about a size that it has had")

    def _keep_blobs(self, blobs: Mapping[Digest, bytes]) -> None:
        for digest, content in blobs.items():
            if (kept := self.blobs.put(content)) != digest:
                raise InputError(f"a blob is handed over as {digest}, but its content is {kept}")


class _Arrival(Struct, frozen=True, gc=False):
    line: bytes
    digest: bytes
    key: PublicKey
    predicate_type: str


def _arrive(item: Incoming, *, verified: bool) -> _Arrival:
    """Check an envelope before it is written; a line that cannot be verified would spoil the ledger for ever."""
    if item.public_key.keyid != item.keyid:
        raise InputError(f"the key id {item.keyid[:16]} does not belong to the key handed over")
    if verified:
        try:
            kind = _KIND.decode(_PAYLOAD.decode(item.line).payload).predicate_type
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise InputError(f"the statement cannot be read: {' '.join(str(error).split())[:200]}") from error
    else:
        envelope = open_envelope(item.line)
        verify(envelope, {item.keyid: item.public_key})
        kind = read_statement(envelope.payload).predicate_type
    return _Arrival(item.line, hashlib.sha256(item.line).digest(), item.public_key, kind)


def _ledger_entry(row: StoredEntry, index: int) -> LedgerEntry:
    if row.index != index:
        raise IntegrityFailure(f"entry {index} is missing from the ledger", "run `infratrack ledger verify`")
    if not isinstance(row.entry, bytes) or not isinstance(row.line, bytes):
        raise IntegrityFailure(f"entry {index} holds a value that is not bytes", "run `infratrack ledger verify`")
    try:
        leaf = read_entry(row.entry)
    except IntegrityFailure as error:
        raise IntegrityFailure(f"entry {index}: {error.message}", "run `infratrack ledger verify`") from error
    return LedgerEntry(index, row.entry, row.line, leaf.recorded_at, leaf.keyid, leaf.predicate_type, leaf.envelope)


def stored_key(keyid: str, raw: object) -> PublicKey:
    """A stored key; its id is the hash of the key, so it vouches for itself."""
    try:
        key = PublicKey.from_raw(raw if isinstance(raw, bytes) else b"")
    except InputError as error:
        raise IntegrityFailure(f"the stored key {str(keyid)[:80]!a} is not an Ed25519 key") from error
    if key.keyid != keyid:
        raise IntegrityFailure(f"the stored key {str(keyid)[:80]!a} is not the key of that id")
    return key
