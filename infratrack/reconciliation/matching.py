"""Which live record is which desired one: by the id that evidence knows it by, else by its natural key."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.canonical import canonical
from infratrack.reconciliation.comparison import agrees
from infratrack.reconciliation.following import Following
from infratrack.reconciliation.naming import called, listed
from infratrack.reconciliation.records import Base, DesiredRecord, LiveRecord, Reading, RecordSet

_NO_BASES: Final[Mapping[str, Base]] = {}


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


class Matches(Struct):
    """All records of one type, told apart."""

    type: str
    same: list[LiveRecord]
    """Bound, and nothing at all to be done."""
    pending: list[Match]
    gone: dict[str, LiveRecord]
    """Id → bound records that are there and that nothing desires any more."""
    strange: list[LiveRecord]
    """Neither desired nor bound."""


class Index:
    """The live records of one set, by id and by key."""

    def __init__(self, reading: Reading, following: Following) -> None:
        self.by_id: dict[str, LiveRecord] = {}
        self.by_key: dict[bytes, LiveRecord] = {}
        self.twice: dict[bytes, list[LiveRecord]] = {}
        """Keys that several records have, which are not in `by_key`."""
        for live in reading.live:
            if live.id in self.by_id:
                continue
            self.by_id[live.id] = live
            spelling = canonical(following.live.followed(live.key) if following.live else live.key)
            if spelling not in self.by_key:
                self.by_key[spelling] = live
            else:
                self.twice.setdefault(spelling, [self.by_key[spelling]]).append(live)
        for spelling in self.twice:
            del self.by_key[spelling]

    def with_key(self, spelling: bytes) -> list[LiveRecord]:
        """Every live record with a key."""
        one = self.by_key.get(spelling)
        return self.twice.get(spelling, []) if one is None else [one]


def match(
    type_name: str, sets: Sequence[tuple[int, RecordSet, Reading]], bases: Bases, following: Following
) -> Matches:
    """Tell the records of one type apart. `sets`: number in the plan, what is desired, what is there."""
    bound = bases.records.get(type_name, _NO_BASES)
    indexes = {number: Index(reading, following) for number, _, reading in sets}
    matching = _Matching(type_name, bound, indexes, following)
    twice = _desired_twice(sets)
    for number, record_set, _ in sets:
        if following:  # what is equal now need not be so once something else is renamed
            matching.slowly(number, record_set.desired, twice)
        else:
            matching.quickly(number, record_set.desired, twice)
    matching.by_id()
    matching.by_key()
    return matching.result()


class _Matching:
    """The work on one type."""

    def __init__(
        self, type_name: str, bound: Mapping[str, Base], indexes: Mapping[int, Index], following: Following
    ) -> None:
        self.following = following
        self.type = type_name
        self.bound = bound
        self.indexes = indexes
        self.same: list[LiveRecord] = []
        self.pending: list[Match] = []
        self.claimed: set[str] = set()
        """Ids of live records that belong to a desired one."""

    def quickly(self, number: int, desired: Iterable[DesiredRecord], twice: Mapping[bytes, str]) -> None:
        """Pass over what is bound and the same; everything else becomes pending."""
        by_key, bound, claimed = self.indexes[number].by_key, self.bound, self.claimed
        for one in desired:
            spelling = canonical(one.key)
            live = by_key.get(spelling)
            base = None if live is None else bound.get(live.id)
            if (
                live is None
                or base is None
                or base.fields != one.fields
                or base.key != one.key
                or base.before
                or not agrees(one.fields, live.fields)
                or live.id in claimed
                or spelling in twice
            ):
                self.pending.append(Match(number, one, spelling, problem=twice.get(spelling, "")))
            else:
                claimed.add(live.id)
                self.same.append(live)

    def slowly(self, number: int, desired: Iterable[DesiredRecord], twice: Mapping[bytes, str]) -> None:
        """Everything becomes pending."""
        for one in desired:
            spelling = canonical(one.key)
            self.pending.append(Match(number, one, spelling, problem=twice.get(spelling, "")))

    def by_id(self) -> None:
        """Give each pending record the live one that evidence knows by the same key."""
        if not self.pending:
            return
        known = defaultdict(list)
        for base in self.bound.values():
            if base.id not in self.claimed:
                known[canonical(self.following.known.followed(base.key))].append(base)
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
            for record_id, live in index.by_id.items():
                if record_id not in self.claimed:
                    (gone if record_id in self.bound else strange).setdefault(record_id, live)
        return Matches(self.type, self.same, self.pending, gone, list(strange.values()))


def _desired_twice(sets: Sequence[tuple[int, RecordSet, Reading]]) -> dict[bytes, str]:
    """Keys that are desired more than once → a sentence that names where."""
    spellings = [canonical(one.key) for _, record_set, _ in sets for one in record_set.desired]
    if len(set(spellings)) == len(spellings):
        return {}
    origins = defaultdict(list)
    twice = {spelling for spelling, count in Counter(spellings).items() if count > 1}
    for _, record_set, _ in sets:
        for one in record_set.desired:
            if (spelling := canonical(one.key)) in twice:
                origins[spelling].append(one.origin or record_set.source or "a mapping")
    return {spelling: f"desired more than once: by {listed(found)}" for spelling, found in origins.items()}
