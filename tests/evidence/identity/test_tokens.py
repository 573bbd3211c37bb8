"""Tokens and issuers' keys: verified strictly, read as hostile input, and never quoted."""

from __future__ import annotations

import base64
import json
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InfratrackError, InputError, IntegrityFailure
from infratrack.evidence.identity.issuer_keys import (
    KEY_SET_AT_MOST,
    IssuerKey,
    read_key,
    read_key_set,
    write_key_set,
)
from infratrack.evidence.identity.tokens import (
    TOKEN_AT_MOST,
    audience_for,
    check_times,
    issuer_claimed,
    key_for,
    verified_claims,
)
from infratrack.values import Instant
from tests.evidence.identity.issuer import (
    GITHUB,
    NOW,
    curve_key,
    github_claims,
    issuer_key,
    jwk,
    key_set,
    rsa_key,
    token,
)

AUDIENCE = audience_for("ab" * 32)


def verified(text: str, key: IssuerKey | None = None, issuer: str = GITHUB) -> Any:
    return verified_claims(text, key or issuer_key(), issuer=issuer, audience=AUDIENCE)


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()


def test_a_token_for_exactly_this_audience_and_issuer_holds() -> None:
    claims = verified(token(github_claims(AUDIENCE)))
    assert (claims["repository"], claims["ref"]) == ("acme/network", "refs/heads/main")
    assert verified(token(github_claims([AUDIENCE])))["sub"] == claims["sub"]
    assert issuer_claimed(token(github_claims(AUDIENCE))) == GITHUB


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "Ed25519"])
def test_keys_on_curves_sign_too(kind: str) -> None:
    private, algorithm, public = curve_key(kind)
    (key,) = read_key_set(json.dumps({"keys": [public]}))
    assert key.algorithms == (algorithm,)
    assert verified(jwt.encode(github_claims(AUDIENCE), private, algorithm=algorithm), key)["run_id"] == "1001"


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        (github_claims("infratrack:" + "cd" * 32), "another audience"),
        (github_claims("sts.amazonaws.com"), "another audience"),
        (github_claims([AUDIENCE, "sts.amazonaws.com"]), "other audiences too"),
        (github_claims(AUDIENCE, iss="https://evil.example.com"), "InvalidIssuerError"),
        ({**github_claims(AUDIENCE), "sub": ""}, "names no subject"),
        ({key: value for key, value in github_claims(AUDIENCE).items() if key != "exp"}, "MissingRequiredClaimError"),
        ({key: value for key, value in github_claims(AUDIENCE).items() if key != "sub"}, "MissingRequiredClaimError"),
    ],
)
def test_a_token_that_is_made_for_anything_else_does_not_hold(claims: dict[str, Any], told: str) -> None:
    text = token(claims)
    with pytest.raises(IntegrityFailure, match=told) as caught:
        verified(text)
    assert text not in caught.value.message + caught.value.hint


def test_a_token_of_another_key_or_with_changed_claims_does_not_hold() -> None:
    sound = token(github_claims(AUDIENCE))
    header, _, signature = sound.split(".")
    forged = f"{header}.{part(github_claims(AUDIENCE, ref='refs/heads/release'))}.{signature}"
    for text in (forged, token(github_claims(AUDIENCE), "two")):
        with pytest.raises(IntegrityFailure, match="InvalidSignatureError"):
            verified(text)


def test_tokens_without_a_signature_or_with_a_shared_secret_do_not_hold() -> None:
    unsigned = f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(github_claims(AUDIENCE))}."
    shared = jwt.encode(github_claims(AUDIENCE), jwk()["n"], algorithm="HS256")
    for text in (unsigned, unsigned + "AAAA", shared, token(github_claims(AUDIENCE), headers={"crit": ["x"]})):
        with pytest.raises(InfratrackError):
            verified(text)


@pytest.mark.parametrize(
    "text", ["", "x", "a.b.c", "a.b", "é.é.é", "a" * (TOKEN_AT_MOST + 1), "e30.e30.e30", "a.b.c\n"]
)
def test_what_is_no_token_is_a_sentence(text: str) -> None:
    with pytest.raises(InfratrackError):
        issuer_claimed(text)
    with pytest.raises(InfratrackError):
        verified(text)


