"""What would become of deliverables if plans were carried out: two states compared. Pure."""

from __future__ import annotations

import enum
from collections.abc import Mapping

from msgspec import Struct

from infratrack.progress.criterion import Decision
from infratrack.progress.foreseen import PlannedChange
from infratrack.progress.status import DELIVERED, DeliverableState, ProjectState, Status
from infratrack.progress.tree import evaluate


class Prospect(enum.StrEnum):
    """What would become of a deliverable; the words are those that people read."""

    REGRESSES = "regresses"
    COMPLETES = "completes"
    CONFIRMED = "is confirmed"
    """It was delivered, is too old to be relied on, and would be fresh again."""
    DOUBTFUL = "is no longer certain"
    TOUCHED = "is touched"
    """Things that its criteria speak of change, and its status does not."""


class Expected(Struct, frozen=True):
    """A deliverable that plans would touch or turn."""

    id: str
    name: str
    prospect: Prospect
    before: Status
    after: Status
    reason: str
    """Why it would not be complete afterwards; empty when it would."""
    changes: tuple[PlannedChange, ...] = ()


def expected(
    now: ProjectState, ahead: ProjectState, touched: Mapping[str, tuple[PlannedChange, ...]]
) -> tuple[Expected, ...]:
    """What the plans would touch or turn: what regresses first, then what completes, each in the project's order."""
    later = {one.id: one for one in ahead.deliverables}
    found = []
    for one in now.deliverables:
        after = later[one.id]
        prospect = _prospect(one, after)
        if prospect != Prospect.TOUCHED or one.id in touched:
            changes = touched.get(one.id, ())
            found.append(Expected(one.id, one.name, prospect, one.status, after.status, after.reason, changes))
    order = list(Prospect)
    return tuple(sorted(found, key=lambda one: order.index(one.prospect)))


def _prospect(before: DeliverableState, after: DeliverableState) -> Prospect:
    fresh = after.status in DELIVERED and after.status != Status.STALE
    if fresh and before.status not in DELIVERED:
        return Prospect.COMPLETES
    if fresh and before.status == Status.STALE:
        return Prospect.CONFIRMED
    if after.status == Status.REGRESSED and before.status != Status.REGRESSED:
        # An unknown that a plan cannot resolve takes the certainty, and is no proof of the contrary.
        said = evaluate(after.tree, [verdict.decision for verdict in after.criteria])
        return Prospect.REGRESSES if said == Decision.UNSATISFIED else Prospect.DOUBTFUL
    return Prospect.TOUCHED
