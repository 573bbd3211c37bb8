"""`command.succeeded`: the contract, and what each kind of word does to it."""

from __future__ import annotations

import pytest

from infratrack.api import BindContext, Decision, Outcome, Word, parse_duration
from infratrack.testing.builders import MINUTE, MONDAY, finding, predicate, verdict, words_of
from infratrack.testing.criteria import CriterionContract
from infratrack.values import Instant
from infratrack_command.criteria import CommandSucceeded
from infratrack_command.evidence import CommandEvidence

SMOKE = {"command": "make smoke*"}


def run_of(command: str, outcome: Outcome = "succeeded", **labels: str) -> list[Word]:
    return words_of(CommandEvidence(), predicate(argv=command.split(), outcome=outcome, labels=labels))


class TestContract(CriterionContract):
    criterion = CommandSucceeded()


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        ("succeeded", Decision.SATISFIED),
        ("failed", Decision.UNSATISFIED),
        ("canceled", Decision.UNSATISFIED),
        ("indeterminate", Decision.UNKNOWN),
    ],
)
def test_the_outcome_decides(outcome: Outcome, expected: Decision) -> None:
    assert verdict(CommandSucceeded(), SMOKE, run_of("make smoke-test", outcome)) is expected


def test_no_evidence_is_unknown() -> None:
    assert verdict(CommandSucceeded(), SMOKE, []) is Decision.UNKNOWN


def test_a_newer_failure_beats_an_older_success_and_the_other_way_round() -> None:
    good, bad = run_of("make smoke"), run_of("make smoke", "failed")
    assert verdict(CommandSucceeded(), SMOKE, good + bad) is Decision.UNSATISFIED
    assert verdict(CommandSucceeded(), SMOKE, bad + good) is Decision.SATISFIED


def test_a_newer_lost_run_makes_an_older_success_unknown() -> None:
    lost = run_of("make smoke", "indeterminate")
    assert verdict(CommandSucceeded(), SMOKE, run_of("make smoke") + lost) is Decision.UNKNOWN


def test_every_command_line_that_matches_must_have_succeeded() -> None:
    words = run_of("make smoke-a") + run_of("make smoke-b", "failed")
    assert verdict(CommandSucceeded(), SMOKE, words) is Decision.UNSATISFIED
    assert verdict(CommandSucceeded(), {"command": "make smoke-a"}, words) is Decision.SATISFIED


def test_other_commands_say_nothing() -> None:
    assert verdict(CommandSucceeded(), SMOKE, run_of("make deploy")) is Decision.UNKNOWN


def test_a_run_without_the_label_says_nothing() -> None:
    west = {"command": "make smoke", "label": {"site": "west"}}
    words = run_of("make smoke", site="west") + run_of("make smoke", "failed", site="east") + run_of("make smoke")
    assert verdict(CommandSucceeded(), west, words) is Decision.SATISFIED
    assert verdict(CommandSucceeded(), west, words[1:]) is Decision.UNKNOWN


def test_what_it_wants_names_command_and_label() -> None:
    rule = CommandSucceeded().bind({"command": "make x", "label": {"b": "2", "a": "1"}}, BindContext("d"))
    assert rule.wants == "a successful `infratrack run -- make x` with the label a=1, b=2"
    assert CommandSucceeded().bind({"command": "make x", "within": "2h"}, BindContext("d")).within == parse_duration(
        "2h"
    )


def test_the_reason_says_what_happened() -> None:
    found = finding(CommandSucceeded(), SMOKE, run_of("make smoke", "canceled"))
    assert [judged.note for judged in found.judged.values()] == ["was canceled before its end"]
    assert finding(CommandSucceeded(), SMOKE, []).missing == ("command 'make smoke*'",)


def test_the_builders_write_real_instants() -> None:
    later = predicate(at=Instant(MONDAY + MINUTE), outcome="indeterminate")
    assert later["run"]["startedAt"] == "2026-01-05T09:01:00.000000Z"
    assert later["run"]["finishedAt"] is None
