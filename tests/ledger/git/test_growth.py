"""The edge of the branch grows to what a whole log would be written as, in any steps, reading only what it names."""

import random
from collections.abc import Iterable

import pytest

from infratrack.errors import IntegrityFailure
from infratrack.ledger.merkle import GrowingTree, Place, leaf_hash, places
from infratrack.ledger.storage.git import layout
from infratrack.ledger.storage.git.growth import Growth, needed_to_grow
from infratrack.ledger.storage.git.lookup import hash_from, hash_paths, leaf_paths, leaves_from

LARGE = 256 * 256 + 256 + 20


def leaf(index: int) -> bytes:
    return b"leaf %d" % index


def grown(files: dict[str, bytes], steps: Iterable[int]) -> dict[str, bytes]:
    """The branch after batches of these sizes, each made from nothing but the files that it names."""
    files = dict(files)
    for more in steps:
        size = layout.read_frontier(files[layout.FRONTIER])[0] if layout.FRONTIER in files else 0
        read = [layout.FRONTIER, layout.NEWEST, *needed_to_grow(size, more)]
        growth = Growth({path: files[path] for path in read if path in files})
        for index in range(size, size + more):
            growth.add(leaf(index))
        assert growth.size == size + more
        files.update(growth.files())
    return files


def hashes_of(size: int) -> dict[Place, bytes]:
    tree, found = GrowingTree(), {}
    for index in range(size):
        joined = tree.add(leaf(index))
        for level in range(len(joined) // 32):
            found[Place(level, index >> level)] = joined[32 * level : 32 * level + 32]
    return found


@pytest.fixture(scope="module")
def large() -> dict[str, bytes]:
    return grown({}, [LARGE])


@pytest.fixture(scope="module")
def large_hashes() -> dict[Place, bytes]:
    return hashes_of(LARGE)


def test_whole_tiles_and_bundles_are_those_of_tlog_tiles(
    large: dict[str, bytes], large_hashes: dict[Place, bytes]
) -> None:
    for number in (0, 1, 255, 256):
        expected = [leaf(index) for index in range(number * 256, number * 256 + 256)]
        assert large[layout.bundle_path(number)] == layout.write_bundle(expected)
        assert large[layout.tile_path(0, number)] == b"".join(map(leaf_hash, expected))
    assert large["tile/1/000"] == b"".join(large_hashes[Place(8, position)] for position in range(256))
    assert large["edge/tile/1"] == large_hashes[Place(8, 256)]
    assert large["edge/tile/2"] == large_hashes[Place(16, 0)]
    assert layout.read_frontier(large["edge/frontier"]) == (
        LARGE,
        tuple(large_hashes[place] for place in places((0, LARGE))),
    )
    assert large["edge/newest"] == layout.write_bundle([leaf(index) for index in range(LARGE - 4, LARGE)])
    assert not set(large) & {"tile/0/257", "tile/entries/257", "tile/1/001", "tile/2/000"}


def test_it_is_the_same_in_any_steps() -> None:
    chance = random.Random(1)  # noqa: S311 -- reproducible, not secret
    size = 900
    at_once = grown({}, [size])
    for largest in (1, 2, 40, 300):
        steps: list[int] = []
        while (left := size - sum(steps)) > 0:
            steps.append(min(chance.randint(1, largest), left))
        step_by_step = grown({}, steps)
        # Of the groups of an earlier bundle some may still lie there, which nothing reads.
        assert {path: step_by_step[path] for path in at_once} == at_once


def test_a_step_over_every_border_is_made_from_what_it_names(large: dict[str, bytes]) -> None:
    for before in (256 * 256 - 300, 256 * 256 - 1, 256 * 256 - 17):
        again = grown(grown({}, [before]), [LARGE - before])
        assert {path: again[path] for path in large} == large
    assert needed_to_grow(10, 200) == []
    assert needed_to_grow(0, 256) == []
    assert needed_to_grow(256, 256) == ["edge/tile/1"]
    assert needed_to_grow(256 + 33, 255) == ["edge/entries/0", "edge/entries/1", "edge/tile/1"]
    assert needed_to_grow(256 * 256, 256) == ["edge/tile/2"]


@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 255, 256, 257, 272, 511, 512, 700])
def test_every_leaf_and_every_hash_is_found(size: int) -> None:
    files, hashes = grown({}, [size]), hashes_of(size)
    for index in range(size):
        paths = leaf_paths([index], size)
        assert leaves_from([index], size, {path: files[path] for path in paths}) == {index: leaf(index)}
    for place, hash_ in hashes.items():
        paths = hash_paths([place], size)
        assert hash_from(place, size, {path: files[path] for path in paths}) == hash_


def test_hashes_of_upper_levels_are_found(large: dict[str, bytes], large_hashes: dict[Place, bytes]) -> None:
    for place in [Place(level, position) for level in range(5, 17) for position in range(1 << (16 - level))][::7]:
        paths = hash_paths([place], LARGE)
        assert len(paths) == 1
        assert hash_from(place, LARGE, large) == large_hashes[place]
    assert hash_paths([Place(16, 0)], LARGE) == ["edge/tile/2"]
    assert hash_paths([Place(8, 256)], LARGE) == ["edge/tile/1"]


def test_what_is_not_there_is_not_found(large: dict[str, bytes]) -> None:
    assert leaf_paths([LARGE, -1], LARGE) == []
    assert leaves_from([LARGE, -1], LARGE, large) == {}
    assert leaves_from([0], LARGE, {}) == {}
    assert leaves_from([0, 1, LARGE - 1], LARGE, large) == {0: leaf(0), 1: leaf(1), LARGE - 1: leaf(LARGE - 1)}
    assert hash_paths([Place(0, LARGE)], LARGE) == []
    assert hash_from(Place(0, LARGE), LARGE, large) is None
    assert hash_from(Place(0, 0), LARGE, {}) is None


@pytest.mark.parametrize(
    ("size", "path", "content", "why"),
    [
        (5, "edge/newest", b"", "it does not hold 5 leaves"),
        (5, "edge/newest", layout.write_bundle([b"x"] * 5), "not those that the hashes were made of"),
        (255, "edge/entries/3", b"\0\0", "it does not hold 16 leaves"),
        (255, "edge/entries/3", layout.write_bundle([b"x"] * 16), "not those that the hashes were made of"),
        (511, "edge/tile/1", b"", "it does not hold 1 hashes"),
        (511, "edge/frontier", b"", "does not begin with a size"),
    ],
)
def test_a_damaged_edge_is_told_before_anything_is_made_of_it(size: int, path: str, content: bytes, why: str) -> None:
    files = grown({}, [size])
    with pytest.raises(IntegrityFailure, match=why):
        grown({**files, path: content}, [1])
