"""Deliverables summed up: per task, per phase, and for the project. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from infratrack.progress.status import DELIVERED, DeliverableState, Status, TaskState
from infratrack.project.model import Task


def shares(deliverables: Sequence[DeliverableState]) -> tuple[float | None, float | None, float | None]:
    """(progress, earned, at risk) as shares of the whole weight; None three times where there is no weight.

    Progress is what is delivered now; at risk is what was delivered and has regressed; earned is both.
    """
    whole = sum(one.weight for one in deliverables)
    if not whole:
        return None, None, None
    delivered = sum(one.weight for one in deliverables if one.status in DELIVERED)
    at_risk = sum(one.weight for one in deliverables if one.status == Status.REGRESSED)
    return _share(delivered, whole), _share(delivered + at_risk, whole), _share(at_risk, whole)


def _share(part: float, whole: float) -> float:
    # Six digits: enough for people, and no trace of the order in which floats were added.
    return round(part / whole, 6)


def task_states(tasks: Sequence[Task], deliverables: Iterable[DeliverableState]) -> tuple[TaskState, ...]:
    """Every task's state from that of its deliverables."""
    by_id = {one.id: one for one in deliverables}
    return tuple(_task_state(task, [by_id[name] for name in task.deliverables if name in by_id]) for task in tasks)


def _task_state(task: Task, deliverables: Sequence[DeliverableState]) -> TaskState:
    progress, _, _ = shares(deliverables)
    if not deliverables:
        reason = "it has no deliverables, so nothing can show its progress"
    elif progress is None:
        reason = "its deliverables have no weight"
    else:
        reason = ""
    return TaskState(
        id=task.id,
        name=task.name,
        phase=task.phase,
        owner=task.owner,
        tags=task.tags,
        progress=progress,
        status=combined(one.status for one in deliverables),
        reason=reason,
        deliverables=tuple(one.id for one in deliverables),
    )


def combined(statuses: Iterable[Status]) -> Status:
    """One status for several: the worst news first, complete only when everything is."""
    found = set(statuses)
    if not found:
        return Status.UNKNOWN
    if Status.REGRESSED in found:
        return Status.REGRESSED
    if len(found) == 1:
        return found.pop()
    if found <= DELIVERED:
        return Status.STALE if Status.STALE in found else Status.COMPLETE
    return Status.IN_PROGRESS


def phase_progress(phase: str, tasks: Sequence[Task], deliverables: Sequence[DeliverableState]) -> float | None:
    """The delivered share of the weight of a phase's deliverables; None where there is none."""
    members = {name for task in tasks if task.phase == phase for name in task.deliverables}
    return shares([one for one in deliverables if one.id in members])[0]
