"""Folds deliverables: reads each one's words from the index, follows its course, and keeps what comes out."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property

from msgspec import Struct

from infratrack.evidence.trust import Trust
from infratrack.progress.acceptance import RawSignOff, judge_signoffs, signed_outside
from infratrack.progress.binding import bind_leaf, bind_rule, selected
from infratrack.progress.criterion import BindContext, Criterion, Decision, Rule
from infratrack.progress.index.counting import Counting
from infratrack.progress.index.store import FactsIndex
from infratrack.progress.judging import BoundLeaf, History, Track, confirmed_at
from infratrack.progress.notes import criterion_changed, lost_runs, not_counted
from infratrack.progress.patterns import SubjectCatalog, watch
from infratrack.progress.reasons import deciding, findings, reason
from infratrack.progress.signoff_words import KIND as SIGNOFF_KIND
from infratrack.progress.standing import DeliverableFold, LeafFold
from infratrack.progress.status import TWICE
from infratrack.progress.timeline import Course, SignOff, follow
from infratrack.progress.tree import Node, flatten
from infratrack.project.model import CriterionCall, Deliverable, Project
from infratrack.values import Instant

Subjects = tuple[tuple[int, ...], ...]
"""For each selector of a rule the numbers of the subjects that it means."""

CITED = 10
"""How many pieces of evidence a verdict names at most."""


class Promise(Struct, frozen=True):
    """A deliverable with its tree flattened."""

    deliverable: Deliverable
    node: Node
    calls: tuple[CriterionCall, ...]


class Reading(Struct, frozen=True):
    """What a promise's criteria are read from: each one's rule and its subjects, or the reason why there is none."""

    rules: tuple[Rule | str, ...]
    subjects: tuple[Subjects | str, ...]

    def numbers(self) -> Iterator[int]:
        """The subjects' numbers."""
        return (number for leaf in self.subjects if not isinstance(leaf, str) for found in leaf for number in found)


class Link(Struct, frozen=True):
    """Evidence that says it belongs to a deliverable."""

    entry: int
    at: Instant
    outcome: str | None


