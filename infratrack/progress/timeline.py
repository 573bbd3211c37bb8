"""One deliverable's course: from words and sign-offs, oldest first, to when it was complete, accepted, regressed.

The state at an instant is what holds after everything of that instant has been read. Between two words only freshness
can change, and time alone never completes anything.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Sequence
from operator import itemgetter
from typing import Final

from msgspec import Struct

from infratrack.progress.criterion import Decision
from infratrack.progress.judging import (
    MISSING,
    BoundLeaf,
    RuleFailed,
    Track,
    ValueOf,
    changes,
    confirmed_at,
    decide,
    judge_words,
    words_between,
)
from infratrack.progress.tree import Node, evaluate
from infratrack.values import Instant

KEPT_TURNS: Final = 20
"""How many turns of a deliverable's course are kept (the newest)."""

_first = itemgetter(0)


class SignOff(Struct, frozen=True):
    """A person's valid decision on a deliverable."""

    instant: Instant
    entry: int
    decision: str
    """`accepted` or `reopened`."""
    person: str
    keyid: str
    comment: str


class Turn(Struct, frozen=True):
    """A point in a deliverable's course: it became `complete`, `accepted`, `reopened` or `regressed`."""

    at: Instant
    what: str


class Course(Struct, frozen=True):
    """Where a deliverable's course led, leaving the age of the evidence aside."""

    decisions: tuple[Decision, ...]
    decision: Decision
    since: Instant | None
    """Begin of the present completion."""
    completed: Instant | None
    """The first completion (after the last reopening)."""
    finished: Instant | None
    """The actual finish: completed, and accepted where acceptance is asked for."""
    accepted: SignOff | None
    reopened: SignOff | None
    """The reopening that still waits for new evidence."""
    regressed: Instant | None
    turns: tuple[Turn, ...]
    regressions: int


def follow(
    node: Node,
    leaves: Sequence[BoundLeaf],
    signoffs: Sequence[SignOff],
    *,
    asks_acceptance: bool,
    value_of: ValueOf,
) -> tuple[Course, tuple[Track, ...]]:
    """Follow a deliverable to the end of its words. A rule that fails makes its criterion unknown throughout."""
    bound = list(leaves)
    while True:
        try:
            tracks = tuple(judge_words(number, leaf, value_of) for number, leaf in enumerate(bound))
            return _walk(node, tracks, signoffs, asks_acceptance=asks_acceptance), tracks
        except RuleFailed as failure:
            failed = bound[failure.leaf]
            bound[failure.leaf] = BoundLeaf(failed.call, None, failure.reason)


def _walk(node: Node, tracks: tuple[Track, ...], signoffs: Sequence[SignOff], *, asks_acceptance: bool) -> Course:
    walker = _Walker(node, tracks, asks_acceptance=asks_acceptance)
    desk = len(tracks)
    events = [event for number, track in enumerate(tracks) for event in changes(number, track)]
    events.extend((signoff.instant, desk, place, 0) for place, signoff in enumerate(signoffs))
    events.sort()
    counts = [[0, 0, 0, 0, track.required, 0] for track in tracks]
    known: list[dict[tuple[int, ...], Decision]] = [{} for _ in tracks]
    for instant, group in itertools.groupby(events, _first):
        walker.pass_time(instant)
        touched: set[int] = set()
        signed: list[SignOff] = []
        for _, number, old, new in group:
            if number == desk:
                signed.append(signoffs[old])
            else:
                tally = counts[number]
                tally[old] -= 1
                tally[new] += 1
                touched.add(number)
        for number in touched:
            seen = tuple(counts[number][: MISSING + 1])
            decision = known[number].get(seen)
            if decision is None:
                decision = known[number][seen] = decide(number, tracks[number], seen)
            walker.decide(number, decision)
        walker.settle(instant)
        for signoff in signed:
            walker.sign(signoff)
    walker.pass_time(math.inf)
    return walker.course()


