"""Ed25519 keys as values. A key's id is the hexadecimal SHA-256 of its DER SubjectPublicKeyInfo (RFC 8410)."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Final, Self

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from infratrack.errors import InputError

_DER_PREFIX: Final = bytes.fromhex("302a300506032b6570032100")
"""SubjectPublicKeyInfo of an Ed25519 key without its 32 bytes (RFC 8410, section 4)."""

_KEY_BYTES: Final = 32
_UNREADABLE: Final = (ValueError, TypeError, UnsupportedAlgorithm)


class PublicKey:
    """A key to verify with. Equal when the 32 bytes are equal."""

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key
        self.raw: Final = key.public_bytes_raw()
        self.keyid: Final = hashlib.sha256(_DER_PREFIX + self.raw).hexdigest()

    @classmethod
    def from_raw(cls, raw: bytes) -> Self:
        """From 32 bytes; InputError for anything else."""
        try:
            return cls(Ed25519PublicKey.from_public_bytes(raw))
        except _UNREADABLE as error:
            raise InputError("this is not an Ed25519 public key", "expected 32 bytes") from error

    @classmethod
    def from_der(cls, der: bytes) -> Self:
        """From a DER SubjectPublicKeyInfo, in its one canonical form."""
        if len(der) != len(_DER_PREFIX) + _KEY_BYTES or not der.startswith(_DER_PREFIX):
            raise InputError("this is not an Ed25519 public key", "expected a DER SubjectPublicKeyInfo of Ed25519")
        return cls.from_raw(der[len(_DER_PREFIX) :])

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """From PEM, as `infratrack key export` writes it; InputError for anything else."""
        content = pem.encode(errors="replace") if isinstance(pem, str) else pem
        if b"PRIVATE KEY" in content:
            raise InputError(
                "this is a private key where a public key was expected",
                "write the public half with `infratrack key export NAME`, and replace the private key: it was shared",
            )
        try:
            key = serialization.load_pem_public_key(content)
        except _UNREADABLE as error:
            raise InputError(
                "this is not a public key in PEM", "write one with `infratrack key export NAME`"
            ) from error
        if not isinstance(key, Ed25519PublicKey):
            raise InputError("this public key is not an Ed25519 key", "make one with `infratrack key new NAME`")
        return cls(key)

    @property
    def der(self) -> bytes:
        """The DER SubjectPublicKeyInfo."""
        return _DER_PREFIX + self.raw

    @cached_property
    def pem(self) -> str:
        """The public key as PEM, with a final newline."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self._key.public_bytes(serialization.Encoding.PEM, form).decode()

    def verify(self, signature: bytes, message: bytes) -> bool:
        """Whether the signature is this key's over the message."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    def __eq__(self, other: object) -> bool:
        """Equal when the key bytes are."""
        return isinstance(other, PublicKey) and self.raw == other.raw

    def __hash__(self) -> int:
        """By the key bytes."""
        return hash(self.raw)

    def __repr__(self) -> str:
        """Names the key by its id."""
        return f"PublicKey({self.keyid})"


class SigningKey:
    """A key to sign with. Never shown: its text form names the public half only."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public_key: Final = PublicKey(key.public_key())
        self.keyid: Final = self.public_key.keyid

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """From the 32 secret bytes (RFC 8032)."""
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(seed))
        except _UNREADABLE as error:
            raise InputError("this is not an Ed25519 private key", "expected 32 bytes") from error

    @classmethod
    def from_pem(cls, pem: str | bytes) -> Self:
        """From unencrypted PKCS8 PEM; InputError (which never quotes the content) for anything else."""
        content = pem.encode(errors="replace") if isinstance(pem, str) else pem
        try:
            key = serialization.load_pem_private_key(content, password=None)
        except TypeError as error:
            raise InputError(
                "this private key has a passphrase", "infratrack reads keys without one (PKCS8)"
            ) from error
        except _UNREADABLE as error:
            raise InputError("this is not a private key in PEM", "make one with `infratrack key new NAME`") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise InputError("this private key is not an Ed25519 key", "make one with `infratrack key new NAME`")
        return cls(key)

    @property
    def public_pem(self) -> str:
        """The public half as PEM."""
        return self.public_key.pem

    def private_pem(self) -> bytes:
        """The whole key as PKCS8 PEM: only ever for a file with mode 0600."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self._key.sign(message)

    def __repr__(self) -> str:
        """Names the key by its id, never by its secret."""
        return f"SigningKey({self.keyid})"
