"""Test reports in the JUnit XML that every test runner can write, and a criterion on them."""

from __future__ import annotations

from infratrack.api import Criterion, EvidenceType, Recorder, hookimpl
from infratrack_junit.criteria import PassedTests
from infratrack_junit.evidence import InTotoTestResult
from infratrack_junit.recorder import JunitRecorder


@hookimpl
def infratrack_criteria() -> list[Criterion]:
    """`tests.passed`."""
    return [PassedTests()]


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    """in-toto test results."""
    return [InTotoTestResult()]


@hookimpl
def infratrack_recorders() -> list[Recorder]:
    """JUnit XML."""
    return [JunitRecorder()]