class Folder:
    """Folds the deliverables of one project at one size of the ledger and up to one instant."""

    def __init__(
        self,
        project: Project,
        index: FactsIndex,
        criteria: Mapping[str, Criterion],
        trust: Trust,
        counting: Counting,
    ) -> None:
        self._project = project
        self._index = index
        self._criteria = criteria
        self._trust = trust
        self._counting = counting
        self._size = counting.size
        self._as_of = counting.as_of
        self._histories: dict[int, History] = {}
        self._dropped: dict[int, tuple[int, ...]] = {}
        self._ends: dict[int, Instant] = {}
        self._held: dict[str, Project | None] = {}

    def fold(self, promises: Sequence[Promise], *, with_findings: bool = False) -> dict[str, DeliverableFold]:
        """Fold some deliverables, by id; `with_findings` keeps every subject's newest word for explanations."""
        readings = [self._reading(promise, self._project) for promise in promises]
        self._load({number for reading in readings for number in reading.numbers()})
        return {
            promise.deliverable.id: self._fold_one(promise, reading, with_findings=with_findings)
            for promise, reading in zip(promises, readings, strict=True)
        }

    def _reading(self, promise: Promise, project: Project) -> Reading:
        """Bind the criteria and find their subjects."""
        context = BindContext(promise.deliverable.id, project.people, self._trust.people)
        rules = tuple(bind_rule(call, self._criteria, context) for call in promise.calls)
        subjects = tuple(
            selected(call, rule, self._catalog) if isinstance(rule, Rule) else ()
            for call, rule in zip(promise.calls, rules, strict=True)
        )
        return Reading(rules, subjects)

    @cached_property
    def _catalog(self) -> SubjectCatalog:
        return SubjectCatalog(self._index.subjects())

    def _load(self, subjects: set[int]) -> None:
        """Read histories and leave out what does not count, is later than the instant, or beyond the size."""
        for number, history in self._index.histories([n for n in subjects if n not in self._histories]).items():
            self._histories[number] = self._counted(number, history)

    def _counted(self, number: int, history: History) -> History:
        instants, entries, values = history.instants, history.entries, history.values
        end = bisect_right(instants, self._as_of)
        if end < len(instants):
            instants, entries, values = instants[:end], entries[:end], values[:end]
        if instants:
            # Words that do not count are counted as such: they too make a kept result one of a later instant.
            self._ends[number] = Instant(instants[-1])
        excluded = self._counting.excluded
        outside = self._outside if history.kind == SIGNOFF_KIND else frozenset()
        beyond = self._size < self._index.size and any(entry >= self._size for entry in entries)
        if beyond or not excluded.keys().isdisjoint(entries) or not outside.isdisjoint(entries):
            kept = [
                place
                for place, entry in enumerate(entries)
                if entry < self._size and entry not in excluded and entry not in outside
            ]
            self._dropped[number] = tuple(entry for entry in entries if entry < self._size and entry in excluded)
            instants = [instants[place] for place in kept]
            entries = [entries[place] for place in kept]
            values = [values[place] for place in kept]
        return History(history.kind, history.scope, history.name, instants, entries, values)

    def _fold_one(self, promise: Promise, reading: Reading, *, with_findings: bool) -> DeliverableFold:
        leaves = _leaves(promise, reading, self._histories.__getitem__)
        deliverable = promise.deliverable
        signoffs, complaints = judge_signoffs(
            self._signoffs.get(deliverable.id, ()), deliverable, self._trust.people, self._judged_by
        )
        course, tracks = self._follow(promise, leaves, signoffs)
        links = self._links.get(deliverable.id, ())
        instants = [at for track in tracks for one in track.judged for at in (one.instants[0], one.instants[-1])]
        instants += [link.at for link in links if link.entry not in self._counting.excluded]
        ends = [self._ends[number] for number in reading.numbers() if number in self._ends]
        ends += [one.instant for one in self._signoffs.get(deliverable.id, ())] + [link.at for link in links]
        dropped = {entry for number in reading.numbers() for entry in self._dropped.get(number, ())}
        dropped.update(link.entry for link in links if link.entry in self._counting.excluded)
        reasons = Counter(self._counting.excluded[entry] for entry in dropped)
        asks_to_sign = any(map(_signs, reading.rules))
        notes = (
            *self._changed(promise, course, tracks),
            *lost_runs([(link.at, link.outcome) for link in links if link.entry not in self._counting.excluded]),
            *not_counted(reasons),
            # Whoever signs for a criterion needs no place under accepted_by: the criterion judges that.
            *(note for entry, note in complaints.items() if entry in self._outside or not asks_to_sign),
        )
        return DeliverableFold(
            course=course,
            leaves=tuple(
                _leaf_fold(track, decision, with_findings=with_findings)
                for track, decision in zip(tracks, course.decisions, strict=True)
            ),
            first=Instant(min(instants)) if instants else None,
            last=Instant(max(ends + instants)) if ends or instants else None,
            notes=notes,
            untrusted=reasons.total() - reasons[TWICE],
            watched=tuple(
                watch(selector) for rule in reading.rules if isinstance(rule, Rule) for selector in rule.selectors
            ),
        )

    def _follow(
        self, promise: Promise, leaves: Sequence[BoundLeaf], signoffs: Sequence[SignOff]
    ) -> tuple[Course, tuple[Track, ...]]:
        return follow(
            promise.node,
            leaves,
            signoffs,
            asks_acceptance=bool(promise.deliverable.accepted_by),
            value_of=self._index.value,
        )

    def _changed(self, promise: Promise, course: Course, tracks: Sequence[Track]) -> tuple[str, ...]:
        """Whether the deliverable is complete only because what is asked for changed after the evidence was made."""
        entry = None if course.since is None else _entry_at(tracks, course.since)
        pinned = self._pins.get(entry) if entry is not None else None
        if entry is None or course.since is None or pinned is None:
            return ()
        then = self.held(pinned)
        before = None if then is None else _deliverable(then, promise.deliverable.id)
        if then is None or before is None or before.done_when == promise.deliverable.done_when:
            return ()
        old = promised(before)
        reading = self._reading(old, then)
        self._load(set(reading.numbers()))
        at = course.since
        leaves = _leaves(old, reading, lambda number: _until(self._histories[number], at))
        if self._follow(old, leaves, ())[0].decision == Decision.SATISFIED:
            return ()
        return (criterion_changed(pinned, self._index.evidence([entry])[entry]["commit_id"], at),)

    def held(self, digest: str) -> Project | None:
        """The project as defined under a digest that trusted evidence pins; None when it is not known."""
        if digest == self._project.definition.digest:
            return self._project
        if digest not in self._counting.vouched:
            return None
        if digest not in self._held:
            self._held[digest] = _remade(self._index.definition(digest))
        return self._held[digest]

    def _judged_by(self, signoff: RawSignOff) -> Sequence[Project]:
        """The definition that a sign-off pins (if it is known to have held, else today's), and the newest one before.

        Newest is what counted evidence brought into the ledger last before the sign-off's entry.
        """
        pinned = self.held(signoff.definition) or self._project
        place = bisect_left(self._brought, (signoff.entry,))
        newest = self.held(self._brought[place - 1][1]) if place else None
        return (pinned,) if newest is None else (pinned, newest)

    @cached_property
    def _brought(self) -> Sequence[tuple[int, str]]:
        """(entry, digest) of the first counted evidence that pins each definition, in the order of the ledger."""
        return sorted((entry, digest) for digest, entry in self._counting.vouched.items())

    @cached_property
    def _outside(self) -> frozenset[int]:
        """Sign-offs by people who did not belong to the project when they signed."""
        signoffs = (one for signoffs in self._signoffs.values() for one in signoffs)
        return signed_outside(signoffs, self._trust.people, self._judged_by)

    @cached_property
    def _pins(self) -> Mapping[int, str]:
        """Entries that were made under another definition than today's, with that definition's digest."""
        query = (
            "SELECT entry, text FROM evidence JOIN name ON name.id = definition WHERE definition IN"
            " (SELECT id FROM name WHERE text NOT IN ('', ?))"
        )
        return dict(self._index.rows(query, self._project.definition.digest))

    @cached_property
    def _links(self) -> Mapping[str, tuple[Link, ...]]:
        found: dict[str, list[Link]] = {}
        query = "SELECT deliverable, entry, instant, outcome FROM link WHERE entry < ? AND instant <= ?"
        for deliverable, entry, instant, outcome in self._index.rows(query, self._size, self._as_of):
            found.setdefault(deliverable, []).append(Link(entry, Instant(instant), outcome))
        return {deliverable: tuple(links) for deliverable, links in found.items()}

    @cached_property
    def _signoffs(self) -> Mapping[str, tuple[RawSignOff, ...]]:
        """Sign-offs with a good signature of a person's key, in the order of evidence."""
        found: dict[str, list[RawSignOff]] = {}
        query = (
            "SELECT e.instant, e.entry, s.deliverable, s.decision, s.comment, k.text, d.text, e.recorded"
            " FROM signoff s"
            " JOIN evidence e ON e.entry = s.entry JOIN name k ON k.id = e.key JOIN name d ON d.id = e.definition"
            " WHERE e.entry < ? AND e.instant <= ? ORDER BY e.instant, e.run, e.payload"
        )
        for row in self._index.rows(query, self._size, self._as_of):
            signoff = RawSignOff(*row)
            if signoff.entry not in self._counting.excluded:
                found.setdefault(signoff.deliverable, []).append(signoff)
        return {deliverable: tuple(signoffs) for deliverable, signoffs in found.items()}


