"""Where on the branch a leaf or the hash of a complete subtree stands, given the log's size. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from infratrack.ledger.merkle import Place, leaf_hash, node_hash
from infratrack.ledger.storage.git.growth import finished_groups, in_newest_bundle, unfinished_hashes
from infratrack.ledger.storage.git.layout import (
    GROUP,
    NEWEST,
    WIDTH,
    bundle_path,
    edge_tile_path,
    group_path,
    read_bundle,
    read_hashes,
    tile_path,
)

_TILE_LEVELS: Final = 8


class _Piece(Struct, frozen=True):
    """Some of a file's items: which file, how many items it holds, and which of them are wanted."""

    path: str
    holds: int
    start: int
    stop: int


def leaf_paths(indexes: Sequence[int], size: int) -> list[str]:
    """The files that hold these leaves, each once; leaves that are not there have none."""
    return list(dict.fromkeys(_leaf_piece(index, size).path for index in indexes if 0 <= index < size))


def leaves_from(indexes: Sequence[int], size: int, files: Mapping[str, bytes]) -> dict[int, bytes]:
    """Leaves out of the files; those that are not there are left out. IntegrityFailure for a damaged file."""
    bundles: dict[str, list[bytes]] = {}
    found = {}
    for index in indexes:
        piece = _leaf_piece(index, size) if 0 <= index < size else None
        if piece and piece.path in files:
            if piece.path not in bundles:
                bundles[piece.path] = read_bundle(piece.path, files[piece.path], piece.holds)
            found[index] = bundles[piece.path][piece.start]
    return found


def hash_paths(wanted: Sequence[Place], size: int) -> list[str]:
    """The files that hold, or lead to, the hashes of these subtrees."""
    return list(
        dict.fromkeys(piece.path for place in wanted if 0 <= place.last_leaf < size for piece in _pieces(place, size))
    )


def hash_from(place: Place, size: int, files: Mapping[str, bytes]) -> bytes | None:
    """A subtree's hash out of the files; None when it, or a file, is not there. IntegrityFailure for a damaged one."""
    if not 0 <= place.last_leaf < size:
        return None
    hashes: list[bytes] = []
    for piece in _pieces(place, size):
        content = files.get(piece.path)
        if content is None:
            return None
        if _holds_hashes(place, size):
            hashes += read_hashes(piece.path, content, piece.holds)[piece.start : piece.stop]
        else:
            hashes += map(leaf_hash, read_bundle(piece.path, content, piece.holds)[piece.start : piece.stop])
    while len(hashes) > 1:
        hashes = [node_hash(left, right) for left, right in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


def _leaf_piece(index: int, size: int) -> _Piece:
    bundle, within = divmod(index, WIDTH)
    if bundle < size // WIDTH:
        return _Piece(bundle_path(bundle), WIDTH, within, within + 1)
    group, within = divmod(within, GROUP)
    return _group_piece(group, within, within + 1, size)


def _group_piece(group: int, start: int, stop: int, size: int) -> _Piece:
    if group < finished_groups(size):
        return _Piece(group_path(group), GROUP, start, stop)
    return _Piece(NEWEST, (in_newest_bundle(size) - 1) % GROUP + 1, start, stop)


def _pieces(place: Place, size: int) -> list[_Piece]:
    """The hashes, at the nearest level of tiles below, that a subtree's hash is made of."""
    level, above = divmod(place.level, _TILE_LEVELS)
    number, start = divmod(place.position << above, WIDTH)
    stop = start + (1 << above)
    if _is_whole(level, number, size):
        return [_Piece(tile_path(level, number), WIDTH, start, stop)]
    if level:
        return [_Piece(edge_tile_path(level), unfinished_hashes(level, size), start, stop)]
    pieces = []
    for group in range(start // GROUP, (stop - 1) // GROUP + 1):
        first = group * GROUP
        pieces.append(_group_piece(group, max(start - first, 0), min(stop - first, GROUP), size))
    return pieces


def _holds_hashes(place: Place, size: int) -> bool:
    level, above = divmod(place.level, _TILE_LEVELS)
    return level > 0 or _is_whole(0, (place.position << above) // WIDTH, size)


def _is_whole(level: int, number: int, size: int) -> bool:
    return number < size >> _TILE_LEVELS * (level + 1)
