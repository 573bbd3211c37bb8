"""The criterion on test results. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from infratrack.api import BindContext, Decision, Judged, Judgement, Rule, Selector, Tally, every, parse_duration
from infratrack_junit.evidence import CASE_KIND, SUITE_KIND

_PATTERN: Final = {"type": "string", "minLength": 1}
SCHEMA: Final[Mapping[str, Any]] = {
    "description": "The newest results of the tests selected are passes; by default every suite's.",
    "type": "object",
    "properties": {
        "suite": _PATTERN | {"description": "Only suites of this name; `*` stands for anything."},
        "tests": {
            "description": "Tests that must have passed, as `classname.name`; `*` stands for anything.",
            "anyOf": [_PATTERN, {"type": "array", "items": _PATTERN, "minItems": 1, "uniqueItems": True}],
        },
        "min": {"description": "At least so many tests must have passed.", "type": "integer", "minimum": 1},
        "within": {"description": "How old the results may be: 12h, 7d.", "type": "string", "minLength": 1},
        "keep": {"description": "Keep `within` counting after acceptance.", "type": "boolean"},
    },
    "additionalProperties": False,
    "examples": [
        {},
        {"suite": "smoke"},
        {"tests": ["smoke.test_ping", "smoke.test_dns*"]},
        {"min": 20, "within": "7d"},
    ],
}

_CASES: Final = {
    "PASSED": Judged(Judgement.MEETS, "passed"),
    "WARNED": Judged(Judgement.UNKNOWN, "was skipped, or passed only when rerun"),
    "FAILED": Judged(Judgement.FAILS, "failed"),
}
_SUITES: Final = {
    "PASSED": Judged(Judgement.MEETS, "passed"),
    "WARNED": Judged(Judgement.MEETS, "passed, with tests skipped or rerun"),
    "FAILED": Judged(Judgement.FAILS, "failed"),
    "UNKNOWN": Judged(Judgement.UNKNOWN, "ran no test"),
}
_NOT_COUNTED: Final = Judged(Judgement.UNKNOWN, "is a suite: only its tests are counted")


class PassedTests:
    """`tests.passed`: suites, named tests, or at least a number of tests have passed.

    Without `tests` and `min` whole suites are looked at: skipped tests are forgiven, an empty report is unknown. With
    `tests` every test that matches must have passed; a skipped one has not. With `min` at least so many (of `tests`,
    when both are given) must have passed and none, nor any selected suite as such, may have failed.
    """

    name: Final = "tests.passed"
    schema: Final = SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for these suites and tests."""
        suite: str = parameters.get("suite", "*")
        minimum: int | None = parameters.get("min")
        patterns = _listed(parameters.get("tests", ["*"] if minimum else []))
        cases = tuple(Selector(CASE_KIND, tests, scope=suite, label=f"test {tests!r}") for tests in patterns)
        whole = Selector(SUITE_KIND, suite, scope="", required=not cases, label=f"suite {suite!r}")
        counting_all = minimum is not None and "tests" not in parameters
        return Rule(
            selectors=(whole, *cases) if counting_all or not cases else cases,
            judge=_judge_counting if counting_all else _judge,
            decide=every if minimum is None else _at_least(minimum),
            wants=_wants(patterns, suite, minimum),
            within=parse_duration(parameters["within"]) if "within" in parameters else None,
            keep=parameters.get("keep", False),
        )


def _judge(kind: str, value: Mapping[str, Any]) -> Judged | None:
    return (_SUITES if kind == SUITE_KIND else _CASES).get(str(value.get("result")))


def _judge_counting(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """Tests are counted; a suite counts only when it failed as such (an error outside its tests)."""
    judged = _judge(kind, value)
    if kind == SUITE_KIND and judged is not None and judged.judgement is not Judgement.FAILS:
        return _NOT_COUNTED
    return judged


def _at_least(minimum: int) -> Callable[[Tally], Decision]:
    """So many passes, none failed and nothing named missing; too few passes are a no only where any were seen."""

    def decide(tally: Tally) -> Decision:
        if tally.fails:
            return Decision.UNSATISFIED
        if tally.missing or not tally.meets:
            return Decision.UNKNOWN
        return Decision.SATISFIED if tally.meets >= minimum else Decision.UNSATISFIED

    return decide


def _wants(patterns: list[str], suite: str, minimum: int | None) -> str:
    where = "" if suite == "*" else f" in {suite!r}"
    tests = "" if patterns in ([], ["*"]) else f" of {', '.join(patterns)}"
    if minimum is not None:
        return f"a test report with at least {minimum} passed{tests}{where} and none failed"
    return f"a test report in which every test{tests}{where} passed" if tests else f"a passing test report{where}"


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)
