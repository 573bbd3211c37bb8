"""The chain of states across recorded runs: a state that no run left was made by somebody without evidence. Pure.

Each recorded apply says which state it found and which it left (lineage, serial, digest); each look says which one was
there. Put in order, every state that is found must be the one that was left before. Serials are compared, never
counted: one apply can move them by thousands. What one run alone cannot explain is explained where runs overlap (each
reads the state before it waits for the lock), and where clocks of two machines are a little apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from msgspec import Struct, structs

from infratrack.api import Instant

SKEW: Final = 60_000_000
"""By how much clocks of machines may differ (µs) for runs in the wrong order to be put right."""
GRACE: Final = 120_000_000
"""For how long after its command a run may still be reading the state that it left (µs)."""

Kind = Literal["moved", "replaced", "restored", "rewritten", "removed"]


class State(Struct, frozen=True):
    """One state of a root: `lineage` and `digest` are None where there is none yet."""

    lineage: str | None = None
    serial: int = 0
    digest: str | None = None


EMPTY: Final = State()


class Run(Struct, frozen=True):
    """A recorded apply. `before` and `after` are None where the state was not read, or nobody saw the end."""

    id: str
    evidence: str
    started: Instant
    ended: Instant
    before: State | None = None
    after: State | None = None
    lost: bool = False
    """Nobody saw its end."""
    addresses: frozenset[str] | None = None
    """Every managed object that it left; None: not known, only `made` and `removed`."""
    made: frozenset[str] = frozenset()
    removed: frozenset[str] = frozenset()


class Look(Struct, frozen=True):
    """Somebody looked at the state; `evidence` is empty for the look that is being made."""

    at: Instant
    state: State
    addresses: frozenset[str]
    evidence: str = ""


class Break(Struct, frozen=True):
    """A state was found that nobody is known to have made, at some time after `earliest` and until `latest`."""

    kind: Kind
    before: State
    after: State
    earliest: Instant
    latest: Instant
    origin: str
    """Digest of the evidence of the state before."""
    lost: Run | None = None
    """A run whose end nobody saw, which may have done it."""
    appeared: tuple[str, ...] | None = None
    gone: tuple[str, ...] | None = None
    """Objects that are new and that are no longer there; None: not known."""


class Chain(Struct, frozen=True):
    """What came of following the chain."""

    breaks: tuple[Break, ...]
    begins: Instant | None
    """When it was first known what the state was; None: never."""
    from_nothing: bool = False
    """Whether it begins before there was any state."""
    unread: int = 0
    """How many runs told nothing of the state that they left."""


class _Event(Struct, frozen=True):
    """A state that was read at an instant; `state` None: a run began of which that is not known."""

    at: Instant
    rank: int
    """At one instant: what runs left, what runs found, what was looked at."""
    state: State | None
    evidence: str
    addresses: frozenset[str] | None = None
    begins: Run | None = None
    ends: Run | None = None


def follow(runs: Sequence[Run], looks: Sequence[Look]) -> Chain:
    """Follow the states of one root and workspace. The order of what is given does not matter."""
    ordered = _in_order(runs)
    events = [_Event(one.at, 2, one.state, one.evidence, one.addresses) for one in looks]
    for run in ordered:
        events.append(_Event(run.started, 1, run.before, run.evidence, begins=run))
        if run.after is not None:
            events.append(_Event(run.ended, 0, run.after, run.evidence, run.addresses, ends=run))
    walk = _Walk(ordered)
    for event in sorted(events, key=lambda one: (one.at, one.rank, one.evidence)):
        walk.step(event)
    return walk.chain()


class _Walk:
    """Where the walk is: the state that was known last, since when, and who says so."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self._runs = runs
        self._breaks: list[Break] = []
        self._state: State | None = None
        self._at = Instant(0)
        self._origin = ""
        self._addresses: frozenset[str] | None = None
        self._silent: list[Run] = []
        """Runs that told nothing of what they left, since the state was known last."""
        self._begins: Instant | None = None
        self._from_nothing = False

    def chain(self) -> Chain:
        """What came of it."""
        unread = sum(one.after is None and not one.lost for one in self._runs)
        return Chain(tuple(self._breaks), self._begins, self._from_nothing, unread)

    def step(self, event: _Event) -> None:
        """Compare what was found with what is known."""
        known, found = self._state, event.state
        if found is not None:
            if known is None:
                self._begins, self._from_nothing = event.at, found == EMPTY
            elif found != known and not self._explained(known, found, event):
                self._breaks.append(self._break(known, found, event))
            self._know(event, found, moved=found != known)
        if event.begins is not None and event.begins.after is None:
            self._silent.append(event.begins)

    def _know(self, event: _Event, found: State, *, moved: bool) -> None:
        self._addresses = self._left(event, found, moved=moved)
        self._state, self._at = found, event.at
        self._silent = [one for one in self._silent if one.ended > event.at]
        if moved:
            self._origin = event.evidence

    def _left(self, event: _Event, found: State, *, moved: bool) -> frozenset[str] | None:
        """Every object that is there now, as far as that is known."""
        if found == EMPTY:
            return frozenset()
        if event.addresses is not None or not moved:
            return self._addresses if event.addresses is None else event.addresses
        run = event.ends
        if run is None or run.before != self._state or self._addresses is None:
            return None
        return (self._addresses | run.made) - run.removed

    def _explained(self, known: State, found: State, event: _Event) -> bool:
        """Whether a run went from the one state to the other just then."""
        at = event.at
        forward = _kind(known, found) == "moved"
        if forward and any(not one.lost for one in self._silent):
            return True
        return any(
            (one.started <= at <= one.ended and _went(one, known, found, forward=forward))
            # It read what it left only after the next run, which finds this now, had begun to move it.
            or (event.rank and one.ended < at <= one.ended + GRACE and known == one.after and _between(one, found))
            for one in self._runs
        )

    def _break(self, known: State, found: State, event: _Event) -> Break:
        kind = _kind(known, found)
        return Break(
            kind=kind,
            before=known,
            after=found,
            earliest=self._at,
            latest=event.at,
            origin=self._origin,
            lost=next(iter(self._silent), None) if kind == "moved" else None,
            appeared=_less(event.addresses, self._addresses),
            gone=_less(self._addresses, event.addresses),
        )


