"""A record that is desired under another key is the same record still, as far as that can be told without guessing.

Sources name their records by their natural key only. So a record that is newly desired and one that we wrote and that
is not desired any more are taken for one, when they agree so that neither agrees so with any other: in all fields
beside the key, or in a value that no other record of the type has. Of a key of several parts one may differ, and not
the one that says what the record belongs to.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.canonical import canonical, items_of, same_value
from infratrack.reconciliation.following import Following
from infratrack.reconciliation.matching import Matches
from infratrack.reconciliation.naming import called
from infratrack.reconciliation.records import Base, DesiredRecord, Fields

_Pair = tuple[int, str]
"""Position of a pending match, id of a bound record."""


def pair_renamed(
    matches: Matches, bases: Bases, every: Sequence[DesiredRecord], following: Following
) -> tuple[str, ...]:
    """Take pairs out of what would be created and given up; returns notes about pairs that could not be told.

    The pending matches get their live record, base and reason; `matches.gone` loses it. What we set out to create once
    is no renamed record, nor is what takes the place of one that is gone.
    """
    bound, started = bases.records.get(matches.type, {}), bases.started.get(matches.type, {})
    creates = [
        number
        for number, one in enumerate(matches.pending)
        if one.live is None and not one.problem and not one.reason and one.spelling not in started
    ]
    given_up = {one: following.base(bound[one]) for one, live in matches.gone.items() if live.owned}
    if not creates or not given_up:
        return ()
    pairs, ambiguous = _by_all_fields(matches, creates, given_up)
    left = _without(creates, given_up, pairs)
    pairs += _by_one_value(matches, *left, bound, every)
    for number, record_id in pairs:
        one, live = matches.pending[number], matches.gone.pop(record_id)
        one.live, one.base = matches.seen_by(one.number, live), bound[record_id]
        one.reason = f"renamed: it was {called(matches.type, live.key)}"
    ambiguous -= {number for number, _ in pairs}
    return _note(matches.type, len(ambiguous))


def _note(type_name: str, count: int) -> tuple[str, ...]:
    if not count:
        return ()
    alike = f"{count} of {type_name} look renamed, but several are alike, so they count as new"
    return (f"{alike}; a field in the mapping that tells them apart (a serial number) makes a rename visible",)


def _by_all_fields(
    matches: Matches, creates: Sequence[int], given_up: Mapping[str, Base]
) -> tuple[list[_Pair], set[int]]:
    """Pairs that agree in all fields, and what would agree so with several."""
    pairs, ambiguous = [], set()
    for names in {tuple(sorted(matches.pending[number].desired.fields)) for number in creates}:
        new, old = defaultdict(list), defaultdict(list)
        for number in creates:
            fields = matches.pending[number].desired.fields
            if names and tuple(sorted(fields)) == names:
                new[_signature(fields, names)].append(number)
        for record_id, base in given_up.items():
            if new and base.fields.keys() == set(names):
                old[_signature(base.fields, names)].append(record_id)
        for signature, numbers in new.items():
            ids = old.get(signature, [])
            if len(numbers) == 1 and len(ids) == 1:
                if _one_part_differs(matches.pending[numbers[0]].desired.key, given_up[ids[0]].key):
                    pairs.append((numbers[0], ids[0]))
            elif ids:
                ambiguous.update(numbers)
    return pairs, ambiguous


def _by_one_value(
    matches: Matches,
    creates: Sequence[int],
    given_up: Mapping[str, Base],
    bound: Mapping[str, Base],
    every: Sequence[DesiredRecord],
) -> list[_Pair]:
    """Pairs that share a text that no other record of the type has, and agree in more than half of their fields."""
    if not creates or not given_up:
        return []
    desired = Counter(one for record in every for one in _texts(record.fields))
    written = Counter(one for base in bound.values() for one in _texts(base.fields))
    owners = {
        one: record_id for record_id, base in given_up.items() for one in _texts(base.fields) if written[one] == 1
    }
    pairs, taken = [], set()
    for number in creates:
        new = matches.pending[number].desired
        candidates = {owners[one] for one in _texts(new.fields) if desired[one] == 1 and one in owners}
        if len(candidates) != 1:
            continue
        record_id = candidates.pop()
        old = given_up[record_id]
        common = [name for name in new.fields if name in old.fields]
        agreeing = sum(same_value(new.fields[name], old.fields[name]) for name in common)
        if record_id not in taken and agreeing * 2 > len(common) and _one_part_differs(new.key, old.key):
            taken.add(record_id)
            pairs.append((number, record_id))
    return pairs


def _texts(fields: Fields) -> Iterable[tuple[str, str]]:
    return [(name, value) for name, value in fields.items() if isinstance(value, str) and value]


def _signature(fields: Fields, names: Sequence[str]) -> Hashable:
    return tuple(
        tuple(sorted(items_of(fields[name]))) if isinstance(fields[name], (list, tuple)) else canonical(fields[name])
        for name in names
    )


def _one_part_differs(new: Fields, old: Fields) -> bool:
    """Whether keys differ in one name or number; what stands in another place is not renamed, but another record."""
    if set(new) != set(old):
        return False
    parts = [name for name in new if not same_value(new[name], old[name])]
    return len(parts) == 1 and not isinstance(new[parts[0]], Mapping)


def _without(
    creates: Sequence[int], given_up: Mapping[str, Base], pairs: Sequence[_Pair]
) -> tuple[list[int], dict[str, Base]]:
    numbers, ids = {number for number, _ in pairs}, {one for _, one in pairs}
    return (
        [number for number in creates if number not in numbers],
        {one: base for one, base in given_up.items() if one not in ids},
    )
