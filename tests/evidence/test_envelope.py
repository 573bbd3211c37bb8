"""Envelopes: sealed to the byte, opened strictly, and understood by other people's tools and the other way round."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from securesystemslib.dsse import Envelope as TheirEnvelope
from securesystemslib.signer._crypto_signer import CryptoSigner
from securesystemslib.signer._key import SSlibKey

from infratrack.errors import IntegrityFailure
from infratrack.evidence import envelope as envelopes
from infratrack.evidence.envelope import (
    PAYLOAD_TYPE,
    open_envelope,
    pre_authentication_encoding,
    seal,
    verify,
)
from infratrack.evidence.keys import SigningKey

KEY = SigningKey.from_seed(bytes(range(32)))
OTHER = SigningKey.from_seed(bytes(32))
KNOWN = {KEY.keyid: KEY.public_key}
LINE = seal(b'{"hello":"world"}', KEY)


def altered(**members: object) -> bytes:
    return json.dumps({**json.loads(LINE), **members}, separators=(",", ":")).encode()


def test_the_encoding_that_is_signed_is_the_specification_s() -> None:
    assert (
        pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pre_authentication_encoding("ä", "ö".encode()) == "DSSEv1 2 ä 2 ö".encode()


@given(st.binary(max_size=200))
def test_what_was_sealed_opens_and_verifies(payload: bytes) -> None:
    line = seal(payload, KEY)
    assert b"\n" not in line
    for strict in (True, False):
        opened = open_envelope(line, strict=strict)
        assert (opened.payload, opened.payload_type, opened.strict) == (payload, PAYLOAD_TYPE, strict)
        assert verify(opened, {OTHER.keyid: OTHER.public_key, **KNOWN}) == KEY.keyid


def test_every_single_flipped_bit_is_refused() -> None:
    for position in range(len(LINE) * 8):
        flipped = bytearray(LINE)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(IntegrityFailure):
            verify(open_envelope(bytes(flipped)), {**KNOWN, OTHER.keyid: OTHER.public_key})


@given(st.data())
def test_every_flipped_bit_of_any_payload_is_refused(data: st.DataObject) -> None:
    line = bytearray(seal(data.draw(st.binary(max_size=64)), KEY))
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(IntegrityFailure):
        verify(open_envelope(bytes(line)), KNOWN)


def test_securesystemslib_verifies_our_envelopes() -> None:
    theirs = TheirEnvelope.from_dict(json.loads(LINE))
    key = SSlibKey.from_crypto(KEY.public_key._key, KEY.keyid)
    assert set(theirs.verify([key], 1)) == {KEY.keyid}


@pytest.mark.parametrize("keyid", [None, "some-name"])
def test_we_verify_the_envelopes_of_securesystemslib(keyid: str | None) -> None:
    signer = CryptoSigner(KEY._key, SSlibKey.from_crypto(KEY.public_key._key, keyid))
    theirs = TheirEnvelope(b"{}", PAYLOAD_TYPE, {})
    theirs.sign(signer)
    line = json.dumps(theirs.to_dict(), indent=1).encode()
    assert verify(open_envelope(line, strict=False), {OTHER.keyid: OTHER.public_key, **KNOWN}) == KEY.keyid


def test_an_envelope_of_other_tools_may_be_url_safe_unpadded_and_without_key_ids() -> None:
    payload = b"\xfb\xff\xfe?>"
    signature = KEY.sign(pre_authentication_encoding("text/plain", payload))

    def url_safe(content: bytes) -> str:
        return base64.urlsafe_b64encode(content).decode().rstrip("=")

    document = {
        "payload": url_safe(payload),
        "payloadType": "text/plain",
        "signatures": [{"sig": url_safe(OTHER.sign(b"something else"))}, {"sig": url_safe(signature), "extra": 1}],
        "more": None,
    }
    opened = open_envelope(json.dumps(document).encode(), strict=False)
    assert (opened.payload, opened.payload_type) == (payload, "text/plain")
    assert verify(opened, {OTHER.keyid: OTHER.public_key, **KNOWN}) == KEY.keyid


def test_a_wrong_hint_is_damage_in_our_own_envelopes_only() -> None:
    hinting = altered(signatures=[{"keyid": OTHER.keyid, "sig": json.loads(LINE)["signatures"][0]["sig"]}])
    known = {OTHER.keyid: OTHER.public_key, **KNOWN}
    assert verify(open_envelope(hinting, strict=False), known) == KEY.keyid
    with pytest.raises(IntegrityFailure, match="does not fit the payload"):
        verify(open_envelope(hinting), known)


def test_an_unknown_key_is_named_and_the_way_out_is_told() -> None:
    for strict in (True, False):
        with pytest.raises(IntegrityFailure, match=KEY.keyid[:16]) as caught:
            verify(open_envelope(LINE, strict=strict), {OTHER.keyid: OTHER.public_key})
        assert "trust.signers" in caught.value.hint


SIGNATURE = json.loads(LINE)["signatures"][0]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"", "truncated"),
        (b"null", "Expected `object`"),
        (b"\xff", "not a sound DSSE envelope"),
        (LINE + b"\n", "canonical form"),
        (b" " + LINE, "canonical form"),
        (json.dumps(json.loads(LINE)).encode(), "canonical form"),
        (LINE.replace(b'{"payload"', b'{"payload":"","payload"'), "canonical form"),
        (altered(extra=1), "unknown field `extra`"),
        (altered(signatures=[]), "0 signatures, expected one"),
        (altered(signatures=[SIGNATURE, SIGNATURE]), "2 signatures, expected one"),
        (altered(signatures=[{**SIGNATURE, "extra": 1}]), "unknown field `extra`"),
        (altered(signatures=[{"sig": SIGNATURE["sig"]}]), "missing required field `keyid`"),
        (altered(payloadType="text/plain"), "payload type is 'text/plain'"),
        (altered(payload="eyJ"), "base64"),
        (altered(payload="eyJ hb"), "base64"),
        (altered(payload="YR=="), "canonical form"),
        (altered(payload="YQ==YQ=="), "base64"),
        (altered(payload="-_-_"), "base64"),
        (altered(payload=None), "Expected `bytes`"),
        (b"[" * 100_000, "not a sound DSSE envelope"),
    ],
)
def test_what_is_not_in_our_form_is_damage(line: bytes, told: str) -> None:
    with pytest.raises(IntegrityFailure) as caught:
        open_envelope(line)
    assert told in caught.value.message


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (b"", "Expecting value"),
        (b"[]", "expected the members"),
        (b"\xff", "not a sound DSSE envelope"),
        (b"{}", "expected the members"),
        (altered(payloadType=1), "wrong types"),
        (altered(signatures={}), "wrong types"),
        (altered(signatures=[]), "0 signatures, expected 1 to 16"),
        (altered(signatures=[SIGNATURE] * 17), "17 signatures, expected 1 to 16"),
        (altered(signatures=[1]), "expected the members"),
        (altered(signatures=[{"keyid": 1, "sig": ""}]), "key id is not text"),
        (altered(signatures=[{"sig": 1}]), "not text"),
        (altered(signatures=[{"keyid": "x"}]), "expected the members"),
        (altered(payload=None), "not text"),
        (altered(payload="é"), "base64 cannot be read"),
        (altered(payload="YR"), "not canonical"),
        (LINE.replace(b'{"payload"', b'{"payload":"","payload"'), "stands twice"),
        (b"[" * 100_000, "not a sound DSSE envelope"),
    ],
)
def test_what_is_no_envelope_at_all_is_refused_in_a_sentence(line: bytes, told: str) -> None:
    with pytest.raises(IntegrityFailure) as caught:
        open_envelope(line, strict=False)
    assert told in caught.value.message


def test_a_line_that_is_too_long_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelopes, "MAXIMUM_LINE_BYTES", len(LINE) - 1)
    with pytest.raises(IntegrityFailure, match=f"{len(LINE)} bytes"):
        open_envelope(LINE)


@given(st.binary(max_size=200), st.booleans())
def test_no_bytes_end_in_anything_but_a_sentence(line: bytes, strict: bool) -> None:  # noqa: FBT001 -- Hypothesis hands it over
    with pytest.raises(IntegrityFailure):
        open_envelope(line, strict=strict)
