"""What a JUnit report comes down to: each suite with its tests' results, worst first to count. Pure.

JUnit XML has no one standard; it is read as Surefire, pytest, Gradle, googletest, Jest and PHPUnit write it.
Messages and captured output are not kept: they may hold secrets.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from infratrack.api import Instant

Result = Literal["PASSED", "WARNED", "FAILED"]
SuiteResult = Literal["PASSED", "WARNED", "FAILED", "UNKNOWN"]

MAXIMUM_NAME: Final = 300
_BLANK: Final = re.compile(r"[\s\x00-\x1f\x7f]+")
_WORST_FIRST: Final[tuple[Result, ...]] = ("FAILED", "WARNED", "PASSED")


class Suite(Struct, frozen=True):
    """One suite: each test's result by its name, and whether the suite as such failed."""

    name: str
    tests: Mapping[str, Result]
    broken: bool = False
    """An error of the suite itself, or more failures counted in it than tests listed as failed."""

    @property
    def result(self) -> SuiteResult:
        """FAILED, else WARNED when anything was skipped or flaky; UNKNOWN when nothing ran at all."""
        results = set(self.tests.values())
        if self.broken or "FAILED" in results:
            return "FAILED"
        if "PASSED" not in results:
            return "UNKNOWN"
        return "WARNED" if "WARNED" in results else "PASSED"

    def named(self, result: Result) -> list[str]:
        """The names of the tests with this result, in the report's order."""
        return [name for name, found in self.tests.items() if found == result]


class Report(Struct, frozen=True):
    """A whole report. The instants are None unless the report says them with an offset from UTC."""

    suites: tuple[Suite, ...]
    started_at: Instant | None = None
    finished_at: Instant | None = None


def worse(first: Result, second: Result) -> Result:
    """The worse of two results: a test that stands twice counts by its worst."""
    return min(first, second, key=_WORST_FIRST.index)


def merge(suites: Iterable[Suite]) -> tuple[Suite, ...]:
    """Suites of one name become one (a report may list a suite once per module or shard)."""
    merged: dict[str, Suite] = {}
    for suite in suites:
        before = merged.get(suite.name, Suite(suite.name, {}))
        tests = dict(before.tests)
        for name, result in suite.tests.items():
            tests[name] = worse(tests.get(name, result), result)
        merged[suite.name] = Suite(suite.name, tests, before.broken or suite.broken)
    return tuple(merged.values())


def predicate_members(suites: Iterable[Suite]) -> dict[str, Any]:
    """The members of in-toto's test-result predicate, and `suites`, by which tests are told apart.

    `passedTests`, `warnedTests` and `failedTests` list the suites' tests one suite after the other; the counts in
    `suites` say where one ends. A report of no test at all is WARNED: it never reads as passed.
    Source: github.com/in-toto/attestation, spec/predicates/test-result.md.
    """
    listed = tuple(suites)
    results = {suite.result for suite in listed}
    overall = "FAILED" if "FAILED" in results else "PASSED" if results == {"PASSED"} else "WARNED"
    return {
        "result": overall,
        "configuration": [],
        "passedTests": [name for suite in listed for name in suite.named("PASSED")],
        "warnedTests": [name for suite in listed for name in suite.named("WARNED")],
        "failedTests": [name for suite in listed for name in suite.named("FAILED")],
        "suites": [
            {
                "name": suite.name,
                "result": suite.result,
                "passed": len(suite.named("PASSED")),
                "warned": len(suite.named("WARNED")),
                "failed": len(suite.named("FAILED")),
            }
            for suite in listed
        ],
    }


def plain_name(text: str, otherwise: str = "unnamed") -> str:
    """A name on one line and of bounded length; what is cut off is told apart by a digest."""
    name = _BLANK.sub(" ", text).strip() or otherwise
    if len(name) <= MAXIMUM_NAME:
        return name
    digest = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:12]
    return f"{name[: MAXIMUM_NAME - 13]}…{digest}"