class _Walker:
    """What holds at the instant that the walk has come to."""

    def __init__(self, node: Node, tracks: tuple[Track, ...], *, asks_acceptance: bool) -> None:
        self._node = node
        self._tracks = tracks
        self._asks_acceptance = asks_acceptance
        self._decisions = [decide(number, track, (0, 0, 0, 0, track.required)) for number, track in enumerate(tracks)]
        self._value = evaluate(node, self._decisions)
        self._changed = False
        self._now: int | None = None
        self._since: Instant | None = None
        self._completed: Instant | None = None
        self._finished: Instant | None = None
        self._accepted: SignOff | None = None
        self._reopened: SignOff | None = None
        self._regressed: Instant | None = None
        self._turns: deque[Turn] = deque(maxlen=KEPT_TURNS)
        self._regressions = 0

    def decide(self, number: int, decision: Decision) -> None:
        """A criterion's decision after the words of this instant."""
        if decision != self._decisions[number]:
            self._decisions[number] = decision
            self._changed = True

    def settle(self, instant: int) -> None:
        """All words of this instant are read."""
        self._now = instant
        if self._changed:
            self._value = evaluate(self._node, self._decisions)
            self._changed = False
        if self._value == Decision.SATISFIED:
            if self._since is None:
                self._try_to_begin(instant)
        elif self._since is not None:
            self._since = self._accepted = None
            self._regressed = Instant(instant)
            self._regressions += 1
            self._turn(instant, "regressed")

    def pass_time(self, until: float) -> None:
        """Between two changes only words that repeat what was known: they refresh, or answer a reopening."""
        if self._now is None or self._since is not None or self._value != Decision.SATISFIED:
            return
        for instant in words_between(self._tracks, self._now, until):
            if self._since is None:
                self._try_to_begin(instant)

    def _try_to_begin(self, instant: int) -> None:
        if self._reopened is not None:
            if not words_between(self._tracks, self._reopened.instant, instant + 1):
                return
            self._reopened = None
        if not self._fresh(instant):
            return
        self._since = Instant(instant)
        self._regressed = None
        self._completed = self._completed if self._completed is not None else self._since
        if not self._asks_acceptance and self._finished is None:
            self._finished = self._since
        self._turn(instant, "complete")

    def sign(self, signoff: SignOff) -> None:
        """A person signed, at the instant that was just settled."""
        if signoff.decision == "accepted":
            if self._since is not None and self._accepted is None and self._fresh(signoff.instant):
                self._accepted = signoff
                self._finished = self._finished if self._finished is not None else signoff.instant
                self._turn(signoff.instant, "accepted")
        elif self._completed is not None:
            self._since = self._accepted = self._completed = self._finished = self._regressed = None
            self._reopened = signoff
            self._turn(signoff.instant, "reopened")

    def _fresh(self, instant: int) -> bool:
        """Whether the tree holds when every criterion whose evidence is too old at that instant counts as unknown."""
        decisions = list(self._decisions)
        aged = False
        for number, track in enumerate(self._tracks):
            rule = track.leaf.rule
            if rule is not None and rule.within is not None and decisions[number] == Decision.SATISFIED:
                confirmed = confirmed_at(track, instant)
                if confirmed is not None and instant - confirmed > rule.within:
                    decisions[number] = Decision.UNKNOWN
                    aged = True
        return not aged or evaluate(self._node, decisions) == Decision.SATISFIED

    def _turn(self, instant: int, what: str) -> None:
        self._turns.append(Turn(Instant(instant), what))

    def course(self) -> Course:
        """The result."""
        return Course(
            decisions=tuple(self._decisions),
            decision=self._value,
            since=self._since,
            completed=self._completed,
            finished=self._finished,
            accepted=self._accepted,
            reopened=self._reopened,
            regressed=self._regressed,
            turns=tuple(self._turns),
            regressions=self._regressions,
        )
