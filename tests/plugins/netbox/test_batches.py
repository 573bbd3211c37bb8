"""Batch sizes: quick to grow, never beyond what a request may take, down to one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack_netbox.batches import FIRST, LARGEST, Pace, after_failure, after_success, settling


def run(pace: Pace, each: float, records: int, overhead: float = 0.1, longest: float = 10.0) -> tuple[Pace, list[int]]:
    """Sizes of the requests that so many records of constant cost take."""
    sizes = []
    while records:
        size = min(pace.size, records)
        sizes.append(size)
        records -= size
        pace = after_success(pace, size, overhead + each * size, longest)
    return pace, sizes


def test_five_hundred_devices_take_few_requests_none_longer_than_planned() -> None:
    _, sizes = run(Pace(), 0.075, 500)
    assert sizes == [8, 32, 102, 105, 105, 105, 43]


def test_small_records_go_up_to_the_largest_batch() -> None:
    pace, sizes = run(Pace(), 0.001, 2000)
    assert sizes[:4] == [FIRST, 32, 128, LARGEST]
    assert pace.size == LARGEST


def test_records_that_take_seconds_each_go_one_by_one() -> None:
    _, sizes = run(Pace(), 9.0, 12)
    assert sizes == [8, 1, 1, 1, 1]


def test_a_size_that_is_slower_twice_is_given_up_for_the_best_one() -> None:
    pace = after_success(Pace(size=8), 8, 0.8, 10)
    assert pace.size == 32
    pace = after_success(pace, 32, 6.4, 10)
    assert pace.size == 32
    pace = after_success(pace, 32, 6.4, 10)
    assert (pace.size, pace.ceiling) == (8, 8)


def test_one_slow_request_is_noise() -> None:
    pace = after_success(Pace(size=8), 8, 0.8, 10)
    pace = after_success(pace, 32, 6.4, 10)
    pace = after_success(pace, 32, 3.2, 10)
    assert pace.size == 80


def test_after_many_good_requests_more_is_tried_again() -> None:
    pace = after_failure(Pace(size=32, best=0.01, best_size=32), 32)
    assert (pace.size, pace.ceiling) == (16, 16)
    sizes = []
    for _ in range(9):
        sizes.append(pace.size)
        pace = after_success(pace, pace.size, 0.01 * pace.size, 10)
    assert sizes == [16] * 8 + [32]


def test_a_smaller_last_batch_says_nothing() -> None:
    pace = Pace(size=32, best=0.1, best_size=32)
    assert after_success(pace, 3, 3.0, 10) == pace


@given(size=st.integers(1, LARGEST))
def test_halving_ends_at_one(size: int) -> None:
    pace = Pace(size=size)
    for _ in range(12):
        pace = after_failure(pace, pace.size)
    assert pace.size == pace.ceiling == 1


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 60)), max_size=40))
def test_whatever_happens_a_batch_has_one_record_at_least_and_never_too_many(history: list[tuple[bool, float]]) -> None:
    pace = Pace()
    for went_well, seconds in history:
        pace = after_success(pace, pace.size, seconds, 10) if went_well else after_failure(pace, pace.size)
        assert 1 <= pace.size <= LARGEST


@pytest.mark.parametrize(
    ("pace", "seconds"), [(Pace(), 0.5), (Pace(best=0.1), 3.0), (Pace(best=10.0), 30.0), (Pace(best=0.001), 0.5)]
)
def test_a_lost_request_is_given_the_time_that_it_may_still_take(pace: Pace, seconds: float) -> None:
    assert settling(pace, 10, 30.0) == pytest.approx(seconds)
