"""Working time as written in the plan: `3d`, `2w`, `40h`, `1d4h`; lags may be negative (`-2d`).

A day has the calendar's working hours (8 unless it says otherwise), a week its number of working days (5).
"""

from __future__ import annotations

import re
from typing import Final

from infratrack.errors import InputError
from infratrack.project.model import Calendar
from infratrack.project.problems import shown
from infratrack.values import MICROSECONDS_PER_SECOND, Microseconds

WORKING_TIME_PATTERN: Final = r"^(?=[0-9])([0-9]{1,7}w)?([0-9]{1,7}d)?([0-9]{1,7}h)?([0-9]{1,7}m)?$"
LAG_PATTERN: Final = r"^-?(?=[0-9])([0-9]{1,7}w)?([0-9]{1,7}d)?([0-9]{1,7}h)?([0-9]{1,7}m)?$"

_MINUTE: Final = 60 * MICROSECONDS_PER_SECOND
_HOUR: Final = 60 * _MINUTE
_LONGEST: Final = 100 * 366 * 24 * _HOUR
_LAG: Final = re.compile(LAG_PATTERN)


def parse_working_time(text: str, calendar: Calendar) -> Microseconds:
    """Working time in microseconds; negative for a lead. InputError for anything that is no working time."""
    found = _LAG.fullmatch(text)
    if not found:
        raise InputError(f"{shown(text)} is no working time", "write a number and a unit, largest first: 3d, 2w, 1d4h")
    day = round(calendar.hours_per_day * _HOUR)
    units = (day * len(calendar.working_days), day, _HOUR, _MINUTE)
    span = sum(int(part[:-1]) * unit for part, unit in zip(found.groups(), units, strict=True) if part)
    if span > _LONGEST:
        raise InputError(f"{shown(text)} is more than a hundred years", "expected at most a hundred years")
    return Microseconds(-span if text.startswith("-") else span)
