"""`tests.passed`: the contract, and what each kind of report does to it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from infratrack.api import BindContext, Decision, Word, parse_duration
from infratrack.testing.builders import finding, predicate, verdict, words_of
from infratrack.testing.criteria import CriterionContract
from infratrack_junit.criteria import PassedTests
from infratrack_junit.evidence import InTotoTestResult
from infratrack_junit.report import Result, Suite, predicate_members

SATISFIED, UNSATISFIED, UNKNOWN = Decision.SATISFIED, Decision.UNSATISFIED, Decision.UNKNOWN


def report(suite: str = "smoke", *, broken: bool = False, **tests: Result) -> list[Word]:
    return words_of(InTotoTestResult(), predicate(extra=predicate_members([Suite(suite, tests, broken)])))


def decide(parameters: Mapping[str, object], *reports: list[Word]) -> Decision:
    return verdict(PassedTests(), parameters, [word for words in reports for word in words])


class TestContract(CriterionContract):
    criterion = PassedTests()
    kinds = ("tests.suite", "tests.case")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (report(ping="PASSED"), SATISFIED),
        (report(ping="PASSED", later="WARNED"), SATISFIED),
        (report(ping="PASSED", dns="FAILED"), UNSATISFIED),
        (report(ping="PASSED", broken=True), UNSATISFIED),
        (report(later="WARNED"), UNKNOWN),
        (report(), UNKNOWN),
        ([], UNKNOWN),
    ],
)
def test_a_whole_suite(words: list[Word], expected: Decision) -> None:
    assert decide({}, words) is expected
    assert decide({"suite": "smo*"}, words) is expected
    assert decide({"suite": "load"}, words) is UNKNOWN


def test_a_newer_failure_beats_an_older_success_and_the_other_way_round() -> None:
    good, bad = report(ping="PASSED"), report(ping="FAILED")
    for parameters in ({}, {"tests": "ping"}, {"min": 1}):
        assert decide(parameters, good, bad) is UNSATISFIED
        assert decide(parameters, bad, good) is SATISFIED


def test_a_newer_empty_report_makes_an_older_success_unknown() -> None:
    assert decide({}, report(ping="PASSED"), report()) is UNKNOWN


def test_every_suite_counts_unless_one_is_named() -> None:
    words = report(ping="PASSED") + report("load", storm="FAILED")
    assert decide({}, words) is UNSATISFIED
    assert decide({"suite": "smoke"}, words) is SATISFIED


@pytest.mark.parametrize(
    ("tests", "expected"),
    [
        ("ping", SATISFIED),
        ("p*", SATISFIED),
        (["ping", "dns"], UNSATISFIED),
        (["ping", "later"], UNKNOWN),
        ("later", UNKNOWN),
        (["ping", "absent"], UNKNOWN),
        ("*", UNSATISFIED),
    ],
)
def test_named_tests(tests: object, expected: Decision) -> None:
    words = report(ping="PASSED", dns="FAILED", later="WARNED")
    assert decide({"tests": tests}, words) is expected
    assert decide({"tests": tests, "suite": "load"}, words) is UNKNOWN


@pytest.mark.parametrize(
    ("parameters", "words", "expected"),
    [
        ({"min": 2}, report(a="PASSED", b="PASSED"), SATISFIED),
        ({"min": 2}, report(a="PASSED", b="PASSED", c="WARNED"), SATISFIED),
        ({"min": 3}, report(a="PASSED", b="PASSED", c="WARNED"), UNSATISFIED),
        ({"min": 2}, report(a="PASSED", b="PASSED", c="FAILED"), UNSATISFIED),
        ({"min": 2}, report(a="PASSED", b="PASSED", broken=True), UNSATISFIED),
        ({"min": 1}, report(c="WARNED"), UNKNOWN),
        ({"min": 1}, report(), UNKNOWN),
        ({"min": 1}, [], UNKNOWN),
        ({"min": 2}, report(a="PASSED") + report("load", b="PASSED"), SATISFIED),
        ({"min": 1, "tests": ["a", "b"]}, report(a="PASSED", b="WARNED"), SATISFIED),
        ({"min": 1, "tests": ["a", "absent"]}, report(a="PASSED"), UNKNOWN),
        ({"min": 2, "tests": "a*"}, report(a1="PASSED", b="PASSED"), UNSATISFIED),
    ],
)
def test_a_least_number(parameters: Mapping[str, object], words: list[Word], expected: Decision) -> None:
    assert decide(parameters, words) is expected


def test_the_suites_own_failure_goes_away_with_the_next_good_report() -> None:
    assert decide({"min": 1}, report(a="PASSED", broken=True), report(a="PASSED")) is SATISFIED


@pytest.mark.parametrize(
    ("parameters", "wants"),
    [
        ({}, "a passing test report"),
        ({"suite": "smoke"}, "a passing test report in 'smoke'"),
        ({"tests": ["a", "b*"]}, "a test report in which every test of a, b* passed"),
        ({"min": 3}, "a test report with at least 3 passed and none failed"),
        (
            {"min": 3, "tests": "a*", "suite": "s"},
            "a test report with at least 3 passed of a* in 's' and none failed",
        ),
    ],
)
def test_what_it_wants_is_said_in_words(parameters: Mapping[str, object], wants: str) -> None:
    assert PassedTests().bind(parameters, BindContext("d")).wants == wants


def test_freshness_and_reasons() -> None:
    assert PassedTests().bind({"within": "12h"}, BindContext("d")).within == parse_duration("12h")
    found = finding(PassedTests(), {}, report(a="PASSED", b="WARNED"))
    assert [judged.note for judged in found.judged.values()] == ["passed, with tests skipped or rerun"]
    assert finding(PassedTests(), {"tests": "a"}, []).missing == ("test 'a'",)
