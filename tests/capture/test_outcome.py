from __future__ import annotations

import signal

import pytest

from infratrack.capture.outcome import Ending, ending_of, outcome_of


@pytest.mark.parametrize(
    ("wait_status", "ending"),
    [(0, Ending(0)), (7, Ending(7)), (-9, Ending(137, 9)), (-15, Ending(143, 15))],
)
def test_a_signal_is_told_as_a_shell_tells_it(wait_status: int, ending: Ending) -> None:
    assert ending_of(wait_status) == ending


def test_code_0_is_success_even_after_a_request_to_stop() -> None:
    assert outcome_of(Ending(0), asked_to_stop=True) == "succeeded"


def test_accepted_codes_are_success() -> None:
    assert outcome_of(Ending(2), accepted=(2, 3)) == "succeeded"
    assert outcome_of(Ending(4), accepted=(2, 3)) == "failed"


def test_a_signal_is_no_accepted_code() -> None:
    assert outcome_of(Ending(143, signal.SIGTERM), accepted=(143,)) == "canceled"


@pytest.mark.parametrize("ending", [Ending(137, signal.SIGKILL), Ending(137)])
def test_after_sigkill_nobody_knows(ending: Ending) -> None:
    assert outcome_of(ending, asked_to_stop=True) == "indeterminate"


@pytest.mark.parametrize("code", [129, 130, 131, 143])
def test_the_codes_of_requests_to_stop_mean_canceled(code: int) -> None:
    assert outcome_of(Ending(code)) == "canceled"


def test_any_failure_after_a_request_to_stop_is_canceled() -> None:
    assert outcome_of(Ending(1), asked_to_stop=True) == "canceled"


@pytest.mark.parametrize("ending", [Ending(1), Ending(126), Ending(127), Ending(139, signal.SIGSEGV)])
def test_everything_else_failed(ending: Ending) -> None:
    assert outcome_of(ending) == "failed"
