"""Small shared values: digests, instants, durations and identifiers; and text that can be shown to people.

An *instant* is a whole number of microseconds since 1970-01-01T00:00:00Z. In files it is written as RFC 3339
in UTC with six digits and a `Z`, so that text order is time order.
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Final, NewType

from infratrack.errors import InputError

Instant = NewType("Instant", int)
"""Microseconds since the Unix epoch, UTC."""

Microseconds = NewType("Microseconds", int)
"""A span of elapsed time in microseconds."""

Digest = NewType("Digest", str)
"""`sha256:` and 64 lower-case hexadecimal digits."""

MICROSECONDS_PER_SECOND: Final = 1_000_000
IDENTIFIER_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
DURATION_PATTERN: Final = r"^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$"

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DURATION: Final = re.compile(DURATION_PATTERN)
_MARKED_ORDER: Final = re.compile(r"(?i)#(?=#(?:vso)?\[)")
_LEADING_ORDER: Final = re.compile(r"(?i):(?=:[a-z-]{4,}(?: [^\n]*?)?::)")
_UNIT_SECONDS: Final = (7 * 86_400, 86_400, 3_600, 60, 1)


def sha256_digest(content: bytes) -> Digest:
    """The digest of some bytes, as `sha256:<hex>`."""
    return Digest("sha256:" + hashlib.sha256(content).hexdigest())


def parse_digest(text: str) -> Digest:
    """Check that text is a digest; anything else is an InputError."""
    if not _DIGEST.fullmatch(text):
        raise InputError(f"{text[:80]!r} is not a digest", "expected sha256: and 64 hexadecimal digits")
    return Digest(text)


def format_instant(instant: Instant) -> str:
    """RFC 3339 in UTC with microseconds: `2026-01-05T09:30:00.000000Z`."""
    moment = _EPOCH + timedelta(microseconds=instant)
    # Not strftime, whose years before 1000 have fewer than four digits on some systems.
    return f"{moment.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"


def parse_instant(text: str) -> Instant:
    """Read RFC 3339 or a bare date (midnight UTC); a time without an offset is taken as UTC.

    InputError for what is none, or lies outside the years 1 to 9999 once it is turned to UTC: nobody could write it.
    """
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return Instant((moment.astimezone(UTC) - _EPOCH) // _MICROSECOND)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{text[:80]!r} is not a date or time", "write it like 2026-01-05 or 2026-01-05T09:30:00Z"
        ) from error


def parse_duration(text: str) -> Microseconds:
    """Read elapsed time such as `90m`, `7d` or `1d12h` (units w, d, h, m, s, largest first)."""
    found = _DURATION.fullmatch(text)
    if not text or not found:
        raise InputError(
            f"{text[:80]!r} is not a duration", "write a number and a unit, largest first: 30m, 12h, 7d, 1w, 1d12h"
        )
    seconds = sum(int(part[:-1]) * unit for part, unit in zip(found.groups(), _UNIT_SECONDS, strict=True) if part)
    if seconds > 1_000_000 * 86_400:
        raise InputError(f"{text[:80]!r} is too long a duration", "expected at most 1000000d")
    return Microseconds(seconds * MICROSECONDS_PER_SECOND)


def printable(text: str) -> str:
    """Text on one line that a terminal, or the CI system that reads a job's log, will show and not obey.

    What cannot be printed becomes a space, and a space takes apart how orders begin: `##vso[` and `##[` wherever they
    stand (Azure Pipelines, GitHub Actions), and `::word::` (GitHub Actions), since a line may be broken just before it.
    """
    return without_orders(text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text))


def without_orders(text: str) -> str:
    """Text without what a CI system takes for an order to itself: see `printable`."""
    if "##" in text:
        text = _MARKED_ORDER.sub("# ", text)
    return _LEADING_ORDER.sub(": ", text) if "::" in text else text