@given(st.text(alphabet="eyJhbGciOi.-_AZ09{}\n", max_size=200))
def test_no_text_makes_reading_a_token_fail_in_another_way(text: str) -> None:
    with pytest.raises(InfratrackError):
        verified(text)


@pytest.mark.parametrize(
    "issuer",
    [
        "http://x.example",
        "https://user@x.example",
        "https://x.example?y",
        "file:///etc/passwd",
        "https://x\ny",
        7,
        None,
        "",
    ],
)
def test_an_issuer_is_an_https_address_without_anything_else(issuer: Any) -> None:
    with pytest.raises(InfratrackError):
        issuer_claimed(f"{part({'alg': 'RS256'})}.{part({'iss': issuer})}.AAAA")


def test_the_key_is_the_one_that_the_header_names() -> None:
    keys = read_key_set(key_set("one", "two"))
    assert key_for(token(github_claims(AUDIENCE), "two"), keys) == keys[1]
    assert key_for(token(github_claims(AUDIENCE), "three"), keys) is None
    nameless = jwt.encode(github_claims(AUDIENCE), rsa_key("one"), algorithm="RS256")
    assert key_for(nameless, keys) is None
    assert key_for(nameless, keys[:1]) == keys[0]
    assert key_for(jwt.encode(github_claims(AUDIENCE), rsa_key("one"), algorithm="RS384"), keys[:1]) is None


def at(seconds: float) -> Instant:
    return Instant(int(seconds * 1_000_000))


def test_when_a_token_is_recorded_it_has_to_be_valid() -> None:
    claims = github_claims(AUDIENCE)
    for seconds in (NOW - 300, NOW, NOW + 300, NOW + 400, NOW - 400):
        check_times(claims, at(seconds))
    for seconds, told in ((NOW + 421, "has expired"), (NOW - 421, "not valid yet")):
        with pytest.raises(IntegrityFailure, match=told):
            check_times(claims, at(seconds))
    with pytest.raises(IntegrityFailure, match="does not say when"):
        check_times({**claims, "exp": "tomorrow"}, at(NOW))


def test_a_thumbprint_is_that_of_rfc_7638() -> None:
    # The key and the thumbprint of RFC 7638, section 3.1.
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    key = read_key({"kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"})
    assert key is not None
    expected = base64.urlsafe_b64decode("NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs=").hex()
    assert (key.thumbprint, key.kid) == (expected, "2011-04-29")


def test_a_key_set_is_written_with_public_members_only_and_read_again() -> None:
    keys = read_key_set(json.dumps({"keys": [jwk("one", x5c=["MII"], x5t="x"), jwk("two")]}))
    written = write_key_set(keys)
    assert "x5c" not in written
    assert [key.thumbprint for key in read_key_set(written)] == [key.thumbprint for key in keys]


@pytest.mark.parametrize(
    "left_out",
    [
        jwk(use="enc"),
        jwk("short", 1024),
        jwk(n="!"),
        jwk(n="AAAAA"),
        jwk(n=""),
        jwk(n=7),
        jwk(e=None),
        jwk(alg="HS256"),
        {"kty": "EC", "crv": "P-192", "x": "AA", "y": "AA"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "what"},
        {"kty": ["RSA"]},
        {},
        "RSA",
        None,
    ],
)
def test_keys_that_sign_no_tokens_are_left_out(left_out: Any) -> None:
    assert read_key(left_out) is None
    with pytest.raises(InputError, match="no key that signs tokens"):
        read_key_set(json.dumps({"keys": [left_out]}))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "not JSON"),
        (b"\xff", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "no set of public keys"),
        ('{"keys": {}}', "no set of public keys"),
        (json.dumps({"keys": [{}] * 101}), "no set of public keys"),
        ('{"keys": []}', "no key that signs tokens"),
        (json.dumps({"keys": [{**jwk(), "d": "AA"}]}), "private key"),
        (json.dumps({"keys": [{"kty": "oct", "k": "AA"}]}), "private key"),
        (" " * (KEY_SET_AT_MOST + 1), "bytes"),
    ],
)
def test_what_is_no_key_set_is_a_sentence(text: str | bytes, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_key_set(text)


def test_a_key_that_is_none_after_all_is_a_sentence() -> None:
    broken = read_key({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"})
    assert broken is not None
    with pytest.raises(InputError, match="not a public key"):
        broken.for_verifying("ES256")
