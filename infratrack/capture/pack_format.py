"""What a pack of evidence looks like, byte for byte. Pure.

A pack is a POSIX tar (ustar), uncompressed, with exactly these members in this order:

    pack.json                 {"project":"dc-west","v":1}: whose evidence it is
    keys.json                 public keys of the signers, as in a bundle; nobody trusts them for standing here
    envelopes.intoto.jsonl    one DSSE envelope a line
    blobs/sha256/<hex>        artifacts, by rising name

It comes from a machine that is not trusted. Headers are therefore compared with the one form in which they are written:
links, devices, long names, sparse files, owners, and whatever else an archive can hold, do not exist here.
"""

from __future__ import annotations

import re
import tarfile
from typing import Final

import msgspec
import rfc8785
from msgspec import Struct

from infratrack.errors import IntegrityFailure
from infratrack.evidence.statement import Statement
from infratrack.values import Digest

VERSION: Final = 1
ABOUT: Final = "pack.json"
KEYS: Final = "keys.json"
ENVELOPES: Final = "envelopes.intoto.jsonl"
BLOBS: Final = "blobs/sha256/"

BLOCK: Final = 512
END: Final = bytes(2 * BLOCK)
LARGEST_ABOUT: Final = 4_096
LARGEST_KEYS: Final = 1 << 20
LARGEST_PACK: Final = 4 << 30
MOST_BLOBS: Final = 100_000
MOST_ENVELOPES: Final = 100_000

_BLOB: Final = re.compile(re.escape(BLOBS) + "[0-9a-f]{64}")
_SIZE: Final = slice(124, 136)
_LARGEST_MEMBER: Final = {ABOUT: LARGEST_ABOUT, KEYS: LARGEST_KEYS, ENVELOPES: LARGEST_PACK}


class Member(Struct, frozen=True):
    """One file of a pack, and how many bytes it has."""

    name: str
    size: int

    @property
    def padding(self) -> int:
        """How many zero bytes follow the content."""
        return -self.size % BLOCK

    @property
    def blob(self) -> Digest:
        """The digest that a blob's name says."""
        return Digest("sha256:" + self.name.removeprefix(BLOBS))


class _About(Struct, frozen=True, forbid_unknown_fields=True):
    project: str
    v: int


def blob_name(digest: Digest) -> str:
    """The name of a blob in a pack."""
    return BLOBS + digest.removeprefix("sha256:")


def write_header(member: Member) -> bytes:
    """The block that stands before a member's content."""
    info = tarfile.TarInfo(member.name)
    info.size = member.size
    info.mode = 0o600
    return info.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict")


def read_header(block: bytes) -> Member:
    """The member that a block announces; IntegrityFailure unless it is just what `write_header` writes for it."""
    try:
        name = block[:100].rstrip(b"\0").decode("ascii")
        member = Member(name, int(block[_SIZE].rstrip(b"\0 ").decode("ascii"), 8))
    except ValueError as error:
        raise damaged("a member of it cannot be read") from error
    largest = LARGEST_PACK if _BLOB.fullmatch(name) else _LARGEST_MEMBER.get(name)
    if largest is None:
        raise damaged(f"it holds {name[:80]!a}, which is no part of a pack")
    if not 0 <= member.size <= largest:
        raise damaged(f"its {name} has {member.size} bytes, at most {largest} are read")
    if write_header(member) != block:
        raise damaged(f"the header of {name} is not written in its one form")
    return member


def write_about(project_id: str) -> bytes:
    """The text of `pack.json`: canonical JSON and a line feed."""
    return rfc8785.dumps({"project": project_id, "v": VERSION}) + b"\n"


def read_about(content: bytes) -> str:
    """The id of the project that the evidence is of; IntegrityFailure for a pack of another make or version."""
    try:
        about = msgspec.json.decode(content, type=_About)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise damaged(f"its {ABOUT} cannot be read") from error
    if about.v != VERSION:
        raise damaged(f"it is of version {about.v}, this infratrack reads version {VERSION}")
    if write_about(about.project) != content:
        raise damaged(f"its {ABOUT} is not written in its one form")
    return about.project


def named_blobs(statement: Statement) -> set[Digest]:
    """The blobs that a statement says are kept."""
    return {one.blob for one in statement.artifacts if one.blob is not None and not one.digest_only}


def damaged(reason: str) -> IntegrityFailure:
    """The failure of something that is not a pack as `spool pack` writes it."""
    return IntegrityFailure(
        f"this is not a sound pack of evidence: {reason}", "make it again with `infratrack spool pack FILE`"
    )
