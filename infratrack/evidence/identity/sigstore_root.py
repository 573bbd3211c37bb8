"""A sigstore trusted root: the public keys of those who vouch for a signing certificate, read as hostile input. Pure.

Source of the format: sigstore's protobuf-specs, `TrustedRoot` as JSON. It names certificate authorities (Fulcio), logs
of certificates (CT), logs of signatures (Rekor) and timestamp authorities. Each of them is a *part*, known by a digest
of its keys alone: addresses and periods of validity may be written anew without making it another one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct

from infratrack.errors import InputError
from infratrack.values import sha256_digest

MEDIA_TYPE: Final = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"
AUTHORITIES: Final = "certificateAuthorities"
TIMESTAMPS: Final = "timestampAuthorities"
KINDS: Final = (AUTHORITIES, "ctlogs", "tlogs", TIMESTAMPS)
"""The members that hold parts; all but the last are needed to verify anything."""
ROOT_AT_MOST: Final = 64 * 1024
PARTS_AT_MOST: Final = 50
CHAIN_AT_MOST: Final = 10

_CHAINS: Final = {AUTHORITIES, TIMESTAMPS}
_HINT: Final = "`infratrack identity sigstore` writes sigstore's trusted root"


class RootPart(Struct, frozen=True):
    """One authority, or one log."""

    kind: str
    digest: str
    """SHA-256 of its kind and keys, hexadecimal."""
    content: Mapping[str, Any]
    """As it stands in the document."""


class SigstoreRoot(Struct, frozen=True):
    """A trusted root, part by part."""

    parts: tuple[RootPart, ...]

    @property
    def document(self) -> dict[str, Any]:
        """The trusted root as JSON says it."""
        found: dict[str, Any] = {"mediaType": MEDIA_TYPE}
        return found | {kind: [dict(part.content) for part in self.of(kind)] for kind in KINDS}

    @property
    def digests(self) -> tuple[str, ...]:
        """The digests of all parts, sorted."""
        return tuple(sorted({part.digest for part in self.parts}))

    def of(self, kind: str) -> tuple[RootPart, ...]:
        """The parts of a kind, in their order."""
        return tuple(part for part in self.parts if part.kind == kind)


def read_root(written: str | bytes | Mapping[str, Any]) -> SigstoreRoot:
    """A trusted root from its JSON; InputError for what is none, or none that anything can be verified with."""
    if not isinstance(written, str | bytes):
        written = json.dumps(written)
    if len(written) > ROOT_AT_MOST:
        raise InputError(f"the trusted root is larger than the {ROOT_AT_MOST:,} bytes that are read", _HINT)
    try:
        document = msgspec.json.decode(written)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InputError("the trusted root is not JSON", _HINT) from error
    if not isinstance(document, dict) or document.get("mediaType") != MEDIA_TYPE:
        raise InputError("this is not a sigstore trusted root", _HINT)
    found = SigstoreRoot(tuple(part for kind in KINDS for part in _parts(document.get(kind) or [], kind)))
    for kind in KINDS:
        if kind != TIMESTAMPS and not found.of(kind):
            raise InputError(f"the trusted root has no {kind}: nothing can be verified with it", _HINT)
    return found


def _parts(found: object, kind: str) -> list[RootPart]:
    if not isinstance(found, list) or len(found) > PARTS_AT_MOST:
        raise InputError(f"the trusted root's {kind} are no list of at most {PARTS_AT_MOST}", _HINT)
    return [_part(one, kind) for one in found]


def _part(content: object, kind: str) -> RootPart:
    chain, inside = ("certChain", "certificates") if kind in _CHAINS else ("publicKey", "")
    held = content.get(chain) if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(held, dict):
        raise InputError(f"one of the trusted root's {kind} has no {chain}", _HINT)
    keys = held.get(inside) if inside else [held]
    if not isinstance(keys, list) or not 0 < len(keys) <= CHAIN_AT_MOST:
        raise InputError(f"one of the trusted root's {kind} has no certificates, or too many", _HINT)
    said = [kind, str(held.get("keyDetails", "")), *(_raw(key, kind) for key in keys)]
    digest = sha256_digest(json.dumps(said, separators=(",", ":")).encode()).removeprefix("sha256:")
    return RootPart(kind, digest, content)


def _raw(key: object, kind: str) -> str:
    """A key or certificate in DER as base64, written in the one way in which it can be."""
    written = key.get("rawBytes") if isinstance(key, dict) else None
    try:
        raw = base64.b64decode(written, validate=True) if isinstance(written, str) else b""
    except ValueError:
        raw = b""
    if not raw:
        raise InputError(f"one of the trusted root's {kind} has a key that cannot be read", _HINT)
    return base64.b64encode(raw).decode()
