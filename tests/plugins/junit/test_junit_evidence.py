"""From a real pytest report to words: recorder, predicate and evidence type together."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import InputError, RecordSource, Word
from infratrack.project.schema_files import schema_file
from infratrack.testing.builders import predicate
from infratrack.testing.evidence_types import EvidenceTypeContract
from infratrack_junit.evidence import SCHEMA, TEST_RESULT, InTotoTestResult
from infratrack_junit.recorder import JunitRecorder

SCHEMA_FILE = schema_file("v1/evidence/test-result.schema.json")
TESTS = """
import pytest
def test_ping(): pass
def test_dns(): print("hunter2-secret"); assert False, "password hunter2-secret"
@pytest.mark.skip(reason="hunter2-secret")
def test_later(): pass
@pytest.fixture
def broken(): raise OSError("hunter2-secret")
def test_needs(broken): pass
@pytest.mark.parametrize("host", ["core-1", "core-2"])
def test_host(host): pass
"""


def source(content: bytes | None, name: str = "junit.xml") -> RecordSource:
    return RecordSource(Path(name), content, {}, ".")


def members(**changes: object) -> dict[str, Any]:
    extra: dict[str, object] = {
        "result": "FAILED",
        "configuration": [],
        "passedTests": ["a", "b"],
        "warnedTests": [],
        "failedTests": ["c"],
        "suites": [
            {"name": "one", "result": "PASSED", "passed": 1, "warned": 0, "failed": 0},
            {"name": "two", "result": "FAILED", "passed": 1, "warned": 0, "failed": 1},
        ],
    }
    return predicate(extra=extra | changes)


class TestContract(EvidenceTypeContract):
    evidence_type = InTotoTestResult()
    examples = (members(), members(suites=None))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What pytest really writes."""
    folder = tmp_path_factory.mktemp("suite")
    (folder / "test_net.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junit-xml=out.xml", "test_net.py"]
    ended = subprocess.run(command, cwd=folder, capture_output=True, check=False, timeout=120)
    assert ended.returncode == 1, ended.stdout
    return (folder / "out.xml").read_bytes()


def test_a_pytest_report_becomes_an_in_toto_test_result(report: bytes) -> None:
    assert JunitRecorder().detect(source(report))
    (collected,) = JunitRecorder().read(source(report))
    assert collected.predicate_type == TEST_RESULT
    assert collected.outcome == "failed"
    assert collected.extra["result"] == "FAILED"
    assert collected.extra["passedTests"] == [
        "test_net.test_ping",
        "test_net.test_host[core-1]",
        "test_net.test_host[core-2]",
    ]
    assert collected.extra["warnedTests"] == ["test_net.test_later"]
    assert collected.extra["failedTests"] == ["test_net.test_dns", "test_net.test_needs"]
    assert collected.artifacts == ()
    assert collected.missing == {}
    assert list(collected.subjects[0].digest) == ["sha256"]
    Draft202012Validator(SCHEMA).validate(collected.extra)


def test_nothing_that_tests_printed_or_raised_is_kept(report: bytes) -> None:
    assert b"hunter2-secret" in report
    (collected,) = JunitRecorder().read(source(report))
    assert "hunter2" not in repr(collected)


def test_its_words_name_suite_and_cases(report: bytes) -> None:
    (collected,) = JunitRecorder().read(source(report))
    words = InTotoTestResult().words(predicate(extra=collected.extra))
    assert words[0] == Word("tests.suite", "", "pytest", {"result": "FAILED"})
    assert Word("tests.case", "pytest", "test_net.test_dns", {"result": "FAILED"}) in words
    assert len(words) == 7


def test_an_empty_report_says_that_it_is_empty() -> None:
    (collected,) = JunitRecorder().read(source(b'<testsuites><testsuite name="s" tests="0"/></testsuites>'))
    assert collected.extra["result"] == "WARNED"
    assert collected.missing == {"tests": "the report lists no test"}
    assert InTotoTestResult().words(predicate(extra=collected.extra)) == [
        Word("tests.suite", "", "s", {"result": "UNKNOWN"})
    ]


@pytest.mark.parametrize(
    ("content", "is_report"),
    [
        (b"<testsuites/>", True),
        (b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- <html> --><testsuite name="x"/>', True),
        ('<?xml version="1.0" encoding="UTF-16"?><testsuite/>'.encode("utf-16"), True),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><testsuite/>', True),
        (b'<j:testsuites xmlns:j="urn:x"/>', True),
        (b"<testsuitesx/>", False),
        (b"<html><testsuite/></html>", False),
        (b"<!-- <testsuite/>", False),
        (b'{"resource_changes": []}', False),
        (b"", False),
        (b"\xff\xfe\x00", False),
        (None, False),
    ],
)
def test_the_kind_is_told_from_the_content(content: bytes | None, is_report: bool) -> None:  # noqa: FBT001 -- expected
    assert JunitRecorder().detect(source(content)) is is_report


def test_a_folder_is_refused_with_what_to_do() -> None:
    with pytest.raises(InputError, match="reports is a folder"):
        JunitRecorder().read(source(None, "reports"))


def test_tests_are_told_apart_by_the_suites_counts() -> None:
    assert InTotoTestResult().words(members()) == [
        Word("tests.suite", "", "one", {"result": "PASSED"}),
        Word("tests.case", "one", "a", {"result": "PASSED"}),
        Word("tests.suite", "", "two", {"result": "FAILED"}),
        Word("tests.case", "two", "b", {"result": "PASSED"}),
        Word("tests.case", "two", "c", {"result": "FAILED"}),
    ]


@pytest.mark.parametrize(
    "suites", [None, [], [7], [{"name": "one", "result": "PASSED", "passed": 9, "warned": 0, "failed": 0}]]
)
def test_results_of_other_tools_have_one_suite_without_a_name(suites: object) -> None:
    words = InTotoTestResult().words(members(suites=suites))
    assert words[0] == Word("tests.suite", "", "", {"result": "FAILED"})
    assert [word.name for word in words[1:]] == ["a", "b", "c"]


@pytest.mark.parametrize("result", [None, "GREEN", 7])
def test_a_predicate_without_a_result_says_nothing(result: object) -> None:
    assert InTotoTestResult().words(members(result=result)) == []
    assert InTotoTestResult().summary(members(result=result)).startswith("tests without a result")


def test_the_summary_counts() -> None:
    assert InTotoTestResult().summary(members()) == "tests FAILED: 2 passed, 0 warned, 1 failed"


def test_the_schema_file_is_the_plugins_schema() -> None:
    assert json.loads(SCHEMA_FILE) == {"$id": "urn:infratrack:schema:evidence:test-result:v0.1", **SCHEMA}
    for example in SCHEMA["examples"]:
        Draft202012Validator(SCHEMA).validate(example)
