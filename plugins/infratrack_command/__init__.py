"""Any command: the evidence that a command which no other plugin recognises leaves, a criterion and a step for it."""

from __future__ import annotations

from infratrack.api import Criterion, EvidenceType, StepType, hookimpl
from infratrack_command.criteria import CommandSucceeded
from infratrack_command.evidence import CommandEvidence
from infratrack_command.step import CommandStep


@hookimpl
def infratrack_criteria() -> list[Criterion]:
    """`command.succeeded`."""
    return [CommandSucceeded()]


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    """What `infratrack run` leaves for a command of no known tool."""
    return [CommandEvidence()]


@hookimpl
def infratrack_steps() -> list[StepType]:
    """The step `command`."""
    return [CommandStep()]
