"""From a course to a status at an instant: only the age of the evidence is left to look at. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from infratrack.progress.criterion import Decision
from infratrack.progress.patterns import Watch
from infratrack.progress.reasons import Finding, aged
from infratrack.progress.status import Status
from infratrack.progress.timeline import Course
from infratrack.progress.tree import Node, blamed, evaluate
from infratrack.values import Instant


class LeafFold(Struct, frozen=True):
    """A criterion at the end of its words: what was decided, why, and how fresh that is."""

    decision: Decision
    reason: str
    wants: str
    entries: tuple[int, ...] = ()
    """The deciding evidence, newest first."""
    confirmed: Instant | None = None
    within: int | None = None
    keep: bool = False
    signs: bool = False
    """Whether it is met by sign-offs."""
    findings: tuple[Finding, ...] = ()


class DeliverableFold(Struct, frozen=True):
    """All that one deliverable's words amount to; nothing in it depends on the instant at which one asks."""

    course: Course
    leaves: tuple[LeafFold, ...]
    first: Instant | None
    """The first word or linked evidence."""
    last: Instant | None
    """The last word, sign-off or linked evidence: asked about an earlier instant, another fold is needed."""
    notes: tuple[str, ...] = ()
    untrusted: int = 0
    watched: tuple[Watch, ...] = ()
    """Where a new word may change any of this."""


class Standing(Struct, frozen=True):
    """The status at an instant; per leaf the decision with age, its reason, and since when it is too old."""

    status: Status
    since: Instant | None
    decisions: tuple[Decision, ...]
    reasons: tuple[str, ...]
    stale_since: tuple[Instant | None, ...]
    blamed: tuple[int, ...]
    signable: bool


def standing(fold: DeliverableFold, node: Node, as_of: Instant) -> Standing:
    """Where the deliverable stands at an instant not before its last word."""
    course = fold.course
    ends = tuple(_end(leaf, accepted=course.accepted is not None) for leaf in fold.leaves)
    old = tuple(end is not None and as_of > end for end in ends)
    decisions = tuple(
        Decision.UNKNOWN if is_old else leaf.decision for leaf, is_old in zip(fold.leaves, old, strict=True)
    )
    reasons = tuple(
        aged(leaf.reason, leaf.confirmed, leaf.within, end)
        if is_old and leaf.confirmed is not None and leaf.within is not None and end is not None
        else leaf.reason
        for leaf, is_old, end in zip(fold.leaves, old, ends, strict=True)
    )
    status, since = _status(fold, node, decisions, ends, old)
    without_signatures = [
        Decision.SATISFIED if leaf.signs else decision for leaf, decision in zip(fold.leaves, decisions, strict=True)
    ]
    return Standing(
        status=status,
        since=since,
        decisions=decisions,
        reasons=reasons,
        stale_since=tuple(end if is_old else None for end, is_old in zip(ends, old, strict=True)),
        blamed=blamed(node, decisions),
        signable=course.reopened is None and evaluate(node, without_signatures) == Decision.SATISFIED,
    )


def _end(leaf: LeafFold, *, accepted: bool) -> Instant | None:
    """The last instant at which a satisfied criterion is fresh; None when it does not age."""
    if leaf.within is None or leaf.confirmed is None or leaf.decision != Decision.SATISFIED:
        return None
    return None if accepted and not leaf.keep else Instant(leaf.confirmed + leaf.within)


def _status(
    fold: DeliverableFold,
    node: Node,
    decisions: Sequence[Decision],
    ends: Sequence[Instant | None],
    old: Sequence[bool],
) -> tuple[Status, Instant | None]:
    course = fold.course
    if course.reopened is not None:
        return Status.IN_PROGRESS, course.reopened.instant
    if course.completed is None:
        return (Status.NOT_STARTED, None) if fold.first is None else (Status.IN_PROGRESS, fold.first)
    if course.decision != Decision.SATISFIED:
        return Status.REGRESSED, course.regressed
    if course.since is None or evaluate(node, decisions) != Decision.SATISFIED:
        return Status.STALE, _stale_since(fold, node, ends, old)
    if course.accepted is not None:
        return Status.ACCEPTED, course.accepted.instant
    return Status.COMPLETE, course.since


def _stale_since(fold: DeliverableFold, node: Node, ends: Sequence[Instant | None], old: Sequence[bool]) -> Instant:
    """The last instant at which the ageing criteria carried the tree (of which at least one is too old)."""
    aged_out = sorted(end for end, is_old in zip(ends, old, strict=True) if end is not None and is_old)
    for moment in aged_out[:-1]:
        decisions = [
            Decision.UNKNOWN if end is not None and end <= moment else leaf.decision
            for leaf, end in zip(fold.leaves, ends, strict=True)
        ]
        if evaluate(node, decisions) != Decision.SATISFIED:
            return moment
    return aged_out[-1]
