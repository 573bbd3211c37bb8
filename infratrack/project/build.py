"""From checked data to frozen values. What no schema can say about a single item is found here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeVar

from msgspec import Struct

from infratrack.errors import InputError
from infratrack.project.model import (
    AllOf,
    AnyOf,
    AtLeast,
    Calendar,
    Condition,
    CriterionCall,
    Deliverable,
    Dependency,
    Milestone,
    Not,
    Person,
    Phase,
    Pipeline,
    Step,
    System,
    Task,
    ThreePoint,
)
from infratrack.project.problems import Flaw, Path, shown
from infratrack.project.working_time import parse_working_time
from infratrack.values import Microseconds

Item = TypeVar("Item")

CONDITIONS_DEEP_AT_MOST: Final = 16


class Items(Struct):
    """The lists of a project as values, in the order of the files."""

    people: list[Person]
    systems: list[System]
    phases: list[Phase]
    milestones: list[Milestone]
    tasks: list[Task]
    deliverables: list[Deliverable]
    pipelines: list[Pipeline]


class Builder:
    """Builds values from data that fits the schema; `flaws` collects what is wrong, each with its list and position."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self._spans: dict[str, Microseconds] = {}
        self._here: tuple[str, int] = ("", 0)
        self.flaws: list[tuple[tuple[str, int], Flaw]] = []

    def items(self, lists: Mapping[str, Sequence[Mapping[str, Any]]]) -> Items:
        """All lists. The n-th flaw's place is the list's name and the position in it."""
        return Items(
            people=self._all("people", lists, self._person),
            systems=self._all("systems", lists, self._system),
            phases=self._all("phases", lists, self._phase),
            milestones=self._all("milestones", lists, self._milestone),
            tasks=self._all("tasks", lists, self._task),
            deliverables=self._all("deliverables", lists, self._deliverable),
            pipelines=self._all("pipelines", lists, self._pipeline),
        )

    def _all(
        self,
        kind: str,
        lists: Mapping[str, Sequence[Mapping[str, Any]]],
        build: Callable[[Mapping[str, Any]], Item],
    ) -> list[Item]:
        found = []
        for index, item in enumerate(lists.get(kind, ())):
            self._here = (kind, index)
            found.append(build(item))
        return found

    def _flaw(self, path: Path, what: str = "", found: str = "", expected: str = "") -> None:
        self.flaws.append((self._here, Flaw(path, what, found, expected)))

    def _person(self, item: Mapping[str, Any]) -> Person:
        start, end = self._day(item, "from"), self._day(item, "to")
        if start and end and end < start:
            self._flaw(("to",), found=shown(end), expected=f"a day after `from` ({start})")
        return Person(
            item["id"],
            item.get("name"),
            tuple(item.get("keys", ())),
            item.get("forge_logins", {}),
            tuple(item.get("roles", ())),
            start,
            end,
        )

    def _system(self, item: Mapping[str, Any]) -> System:
        return System(item["id"], item["environment"], item.get("name"), tuple(item.get("regimes", ())))

    def _phase(self, item: Mapping[str, Any]) -> Phase:
        condition = item.get("exit")
        return Phase(item["id"], item["name"], None if condition is None else self._condition(condition, ("exit",)))

    def _milestone(self, item: Mapping[str, Any]) -> Milestone:
        committed = self._day(item, "committed")
        return Milestone(item["id"], item["name"], committed, item.get("phase"), tuple(item.get("depends", ())))

    def _task(self, item: Mapping[str, Any]) -> Task:
        three = item.get("three_point")
        depends = item.get("depends")
        return Task(
            item["id"],
            item["name"],
            item.get("phase"),
            item.get("owner"),
            self._span(item.get("duration"), ("duration",)),
            self._span(item.get("effort"), ("effort",)),
            None if three is None else self._three_point(three),
            () if depends is None else tuple(self._dependency(link, n) for n, link in enumerate(depends)),
            tuple(item.get("deliverables", ())),
            tuple(item.get("tags", ())),
        )

    def _three_point(self, item: Mapping[str, Any]) -> ThreePoint:
        names = ("optimistic", "likely", "pessimistic")
        spans = [self._span(item[name], ("three_point", name)) or Microseconds(0) for name in names]
        if sorted(spans) != spans:
            expected = "optimistic ≤ likely ≤ pessimistic"
            self._flaw(("three_point",), found=", ".join(item[name] for name in names), expected=expected)
        return ThreePoint(*spans)

    def _dependency(self, link: str | Mapping[str, Any], number: int) -> Dependency:
        if isinstance(link, str):
            return Dependency(link)
        lag = self._span(link.get("lag"), ("depends", number, "lag")) or Microseconds(0)
        return Dependency(link["task"], link.get("type", "FS"), lag)

    def _deliverable(self, item: Mapping[str, Any]) -> Deliverable:
        return Deliverable(
            item["id"],
            item["name"],
            self._condition(item["done_when"], ("done_when",)),
            item.get("task"),
            item.get("owner"),
            item.get("weight", 1),
            tuple(item.get("accepted_by", ())),
            tuple(item.get("tags", ())),
        )

    def _pipeline(self, item: Mapping[str, Any]) -> Pipeline:
        steps = []
        for step in item["steps"]:
            kind = next(key for key in step if key != "name")
            steps.append(Step(kind, step[kind] or {}, step.get("name")))
        return Pipeline(
            item["id"],
            tuple(steps),
            item.get("name"),
            item.get("system"),
            tuple(item.get("deliverables", ())),
            tuple(item.get("tasks", ())),
        )

    def _condition(self, tree: Mapping[str, Any], path: Path, depth: int = 1) -> Condition:
        (key, value), *_ = tree.items()
        if key not in ("all", "any", "not", "at_least"):
            return CriterionCall(key, {} if value is None else value)
        if depth >= CONDITIONS_DEEP_AT_MOST:
            expected = f"at most {CONDITIONS_DEEP_AT_MOST} levels"
            self._flaw(path, "conditions are nested too deep here", key, expected)
            return CriterionCall(key, {})
        here = (*path, key)
        if key == "not":
            return Not(self._condition(value, here, depth + 1))
        if key == "at_least":
            n, conditions = value["n"], self._conditions(value["of"], (*here, "of"), depth)
            if n > len(conditions):
                expected = f"at most {len(conditions)}, as many as stand under `of`"
                self._flaw((*here, "n"), found=shown(n), expected=expected)
            return AtLeast(n, conditions)
        conditions = self._conditions(value, here, depth)
        return AllOf(conditions) if key == "all" else AnyOf(conditions)

    def _conditions(self, trees: Sequence[Mapping[str, Any]], path: Path, depth: int) -> tuple[Condition, ...]:
        return tuple(self._condition(tree, (*path, n), depth + 1) for n, tree in enumerate(trees))

    def _day(self, item: Mapping[str, Any], key: str) -> str | None:
        day = item.get(key)
        if day is not None and not is_day(day):
            self._flaw((key,), found=shown(day), expected="a day that the calendar has")
        return day

    def _span(self, text: str | None, path: Path) -> Microseconds | None:
        if text is None:
            return None
        span = self._spans.get(text)
        if span is None:
            try:
                span = self._spans[text] = parse_working_time(text, self._calendar)
            except InputError as error:
                self._flaw(path, found=shown(text), expected=error.hint.removeprefix("expected "))
                return Microseconds(0)
        return span


def is_day(text: str) -> bool:
    """Whether an ISO date is one that the calendar has (2026-02-30 is not)."""
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def build_calendar(data: Mapping[str, Any]) -> Calendar:
    """The calendar, with everything that is not said at its usual value."""
    usual = Calendar()
    return Calendar(
        tuple(data.get("working_days", usual.working_days)),
        data.get("hours_per_day", usual.hours_per_day),
        tuple(data.get("holidays", ())),
    )
