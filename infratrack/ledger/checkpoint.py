"""Signed checkpoints of the log: C2SP tlog-checkpoint inside a C2SP signed note.

    <origin>
    <size>
    <base64 of the root>

    — <key name> <base64 of key id (4 bytes) ‖ Ed25519 signature>

Sources: https://c2sp.org/tlog-checkpoint and https://c2sp.org/signed-note
"""

from __future__ import annotations

import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from infratrack.errors import IntegrityFailure
from infratrack.evidence.keys import PublicKey, SigningKey
from infratrack.ledger.merkle import HASH_BYTES

MAXIMUM_NOTE_BYTES: Final = 1024 * 1024
MAXIMUM_SIGNATURES: Final = 64

_ED25519: Final = b"\x01"
_KEY_ID_BYTES: Final = 4
_BODY_LINES: Final = 3
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")
_NOT_IN_A_NAME: Final = re.compile(r"[\s+\x00-\x1f\x7f]+")


class Checkpoint(Struct, frozen=True):
    """A tree head: which log, how many leaves, and the root over them."""

    origin: str
    size: int
    root: bytes

    @property
    def body(self) -> str:
        """The text that is signed, with its final line feed."""
        return f"{self.origin}\n{self.size}\n{encode_base64(self.root)}\n"


class NoteSignature(Struct, frozen=True):
    """One signature line."""

    name: str
    key_id: bytes
    signature: bytes


class SignedNote(Struct, frozen=True):
    """A checkpoint with its signatures, read but not yet verified. `body` holds extension lines too."""

    checkpoint: Checkpoint
    body: str
    signatures: tuple[NoteSignature, ...]


class Verification(Struct, frozen=True):
    """Which of the keys asked about signed, and the names of signers that are not among them."""

    signers: tuple[PublicKey, ...]
    unknown: tuple[str, ...]


def encode_base64(content: bytes) -> str:
    """Canonical standard base64."""
    return binascii.b2a_base64(content, newline=False).decode()


def decode_base64(text: str) -> bytes:
    """Decode canonical standard base64; IntegrityFailure for anything else."""
    try:
        content = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise IntegrityFailure(f"{text[:80]!a} is not base64") from error
    if encode_base64(content) != text:
        raise IntegrityFailure(f"{text[:80]!a} is not canonical base64")
    return content


def note_key_name(name: str) -> str:
    """A key's name as a note can carry it: without white space, plus signs and control characters."""
    return _NOT_IN_A_NAME.sub("-", name) or "-"


def note_key_id(name: str, key: PublicKey) -> bytes:
    """The four bytes that a signature line names its key by: SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key)[:4]."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + key.raw).digest()[:_KEY_ID_BYTES]


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey, name: str) -> str:
    """The signed note."""
    name = note_key_name(name)
    content = note_key_id(name, key.public_key) + key.sign(checkpoint.body.encode())
    return f"{checkpoint.body}\n— {name} {encode_base64(content)}\n"


def read_note(text: str) -> SignedNote:
    """Read a signed checkpoint; IntegrityFailure says what is not as the format wants it."""
    if len(text) > MAXIMUM_NOTE_BYTES:
        raise _unreadable("it is too long")
    if _CONTROL.search(text):
        raise _unreadable("it holds control characters")
    # Key names hold no line feed, so the last empty line is the one that parts text from signatures.
    body, gap, tail = text.rpartition("\n\n")
    if not gap or not tail.endswith("\n"):
        raise _unreadable("expected a text, an empty line and signature lines, each with a line feed")
    lines = body.split("\n")
    if len(lines) < _BODY_LINES or not all(lines):
        raise _unreadable("expected origin, size and root, one a line")
    if not _SIZE.fullmatch(lines[1]):
        raise _unreadable(f"{lines[1][:40]!a} is not a tree size")
    root = decode_base64(lines[2])
    if len(root) != HASH_BYTES:
        raise _unreadable(f"the root has {len(root)} bytes, expected {HASH_BYTES}")
    signatures = tail[:-1].split("\n")
    if len(signatures) > MAXIMUM_SIGNATURES:
        raise _unreadable(f"it carries more than {MAXIMUM_SIGNATURES} signatures")
    return SignedNote(
        Checkpoint(lines[0], int(lines[1]), root), body + "\n", tuple(_read_signature(line) for line in signatures)
    )


def verify_note(note: SignedNote, keys: Iterable[PublicKey]) -> Verification:
    """Check every signature that one of the keys is named for.

    Unknown signatures are ignored (and reported); a signature of a known key that does not fit is an IntegrityFailure,
    whatever else the note carries.
    """
    keys = tuple(keys)
    message = note.body.encode()
    signers: list[PublicKey] = []
    unknown: list[str] = []
    for line in note.signatures:
        known = [key for key in keys if note_key_id(line.name, key) == line.key_id]
        if not known:
            unknown.append(line.name)
            continue
        fitting = [key for key in known if key.verify(line.signature, message)]
        if not fitting:
            raise IntegrityFailure(
                f"the checkpoint's signature by {line.name!a} does not fit: the checkpoint was altered"
            )
        signers += fitting
    return Verification(tuple(signers), tuple(unknown))


def _read_signature(line: str) -> NoteSignature:
    parts = line.split(" ")
    if len(parts) != _BODY_LINES or parts[0] != "—" or note_key_name(parts[1]) != parts[1]:
        raise _unreadable(f"{line[:80]!a} is not a signature line")
    content = decode_base64(parts[2])
    if len(content) <= _KEY_ID_BYTES:
        raise _unreadable(f"{line[:80]!a} carries no signature")
    return NoteSignature(parts[1], content[:_KEY_ID_BYTES], content[_KEY_ID_BYTES:])


def _unreadable(reason: str) -> IntegrityFailure:
    return IntegrityFailure(
        f"the checkpoint cannot be read: {reason}", "restore the ledger from an export or a backup that verifies"
    )
