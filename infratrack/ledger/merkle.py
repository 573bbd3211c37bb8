"""The Merkle tree of RFC 6962 (and RFC 9162, section 2.1) over SHA-256, as arithmetic on hashes.

A tree of n leaves is made of *complete subtrees*: the subtree at `level` and `position` covers the 2^level leaves
from `position * 2^level` on. The hash of a complete subtree never changes again, so it is kept with the leaf that
completes it; every root and every proof is folded from O(log n) of them. Nothing here reads or stores anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

_sha256: Final = hashlib.sha256
_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


class Place(NamedTuple):
    """Where a complete subtree stands."""

    level: int
    position: int

    @property
    def last_leaf(self) -> int:
        """The index of the leaf that completes it."""
        return ((self.position + 1) << self.level) - 1


Span = tuple[int, int]
"""Leaves from the first index up to, but not including, the second."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of a leaf: SHA-256(0x00 ‖ entry)."""
    return hashlib.sha256(_LEAF + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node: SHA-256(0x01 ‖ left ‖ right)."""
    return hashlib.sha256(_NODE + left + right).digest()


def places(span: Span) -> tuple[Place, ...]:
    """The complete subtrees that a span of leaves is made of, left to right.

    The span must be one that the tree splits into: its start is a multiple of the largest power of two that fits.
    """
    start, stop = span
    found = []
    while start < stop:
        level = (stop - start).bit_length() - 1
        found.append(Place(level, start >> level))
        start += 1 << level
    return tuple(found)


def fold(hashes: Sequence[bytes]) -> bytes:
    """The hash over complete subtrees from left to right (largest first); of none, the root of the empty tree."""
    if not hashes:
        return EMPTY_ROOT
    folded = hashes[-1]
    for left in reversed(hashes[:-1]):
        folded = node_hash(left, folded)
    return folded


class GrowingTree:
    """The right edge of a tree that leaves are added to: O(log n) hashes, however many leaves there are."""

    def __init__(self, size: int = 0, edge: Sequence[bytes] = ()) -> None:
        """`edge` are the hashes of `places((0, size))`."""
        self.size = size
        self._edge = list(edge)

    @property
    def edge(self) -> tuple[bytes, ...]:
        """The hashes of `places((0, size))`."""
        return tuple(self._edge)

    def add(self, entry: bytes) -> bytes:
        """Add a leaf; returns the hashes of the subtrees it completes, joined, the leaf's own first."""
        # `leaf_hash` and `node_hash` written out: a million leaves pass here.
        completed = folded = _sha256(_LEAF + entry).digest()
        edge, rest = self._edge, self.size
        self.size = rest + 1
        while rest & 1:
            folded = _sha256(_NODE + edge.pop() + folded).digest()
            completed += folded
            rest >>= 1
        edge.append(folded)
        return completed

    def root(self) -> bytes:
        """The root over all leaves so far."""
        return fold(self._edge)


def _split(size: int) -> int:
    """The largest power of two below a size of at least two."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_spans(index: int, size: int) -> tuple[Span, ...]:
    """The spans whose hashes are the inclusion proof (RFC 6962, 2.1.1), from the leaf's sibling up."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    path: list[Span] = []
    start, stop = 0, size
    while stop - start > 1:
        middle = start + _split(stop - start)
        if index < middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start = middle
    return tuple(reversed(path))


def consistency_spans(old: int, size: int) -> tuple[Span, ...]:
    """The spans whose hashes prove that the first `old` leaves were kept (RFC 6962, 2.1.2); none for 0 and `size`."""
    if not 0 <= old <= size:
        raise ValueError(f"a tree of {old} cannot have grown to {size}")
    if old in (0, size):
        return ()
    path: list[Span] = []
    start, stop, whole = 0, size, True
    while stop != old:
        middle = start + _split(stop - start)
        if old <= middle:
            path.append((middle, stop))
            stop = middle
        else:
            path.append((start, middle))
            start, whole = middle, False
    if not whole:
        path.append((start, stop))
    return tuple(reversed(path))


def proof_hashes(spans: Sequence[Span], hash_at: Callable[[Place], bytes]) -> tuple[bytes, ...]:
    """The proof's hashes, from the hashes of complete subtrees."""
    return tuple(fold([hash_at(place) for place in places(span)]) for span in spans)


def root_from_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes]) -> bytes | None:
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2); None when its length cannot be right."""
    if not 0 <= index < size:
        return None
    position, last, folded = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return None
        if position & 1 or position == last:
            folded = node_hash(sibling, folded)
            # A right edge that stands higher: its lower levels have no sibling and take no hash from the proof.
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            folded = node_hash(folded, sibling)
        position, last = position >> 1, last >> 1
    return folded if last == 0 else None


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the leaf stands at `index` of the tree with this size and root."""
    return root_from_inclusion(leaf, index, size, proof) == root


def is_consistent(old: int, size: int, old_root: bytes, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the tree of `old` leaves is the beginning of the tree (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= size:
        return False
    if old == size:
        return old_root == root and not proof
    if old == 0:
        return old_root == EMPTY_ROOT and not proof
    path = (old_root, *proof) if old & (old - 1) == 0 else tuple(proof)
    return _roots_from_consistency(old, size, path) == (old_root, root)


def _roots_from_consistency(old: int, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The old and the new root that a path leads to; None when its length cannot be right."""
    position, last = old - 1, size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    if not path:
        return None
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        position, last = position >> 1, last >> 1
    return (first, second) if last == 0 else None
