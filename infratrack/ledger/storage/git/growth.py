"""The right edge of a ledger's branch while leaves are added: which files change, and which must be read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from infratrack.ledger.merkle import HASH_BYTES, GrowingTree, leaf_hash
from infratrack.ledger.storage.git.layout import (
    FRONTIER,
    GROUP,
    NEWEST,
    WIDTH,
    bundle_path,
    damaged,
    edge_tile_path,
    group_path,
    read_bundle,
    read_frontier,
    read_hashes,
    tile_path,
    write_bundle,
    write_frontier,
)

_TILE_LEVELS: Final = 8


def in_newest_bundle(size: int) -> int:
    """How many leaves of a log of this size are in its newest bundle: 1 to 256, or 0 of an empty log."""
    return (size - 1) % WIDTH + 1 if size else 0


def finished_groups(size: int) -> int:
    """How many groups of the newest bundle lie under `edge/entries/`; the leaves after them are in `edge/newest`."""
    return max(in_newest_bundle(size) - 1, 0) // GROUP


def unfinished_hashes(level: int, size: int) -> int:
    """How many hashes the unfinished tile at a level holds."""
    return (size >> _TILE_LEVELS * level) % WIDTH


def edge_levels(size: int) -> range:
    """The levels, from 1 on, that have a tile once there are so many leaves."""
    return range(1, (max(size, 1).bit_length() - 1) // _TILE_LEVELS + 1)


def needed_to_grow(size: int, more: int) -> list[str]:
    """The files, besides frontier and newest leaves, that adding so many leaves to a log of this size builds on."""
    tail = size % WIDTH
    if tail + more < WIDTH:
        return []
    groups = [group_path(group) for group in range(finished_groups(size))] if tail else []
    return groups + [edge_tile_path(level) for level in edge_levels(size) if unfinished_hashes(level, size)]


class Growth:
    """Adds leaves. `files` are the contents read of the edge: frontier, newest, and what `needed_to_grow` names."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        """IntegrityFailure when they do not belong together."""
        size, frontier = read_frontier(files[FRONTIER]) if FRONTIER in files else (0, ())
        self._tree: Final = GrowingTree(size, frontier)
        self._newest: list[bytes] = newest_leaves(files, size, frontier)
        self._groups: Final[dict[int, Sequence[bytes]]] = {}
        for group in range(finished_groups(size)):
            path = group_path(group)
            if path in files:
                self._groups[group] = read_bundle(path, files[path], GROUP)
        self._upper: Final[dict[int, list[bytes]]] = {}
        for level in edge_levels(size):
            path = edge_tile_path(level)
            if path in files and unfinished_hashes(level, size):
                self._upper[level] = read_hashes(path, files[path], unfinished_hashes(level, size))
        self._finished: Final[dict[str, bytes]] = {}
        self._changed_groups: Final[set[int]] = set()
        self._changed_levels: Final[set[int]] = set()

    @property
    def size(self) -> int:
        """How many leaves there are now."""
        return self._tree.size

    def add(self, leaf: bytes) -> bytes:
        """Add a leaf; returns the hashes of the subtrees it completes, joined, its own first."""
        tail = self._tree.size % WIDTH
        if tail == 0:
            self._newest = []
            self._groups.clear()
            self._changed_groups.clear()
        elif tail % GROUP == 0:
            group = tail // GROUP - 1
            self._groups[group] = self._newest
            self._changed_groups.add(group)
            self._newest = []
        self._newest = [*self._newest, leaf]
        completed = self._tree.add(leaf)
        if self._tree.size % WIDTH == 0:
            self._finish_bundle(completed)
        return completed

    def files(self) -> dict[str, bytes]:
        """The files that are new or changed."""
        changed = dict(self._finished)
        changed[FRONTIER] = write_frontier(self._tree.size, self._tree.edge)
        changed[NEWEST] = write_bundle(self._newest)
        for group in self._changed_groups:
            changed[group_path(group)] = write_bundle(self._groups[group])
        for level in self._changed_levels:
            changed[edge_tile_path(level)] = b"".join(self._upper[level])
        return changed

    def _finish_bundle(self, completed: bytes) -> None:
        leaves = [leaf for group in range(WIDTH // GROUP - 1) for leaf in self._groups[group]] + self._newest
        # What a hostile or damaged branch holds at its edge may not be what its own hashes say.
        bundle = GrowingTree()
        for leaf in leaves:
            bundle.add(leaf)
        if bundle.root() != _hash_at(completed, _TILE_LEVELS):
            raise damaged(group_path(0), "the newest leaves are not those that the hashes were made of")
        number = self._tree.size // WIDTH - 1
        self._finished[bundle_path(number)] = write_bundle(leaves)
        self._finished[tile_path(0, number)] = b"".join(map(leaf_hash, leaves))
        level = 1
        while hash_ := _hash_at(completed, _TILE_LEVELS * level):
            tile = [*self._upper.get(level, ()), hash_]
            self._changed_levels.add(level)
            self._upper[level] = tile
            if len(tile) == WIDTH:
                above = self._tree.size >> _TILE_LEVELS * (level + 1)
                self._finished[tile_path(level, above - 1)] = b"".join(tile)
                self._upper[level] = []
            level += 1


def newest_leaves(files: Mapping[str, bytes], size: int, frontier: Sequence[bytes]) -> list[bytes]:
    """The leaves of the group that the log ends in; IntegrityFailure when they are not those of the frontier."""
    if not size:
        return []
    leaves = read_bundle(NEWEST, files.get(NEWEST, b""), (size - 1) % GROUP + 1)
    tree = GrowingTree()
    for leaf in leaves:
        tree.add(leaf)
    # A full group may have become part of a larger subtree, whose hash says nothing about it alone.
    if len(leaves) < GROUP and tuple(frontier[-len(tree.edge) :]) != tree.edge:
        raise damaged(NEWEST, "its leaves are not those that the hashes were made of")
    return leaves


def _hash_at(completed: bytes, level: int) -> bytes:
    """The hash of a level among those that a leaf completes; empty when there is none."""
    return completed[HASH_BYTES * level : HASH_BYTES * (level + 1)]
