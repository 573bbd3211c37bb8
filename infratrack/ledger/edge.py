"""Reading from a storage what appending and proving need: the right edge of the log, and hashes of subtrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from infratrack.errors import IntegrityFailure
from infratrack.ledger.checkpoint import Checkpoint, read_note
from infratrack.ledger.entry import read_entry
from infratrack.ledger.merkle import (
    EMPTY_ROOT,
    HASH_BYTES,
    Place,
    fold,
    inclusion_spans,
    is_included,
    leaf_hash,
    places,
    proof_hashes,
)
from infratrack.ledger.storage.interface import Head, LedgerReader
from infratrack.values import Instant

_BEGINNING: Final = Instant(-62_135_596_800_000_000)
"""The first instant of year 1: before any recording time."""


class Edge(Struct, frozen=True, gc=False):
    """The right edge of the log under one checkpoint: all that appending needs to know."""

    note: str | None
    size: int
    hashes: tuple[bytes, ...]
    recorded_at: Instant
    keyids: frozenset[str] = frozenset()
    """Keys that are known to be stored; there may be more."""


def read_edge(reader: LedgerReader, head: Head) -> Edge:
    """The right edge from the storage, compared with the checkpoint: nothing is appended to a damaged log."""
    checkpoint = head_checkpoint(head)
    size = checkpoint.size
    if size == 0:
        return Edge(head.note, 0, (), _BEGINNING)
    span = places((0, size))
    hashes = subtree_hashes(reader, span)
    edge = tuple(hashes[place] for place in span)
    if fold(edge) != checkpoint.root:
        raise IntegrityFailure(
            "the ledger's entries do not lead to the root in its checkpoint", "run `infratrack ledger verify`"
        )
    last = reader.leaves([size - 1]).get(size - 1)
    if not isinstance(last, bytes):
        raise IntegrityFailure(f"entry {size - 1} is missing from the ledger", "run `infratrack ledger verify`")
    return Edge(head.note, size, edge, read_entry(last).recorded_at)


def check_found(reader: LedgerReader, edge: Edge, found: Mapping[bytes, int]) -> None:
    """IntegrityFailure unless envelopes stand where they were found, by their SHA-256, under the log's own root.

    What is found is not appended, and forgotten where it came from: nobody's word is taken for that.
    """
    leaves = reader.leaves(found.values())
    spans = {index: inclusion_spans(index, edge.size) for index in found.values() if 0 <= index < edge.size}
    wanted = dict.fromkeys(place for one in spans.values() for span in one for place in places(span))
    hashes = subtree_hashes(reader, list(wanted))
    root = fold(edge.hashes) if edge.hashes else EMPTY_ROOT
    for digest, index in found.items():
        leaf = leaves.get(index)
        if (
            index not in spans
            or not isinstance(leaf, bytes)
            or read_entry(leaf).envelope != f"sha256:{digest.hex()}"
            or not is_included(leaf_hash(leaf), index, edge.size, proof_hashes(spans[index], hashes.__getitem__), root)
        ):
            raise IntegrityFailure(
                f"at entry {index} stands no envelope with the digest {digest.hex()}, although the ledger says so",
                "run `infratrack ledger verify`",
            )


def head_checkpoint(head: Head) -> Checkpoint:
    """The checkpoint of a head; IntegrityFailure when it cannot be read or is of another log."""
    if head.note is None:
        return Checkpoint(head.origin, 0, EMPTY_ROOT)
    checkpoint = read_note(head.note).checkpoint
    if checkpoint.origin != head.origin:
        raise IntegrityFailure(
            f"the checkpoint is of the log {checkpoint.origin[:80]!a}, not of {head.origin[:80]!a}",
            "run `infratrack ledger verify`; restore the ledger from an export or a backup that verifies",
        )
    return checkpoint


def subtree_hashes(reader: LedgerReader, wanted: Sequence[Place]) -> dict[Place, bytes]:
    """The stored hashes of complete subtrees; IntegrityFailure, naming it, for one that is not there."""
    stored = reader.hashes(wanted)
    found = {}
    for place in wanted:
        one = stored.get(place)
        if not isinstance(one, bytes) or len(one) != HASH_BYTES:
            raise IntegrityFailure(
                f"entry {place.last_leaf} lacks its stored hash of level {place.level}",
                "run `infratrack ledger verify`",
            )
        found[place] = one
    return found
