"""A proof that an entry stands in the log, as one text file that can be checked offline: C2SP tlog-proof.

Source: https://c2sp.org/tlog-proof
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from infratrack.errors import IntegrityFailure
from infratrack.evidence.keys import PublicKey
from infratrack.ledger.checkpoint import (
    MAXIMUM_NOTE_BYTES,
    Checkpoint,
    decode_base64,
    encode_base64,
    read_note,
    verify_note,
)
from infratrack.ledger.merkle import HASH_BYTES, is_included, leaf_hash

HEADER: Final = "c2sp.org/tlog-proof@v1"
MAXIMUM_PROOF_HASHES: Final = 64

_INDEX: Final = re.compile(r"index (0|[1-9][0-9]{0,18})")


class LogProof(Struct, frozen=True):
    """The entry's index, the hashes from its sibling up to the root's child, and the signed checkpoint's text."""

    index: int
    hashes: tuple[bytes, ...]
    note: str
    extra: bytes | None = None
    """Opaque data of other programs; nobody vouches for it."""


def write_proof(proof: LogProof) -> str:
    """The proof file's text."""
    extra = [] if proof.extra is None else [f"extra {encode_base64(proof.extra)}"]
    lines = [HEADER, *extra, f"index {proof.index}", *map(encode_base64, proof.hashes)]
    return "\n".join(lines) + "\n\n" + proof.note


def read_proof(text: str) -> LogProof:
    """Read a proof file; IntegrityFailure says what is not as the format wants it."""
    if len(text) > 2 * MAXIMUM_NOTE_BYTES:
        raise _unreadable("it is too long")
    head, gap, note = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or lines[0] != HEADER:
        raise _unreadable(f"expected the first line {HEADER!r}")
    extra = None
    if len(lines) > 1 and lines[1].startswith("extra "):
        extra = decode_base64(lines.pop(1).removeprefix("extra "))
    index = _INDEX.fullmatch(lines[1]) if len(lines) > 1 else None
    if index is None:
        raise _unreadable("expected a line `index N`")
    if len(lines) - 2 > MAXIMUM_PROOF_HASHES:
        raise _unreadable(f"it holds more than {MAXIMUM_PROOF_HASHES} hashes")
    hashes = tuple(map(decode_base64, lines[2:]))
    if any(len(one) != HASH_BYTES for one in hashes):
        raise _unreadable(f"a hash does not have {HASH_BYTES} bytes")
    return LogProof(int(index[1]), hashes, note, extra)


def verify_proof(proof: LogProof, entry: bytes, keys: Iterable[PublicKey]) -> Checkpoint:
    """The checkpoint under which the entry is proven to stand; IntegrityFailure when it is not proven."""
    note = read_note(proof.note)
    if not verify_note(note, keys).signers:
        raise IntegrityFailure("the proof's checkpoint is signed by no key that is trusted here")
    head = note.checkpoint
    if not is_included(leaf_hash(entry), proof.index, head.size, proof.hashes, head.root):
        raise IntegrityFailure(f"the proof does not show that the entry stands at index {proof.index}")
    return head


def _unreadable(reason: str) -> IntegrityFailure:
    return IntegrityFailure(f"the proof cannot be read: {reason}")
