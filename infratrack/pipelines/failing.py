"""Criteria that speak against their deliverable, each at the line where it is written. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from infratrack.progress.criterion import Decision
from infratrack.progress.status import DeliverableState, ProjectState, Status
from infratrack.progress.tree import blamed

Level = Literal["error", "warning", "notice"]
"""Regressed, not met yet, too old."""
LEVELS: tuple[Level, ...] = ("error", "warning", "notice")


class Line(Struct, frozen=True):
    """A line of a file in the repository; the path is relative to the repository's folder."""

    file: str
    line: int
    column: int = 1


class FailingCriterion(Struct, frozen=True):
    """A criterion that keeps its deliverable from being complete, and on which evidence has something to say."""

    deliverable: str
    name: str
    """The deliverable's name."""
    criterion: str
    level: Level
    reason: str
    place: Line | None = None


def failing_criteria(state: ProjectState, places: Mapping[tuple[str, int], Line]) -> tuple[FailingCriterion, ...]:
    """What fails, the gravest first, then in the project's order. What merely has no evidence yet does not fail.

    `places` is by deliverable and number of the criterion.
    """
    found = [one for deliverable in state.deliverables for one in _failing(deliverable, places)]
    return tuple(sorted(found, key=lambda one: LEVELS.index(one.level)))


def _failing(one: DeliverableState, places: Mapping[tuple[str, int], Line]) -> list[FailingCriterion]:
    failing = []
    for number in blamed(one.tree, [verdict.decision for verdict in one.criteria]):
        verdict = one.criteria[number]
        if verdict.decision == Decision.UNKNOWN and verdict.stale_since is None:
            continue
        denied = "not " if verdict.decision == Decision.SATISFIED else ""
        level: Level = "warning" if verdict.stale_since is None else "notice"
        if one.status == Status.REGRESSED and verdict.stale_since is None:
            level = "error"
        place = places.get((one.id, number))
        failing.append(FailingCriterion(one.id, one.name, denied + verdict.criterion, level, verdict.reason, place))
    return failing
