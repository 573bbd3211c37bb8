"""A leaf of the log: which envelope, of what kind, signed by which key, recorded when.

RFC 8785 canonical JSON of `{"envelope": "sha256:…", "keyid": hex, "predicateType": …, "recordedAt": …, "v": 1}`, at
most 65,535 bytes. `envelope` is the SHA-256 of the exact JSONL line without its line feed; the line stands beside.
"""

from __future__ import annotations

import functools
from typing import Annotated, Final

import msgspec
import rfc8785
from msgspec import Meta, Struct

from infratrack.errors import InfratrackError, InputError, IntegrityFailure
from infratrack.values import Digest, Instant, format_instant, parse_instant

MAXIMUM_ENTRY_BYTES: Final = 65_535


class Entry(Struct, frozen=True, gc=False):
    """What a leaf says."""

    envelope: Digest
    keyid: str
    predicate_type: str
    recorded_at: Instant


class LedgerEntry(Struct, frozen=True, gc=False):
    """An entry as read from a ledger, with its envelope beside it."""

    index: int
    entry: bytes
    """The leaf's bytes."""
    line: bytes
    """The envelope's JSONL line, without its line feed."""
    recorded_at: Instant
    keyid: str
    predicate_type: str
    digest: Digest
    """The SHA-256 of `line`, as the leaf says."""


class _Wire(Struct, frozen=True, forbid_unknown_fields=True):
    envelope: Annotated[str, Meta(pattern="^sha256:[0-9a-f]{64}$")]
    keyid: Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    predicate_type: str = msgspec.field(name="predicateType")
    recorded_at: str = msgspec.field(name="recordedAt")
    v: int


_DECODER: Final = msgspec.json.Decoder(_Wire)


def write_entry(entry: Entry) -> bytes:
    """The leaf's bytes; InputError when it would be larger than a leaf may be."""
    # Digest, key id and instant are plain ASCII by their form, so that only the type needs the canonical writer.
    written = b'{"envelope":"%b","keyid":"%b","predicateType":%b,"recordedAt":"%b","v":1}' % (
        entry.envelope.encode(),
        entry.keyid.encode(),
        _canonical_text(entry.predicate_type),
        _instant_text(entry.recorded_at),
    )
    if len(written) > MAXIMUM_ENTRY_BYTES:
        raise InputError(
            f"a ledger entry of {len(written)} bytes is too large, at most {MAXIMUM_ENTRY_BYTES} are allowed",
            "the predicate type is too long",
        )
    return written


def read_entry(content: bytes) -> Entry:
    """Read a leaf; IntegrityFailure unless it is, byte for byte, what `write_entry` writes."""
    if len(content) > MAXIMUM_ENTRY_BYTES:
        raise IntegrityFailure(f"the leaf has {len(content)} bytes, at most {MAXIMUM_ENTRY_BYTES} are allowed")
    try:
        wire = _DECODER.decode(content)
        entry = Entry(Digest(wire.envelope), wire.keyid, wire.predicate_type, parse_instant(wire.recorded_at))
        canonical = write_entry(entry)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, InfratrackError) as error:
        raise IntegrityFailure(f"the leaf cannot be read: {' '.join(str(error).split())[:200]}") from error
    if canonical != content:
        raise IntegrityFailure("the leaf is not in canonical form")
    return entry


# A log holds few types and a batch one instant: both texts are made once.
@functools.lru_cache(maxsize=256)
def _canonical_text(text: str) -> bytes:
    try:
        return rfc8785.dumps(text)
    except rfc8785.CanonicalizationError as error:
        raise InputError(f"{text[:80]!a} cannot be written as canonical JSON") from error


@functools.lru_cache(maxsize=256)
def _instant_text(instant: Instant) -> bytes:
    try:
        return format_instant(instant).encode()
    except (OverflowError, ValueError) as error:
        raise InputError(f"{instant} microseconds is no date between the years 1 and 9999") from error
