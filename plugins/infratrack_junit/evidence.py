"""in-toto test results read as words: one a suite, one a test. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack.api import Word

TEST_RESULT: Final = "https://in-toto.io/attestation/test-result/v0.1"
SUITE_KIND: Final = "tests.suite"
CASE_KIND: Final = "tests.case"

_TESTS: Final = {"PASSED": "passedTests", "WARNED": "warnedTests", "FAILED": "failedTests"}
_COUNTS: Final = {"PASSED": "passed", "WARNED": "warned", "FAILED": "failed"}
_SUITE_RESULTS: Final = frozenset({"PASSED", "WARNED", "FAILED", "UNKNOWN"})

_NAMES: Final = {"type": "array", "items": {"type": "string"}}
SCHEMA: Final[Mapping[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Test result (in-toto attestation test-result v0.1)",
    "description": "The members that in-toto's predicate requires, and `suites`, which tells the tests apart by suite.",
    "type": "object",
    "properties": {
        "result": {"description": "WARNED also when no test ran at all.", "enum": ["PASSED", "WARNED", "FAILED"]},
        "configuration": {"description": "ResourceDescriptors of the test configuration.", "type": "array"},
        "passedTests": _NAMES | {"description": "Names of the tests that passed, suite after suite."},
        "warnedTests": _NAMES | {"description": "Tests that were skipped, or passed only when rerun."},
        "failedTests": _NAMES | {"description": "Tests that failed or ended in an error."},
        "suites": {
            "description": "The suites in the order in which the lists above hold their tests.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "result": {
                        "description": "UNKNOWN: no test of the suite ran.",
                        "enum": ["PASSED", "WARNED", "FAILED", "UNKNOWN"],
                    },
                    "passed": {"type": "integer", "minimum": 0},
                    "warned": {"type": "integer", "minimum": 0},
                    "failed": {"type": "integer", "minimum": 0},
                },
                "required": ["name", "result", "passed", "warned", "failed"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["result", "configuration"],
    "examples": [
        {
            "result": "FAILED",
            "configuration": [],
            "passedTests": ["smoke.test_ping"],
            "warnedTests": [],
            "failedTests": ["smoke.test_dns"],
            "suites": [{"name": "smoke", "result": "FAILED", "passed": 1, "warned": 0, "failed": 1}],
        }
    ],
}


class _SuiteEntry(Struct, frozen=True):
    name: str
    result: str
    counts: Mapping[str, int]


class InTotoTestResult:
    """`https://in-toto.io/attestation/test-result/v0.1`, ours or another tool's.

    Without `suites` (other tools) the tests belong to the suite "" and there is one suite word of that name.
    """

    predicate_type: Final = TEST_RESULT
    schema: Final = SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """Suite and case words; nothing where the predicate is not what it has to be."""
        overall = predicate.get("result")
        tests = {result: _names(predicate.get(member)) for result, member in _TESTS.items()}
        if not isinstance(overall, str) or overall not in _TESTS:
            return []
        suites = _suites(predicate.get("suites"))
        if not _counts_agree(suites, tests):
            suites = [_SuiteEntry("", overall, {result: len(names) for result, names in tests.items()})]
        left = {result: iter(names) for result, names in tests.items()}
        return [word for suite in suites for word in _suite_words(suite, left)]

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`tests FAILED: 12 passed, 1 warned, 2 failed`."""
        numbers = ", ".join(f"{len(_names(predicate.get(_TESTS[result])))} {word}" for result, word in _COUNTS.items())
        result = predicate.get("result")
        return f"tests {result if result in tuple(_TESTS) else 'without a result'}: {numbers}"


def _suite_words(suite: _SuiteEntry, left: Mapping[str, Iterator[str]]) -> Iterator[Word]:
    yield Word(SUITE_KIND, "", suite.name, {"result": suite.result})
    for result, count in suite.counts.items():
        for _ in range(count):
            yield Word(CASE_KIND, suite.name, next(left[result]), {"result": result})


def _names(value: object) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _suites(value: object) -> list[_SuiteEntry]:
    """The suites that are written as they have to be."""
    return [entry for item in value if (entry := _suite(item))] if isinstance(value, list) else []


def _suite(item: object) -> _SuiteEntry | None:
    if not isinstance(item, Mapping):
        return None
    name, result = item.get("name"), item.get("result")
    counts = {of: item.get(member) for of, member in _COUNTS.items()}
    if not isinstance(name, str) or not isinstance(result, str) or result not in _SUITE_RESULTS:
        return None
    whole = {of: count for of, count in counts.items() if isinstance(count, int) and count >= 0}
    return _SuiteEntry(name, result, whole) if len(whole) == len(counts) else None


def _counts_agree(suites: Sequence[_SuiteEntry], tests: Mapping[str, Sequence[str]]) -> bool:
    return bool(suites) and all(
        sum(suite.counts[result] for suite in suites) == len(names) for result, names in tests.items()
    )
