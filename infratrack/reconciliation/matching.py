"""Which live record is which desired one: by the id that evidence knows it by, else by its natural key."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain

from msgspec import Struct, structs

from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.canonical import canonical_key, raw_spelling
from infratrack.reconciliation.comparison import agrees
from infratrack.reconciliation.following import Following
from infratrack.reconciliation.known_records import KnownRecords
from infratrack.reconciliation.naming import called, listed
from infratrack.reconciliation.records import Base, DesiredRecord, LiveRecord, Reading, RecordSet


class Match(Struct):
    """A desired record that is not simply the same, and what it belongs to."""

    number: int
    """Of its set."""
    desired: DesiredRecord
    spelling: bytes
    live: LiveRecord | None = None
    base: Base | None = None
    problem: str = ""
    """Why it cannot be told what it belongs to."""
    reason: str = ""


class Index:
    """The live records of one set, by key and by id."""

    def __init__(self, reading: Reading, following: Following) -> None:
        self.live = reading.live
        self.by_key: dict[bytes, LiveRecord] = {}
        self.twice: dict[bytes, list[LiveRecord]] = {}
        """Keys that several records have, which are not in `by_key`."""
        renames = following.live
        for live in reading.live:
            spelling = canonical_key(renames.followed(live.key) if renames else live.key)
            other = self.by_key.setdefault(spelling, live)
            if other is not live and all(one.id != live.id for one in self.twice.get(spelling, [other])):
                self.twice.setdefault(spelling, [other]).append(live)
        for spelling in self.twice:
            del self.by_key[spelling]

    @cached_property
    def by_id(self) -> Mapping[str, LiveRecord]:
        """Id → record."""
        return {live.id: live for live in reversed(self.live)}

    def with_key(self, spelling: bytes) -> list[LiveRecord]:
        """Every live record with a key."""
        one = self.by_key.get(spelling)
        return self.twice.get(spelling, []) if one is None else [one]


class Matches(Struct):
    """All records of one type, told apart."""

    type: str
    same: list[LiveRecord]
    """Bound, and nothing at all to be done."""
    pending: list[Match]
    gone: dict[str, LiveRecord]
    """Id → bound records that are there and that nothing desires any more, with the fields of all sets."""
    strange: list[LiveRecord]
    """Neither desired nor bound."""
    indexes: Mapping[int, Index]

    def seen_by(self, number: int, live: LiveRecord) -> LiveRecord:
        """The record in the shape of one set, where that read it."""
        return self.indexes[number].by_id.get(live.id, live)


def match(
    type_name: str, sets: Sequence[tuple[int, RecordSet, Reading]], bases: Bases, following: Following
) -> Matches:
    """Tell the records of one type apart. `sets`: number in the plan, what is desired, what is there."""
    known = bases.records.get(type_name, {})
    bound = known if isinstance(known, KnownRecords) else KnownRecords(known.values())
    indexes = {number: Index(reading, following) for number, _, reading in sets}
    matching = _Matching(type_name, bound, indexes, following)
    spellings = [[canonical_key(one.key) for one in record_set.desired] for _, record_set, _ in sets]
    twice = _desired_twice(sets, spellings)
    for (number, record_set, _), of_set in zip(sets, spellings, strict=True):
        wanted = zip(record_set.desired, of_set, strict=True)
        if following or twice:  # what is equal now need not be so once something else is renamed
            matching.slowly(number, wanted, twice)
        else:
            matching.quickly(number, wanted)
    matching.by_id()
    matching.by_key()
    return matching.result()


class _Matching:
    """The work on one type."""

    def __init__(self, type_name: str, bound: KnownRecords, indexes: Mapping[int, Index], following: Following) -> None:
        self.following = following
        self.type = type_name
        self.bound = bound
        self.indexes = indexes
        self.same: list[LiveRecord] = []
        self.pending: list[Match] = []
        self.claimed: set[str] = set()
        """Ids of live records that belong to a desired one."""

    def quickly(self, number: int, desired: Iterable[tuple[DesiredRecord, bytes]]) -> None:
        """Pass over what is bound and the same; everything else becomes pending."""
        by_key, claimed = self.indexes[number].by_key, self.claimed
        holds_exactly, same = self.bound.holds_exactly, self.same
        for one, spelling in desired:
            live = by_key.get(spelling)
            if live is not None and live.id not in claimed:
                fields = raw_spelling(one.fields)
                if holds_exactly(live.id, spelling, fields) and (
                    raw_spelling(live.fields) == fields or agrees(one.fields, live.fields)
                ):
                    claimed.add(live.id)
                    same.append(live)
                    continue
            self.pending.append(Match(number, one, spelling))

    def slowly(self, number: int, desired: Iterable[tuple[DesiredRecord, bytes]], twice: Mapping[bytes, str]) -> None:
        """Everything becomes pending."""
        for one, spelling in desired:
            self.pending.append(Match(number, one, spelling, problem=twice.get(spelling, "")))

    def by_id(self) -> None:
        """Give each pending record the live one that evidence knows by the same key."""
        if not self.pending:
            return
        known = defaultdict(list)
        for base in self.bound.values():
            if base.id not in self.claimed:
                known[canonical_key(self.following.known.followed(base.key))].append(base)
        for one in self.pending:
            candidates = known.get(one.spelling, [])
            there = [base for base in candidates if self.find(one.number, base.id) is not None]
            if len(there) == 1:
                self.claim(one, self.find(one.number, there[0].id), there[0])
            elif there:
                names = listed(f"id {base.id}" for base in there)
                one.problem = one.problem or f"this project wrote several records with this key: {names}"
                self.claimed.update(base.id for base in there)
            elif candidates:
                ids = listed(f"id {base.id}" for base in candidates)
                one.reason = f"the record that was written before ({ids}) is gone"

    def by_key(self) -> None:
        """Give what is still alone the live record with its key."""
        for one in self.pending:
            if one.live is not None:
                continue
            found = self.indexes[one.number].with_key(one.spelling)
            free = [live for live in found if live.id not in self.claimed]
            if len(free) > 1:
                one.problem = (
                    one.problem or f"several records have this key: {listed(f'id {live.id}' for live in free)}"
                )
                self.claimed.update(live.id for live in free)
            elif free:
                self.claim(one, free[0], self.bound.get(free[0].id))
            elif found and not one.problem:
                holder = called(self.type, found[0].key, found[0].id)
                one.problem = f"{holder} has this key, and belongs to another desired record"

    def find(self, number: int, record_id: str) -> LiveRecord | None:
        """The live record with an id, in the shape of the set if that read it."""
        own = self.indexes[number].by_id.get(record_id)
        if own is not None:
            return own
        return next((found for one in self.indexes.values() if (found := one.by_id.get(record_id))), None)

    def claim(self, one: Match, live: LiveRecord | None, base: Base | None) -> None:
        """A live record belongs to a desired one, unless it belongs to another already."""
        if live is None or live.id in self.claimed:
            return
        self.claimed.add(live.id)
        one.live, one.base = live, base

    def result(self) -> Matches:
        """What was found out."""
        gone: dict[str, LiveRecord] = {}
        strange: dict[str, LiveRecord] = {}
        for index in self.indexes.values():
            for live in index.live:
                if live.id in self.claimed:
                    continue
                base = self.bound.get(live.id)
                if base is None:
                    strange.setdefault(live.id, live)
                else:
                    other = gone.get(live.id)
                    whole = live if other is None else _together(other, live, base)
                    # A set that desires nothing has no key to read: the record is called what we knew it by.
                    gone[live.id] = whole if whole.key else structs.replace(whole, key=base.key)
        return Matches(self.type, self.same, self.pending, gone, list(strange.values()), self.indexes)


def _together(one: LiveRecord, other: LiveRecord, base: Base) -> LiveRecord:
    """One record as two sets read it: the fields of both, each in the shape in which evidence knows it, if any does."""
    fields = dict(one.fields)
    for name, value in other.fields.items():
        if name not in fields or (name in base.fields and agrees({name: base.fields[name]}, {name: value})):
            fields[name] = value
    return structs.replace(one, fields=fields)


def _desired_twice(
    sets: Sequence[tuple[int, RecordSet, Reading]], spellings: Sequence[Sequence[bytes]]
) -> dict[bytes, str]:
    """Keys that are desired more than once → a sentence that names where."""
    counts = Counter(chain.from_iterable(spellings))
    twice = {spelling for spelling, count in counts.items() if count > 1} if len(counts) < counts.total() else set()
    origins = defaultdict(list)
    for (_, record_set, _), of_set in zip(sets, spellings, strict=True) if twice else ():
        for one, spelling in zip(record_set.desired, of_set, strict=True):
            if spelling in twice:
                origins[spelling].append(one.origin or record_set.source or "a mapping")
    return {spelling: f"desired more than once: by {listed(found)}" for spelling, found in origins.items()}
