"""Keys: the ids that other tools compute too, and a sentence for whatever is no Ed25519 key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.evidence.keys import PublicKey, SigningKey

# RFC 8032, section 7.1, test 2.
SEED = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
PUBLIC = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
SIGNATURE = bytes.fromhex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
)
KEY = SigningKey.from_seed(SEED)


def test_signatures_are_those_of_the_standard() -> None:
    assert KEY.public_key.raw == PUBLIC
    assert KEY.sign(b"\x72") == SIGNATURE
    assert KEY.public_key.verify(SIGNATURE, b"\x72")
    assert not KEY.public_key.verify(SIGNATURE, b"\x73")
    assert not KEY.public_key.verify(b"short", b"\x72")


def test_the_key_id_is_the_digest_of_the_public_key_info() -> None:
    der = KEY.public_key._key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    assert KEY.public_key.der == der
    assert KEY.keyid == KEY.public_key.keyid == hashlib.sha256(der).hexdigest()


@given(st.binary(min_size=32, max_size=32))
def test_a_key_comes_back_from_each_of_its_forms(seed: bytes) -> None:
    key = SigningKey.from_seed(seed)
    public = key.public_key
    assert SigningKey.from_pem(key.private_pem()).keyid == key.keyid
    for again in (
        PublicKey.from_raw(public.raw),
        PublicKey.from_der(public.der),
        PublicKey.from_pem(key.public_pem),
        PublicKey.from_pem(public.pem.encode()),
    ):
        assert again == public
        assert hash(again) == hash(public)
        assert again.keyid == public.keyid


def test_keys_compare_by_their_bytes_alone() -> None:
    assert KEY.public_key != SigningKey.from_seed(bytes(32)).public_key
    assert KEY.public_key != PUBLIC


def test_a_key_s_text_form_holds_no_secret() -> None:
    assert repr(KEY) == f"SigningKey({KEY.keyid})"
    assert repr(KEY.public_key) == f"PublicKey({KEY.keyid})"


RSA = rsa.generate_private_key(65537, 2048)
CURVE_PEM = ec.generate_private_key(ec.SECP256R1()).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
)
RSA_PUBLIC = RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
LOCKED = KEY._key.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
)


@pytest.mark.parametrize(
    ("attempt", "told"),
    [
        (lambda: PublicKey.from_raw(b"short"), "not an Ed25519 public key"),
        (lambda: PublicKey.from_der(b""), "not an Ed25519 public key"),
        (lambda: PublicKey.from_der(KEY.public_key.der + b"\0"), "not an Ed25519 public key"),
        (lambda: PublicKey.from_der(b"\0" * 44), "not an Ed25519 public key"),
        (lambda: PublicKey.from_pem(""), "not a public key in PEM"),
        (lambda: PublicKey.from_pem("\udc80"), "not a public key in PEM"),
        (lambda: PublicKey.from_pem(KEY.private_pem()), "private key where a public key was expected"),
        (lambda: PublicKey.from_pem(RSA_PUBLIC), "not an Ed25519 key"),
        (lambda: SigningKey.from_seed(b"short"), "not an Ed25519 private key"),
        (lambda: SigningKey.from_pem("nothing"), "not a private key in PEM"),
        (lambda: SigningKey.from_pem(KEY.public_pem), "not a private key in PEM"),
        (lambda: SigningKey.from_pem(CURVE_PEM), "not an Ed25519 key"),
        (lambda: SigningKey.from_pem(LOCKED), "has a passphrase"),
    ],
)
def test_what_is_no_ed25519_key_is_told_in_a_sentence(attempt: Callable[[], object], told: str) -> None:
    with pytest.raises(InputError) as caught:
        attempt()
    assert told in caught.value.message
    assert caught.value.hint
    assert "BEGIN" not in caught.value.message + caught.value.hint
