"""Takes in evidence that another machine packed.

Nothing of a pack is believed. It is read twice: the first time everything is checked, and only then, when all of it is
sound and signed by keys that the project trusts, evidence is put into the spool. No name in it ever becomes a path.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from msgspec import Struct, structs

from infratrack.capture.pack_format import (
    ABOUT,
    BLOCK,
    END,
    ENVELOPES,
    KEYS,
    LARGEST_PACK,
    MOST_BLOBS,
    MOST_ENVELOPES,
    Member,
    damaged,
    named_blobs,
    read_about,
    read_header,
)
from infratrack.errors import InfratrackError, InputError, IntegrityFailure
from infratrack.evidence.envelope import MAXIMUM_LINE_BYTES, open_envelope, verify
from infratrack.evidence.identity.endorsement import endorsed_by
from infratrack.evidence.identity.sigstore_library import INSTALL
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.predicates import ENDORSEMENT
from infratrack.evidence.spool import Spool
from infratrack.evidence.spooled_keys import SpooledKeys
from infratrack.evidence.statement import Statement, read_statement
from infratrack.evidence.trust import Trust, covering
from infratrack.ledger.bundle_format import read_keys
from infratrack.values import Digest, sha256_digest

_CHUNK: Final = 1 << 20


class Piece(Struct, frozen=True):
    """One envelope of a pack that was checked: where its line stands, what it says, and the blobs that came along."""

    digest: Digest
    offset: int
    length: int
    keyid: str
    statement: Statement
    blobs: tuple[Digest, ...] = ()


class Checked(Struct, frozen=True):
    """A whole pack that was checked, and where in the file its blobs stand."""

    path: Path
    pieces: tuple[Piece, ...]
    blobs: Mapping[Digest, tuple[int, int]]
    keys: Mapping[str, PublicKey]
    """Public keys of the signers."""


def check_pack(path: Path, project_id: str, trust: Trust, known: Mapping[str, PublicKey]) -> Checked:
    """Read a pack from its first byte to its last; nothing is taken in.

    Each envelope must be signed by a key that the project trusts, by itself or for an identity that an endorsement in
    the same pack proves. `known` are public keys at hand; others may come with the pack. Raises InputError for what is
    no file, or the pack of another project, IntegrityFailure for anything that is not exactly a pack, or is signed by
    somebody else.
    """
    with _opened(path) as file:
        reader = _Reader(file)
        packed_for = read_about(reader.small(ABOUT))
        if packed_for != project_id:
            raise InputError(
                f"{path} holds evidence of the project {packed_for[:80]!a}, not of {project_id!r}", "take it in there"
            )
        keys = {**read_keys(reader.small(KEYS)), **known}
        pieces = _check_lines(reader, project_id, keys)
        _check_signers(pieces, trust)
        blobs = _check_blobs(reader, pieces)
    present = [structs.replace(one, blobs=tuple(digest for digest in one.blobs if digest in blobs)) for one in pieces]
    signers = {one.keyid for one in pieces}
    return Checked(path, tuple(present), blobs, {keyid: key for keyid, key in keys.items() if keyid in signers})


def take_in(checked: Checked, spool: Spool) -> None:
    """Put what was checked into the spool. Doing it again changes nothing.

    Raises IntegrityFailure when the file is no longer what was checked, Unreachable when the spool cannot be written.
    """
    SpooledKeys(spool.folder).keep(checked.keys.values())
    with _opened(checked.path) as file:
        for piece in checked.pieces:
            line = _again(file, piece.offset, piece.length, piece.digest)
            spool.put(line, {digest: _again(file, *checked.blobs[digest], digest) for digest in piece.blobs})


class _Reader:
    """Goes through a pack, member by member, never further than its headers say."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def header(self) -> Member | None:
        """The next member; None at the end, which must be the end of the file too."""
        block = self._exactly(BLOCK)
        if block.strip(b"\0"):
            return read_header(block)
        if block + self._file.read(BLOCK + 1) != END:
            raise damaged("something follows its end")
        return None

    def expect(self, name: str) -> Member:
        """The next member, which must be this one."""
        member = self.header()
        if member is None or member.name != name:
            raise damaged(f"{name} is missing, or not in its place")
        return member

    def small(self, name: str) -> bytes:
        """The content of the next member, which must be this one."""
        member = self.expect(name)
        content = self._exactly(member.size)
        self.padding(member)
        return content

    def lines(self, member: Member) -> Iterator[tuple[int, bytes]]:
        """Where each line of a member begins, and the line without its line feed."""
        left = member.size
        while left:
            offset = self._file.tell()
            line = self._file.readline(min(left, MAXIMUM_LINE_BYTES + 1))
            if not line.endswith(b"\n"):
                raise damaged("a line of it does not end, or is too long")
            left -= len(line)
            yield offset, line[:-1]
        self.padding(member)

    def digest(self, member: Member) -> tuple[int, Digest]:
        """Where the content of a member begins, and its digest."""
        offset, left, running = self._file.tell(), member.size, hashlib.sha256()
        while left:
            chunk = self._exactly(min(left, _CHUNK))
            running.update(chunk)
            left -= len(chunk)
        self.padding(member)
        return offset, Digest("sha256:" + running.hexdigest())

    def padding(self, member: Member) -> None:
        """Pass over the zero bytes after a member's content."""
        if self._exactly(member.padding).strip(b"\0"):
            raise damaged(f"something is hidden behind {member.name}")

    def _exactly(self, size: int) -> bytes:
        content = self._file.read(size)
        if len(content) != size:
            raise damaged("it breaks off")
        return content


