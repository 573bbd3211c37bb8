"""DSSE v1 envelopes: sealed to the exact line that is kept, opened strictly, verified over the bytes received.

Source: https://github.com/secure-systems-lab/dsse/blob/master/protocol.md and envelope.md
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from infratrack.errors import IntegrityFailure
from infratrack.evidence.keys import PublicKey, SigningKey

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
MAXIMUM_LINE_BYTES: Final = 48 * 1024 * 1024
MAXIMUM_SIGNATURES: Final = 16

_URL_SAFE: Final = str.maketrans("-_", "+/")


class Signature(Struct, frozen=True):
    """One signature; `keyid` is a hint that nobody vouches for."""

    keyid: str
    value: bytes


class Envelope(Struct, frozen=True):
    """An envelope that was opened, not yet verified. `strict` says by which rules it was opened."""

    payload: bytes
    payload_type: str
    signatures: tuple[Signature, ...]
    strict: bool = True


class _WireSignature(Struct, frozen=True, forbid_unknown_fields=True):
    keyid: str
    sig: bytes


class _Wire(Struct, frozen=True, forbid_unknown_fields=True):
    payload: bytes  # msgspec writes bytes as canonical standard base64
    payloadType: str  # noqa: N815 -- the member's name on the wire
    signatures: tuple[_WireSignature, ...]


_DECODER: Final = msgspec.json.Decoder(_Wire)
_ENCODER: Final = msgspec.json.Encoder()


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """PAE: what is signed. Lengths are ASCII decimal byte lengths."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, key: SigningKey) -> bytes:
    """Sign a statement; returns the exact JSONL line, without its line feed."""
    signature = key.sign(pre_authentication_encoding(PAYLOAD_TYPE, payload))
    return _ENCODER.encode(
        _Wire(payload, PAYLOAD_TYPE, (_WireSignature(key.keyid, signature),)),
    )


def open_envelope(line: bytes, *, strict: bool = True) -> Envelope:
    """Open an envelope; IntegrityFailure when it is not one.

    Strict is the form in which `seal` writes, byte for byte: canonical standard base64, no white space, the members in
    order, each once, none besides, one signature over an in-toto payload. Otherwise an envelope of other tools is
    accepted too: any layout, unknown members, URL-safe base64, several signatures, no key id.
    """
    if len(line) > MAXIMUM_LINE_BYTES:
        raise _damaged(f"it has {len(line)} bytes, at most {MAXIMUM_LINE_BYTES} are read")
    return _open_strictly(line) if strict else _open_foreign(line)


def verify(envelope: Envelope, public_keys: Mapping[str, PublicKey]) -> str:
    """The id of the key that signed; IntegrityFailure when none of the keys did.

    The key that the envelope hints at is tried first, then all others, since a hint may be wrong or missing. In an
    envelope that was opened strictly the hint must name the key that signed: there it is damage when it does not.
    """
    message = pre_authentication_encoding(envelope.payload_type, envelope.payload)
    for signature in envelope.signatures:
        hinted = public_keys.get(signature.keyid)
        if hinted is not None and hinted.verify(signature.value, message):
            return hinted.keyid
    if not envelope.strict:
        for signature in envelope.signatures:
            for key in public_keys.values():
                if key.verify(signature.value, message):
                    return key.keyid
    named = ", ".join(signature.keyid[:16] or "unnamed" for signature in envelope.signatures)
    if not any(signature.keyid in public_keys for signature in envelope.signatures):
        raise IntegrityFailure(
            f"the signing key is not known (key id {named!a})",
            "add the signer's public key to `trust.signers` in the project file",
        )
    raise IntegrityFailure(f"the signature does not fit the payload (key id {named!a})", "the envelope was altered")


def _open_strictly(line: bytes) -> Envelope:
    try:
        wire = _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        raise _damaged(_sentence(error)) from error
    # White space, order, escapes, a member that stands twice, base64 with other bits under its padding: all of it shows
    # as bytes that do not encode back.
    if _ENCODER.encode(wire) != line:
        raise _damaged("it is not written in its one canonical form")
    if len(wire.signatures) != 1:
        raise _damaged(f"it carries {len(wire.signatures)} signatures, expected one")
    if wire.payloadType != PAYLOAD_TYPE:
        raise _damaged(f"its payload type is {wire.payloadType[:80]!a}, expected {PAYLOAD_TYPE!r}")
    signature = wire.signatures[0]
    return Envelope(wire.payload, wire.payloadType, (Signature(signature.keyid, signature.sig),))


def _open_foreign(line: bytes) -> Envelope:
    try:
        document = json.loads(line, object_pairs_hook=_unique)
        kind, payload, signatures = document["payloadType"], document["payload"], document["signatures"]
        if not isinstance(kind, str) or not isinstance(signatures, list):
            raise _damaged("its members have the wrong types")
        if not 1 <= len(signatures) <= MAXIMUM_SIGNATURES:
            raise _damaged(f"it carries {len(signatures)} signatures, expected 1 to {MAXIMUM_SIGNATURES}")
        opened = tuple(_foreign_signature(one) for one in signatures)
        return Envelope(_decode(_standard(payload)), kind, opened, strict=False)
    except (KeyError, TypeError, AttributeError) as error:
        raise _damaged("expected the members payload, payloadType and signatures") from error
    except (ValueError, RecursionError) as error:
        raise _damaged(_sentence(error)) from error


def _foreign_signature(document: Mapping[str, Any]) -> Signature:
    keyid = document.get("keyid") or ""
    if not isinstance(keyid, str):
        raise _damaged("its key id is not text")
    return Signature(keyid, _decode(_standard(document["sig"])))


def _standard(text: object) -> str:
    """URL-safe base64 turned into standard base64, missing padding added (DSSE lets a reader accept both)."""
    if not isinstance(text, str):
        raise _damaged("its payload or signature is not text")
    standard = text.translate(_URL_SAFE)
    return standard + "=" * (-len(standard) % 4)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _damaged("a member stands twice")
    return members


def _encode(content: bytes) -> str:
    return binascii.b2a_base64(content, newline=False).decode()


def _decode(text: str) -> bytes:
    """Decode canonical standard base64: no white space, exact padding, and zero bits under the padding."""
    try:
        content = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as error:
        raise _damaged(f"its base64 cannot be read: {_sentence(error)}") from error
    if _encode(content) != text:
        raise _damaged("its base64 is not canonical")
    return content


def _sentence(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _damaged(reason: str) -> IntegrityFailure:
    return IntegrityFailure(f"this is not a sound DSSE envelope: {reason}")
