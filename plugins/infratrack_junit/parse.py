"""JUnit XML → suites. Reads the bytes in one pass and keeps names and results only, whatever the report's size. Pure.

Reports are hostile input: no DTD, no entities, bounded size, depth and number of tests.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NoReturn
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from infratrack.api import InputError, Instant, parse_instant
from infratrack_junit.report import Report, Result, Suite, merge, plain_name, worse

MAXIMUM_BYTES: Final = 256 * 1024 * 1024
MAXIMUM_TESTS: Final = 200_000
MAXIMUM_DEPTH: Final = 100
_CHUNK: Final = 1 << 20

_FAILED_ELEMENTS: Final = frozenset({"failure", "error", "rerunFailure", "rerunError"})
_WARNED_ELEMENTS: Final = frozenset({"skipped", "flakyFailure", "flakyError"})
_FAILED_WORDS: Final = frozenset({"failed", "failure", "error", "errored"})
_WARNED_WORDS: Final = frozenset({"skipped", "notrun", "disabled", "suppressed", "ignored", "pending"})
_WITH_OFFSET: Final = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]{5,20}(Z|[+-]\d\d:?\d\d)", re.ASCII)
_SECONDS: Final = re.compile(r"\d{1,8}(\.\d{1,12})?", re.ASCII)
_MICROSECONDS: Final = 1_000_000
_HINT: Final = "expected JUnit XML as test runners write it"


def parse_report(content: bytes, name: str) -> Report:
    """What a report says, nested suites named `outer/inner`; InputError says file and line of what is wrong.

    `name` is the file's name, for messages.
    """
    if len(content) > MAXIMUM_BYTES:
        raise InputError(f"{name}: {len(content)} bytes is too large for a test report", f"at most {MAXIMUM_BYTES}")
    reader = _Reader()
    parser = DefusedXMLParser(target=reader, forbid_dtd=True)
    try:
        for start in range(0, len(content), _CHUNK):
            parser.feed(content[start : start + _CHUNK])
        parser.close()
    except ParseError as error:
        line, column = error.position
        raise InputError(f"{name}:{line}:{column + 1}: this is not well-formed XML: {_reason(error)}", _HINT) from error
    except DefusedXmlException as error:
        _refuse(name, parser, "a document type or entity declaration, which no test report needs", error)
    except _Unexpected as error:
        _refuse(name, parser, str(error), error)
    except (LookupError, UnicodeError, ValueError) as error:
        _refuse(name, parser, "an encoding that is not known", error)
    return Report(
        suites=merge(reader.suites),
        started_at=min((begin for begin, _ in reader.times), default=None),
        finished_at=max((end for _, end in reader.times), default=None),
    )


def _reason(error: ParseError) -> str:
    return str(error.msg).partition(": line")[0]


def _refuse(name: str, parser: DefusedXMLParser, found: str, error: Exception) -> NoReturn:
    raise InputError(f"{name}:{parser.parser.CurrentLineNumber}: found {found}", _HINT) from error


class _Unexpected(Exception):
    """Well-formed XML, but no report."""


class _OpenSuite:
    """A suite while its element is open."""

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name = name
        self.tests: dict[str, Result] = {}
        self.broken = False
        self.counted = _count(attributes, "failures") + _count(attributes, "errors")
        self.failed = 0
        """Failed tests listed in it and in suites within, to hold against `counted`."""

    def close(self) -> Suite:
        """The suite as it ended; failures that were counted but not listed make it broken."""
        return Suite(self.name, self.tests, self.broken or self.counted > self.failed)


class _Reader:
    """Receives elements as the parser meets them. Text is never looked at."""

    def __init__(self) -> None:
        self.suites: list[Suite] = []
        self.times: list[tuple[Instant, Instant]] = []
        self._path: list[str] = []
        self._open: list[_OpenSuite] = []
        self._loose = _OpenSuite(plain_name(""), {})
        """For tests that stand directly under <testsuites>."""
        self._case: tuple[str, Result] | None = None
        self._tests = 0

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        element = tag.rpartition("}")[2]
        if not self._path and element not in {"testsuites", "testsuite"}:
            raise _Unexpected(f"the root element <{element[:80]}>, expected <testsuites> or <testsuite>")
        self._path.append(element)
        if len(self._path) > MAXIMUM_DEPTH:
            raise _Unexpected(f"elements nested more than {MAXIMUM_DEPTH} deep")
        if element == "testsuite":
            self._begin_suite(attributes)
        elif element == "testcase":
            self._begin_case(attributes)
        elif element in _FAILED_ELEMENTS:
            self._note("FAILED")
        elif element in _WARNED_ELEMENTS:
            self._note("WARNED")

    def end(self, _tag: str) -> None:
        """An element ends."""
        element = self._path.pop()
        if element == "testcase" and self._case is not None:
            self._end_case(*self._case)
        elif element == "testsuite":
            suite = self._open.pop()
            self.suites.append(suite.close())
            if self._open:
                self._open[-1].failed += max(suite.failed, suite.counted)

    def data(self, text: str) -> None:
        """Text is dropped: messages and captured output may hold secrets."""

    def close(self) -> None:
        """The document has ended."""
        if self._loose.tests:
            self.suites.append(self._loose.close())

    def _begin_suite(self, attributes: Mapping[str, str]) -> None:
        if self._case is not None:
            raise _Unexpected("a <testsuite> inside a <testcase>")
        outer = f"{self._open[-1].name}/" if self._open else ""
        self._open.append(_OpenSuite(outer + plain_name(attributes.get("name", "")), attributes))
        time = _time(attributes)
        if time is not None:
            self.times.append(time)

    def _begin_case(self, attributes: Mapping[str, str]) -> None:
        if self._case is not None:
            raise _Unexpected("a <testcase> inside a <testcase>")
        self._tests += 1
        if self._tests > MAXIMUM_TESTS:
            raise _Unexpected(f"more than {MAXIMUM_TESTS} tests")
        words = {attributes.get("status", "").lower(), attributes.get("result", "").lower()}
        result: Result = "FAILED" if words & _FAILED_WORDS else "WARNED" if words & _WARNED_WORDS else "PASSED"
        parts = (attributes.get("classname", ""), attributes.get("name", ""))
        self._case = (plain_name(".".join(part for part in parts if part.strip())), result)

    def _end_case(self, name: str, result: Result) -> None:
        suite = self._open[-1] if self._open else self._loose
        suite.tests[name] = worse(suite.tests.get(name, result), result)
        suite.failed += result == "FAILED"
        self._case = None

    def _note(self, result: Result) -> None:
        """A child element tells how the test went; outside a test a failure is the suite's own."""
        if self._case is not None:
            self._case = (self._case[0], worse(self._case[1], result))
        elif self._open and result == "FAILED":
            self._open[-1].broken = True


def _time(attributes: Mapping[str, str]) -> tuple[Instant, Instant] | None:
    """Begin and end of a suite; None unless its timestamp has an offset from UTC (most runners write local time)."""
    text = attributes.get("timestamp", "").strip()
    if not _WITH_OFFSET.fullmatch(text):
        return None
    try:
        begin = parse_instant(text)
    except InputError:
        return None
    seconds = attributes.get("time", "").strip()
    lasted = float(seconds) if _SECONDS.fullmatch(seconds) else 0.0
    return begin, Instant(begin + round(lasted * _MICROSECONDS))


def _count(attributes: Mapping[str, str], name: str) -> int:
    """A counter attribute; 0 where it is missing or no number (runners leave them out)."""
    text = attributes.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0  # noqa: PLR2004 -- digits
