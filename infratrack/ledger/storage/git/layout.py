"""Which file of a ledger's branch holds what, and how its content is written. Pure.

Tiles and bundles of leaves are those of C2SP tlog-tiles (https://c2sp.org/tlog-tiles); only whole ones are kept under
their permanent names. What still grows lies under `edge/`, in pieces so small that an append moves about 2 KiB.
Folders that many names go into fan out sixteen ways: a level costs half a kilobyte to look into. Folders are few, since
a server looks into every one of the commit before when a push arrives.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Sequence
from typing import Final

from infratrack.errors import IntegrityFailure
from infratrack.ledger.checkpoint import MAXIMUM_NOTE_BYTES, decode_base64, encode_base64
from infratrack.ledger.merkle import HASH_BYTES, places

WIDTH: Final = 256
"""Hashes in a tile, and leaves in a bundle (tlog-tiles: height 8)."""
GROUP: Final = 16
"""Leaves in a piece of the unfinished bundle."""

CHECKPOINT: Final = "checkpoint"
ORIGIN: Final = "origin"
FRONTIER: Final = "edge/frontier"
NEWEST: Final = "edge/newest"
"""The newest 1 to 16 leaves: those of the group that the log ends in."""
ENVELOPES: Final = "envelopes"
BUNDLES: Final = "tile/entries"
DIGESTS: Final = "digests"
KEYS: Final = "keys"
BLOBS: Final = "blobs"

MAXIMUM_FRONTIER_BYTES: Final = 4096

_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_HEX: Final = re.compile(r"[0-9a-f]{64}")
_FANS: Final = 3
_DIGEST_LINE: Final = re.compile(r"([0-9a-f]{60}) (0|[1-9][0-9]{0,18})\n")
_ENVELOPE_BITS: Final = 24
_PEM: Final = re.compile(rb"-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/]{59}=)\n-----END PUBLIC KEY-----\n")
_DER_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
"""SubjectPublicKeyInfo of an Ed25519 key without its 32 bytes (RFC 8410, section 4)."""


def tile_path(level: int, number: int) -> str:
    """The tile of hashes with this number at a level of tiles (each level of tiles is eight of the tree's)."""
    return f"tile/{level}/{_numbered(number)}"


def bundle_path(number: int) -> str:
    """The bundle of leaves with this number."""
    return f"{BUNDLES}/{_numbered(number)}"


def edge_tile_path(level: int) -> str:
    """The unfinished tile at a level of one or more (that of level 0 follows from the leaves)."""
    return f"edge/tile/{level}"


def group_path(group: int) -> str:
    """A finished group, 0 to 15, of the newest bundle's leaves."""
    return f"edge/entries/{group:x}"


def envelope_path(index: int) -> str:
    """The envelope of an entry: three bytes of its index; from entry 2^24 on below folders `x01`, `x02` and so on."""
    high, low = index >> _ENVELOPE_BITS, f"{index & (1 << _ENVELOPE_BITS) - 1:06x}"
    more = f"x{high:02x}/" if high else ""
    return f"{ENVELOPES}/{more}{low[:2]}/{low[2:4]}/{low[4:]}"


def digest_path(digest: bytes) -> str:
    """The file that says at which index the envelope with this SHA-256 stands, among those that begin as it does."""
    return "/".join((DIGESTS, *digest.hex()[:4]))


def key_path(keyid: str) -> str:
    """A public key's file; IntegrityFailure for what is no key id."""
    return _fanned_out(KEYS, keyid)


def blob_path(digest: str) -> str:
    """A blob's file, by its digest (`sha256:…`)."""
    return _fanned_out(BLOBS, digest.removeprefix("sha256:"))


def fanned_in(folder: str, path: str) -> str | None:
    """The 64 digits that a path in a folder that fans out stands for; None for a path that is not of that form."""
    name = path.removeprefix(folder).replace("/", "")
    return name if _HEX.fullmatch(name) and _fanned_out(folder, name) == path else None


def write_bundle(leaves: Iterable[bytes]) -> bytes:
    """Leaves, each after its length as two bytes, big-endian (tlog-tiles)."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def read_bundle(path: str, content: bytes, expected: int) -> list[bytes]:
    """The leaves of a bundle or of a group; IntegrityFailure unless there are as many as expected."""
    leaves: list[bytes] = []
    place = 0
    while place < len(content) and len(leaves) <= expected:
        start = place + 2
        place = start + int.from_bytes(content[place:start], "big")
        leaves.append(content[start:place])
    if place != len(content) or len(leaves) != expected:
        raise damaged(path, f"it does not hold {expected} leaves")
    return leaves


def read_hashes(path: str, content: bytes, expected: int) -> list[bytes]:
    """The hashes of a tile; IntegrityFailure unless there are as many as expected."""
    if len(content) != expected * HASH_BYTES:
        raise damaged(path, f"it does not hold {expected} hashes")
    return [content[start : start + HASH_BYTES] for start in range(0, len(content), HASH_BYTES)]


def write_frontier(size: int, hashes: Sequence[bytes]) -> bytes:
    """How many leaves there are, and the hashes of the complete subtrees they make, largest first: a line each."""
    return "".join(f"{line}\n" for line in (size, *map(encode_base64, hashes))).encode()


def read_frontier(content: bytes) -> tuple[int, tuple[bytes, ...]]:
    """Size and hashes; IntegrityFailure for anything else than what `write_frontier` writes."""
    if len(content) > MAXIMUM_FRONTIER_BYTES or not content.isascii():
        raise damaged(FRONTIER, "it cannot be read")
    size, *lines = content.decode().split("\n")[:-1] or [""]
    if not _SIZE.fullmatch(size):
        raise damaged(FRONTIER, "it does not begin with a size")
    try:
        hashes = tuple(map(decode_base64, lines))
    except IntegrityFailure as error:
        raise damaged(FRONTIER, error.message) from error
    expected = len(places((0, int(size))))
    if len(hashes) != expected or any(len(one) != HASH_BYTES for one in hashes) or content[-1:] != b"\n":
        raise damaged(FRONTIER, f"it does not hold the {expected} hashes of a log of {size}")
    return int(size), hashes


def write_origin(origin: str) -> bytes:
    """The log's name on a line of its own."""
    return f"{origin}\n".encode()


def read_origin(content: bytes) -> str:
    """The log's name; IntegrityFailure when it is not one line of text."""
    text = read_text(ORIGIN, content)
    if not text[:-1] or not text.endswith("\n") or not text[:-1].isprintable():
        raise damaged(ORIGIN, "it is not one line")
    return text[:-1]


def read_text(path: str, content: bytes) -> str:
    """UTF-8 text of at most a checkpoint's size; IntegrityFailure otherwise."""
    try:
        text = content.decode() if len(content) <= MAXIMUM_NOTE_BYTES else ""
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise damaged(path, "it is not text")
    return text


def digest_line(digest: bytes, index: int) -> bytes:
    """What stands in the file at `digest_path` for an envelope: the rest of its SHA-256, and its index."""
    return b"%b %d\n" % (digest.hex()[4:].encode(), index)


def read_digests(path: str, content: bytes) -> dict[bytes, int]:
    """The indexes in a file at `digest_path` by SHA-256; IntegrityFailure for anything else than lines of that form."""
    begin = path.removeprefix(DIGESTS).replace("/", "")
    text = content.decode("ascii", "replace")
    lines = [(bytes.fromhex(begin + found[1]), int(found[2])) for found in _DIGEST_LINE.finditer(text)]
    indexes = dict(lines)
    if len(indexes) != len(lines) or b"".join(digest_line(*line) for line in lines) != content:
        raise damaged(path, "it does not say where envelopes stand")
    return indexes


def write_key(raw: bytes) -> bytes:
    """A public key as PEM (RFC 8410), so that any tool can read it."""
    return b"-----BEGIN PUBLIC KEY-----\n%b-----END PUBLIC KEY-----\n" % binascii.b2a_base64(_DER_PREFIX + raw)


def read_key(path: str, content: bytes) -> bytes:
    """The 32 bytes of a public key; IntegrityFailure for anything else than what `write_key` writes."""
    found = _PEM.fullmatch(content)
    der = binascii.a2b_base64(found[1]) if found else b""
    if not der.startswith(_DER_PREFIX) or write_key(der[len(_DER_PREFIX) :]) != content:
        raise damaged(path, "it is not an Ed25519 public key in PEM")
    return der[len(_DER_PREFIX) :]


def damaged(path: str, why: str) -> IntegrityFailure:
    """The failure of a file on the branch."""
    return IntegrityFailure(
        f"the ledger's branch is damaged: {path}: {why}",
        "`infratrack ledger verify` names all that is wrong; an export or a clone from before has what was there",
    )


def _numbered(number: int) -> str:
    """A number as tlog-tiles writes it: three digits a folder, all but the last with an `x` in front."""
    text = f"{number:d}"
    text = text.zfill(-(-len(text) // 3) * 3)
    parts = [text[start : start + 3] for start in range(0, len(text), 3)]
    return "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])


def _fanned_out(folder: str, name: str) -> str:
    if not _HEX.fullmatch(name):
        raise IntegrityFailure(f"{name[:80]!a} is not a SHA-256 in hexadecimal digits")
    return "/".join((folder, *name[:_FANS], name[_FANS:]))
