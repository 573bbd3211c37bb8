"""Which facts the project's criteria ask for: plugins keep in clear what is wanted, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from infratrack.project.model import Condition, CriterionCall, Not, Project

Uses = Mapping[str, tuple[Mapping[str, Any], ...]]
"""Criterion name → the parameters of each of its uses."""


def criterion_calls(condition: Condition) -> Iterator[CriterionCall]:
    """Every criterion in a condition, in the order in which it is written."""
    if isinstance(condition, CriterionCall):
        yield condition
    elif isinstance(condition, Not):
        yield from criterion_calls(condition.condition)
    else:
        for inner in condition.conditions:
            yield from criterion_calls(inner)


def wanted_facts(project: Project) -> Uses:
    """What the whole project uses: in deliverables, then in phase exits."""
    conditions = [deliverable.done_when for deliverable in project.deliverables]
    conditions += [phase.exit for phase in project.phases if phase.exit is not None]
    return _uses(conditions)


def wanted_by_deliverable(project: Project) -> Mapping[str, Uses]:
    """Deliverable id → what its own criteria ask."""
    return {one.id: _uses([one.done_when]) for one in project.deliverables}


def _uses(conditions: Iterable[Condition]) -> Uses:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for condition in conditions:
        for call in criterion_calls(condition):
            found.setdefault(call.name, []).append(call.parameters)
    return {name: tuple(parameters) for name, parameters in found.items()}
