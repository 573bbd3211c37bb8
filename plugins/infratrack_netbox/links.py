"""Cables that lead from one task's devices to another's suggest that one task depends on the other. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from infratrack.api import LinkSuggestion, Project
from infratrack_netbox.findings import line, member, objects

_CABLES_TOLD: Final = 2

Owners = Mapping[str, frozenset[str]]
"""Id of a device → the tasks whose deliverables rest on it."""
Pair = tuple[str, str]


def owners_of(records: Mapping[str, Iterable[str]], project: Project) -> dict[str, frozenset[str]]:
    """Id of a device → tasks. `records`: deliverable → ids of the devices that its criteria rest on."""
    tasks = {one.id: one.task for one in project.deliverables if one.task is not None}
    found: dict[str, frozenset[str]] = {}
    for deliverable, devices in records.items():
        for device in devices if deliverable in tasks else ():
            found[device] = found.get(device, frozenset()) | {tasks[deliverable]}
    return found


def suggestions(cables: Iterable[Mapping[str, Any]], owners: Owners, project: Project) -> list[LinkSuggestion]:
    """One suggestion for each two tasks that cables connect and that no dependencies connect yet.

    A cable has no direction: the task that stands later in the project file is taken to depend on the earlier one, so
    that no circle can come of it unless the file already depends the other way, and then nothing is suggested.
    """
    order = {task.id: number for number, task in enumerate(project.tasks)}
    seen: dict[Pair, list[str]] = {}
    for cable in cables:
        for pair in _pairs(cable, owners):
            earlier, later = sorted(pair, key=lambda task: order.get(task, -1))
            seen.setdefault((earlier, later), []).append(_told(cable))
    before = {task.id: {link.task for link in task.depends} for task in project.tasks}
    found: list[LinkSuggestion] = []
    for (earlier, later), told in sorted(seen.items(), key=lambda one: tuple(order.get(task, -1) for task in one[0])):
        if _leads(before, later, earlier) or _leads(before, earlier, later):
            continue
        more = f" and {len(told) - _CABLES_TOLD} more" if len(told) > _CABLES_TOLD else ""
        reason = line(f"NetBox has cables between their devices: {', '.join(told[:_CABLES_TOLD])}{more}")
        found.append(LinkSuggestion("task_depends", later, earlier, reason))
    return found


def _pairs(cable: Mapping[str, Any], owners: Owners) -> set[Pair]:
    """The tasks at one end with those at the other, where they are not the same."""
    ends = [
        {task for device in _devices(cable.get(name)) for task in owners.get(device, ())}
        for name in ("a_terminations", "b_terminations")
    ]
    shared = ends[0] & ends[1]
    return {(one, other) for one in ends[0] for other in ends[1] if one != other and not {one, other} & shared}


def _devices(terminations: object) -> list[str]:
    devices = (member(end, "object", "device", "id") for end in objects(terminations))
    return [str(device) for device in devices if device is not None]


def _told(cable: Mapping[str, Any]) -> str:
    """`core-1 eth0 – leaf-1 uplink`."""
    return " – ".join(_end(cable.get(name)) for name in ("a_terminations", "b_terminations"))


def _end(terminations: object) -> str:
    end = next(iter(objects(terminations)), {})
    names = (member(end, "object", "device", "name"), member(end, "object", "name"))
    return line(" ".join(str(name) for name in names if name is not None), 80) or "?"


def _leads(before: Mapping[str, Sequence[str] | set[str]], start: str, end: str) -> bool:
    """Whether a task depends on another, directly or through others."""
    waiting, seen = [start], set[str]()
    while waiting:
        task = waiting.pop()
        if task == end:
            return True
        if task not in seen:
            seen.add(task)
            waiting.extend(before.get(task, ()))
    return False
