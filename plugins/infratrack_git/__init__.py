"""Git as evidence: what is merged into a branch and what is tagged, looked at read-only."""

from __future__ import annotations

from infratrack.api import Criterion, EvidenceType, Observer, UnrecordedEvidence, hookimpl
from infratrack_git.criteria import Merged, Tagged
from infratrack_git.evidence import GitObservation
from infratrack_git.observer import GitObserver
from infratrack_git.unrecorded import GIT_CHANGES


@hookimpl
def infratrack_criteria() -> list[Criterion]:
    """`git.merged` and `git.tagged`."""
    return [Merged(), Tagged()]


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    """What `infratrack observe git` leaves."""
    return [GitObservation(), UnrecordedEvidence(GIT_CHANGES, "commits to the protected branch")]


@hookimpl
def infratrack_observers() -> list[Observer]:
    """The observer `git`."""
    return [GitObserver()]
