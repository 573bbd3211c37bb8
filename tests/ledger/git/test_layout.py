from collections.abc import Callable

import pytest

from infratrack.errors import IntegrityFailure
from infratrack.evidence.keys import PublicKey
from infratrack.ledger.storage.git import layout
from infratrack.testing.builders import signing_key


@pytest.mark.parametrize(
    ("number", "path"),
    [(0, "tile/0/000"), (67, "tile/0/067"), (1000, "tile/0/x001/000"), (1_234_067, "tile/0/x001/x234/067")],
)
def test_tiles_are_numbered_as_tlog_tiles_numbers_them(number: int, path: str) -> None:
    assert layout.tile_path(0, number) == path
    assert layout.bundle_path(number) == path.replace("tile/0", "tile/entries")


def test_envelopes_are_named_by_index_and_grow_by_a_folder() -> None:
    assert layout.envelope_path(0) == "envelopes/00/00/00"
    assert layout.envelope_path(100_000) == "envelopes/01/86/a0"
    assert layout.envelope_path((1 << 24) - 1) == "envelopes/ff/ff/ff"
    assert layout.envelope_path(1 << 24) == "envelopes/x01/00/00/00"


def test_folders_of_many_names_fan_out() -> None:
    name = "abcd" + "0" * 60
    assert layout.digest_path(bytes.fromhex(name)) == "digests/a/b/c/d"
    assert layout.key_path(name) == "keys/a/b/c/d" + "0" * 60
    assert layout.blob_path(f"sha256:{name}") == "blobs/a/b/c/d" + "0" * 60
    assert layout.fanned_in("blobs", layout.blob_path(name)) == name
    assert layout.fanned_in("blobs", "blobs/a/bc/d" + "0" * 60) is None
    assert layout.fanned_in("blobs", "blobs/readme") is None
    for bad in ("../../x", "", "A" * 64):
        with pytest.raises(IntegrityFailure, match="is not a SHA-256"):
            layout.key_path(bad)


def test_bundles_are_read_as_written() -> None:
    leaves = [b"", b"a", b"x" * 65_535]
    written = layout.write_bundle(leaves)
    assert written[:5] == b"\0\0\0\1a"
    assert layout.read_bundle("b", written, 3) == leaves
    assert layout.read_bundle("b", b"", 0) == []


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"\0\1", b"\0\2a", b"\0\1a", b"\0\1a\0\1b\0\1c", b"\0\1a\0\1b\0\1c\0\1d"]
)
def test_a_bundle_of_another_number_of_leaves_is_damage(content: bytes) -> None:
    with pytest.raises(IntegrityFailure, match="tile/x: it does not hold 2 leaves"):
        layout.read_bundle("tile/x", content, 2)


def test_hashes_of_a_tile_are_counted() -> None:
    assert layout.read_hashes("t", b"a" * 32 + b"b" * 32, 2) == [b"a" * 32, b"b" * 32]
    with pytest.raises(IntegrityFailure, match="t: it does not hold 2 hashes"):
        layout.read_hashes("t", b"a" * 63, 2)


def test_the_frontier_is_read_as_written() -> None:
    hashes = (b"a" * 32, b"b" * 32)
    written = layout.write_frontier(5, hashes)
    assert written.decode().splitlines()[0] == "5"
    assert layout.read_frontier(written) == (5, hashes)
    assert layout.read_frontier(b"0\n") == (0, ())


@pytest.mark.parametrize(
    "content",
    [b"", b"\n", b"5", b"x\n", b"05\n", b"5\n", b"0\n0\n", b"1\nYQ==\n", b"1\n?\n", "1é\n".encode(), b"1" * 5000,
     layout.write_frontier(1, [b"a" * 32])[:-1], layout.write_frontier(1, [b"a" * 32]) + b"x"],
)  # fmt: skip
def test_a_frontier_of_another_form_is_damage(content: bytes) -> None:
    with pytest.raises(IntegrityFailure):
        layout.read_frontier(content)


def test_small_files_are_read_as_written() -> None:
    assert layout.read_origin(layout.write_origin("infratrack/x/0")) == "infratrack/x/0"
    digests = [bytes.fromhex("abcd" + f"{number:060x}") for number in range(2)]
    written = b"".join(layout.digest_line(digest, index) for index, digest in enumerate(digests))
    assert written.splitlines()[1] == b"0" * 59 + b"1 1"
    assert layout.read_digests("digests/a/b/c/d", written) == {digests[0]: 0, digests[1]: 1}
    key = signing_key().public_key
    assert layout.read_key("k", layout.write_key(key.raw)) == key.raw
    assert PublicKey.from_pem(layout.write_key(key.raw)) == key


@pytest.mark.parametrize(
    ("read", "content"),
    [
        (layout.read_origin, b""),
        (layout.read_origin, b"\n"),
        (layout.read_origin, b"a"),
        (layout.read_origin, b"a\nb\n"),
        (layout.read_origin, b"\xff\n"),
        (layout.read_origin, b"a" * (1024 * 1024 + 1)),
        (lambda content: layout.read_digests("digests/a/b/c/d", content), b"1\n"),
        (lambda content: layout.read_digests("digests/a/b/c/d", content), b"0" * 60 + b" 1"),
        (lambda content: layout.read_digests("digests/a/b/c/d", content), b"0" * 60 + b" 01\n"),
        (lambda content: layout.read_digests("digests/a/b/c/d", content), b"0" * 60 + b" 1\n\xff"),
        (lambda content: layout.read_digests("digests/a/b/c/d", content), (b"0" * 60 + b" 1\n") * 2),
        (lambda content: layout.read_key("k", content), b"key"),
        (lambda content: layout.read_key("k", content), layout.write_key(b"k" * 32).replace(b"MCow", b"MCox")),
        (lambda content: layout.read_key("k", content), layout.write_key(b"k" * 32) + b"\n"),
    ],
)
def test_small_files_of_another_form_are_damage(read: Callable[[bytes], object], content: bytes) -> None:
    with pytest.raises(IntegrityFailure, match="the ledger's branch is damaged"):
        read(content)
