"""Which facts the project's criteria ask for: plugins keep in clear what is wanted, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infratrack.project.model import Condition, CriterionCall, Not, Project


def criterion_calls(condition: Condition) -> Iterator[CriterionCall]:
    """Every criterion in a condition, in the order in which it is written."""
    if isinstance(condition, CriterionCall):
        yield condition
    elif isinstance(condition, Not):
        yield from criterion_calls(condition.condition)
    else:
        for inner in condition.conditions:
            yield from criterion_calls(inner)


def wanted_facts(project: Project) -> Mapping[str, tuple[Mapping[str, Any], ...]]:
    """Criterion name → the parameters of each of its uses: in deliverables, then in phase exits."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    conditions = [deliverable.done_when for deliverable in project.deliverables]
    conditions += [phase.exit for phase in project.phases if phase.exit is not None]
    for condition in conditions:
        for call in criterion_calls(condition):
            found.setdefault(call.name, []).append(call.parameters)
    return {name: tuple(parameters) for name, parameters in found.items()}