def promised(deliverable: Deliverable) -> Promise:
    """A deliverable with its tree flattened."""
    return Promise(deliverable, *flatten(deliverable.done_when))


def _leaves(promise: Promise, reading: Reading, history_of: Callable[[int], History]) -> tuple[BoundLeaf, ...]:
    return tuple(
        bind_leaf(call, rule, found, history_of)
        for call, rule, found in zip(promise.calls, reading.rules, reading.subjects, strict=True)
    )


def _leaf_fold(track: Track, decision: Decision, *, with_findings: bool) -> LeafFold:
    rule = track.leaf.rule
    found = findings(track)
    rests_on = sorted(deciding(decision, found), key=lambda one: (one.at, one.entry), reverse=True)
    last = max((one.instants[-1] for one in track.judged), default=0)
    return LeafFold(
        decision=decision,
        reason=reason(decision, track, found, rule.wants if rule else ""),
        wants=rule.wants if rule else "",
        entries=tuple(dict.fromkeys(one.entry for one in rests_on))[:CITED],
        confirmed=confirmed_at(track, last) if rule and rule.within is not None else None,
        within=rule.within if rule else None,
        keep=bool(rule and rule.keep),
        signs=rule is not None and _signs(rule),
        findings=found if with_findings else (),
    )


def _signs(rule: Rule | str) -> bool:
    """Whether a rule is about sign-offs and nothing else."""
    if not isinstance(rule, Rule):
        return False
    return bool(rule.selectors) and all(one.kind == SIGNOFF_KIND for one in rule.selectors)


def _entry_at(tracks: Sequence[Track], instant: int) -> int | None:
    """The last entry whose word was read at an instant."""
    entries = [
        one.entries[place]
        for track in tracks
        for one in track.judged
        for place in range(bisect_left(one.instants, instant), bisect_right(one.instants, instant))
    ]
    return max(entries, default=None)


def _until(history: History, instant: int) -> History:
    """The words up to and including an instant."""
    end = bisect_right(history.instants, instant)
    return History(
        history.kind, history.scope, history.name, history.instants[:end], history.entries[:end], history.values[:end]
    )


def _deliverable(project: Project, wanted: str) -> Deliverable | None:
    return next((one for one in project.deliverables if one.id == wanted), None)


def _remade(document: bytes | None) -> Project | None:
    """An old project from its definition document; None when it cannot be made (any more)."""
    if document is None:
        return None
    from infratrack.errors import InfratrackError  # noqa: PLC0415 -- reading YAML and schemas is rarely needed here
    from infratrack.project.definition import project_from_definition  # noqa: PLC0415 -- likewise

    try:
        return project_from_definition(document)
    except InfratrackError:
        return None
