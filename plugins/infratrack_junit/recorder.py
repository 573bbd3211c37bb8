"""The recorder for JUnit XML."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from infratrack.api import Collected, InputError, RecordSource, Subject, sha256_digest
from infratrack_junit.evidence import TEST_RESULT
from infratrack_junit.report import predicate_members

_LOOKED_AT: Final = 65_536
_COMMENT: Final = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_FIRST_ELEMENT: Final = re.compile(rb"<(?![?!])(?:[^\s<>/:]+:)?([^\s<>/:]+)")


class JunitRecorder:
    """Takes a JUnit XML report and leaves an in-toto test result.

    The report itself is not kept: failure messages and captured output may hold secrets. Its digest is the subject.
    """

    name: Final = "JUnit XML test report"

    def detect(self, source: RecordSource) -> bool:
        """Whether the first element is `testsuites` or `testsuite`."""
        if source.content is None:
            return False
        # In UTF-16 every second byte of the markup is NUL.
        beginning = _COMMENT.sub(b"", source.content[:_LOOKED_AT].replace(b"\0", b""))
        found = _FIRST_ELEMENT.search(beginning)
        return found is not None and found[1] in {b"testsuites", b"testsuite"}

    def read(self, source: RecordSource) -> Sequence[Collected]:
        """One test result for the whole report; InputError says file and line of what is wrong."""
        if source.content is None:
            raise InputError(f"{source.path.name} is a folder", "record the report files inside it")
        from infratrack_junit.parse import parse_report  # noqa: PLC0415 -- XML is needed by those who record it only

        report = parse_report(source.content, source.path.name)
        members = predicate_members(report.suites)
        empty = not any(suite.tests for suite in report.suites)
        digest = sha256_digest(source.content).removeprefix("sha256:")
        return [
            Collected(
                predicate_type=TEST_RESULT,
                result={},
                subjects=(Subject(source.path.name, {"sha256": digest}),),
                missing={"tests": "the report lists no test"} if empty else {},
                outcome="failed" if members["result"] == "FAILED" else "succeeded",
                extra=members,
                started_at=report.started_at,
                finished_at=report.finished_at,
                dropped=("failure messages", "system-out", "system-err", "properties"),
            )
        ]
