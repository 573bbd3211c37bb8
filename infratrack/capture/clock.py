"""The edge: the only place that reads the clock and makes identifiers. Everything else takes them as arguments."""

from __future__ import annotations

import time

from infratrack.values import Instant


def now() -> Instant:
    """The present moment."""
    return Instant(time.time_ns() // 1_000)


def new_run_id() -> str:
    """A new UUID version 7 (RFC 9562): ordered by time, and unique without asking anybody."""
    import uuid_utils  # noqa: PLC0415 -- not needed by commands that make no run

    return str(uuid_utils.uuid7())
