from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.project.model import Calendar
from infratrack.project.working_time import parse_working_time

HOUR = 3_600_000_000


@pytest.mark.parametrize(
    ("text", "hours"),
    [("3d", 24), ("1w", 40), ("40h", 40), ("1d4h", 12), ("90m", 1.5), ("0d", 0), ("-2d", -16), ("1w1d1h30m", 49.5)],
)
def test_working_time_counts_eight_hours_a_day_and_five_days_a_week(text: str, hours: float) -> None:
    assert parse_working_time(text, Calendar()) == hours * HOUR


def test_the_calendar_says_how_long_a_day_and_a_week_are() -> None:
    calendar = Calendar(working_days=("mon", "tue"), hours_per_day=7.5)
    assert parse_working_time("1w1d", calendar) == 22.5 * HOUR


@pytest.mark.parametrize("text", ["", "-", "d", "3", "3 days", "4h3d", "3d\n", "1.5d", "--1d", "٣d", "99999999d", "3D"])
def test_what_is_no_working_time_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(InputError) as error:
        parse_working_time(text, Calendar())
    assert "3d" in error.value.hint


def test_more_than_a_hundred_years_is_no_duration() -> None:
    with pytest.raises(InputError, match="hundred years"):
        parse_working_time("9999999w", Calendar())


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_units_add_up(weeks: int, days: int, hours: int, minutes: int) -> None:
    text = f"{weeks}w{days}d{hours}h{minutes}m"
    assert parse_working_time(text, Calendar()) == ((weeks * 5 + days) * 8 + hours) * HOUR + minutes * HOUR // 60
