"""What only the whole project shows: ids used twice, references to nothing, deliverables claimed twice, cycles."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from infratrack.project.build import Items
from infratrack.project.cycles import find_cycles
from infratrack.project.nearest import NearestNames
from infratrack.project.problems import Flaw, Path, shown, spoken_list

Place = tuple[str, int]
"""The name of a list and the position in it."""

SINGULAR: Final = {
    "people": "person",
    "systems": "system",
    "phases": "phase",
    "milestones": "milestone",
    "tasks": "task",
    "deliverables": "deliverable",
    "pipelines": "pipeline",
}


class References:
    """Checks how the items of a project refer to each other.

    `other_ids` are ids of items that are left out because something else is wrong with them: referring to them is fine.
    """

    def __init__(self, items: Items, other_ids: Mapping[str, Collection[str]], nearest: NearestNames) -> None:
        self._items = items
        self._nearest = nearest
        self.flaws: list[tuple[Place, Flaw]] = []
        self._ids = {kind: self._distinct(kind, getattr(items, kind), other_ids.get(kind, ())) for kind in SINGULAR}
        roles = {role for person in items.people for role in person.roles}
        self._somebody = {**self._ids["people"], **dict.fromkeys(roles)}

    def check(self) -> list[tuple[Place, Flaw]]:
        """Everything that is wrong."""
        self._check_tasks()
        self._check_deliverables()
        for number, milestone in enumerate(self._items.milestones):
            self._one(("milestones", number), ("phase",), "phases", milestone.phase)
            self._many(("milestones", number), "depends", "tasks", milestone.depends)
        for number, pipeline in enumerate(self._items.pipelines):
            here = ("pipelines", number)
            self._one(here, ("system",), "systems", pipeline.system)
            self._many(here, "deliverables", "deliverables", pipeline.deliverables)
            self._many(here, "tasks", "tasks", pipeline.tasks)
        return self.flaws

    def _distinct(self, kind: str, items: Iterable[Any], others: Iterable[str]) -> dict[str, int]:
        """The ids of one list and where each stands first; a second use is a flaw."""
        first: dict[str, int] = dict.fromkeys(sorted(others), -1)
        for number, item in enumerate(items):
            if item.id in first:
                what = f"the id {shown(item.id)} belongs to another {SINGULAR[kind]} already"
                self._flaw((kind, number), ("id",), what, item.id, "an id of its own")
            else:
                first[item.id] = number
        return first

    def _check_tasks(self) -> None:
        tasks, phases, deliverables = self._ids["tasks"], self._ids["phases"], self._ids["deliverables"]
        claimed: dict[str, str] = {}
        for number, task in enumerate(self._items.tasks):
            here = ("tasks", number)
            if task.phase is not None and task.phase not in phases:
                self._unknown(here, ("phase",), "phase", task.phase, phases)
            self._owner(here, task.owner)
            for position, link in enumerate(task.depends):
                if link.task not in tasks:
                    self._unknown(here, ("depends", position), "task", link.task, tasks)
            for position, wanted in enumerate(task.deliverables):
                path = ("deliverables", position)
                if wanted not in deliverables:
                    self._unknown(here, path, "deliverable", wanted, deliverables)
                elif claimed.setdefault(wanted, task.id) != task.id:
                    what = f"the deliverable {shown(wanted)} is claimed by the task {shown(claimed[wanted])} already"
                    self._flaw(here, path, what, wanted, "each deliverable under one task")
        self._check_claims(claimed)
        edges: dict[str, list[str]] = {}
        for task in self._items.tasks:
            edges.setdefault(task.id, [link.task for link in task.depends])
        for cycle in find_cycles(edges):
            what = f"these tasks depend on each other in a circle: {' → '.join(cycle)}"
            self._flaw(("tasks", tasks[cycle[0]]), ("depends",), what, cycle[0], "dependencies without a circle")

    def _check_claims(self, claimed: Mapping[str, str]) -> None:
        tasks = self._ids["tasks"]
        for number, deliverable in enumerate(self._items.deliverables):
            named, claim = deliverable.task, claimed.get(deliverable.id)
            if named is None:
                continue
            here = ("deliverables", number)
            if named not in tasks:
                self._unknown(here, ("task",), "task", named, tasks)
            elif claim is not None and claim != named:
                what = f"the task {shown(claim)} lists this deliverable, but here stands {shown(named)}"
                self._flaw(here, ("task",), what, named, "the same task in both places")

    def _check_deliverables(self) -> None:
        for number, deliverable in enumerate(self._items.deliverables):
            here = ("deliverables", number)
            self._owner(here, deliverable.owner)
            for position, name in enumerate(deliverable.accepted_by):
                if name not in self._somebody:
                    self._unknown(here, ("accepted_by", position), "person or role", name, self._somebody)

    def _owner(self, here: Place, owner: str | None) -> None:
        if owner is not None and owner not in self._somebody:
            self._unknown(here, ("owner",), "person or role", owner, self._somebody)

    def _one(self, here: Place, path: Path, kind: str, name: str | None) -> None:
        if name is not None and name not in self._ids[kind]:
            self._unknown(here, path, SINGULAR[kind], name, self._ids[kind])

    def _many(self, here: Place, key: str, kind: str, names: Iterable[str]) -> None:
        for position, name in enumerate(names):
            self._one(here, (key, position), kind, name)

    def _unknown(self, here: Place, path: Path, what: str, name: str, known: Collection[str]) -> None:
        expected = f"one of {spoken_list(known, most=10)}" if known else f"a {what} that the project has (it has none)"
        nearest = self._nearest.to(name, known)
        flaw = Flaw(path, f"there is no {what} {shown(name)}", shown(name), expected, nearest)
        self.flaws.append((here, flaw))

    def _flaw(self, here: Place, path: Path, what: str, found: str, expected: str) -> None:
        self.flaws.append((here, Flaw(path, what, shown(found), expected)))
