"""Suggested links: which of them the project does not have, and how they are written for pasting. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack.hookspecs import LinkSuggestion
from infratrack.progress.unrecorded import LONGEST_TEXT, line
from infratrack.project.model import Project

LONGEST_TARGET: Final = 2_000


class Suggested(Struct, frozen=True):
    """A link, with who suggests it."""

    by: str
    kind: str
    source: str
    target: str
    reason: str


def missing_links(found: Iterable[tuple[str, LinkSuggestion]], project: Project) -> list[Suggested]:
    """The links that the project lacks, each once, in the order of the project file.

    Left out is what it has already (also by way of other tasks), what names nothing in it, and what would make tasks
    wait for each other in a circle.
    """
    depends: dict[str, set[str]] = {task.id: {link.task for link in task.depends} for task in project.tasks}
    task_of = {one.id: one.task for one in project.deliverables}
    kept: dict[tuple[str, str, str], Suggested] = {}
    for by, one in found:
        key = (one.kind, one.source, one.target)
        if key in kept or not _lacks(one, depends, task_of):
            continue
        if one.kind == "task_depends":
            depends[one.source].add(one.target)
        target = one.target if one.kind != "deliverable_criterion" else line(one.target, LONGEST_TARGET)
        kept[key] = Suggested(by, one.kind, one.source, target, line(one.reason, LONGEST_TEXT))
    order = {name: number for number, name in enumerate([*depends, *task_of])}
    return sorted(kept.values(), key=lambda one: (one.kind != "task_depends", order.get(one.source, 0)))


def _lacks(one: LinkSuggestion, depends: Mapping[str, set[str]], task_of: Mapping[str, str | None]) -> bool:
    if one.kind == "task_depends":
        known = one.source in depends and one.target in depends
        return known and not _leads(depends, one.source, one.target) and not _leads(depends, one.target, one.source)
    if one.kind == "deliverable_task":
        return one.source in task_of and one.target in depends and task_of[one.source] is None
    return one.kind == "deliverable_criterion" and one.source in task_of and bool(one.target.strip())


def _leads(depends: Mapping[str, set[str]], start: str, end: str) -> bool:
    """Whether one task waits for another, directly or by way of others, or is the same."""
    waiting, seen = [start], {start}
    while waiting:
        task = waiting.pop()
        if task == end:
            return True
        new = depends.get(task, set()) - seen
        seen |= new
        waiting.extend(new)
    return False


def links_yaml(links: Sequence[Suggested]) -> str:
    """Lines for the project file, each with its reason as a comment; what is there already is not repeated."""
    by_kind: dict[str, dict[str, list[Suggested]]] = {}
    for one in links:
        holder = one.target if one.kind == "deliverable_task" else one.source
        by_kind.setdefault(one.kind, {}).setdefault(holder, []).append(one)
    written: list[str] = []
    tasks = [
        *_members("depends", by_kind.get("task_depends", {}), lambda one: one.target),
        *_members("deliverables", by_kind.get("deliverable_task", {}), lambda one: one.source),
    ]
    criteria = _members("done_when", by_kind.get("deliverable_criterion", {}), lambda one: one.target)
    if tasks:
        written += ["tasks:", *tasks]
    if criteria:
        written += ["deliverables:  # one more condition of done_when each", *criteria]
    return "\n".join(written) + "\n" if written else ""


def _members(name: str, links: Mapping[str, Sequence[Suggested]], member: Any) -> list[str]:  # noqa: ANN401 -- a function
    lines = []
    for holder, found in links.items():
        lines += [f"  - id: {holder}", f"    {name}:"]
        for one in found:
            lines += [f"      # {one.by}: {one.reason}", f"      - {member(one)}"]
    return lines


def links_document(links: Sequence[Suggested], silent: Mapping[str, str]) -> dict[str, Any]:
    """The links as plain data, and who could not look and why."""
    return {
        "links": [
            {"by": one.by, "kind": one.kind, "source": one.source, "target": one.target, "reason": one.reason}
            for one in links
        ],
        "notLooked": dict(silent),
    }
