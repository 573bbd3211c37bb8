"""Terraform and OpenTofu: facts of plans, applies and states, criteria on them, and pipeline steps."""

from __future__ import annotations

from pathlib import Path

from infratrack.api import Collector, Criterion, EvidenceType, Proposal, Recorder, StepType, hookimpl


@hookimpl
def infratrack_criteria() -> list[Criterion]:
    """On resources, whole roots, outputs, attributes and checks."""
    from infratrack_terraform.criteria import Applied, Converged, NoDeletes, NoDrift  # noqa: PLC0415 -- only when asked for
    from infratrack_terraform.value_criteria import Checks, Output, Resource  # noqa: PLC0415 -- only when asked for

    return [Applied(), Converged(), NoDrift(), NoDeletes(), Output(), Resource(), Checks()]


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    """Plans, applies and states."""
    from infratrack_terraform.evidence import ApplyEvidence, PlanEvidence, StateEvidence  # noqa: PLC0415 -- only when asked for

    return [PlanEvidence(), ApplyEvidence(), StateEvidence()]


@hookimpl
def infratrack_collectors() -> list[Collector]:
    """`infratrack run -- terraform …`."""
    from infratrack_terraform.collector import TerraformCollector  # noqa: PLC0415 -- only when asked for

    return [TerraformCollector()]


@hookimpl
def infratrack_steps() -> list[StepType]:
    """The steps `terraform.plan` and `terraform.apply`."""
    from infratrack_terraform.steps import ApplyStep, PlanStep  # noqa: PLC0415 -- only when asked for

    return [PlanStep(), ApplyStep()]


@hookimpl
def infratrack_recorders() -> list[Recorder]:
    """`infratrack record plan.json`."""
    from infratrack_terraform.recorders import TerraformRecorder  # noqa: PLC0415 -- only when asked for

    return [TerraformRecorder()]


@hookimpl
def infratrack_proposals(folder: Path) -> list[Proposal]:
    """Deliverables for the root modules in a folder."""
    from infratrack_terraform.proposals import proposals  # noqa: PLC0415 -- only when asked for

    return proposals(folder)
