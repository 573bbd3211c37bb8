from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.values import (
    Instant,
    format_instant,
    parse_digest,
    parse_duration,
    parse_instant,
    printable,
    sha256_digest,
)

FIRST = -62_135_596_800_000_000
DAY = 86_400_000_000


def test_a_digest_names_its_algorithm() -> None:
    assert sha256_digest(b"") == "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert parse_digest(sha256_digest(b"x")) == sha256_digest(b"x")


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "sha512:" + "a" * 64, "sha256:" + "a" * 64 + "\n"]
)
def test_what_is_no_digest_gets_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match="is not a digest"):
        parse_digest(text)


@given(st.integers(min_value=-(2**50), max_value=2**52))
def test_instants_survive_being_written(microseconds: int) -> None:
    assert parse_instant(format_instant(Instant(microseconds))) == microseconds


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1970-01-01", 0),
        ("1970-01-02T00:00:00Z", DAY),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1970-01-01T00:00:00.000001", 1),
        ("0001-01-01", FIRST),
    ],
)
def test_dates_and_times_are_read_as_utc(text: str, instant: int) -> None:
    assert parse_instant(text) == instant


def test_years_are_written_with_four_digits() -> None:
    assert format_instant(Instant(FIRST)) == "0001-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-13-01", "0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2026-01-01" * 9],
)
def test_what_is_no_time_gets_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match="is not a date or time") as caught:
        parse_instant(text)
    assert "2026-01-05" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "microseconds"),
    [("90m", 5_400_000_000), ("7d", 7 * DAY), ("1d12h", DAY * 3 // 2), ("2w", 14 * DAY), ("0s", 0)],
)
def test_durations_are_elapsed_time(text: str, microseconds: int) -> None:
    assert parse_duration(text) == microseconds


@pytest.mark.parametrize("text", ["", "3", "d", "12h1d", "-1d", "1.5d", "3 d", "1d\n"])
def test_what_is_no_duration_gets_a_sentence(text: str) -> None:
    with pytest.raises(InputError, match="is not a duration"):
        parse_duration(text)


def test_a_duration_beyond_reason_is_refused() -> None:
    with pytest.raises(InputError, match="too long"):
        parse_duration("99999999999999999999w")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31m\nb\u202ec", "a [31m b c"),
        ("straße → ok", "straße → ok"),
        ("x ##vso[task.setvariable variable=PATH]y", "x # #vso[task.setvariable variable=PATH]y"),
        ("##[set-output name=a]b", "# #[set-output name=a]b"),
        ("::error file=a.yaml,line=1::no", ": :error file=a.yaml,line=1::no"),
        ("all of it::add-mask::x", "all of it: :add-mask::x"),
        ("2001:db8::1, fe80::a and ::1", "2001:db8::1, fe80::a and ::1"),
        ("arn:aws:iam::123456789012:role/x", "arn:aws:iam::123456789012:role/x"),
        ("### a heading, std::vector", "### a heading, std::vector"),
    ],
)
def test_text_that_is_shown_is_obeyed_by_nobody(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(st.text(st.sampled_from("#[vsoe:rq \n\x1b"), max_size=40))
def test_no_order_survives_however_it_is_put_together(text: str) -> None:
    shown = printable(text)
    assert shown.isprintable()
    assert not re.search(r"(?i)##(?:vso)?\[|::[a-z-]{4,}(?: .*?)?::", shown)
    assert printable(shown) == shown