def _check_lines(reader: _Reader, project_id: str, keys: Mapping[str, PublicKey]) -> list[Piece]:
    """Every envelope of a pack: sound, signed by one of `keys`, about this project, and there once."""
    pieces: dict[Digest, Piece] = {}
    for number, (offset, line) in enumerate(reader.lines(reader.expect(ENVELOPES)), start=1):
        if number > MOST_ENVELOPES:
            raise damaged(f"it holds more than {MOST_ENVELOPES} envelopes")
        try:
            envelope = open_envelope(line)
            keyid = verify(envelope, keys)
            statement = read_statement(envelope.payload)
        except InfratrackError as error:
            raise IntegrityFailure(f"envelope {number} of the pack: {error.message}", error.hint) from error
        if statement.project_id != project_id:
            raise IntegrityFailure(
                f"envelope {number} of the pack is about the project {str(statement.project_id)[:80]!a}",
                "nothing of the pack was taken in",
            )
        digest = sha256_digest(line)
        if digest in pieces:
            raise damaged(f"envelope {number} stands twice")
        pieces[digest] = Piece(digest, offset, len(line), keyid, statement, tuple(sorted(named_blobs(statement))))
    return list(pieces.values())


def _check_signers(pieces: Sequence[Piece], trust: Trust) -> None:
    """Whether the project trusts everybody who signed; a key is not trusted for coming along."""
    trusted = {*trust.signers, *trust.people}
    for piece in pieces:
        if piece.statement.predicate_type == ENDORSEMENT and piece.keyid not in trusted:
            endorsed = endorsed_by(piece.statement.predicate, piece.keyid)
            if endorsed is not None and endorsed.unread:
                raise InputError("the pack is of a job that sigstore vouches for: it cannot be verified here", INSTALL)
            if endorsed is not None and covering(trust, endorsed) is not None:
                trusted.add(piece.keyid)
    for number, piece in enumerate(pieces, start=1):
        if piece.keyid not in trusted:
            raise IntegrityFailure(
                f"envelope {number} of the pack: the project does not trust its signer (key {piece.keyid[:16]})",
                "nothing of the pack was taken in; `trust` in the project file names keys and identities",
            )


def _check_blobs(reader: _Reader, pieces: Sequence[Piece]) -> dict[Digest, tuple[int, int]]:
    """Every blob of a pack with its place and length: named by evidence, by rising name, and what its name says."""
    named = {digest for one in pieces for digest in one.blobs}
    found: dict[Digest, tuple[int, int]] = {}
    last = ""
    while (member := reader.header()) is not None:
        if member.name <= last or len(found) >= MOST_BLOBS or member.name in {ABOUT, KEYS, ENVELOPES}:
            raise damaged(f"{member.name} is not in its place")
        if member.blob not in named:
            raise damaged(f"no evidence names {member.name}")
        offset, digest = reader.digest(member)
        if digest != member.blob:
            raise damaged(f"{member.name} is not what its name says")
        found[digest] = (offset, member.size)
        last = member.name
    return found


def _again(file: BinaryIO, offset: int, length: int, digest: Digest) -> bytes:
    file.seek(offset)
    content = file.read(length)
    if sha256_digest(content) != digest:
        raise IntegrityFailure("the pack was changed while it was read", "take it in again")
    return content


def _opened(path: Path) -> BinaryIO:
    """A regular file of a bearable size; nothing that blocks, and nothing endless."""
    try:
        file = open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), "rb")  # noqa: PTH123, SIM115 -- by descriptor; the caller closes it
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise InputError(f"{path} cannot be read: {reason}", "check the path") from error
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        file.close()
        raise InputError(f"{path} is not a file", "name a file that `infratrack spool pack` wrote")
    if status.st_size > LARGEST_PACK:
        file.close()
        raise damaged(f"it has {status.st_size} bytes, at most {LARGEST_PACK} are read")
    return file
