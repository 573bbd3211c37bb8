"""How many records go into one request: small at first, more while the server keeps up, half when it does not. Pure."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

FIRST: Final = 8
LARGEST: Final = 400
_GROWTH: Final = 4
_MARGIN: Final = 0.8
"""Of the time that a request may take: how much of it a larger batch is planned to use."""
_WORSE: Final = 1.25
"""A record that takes this many times the best so far is slower; less is noise."""
_SLOW_REQUESTS: Final = 2
"""So many slow requests one after the other mean the size, and not a moment's load."""
_PATIENCE: Final = 8
"""After so many good requests at the most that once worked, more is tried again."""


class Pace(Struct, frozen=True):
    """What has been learned about one kind of request; `size` is what the next one should carry."""

    size: int = FIRST
    ceiling: int = LARGEST
    """More than this failed, or was slower."""
    best: float = 0.0
    """Seconds a record, at best so far; 0: nothing is known."""
    best_size: int = 0
    slow: int = 0
    """Requests in a row that were slow."""
    good: int = 0
    """Requests in a row that carried `ceiling` records and were not slow."""


def after_success(pace: Pace, records: int, seconds: float, longest: float) -> Pace:
    """The pace after a request with so many records that took so long. `longest`: seconds that none should exceed."""
    each = max(seconds, 1e-6) / records
    if seconds > longest:
        size = max(1, min(records - 1, int(_MARGIN * longest / each)))
        return Pace(size=size, ceiling=pace.ceiling, best=pace.best or each, best_size=pace.best_size or size)
    if records < pace.size:
        return pace
    if pace.best and each > _WORSE * pace.best and records > pace.best_size:
        return _slower(pace, records)
    best, best_size = (each, records) if not pace.best or each <= pace.best else (pace.best, pace.best_size)
    good = pace.good + 1 if records >= pace.ceiling else 0
    ceiling = min(LARGEST, 2 * pace.ceiling) if good >= _PATIENCE else pace.ceiling
    size = max(1, min(_GROWTH * records, ceiling, int(_MARGIN * longest / each)))
    return Pace(size, ceiling, best, best_size, 0, 0 if good >= _PATIENCE else good)


def _slower(pace: Pace, records: int) -> Pace:
    if pace.slow + 1 < _SLOW_REQUESTS:
        return Pace(records, pace.ceiling, pace.best, pace.best_size, pace.slow + 1)
    return Pace(pace.best_size, pace.best_size, pace.best, pace.best_size)


def after_failure(pace: Pace, records: int) -> Pace:
    """The pace after a request with so many records that the server could not carry: half of it, one at least."""
    half = max(1, records // 2)
    return Pace(size=half, ceiling=half, best=pace.best, best_size=min(pace.best_size, half))


def settling(pace: Pace, records: int, timeout: float) -> float:
    """Seconds for which the server may still be busy with a request whose answer was lost."""
    return min(timeout, max(0.5, 3 * pace.best * records))
