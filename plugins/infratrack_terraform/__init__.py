"""Terraform and OpenTofu: facts of plans, applies and states, criteria on them, and pipeline steps."""

from __future__ import annotations

from pathlib import Path

from infratrack.api import (
    Collector,
    Criterion,
    EvidenceType,
    LinkSuggester,
    Observer,
    Proposal,
    Recorder,
    Source,
    StepType,
    UnrecordedEvidence,
    hookimpl,
)


@hookimpl
def infratrack_criteria() -> list[Criterion]:
    """On resources, whole roots, outputs, attributes and checks."""
    from infratrack_terraform.criteria import Applied, Converged, NoDeletes, NoDrift  # noqa: PLC0415 -- only when asked for
    from infratrack_terraform.value_criteria import Checks, Output, Resource  # noqa: PLC0415 -- only when asked for

    return [Applied(), Converged(), NoDrift(), NoDeletes(), Output(), Resource(), Checks()]


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    """Plans, applies, states, and what was found by looking."""
    from infratrack_terraform.evidence import ApplyEvidence, PlanEvidence, StateEvidence  # noqa: PLC0415 -- only when asked for
    from infratrack_terraform.observation import TERRAFORM_CHANGES, TerraformObservation  # noqa: PLC0415 -- likewise

    changes = UnrecordedEvidence(TERRAFORM_CHANGES, "changes to Terraform states")
    return [PlanEvidence(), ApplyEvidence(), StateEvidence(), TerraformObservation(), changes]


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
def infratrack_observers() -> list[Observer]:
    """The observer `terraform`."""
    from infratrack_terraform.observer import TerraformObserver  # noqa: PLC0415 -- only when asked for

    return [TerraformObserver()]


@hookimpl
def infratrack_sources() -> list[Source]:
    """`terraform.output.NAME` and `terraform.resource.TYPE`."""
    from infratrack_terraform.sources import OutputSource, ResourceSource  # noqa: PLC0415 -- only when asked for

    return [OutputSource(), ResourceSource()]


@hookimpl
def infratrack_links() -> list[LinkSuggester]:
    """Links from the graph."""
    from infratrack_terraform.links import TerraformLinks  # noqa: PLC0415 -- only when asked for

    return [TerraformLinks()]


@hookimpl
def infratrack_proposals(folder: Path) -> list[Proposal]:
    """Deliverables for the root modules in a folder."""
    from infratrack_terraform.proposals import proposals  # noqa: PLC0415 -- only when asked for

    return proposals(folder)
