"""The public keys of an issuer of identities: a JSON Web Key Set (RFC 7517), read as hostile input. Pure.

A key is known by its thumbprint (RFC 7638), not by its `kid`: issuers may give an old `kid` to a new key.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from infratrack.errors import InputError

if TYPE_CHECKING:
    import jwt

KEY_SET_AT_MOST: Final = 256 * 1024
KEYS_AT_MOST: Final = 100
MEMBER_AT_MOST: Final = 4_096
RSA_BITS_AT_LEAST: Final = 2_048
RSA_BITS_AT_MOST: Final = 16_384

_MEMBERS: Final = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
"""What a key consists of, by kind: the members that a thumbprint is made of, in its order (RFC 7638, section 3.2)."""
_ALGORITHMS: Final[Mapping[tuple[str, str | None], tuple[str, ...]]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""Signatures that a kind of key can make. No `none`, and nothing with a shared secret."""
_HINT: Final = "`infratrack identity keys ISSUER` fetches an issuer's public keys"


class IssuerKey(Struct, frozen=True):
    """One public key of an issuer."""

    jwk: Mapping[str, str]
    """Its public members and no others, with `kid` where it has one."""
    thumbprint: str
    """SHA-256 of the key (RFC 7638), hexadecimal."""
    algorithms: tuple[str, ...]
    """Signatures that it may have made."""

    @property
    def kid(self) -> str | None:
        """What the issuer calls the key."""
        return self.jwk.get("kid")

    def for_verifying(self, algorithm: str) -> jwt.PyJWK:
        """The key as PyJWT takes it; InputError when it is no key after all."""
        import jwt  # noqa: PLC0415 -- only where there is a token

        try:
            return jwt.PyJWK.from_dict(dict(self.jwk), algorithm)
        except (jwt.PyJWTError, ValueError, TypeError) as error:
            raise InputError("an issuer's key is not a public key", _HINT) from error


def read_key_set(text: str | bytes) -> tuple[IssuerKey, ...]:
    """The keys of a set that tokens can be verified with; keys of other kinds and for other uses are left out.

    Raises InputError for what is no key set, for a set with a private key in it, and for one without a usable key.
    """
    content = text.encode(errors="replace") if isinstance(text, str) else text
    if len(content) > KEY_SET_AT_MOST:
        raise InputError(f"the issuer's keys have {len(content):,} bytes, at most {KEY_SET_AT_MOST:,} are read", _HINT)
    try:
        document = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeError, RecursionError, ValueError) as error:
        raise InputError("the issuer's keys are not JSON", _HINT) from error
    found = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(found, list) or len(found) > KEYS_AT_MOST:
        raise InputError(f"this is no set of public keys (JWKS) with at most {KEYS_AT_MOST} keys", _HINT)
    keys = tuple(key for key in map(read_key, found) if key is not None)
    if not keys:
        raise InputError("this set of public keys (JWKS) holds no key that signs tokens", _HINT)
    return keys


def read_key(document: object) -> IssuerKey | None:
    """One key of a set; None when it is of no use here. InputError when it is a private or a symmetric key."""
    if not isinstance(document, dict):
        return None
    if "d" in document or "k" in document:
        raise InputError("the issuer's keys hold a private key", "write the public keys only")
    if document.get("use", "sig") != "sig":
        return None
    names = _MEMBERS.get(_text(document.get("kty")), ())
    members = {name: _text(document.get(name)) for name in names}
    curve = members.get("crv")
    algorithms = _ALGORITHMS.get((members.get("kty", ""), curve), ())
    if not algorithms or not all(members.values()) or not _strong(members):
        return None
    if "alg" in document:
        algorithms = tuple(one for one in algorithms if one == document["alg"])
    thumbprint = hashlib.sha256(json.dumps(members, separators=(",", ":")).encode()).hexdigest()
    kid = _text(document.get("kid"))
    return IssuerKey({**members, **({"kid": kid} if kid else {})}, thumbprint, algorithms) if algorithms else None


def write_key_set(keys: tuple[IssuerKey, ...]) -> str:
    """The keys as a key set that reads well in Git: one key after the other, public members only."""
    return json.dumps({"keys": [dict(key.jwk) for key in keys]}, indent=2, sort_keys=True) + "\n"


def _text(value: Any) -> str:  # noqa: ANN401 -- any JSON value
    return value if isinstance(value, str) and 0 < len(value) <= MEMBER_AT_MOST and value.isascii() else ""


def _strong(members: Mapping[str, str]) -> bool:
    """Whether an RSA key is neither so short that it can be broken nor so long that it holds us up."""
    if "n" not in members:
        return True
    try:
        modulus = base64.urlsafe_b64decode(members["n"] + "=" * (-len(members["n"]) % 4))
    except ValueError:
        return False
    return RSA_BITS_AT_LEAST <= int.from_bytes(modulus).bit_length() <= RSA_BITS_AT_MOST