def _went(run: Run, known: State, found: State, *, forward: bool) -> bool:
    """Whether the run led from the one state to the other. One that does not tell what it found only led upwards."""
    if run.before is None:
        return forward and found == run.after
    if found == run.after:
        return known == run.before or _between(run, known)
    return _between(run, found) and (known == run.before or (_between(run, known) and forward))


def _between(run: Run, state: State) -> bool:
    if run.before is None or run.after is None:
        return False
    return state.lineage == run.after.lineage and run.before.serial < state.serial < run.after.serial


def _kind(before: State, after: State) -> Kind:
    if after == EMPTY:
        return "removed"
    if before == EMPTY:
        return "moved"
    if before.lineage != after.lineage:
        return "replaced"
    if after.serial == before.serial:
        return "rewritten"
    return "moved" if after.serial > before.serial else "restored"


def _less(some: frozenset[str] | None, others: frozenset[str] | None) -> tuple[str, ...] | None:
    return None if some is None or others is None else tuple(sorted(some - others))


def _in_order(runs: Sequence[Run]) -> list[Run]:
    """By time; where clocks put two runs the wrong way round, in the order in which their states fit."""
    waiting = sorted(runs, key=lambda one: (one.ended, one.evidence))
    ordered: list[Run] = []
    known: State | None = None
    while waiting:
        one = waiting.pop(_next(waiting, known))
        if waiting and one.ended > waiting[0].ended:
            until = waiting[0].started
            one = structs.replace(one, started=min(one.started, Instant(until - 1)), ended=until)
        ordered.append(one)
        known = one.after or known
    return ordered


def _next(waiting: Sequence[Run], known: State | None) -> int:
    """The first, unless one shortly after it found what is known, and left just what the first one found."""
    first = waiting[0]
    if first.before is None or first.before == known:
        return 0
    for place, other in enumerate(waiting[1:], 1):
        if other.ended > first.ended + SKEW:
            break
        fits = other.after == first.before and other.before not in {None, other.after, first.after}
        if fits and known in {None, other.before} and other.started >= first.started:
            return place
    return 0
