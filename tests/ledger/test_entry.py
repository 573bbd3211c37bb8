import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError, IntegrityFailure
from infratrack.ledger.entry import MAXIMUM_ENTRY_BYTES, Entry, read_entry, write_entry
from infratrack.values import Digest, Instant, format_instant

DIGEST = Digest("sha256:" + "ab" * 32)
KEYID = "cd" * 32


def entry(predicate_type: str = "urn:infratrack:signoff:v1", recorded_at: int = 1_767_603_600_000_000) -> Entry:
    return Entry(DIGEST, KEYID, predicate_type, Instant(recorded_at))


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.integers(0, 4_000_000_000_000_000))
def test_a_leaf_is_canonical_json_and_is_read_back(predicate_type: str, recorded_at: int) -> None:
    written = write_entry(entry(predicate_type, recorded_at))
    assert written == rfc8785.dumps(
        {
            "v": 1,
            "envelope": DIGEST,
            "predicateType": predicate_type,
            "recordedAt": format_instant(Instant(recorded_at)),
            "keyid": KEYID,
        }
    )
    assert read_entry(written) == entry(predicate_type, recorded_at)


def test_a_leaf_has_at_most_65535_bytes() -> None:
    room = MAXIMUM_ENTRY_BYTES - len(write_entry(entry("")))
    assert len(write_entry(entry("x" * room))) == MAXIMUM_ENTRY_BYTES
    with pytest.raises(InputError, match="65536 bytes is too large, at most 65535"):
        write_entry(entry("x" * (room + 1)))


def test_what_cannot_be_canonical_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be written as canonical JSON"):
        write_entry(entry("\ud800"))
    with pytest.raises(InputError, match="is no date"):
        write_entry(entry(recorded_at=10**30))


@pytest.mark.parametrize(
    ("altered", "message"),
    [
        (lambda text: text.replace(b",", b", ", 1), "not in canonical form"),
        (lambda text: text.replace(b'"v":1', b'"v":2'), "not in canonical form"),
        (lambda text: text.replace(b'"v":1', b'"v":1,"w":1'), "cannot be read"),
        (lambda text: text.replace(b"ab", b"AB"), "cannot be read"),
        (lambda text: text.replace(b"cd", b"c", 1), "cannot be read"),
        (lambda text: text.replace(b"000000Z", b"000000+00:00"), "not in canonical form"),
        (lambda text: text.replace(b"2026-01-05", b"2026-13-05"), "cannot be read"),
        (lambda text: text[:-1], "cannot be read"),
        (lambda _: b"[" * 60_000, "cannot be read"),
        (lambda _: b"\xff", "cannot be read"),
        (lambda _: b"x" * 65_536, "65536 bytes, at most 65535"),
    ],
)
def test_a_leaf_that_is_not_just_what_is_written_is_damage(altered: object, message: str) -> None:
    assert callable(altered)
    with pytest.raises(IntegrityFailure, match=message):
        read_entry(altered(write_entry(entry())))
