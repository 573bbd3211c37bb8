"""A record that is desired under another key is the same record still, as far as that can be told without guessing.

Sources name their records by their natural key only. So a record that is newly desired and one that we wrote and that
is not desired any more are taken for one, when they agree so that neither agrees so with any other: in all fields
beside the key, or in a value that no other record of the type has. Of a key of several parts one may differ, and not
the one that says what the record belongs to.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

from infratrack.reconciliation.canonical import canonical, items_of, same_value
from infratrack.reconciliation.matching import Matches
from infratrack.reconciliation.naming import called
from infratrack.reconciliation.records import Base, DesiredRecord, Fields, LiveRecord

_Pair = tuple[int, str]
"""Position of a pending match, id of a bound record."""


class Renames:
    """Records whose live key is not the desired one, so that what refers to them need not be taken for changed."""

    def __init__(self) -> None:
        self._by_value: dict[tuple[str, bytes], list[tuple[str, Fields, Fields]]] = defaultdict(list)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._by_value)

    def add(self, type_name: str, live: Fields, desired: Fields) -> None:
        """A record reads `live` and is desired as `desired`."""
        for name, value in live.items():
            if name in desired and not same_value(value, desired[name]):
                self._by_value[name, canonical(value)].append((type_name, live, desired))

    def followed(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """A value as it will read once what it refers to carries its desired key."""
        if isinstance(value, (list, tuple)):
            return [self.followed(one) for one in value]
        if not isinstance(value, Mapping):
            return value
        kind = value.get("type")
        for name, part in value.items():
            for type_name, live, desired in self._by_value.get((name, canonical(part)), ()):
                refers = [one for one in value if one != "type" or "type" in live]
                if kind in {None, type_name} and all(
                    one in live and one in desired and same_value(live[one], value[one]) for one in refers
                ):
                    return {**value, **{one: desired[one] for one in refers}}
        return {name: self.followed(part) for name, part in value.items()}


def pair_renamed(
    matches: Matches, bound: Mapping[str, Base], every: Sequence[DesiredRecord], renames: Renames
) -> tuple[str, ...]:
    """Take pairs out of what would be created and given up; returns notes about pairs that could not be told.

    The pending matches get their live record, base and reason; `matches.gone` loses it.
    """
    _take_followed(matches, renames)
    creates = [
        number for number, one in enumerate(matches.pending) if one.live is None and not one.problem and not one.reason
    ]
    given_up = {one: live for one, live in matches.gone.items() if live.owned}
    if not creates or not given_up:
        return ()
    pairs = _by_parent(matches, creates, given_up, bound, renames)
    left = _without(creates, given_up, pairs)
    alike, ambiguous = _by_all_fields(matches, *left, bound)
    pairs += alike
    left = _without(creates, given_up, pairs)
    pairs += _by_one_value(matches, *left, bound, every)
    for number, record_id in pairs:
        one, live = matches.pending[number], matches.gone.pop(record_id)
        one.live, one.base = live, bound[record_id]
        one.reason = f"renamed: it was {called(matches.type, live.key)}"
    ambiguous -= {number for number, _ in pairs}
    return _note(matches.type, len(ambiguous))


def _take_followed(matches: Matches, renames: Renames) -> None:
    """Records of others, or of the server's making, that have the desired key once what they belong to is renamed."""
    if not renames:
        return
    by_key = {canonical(renames.followed(live.key)): live for live in matches.strange}
    for one in matches.pending:
        if one.live is None and not one.problem and one.spelling in by_key:
            one.live = by_key.pop(one.spelling)
            matches.strange.remove(one.live)


def _note(type_name: str, count: int) -> tuple[str, ...]:
    if not count:
        return ()
    alike = f"{count} of {type_name} look renamed, but several are alike, so they count as new"
    return (f"{alike}; a field in the mapping that tells them apart (a serial number) makes a rename visible",)


def _by_parent(
    matches: Matches, creates: Iterable[int], given_up: Iterable[str], bound: Mapping[str, Base], renames: Renames
) -> list[_Pair]:
    """What is only called differently because what it belongs to is renamed: an interface of a device."""
    if not renames:
        return []
    by_key = {matches.pending[number].spelling: number for number in creates}
    found = {one: by_key.get(canonical(renames.followed(bound[one].key))) for one in given_up}
    return [(number, one) for one, number in found.items() if number is not None]


def _by_all_fields(
    matches: Matches, creates: Sequence[int], given_up: Mapping[str, LiveRecord], bound: Mapping[str, Base]
) -> tuple[list[_Pair], set[int]]:
    """Pairs that agree in all fields, and what would agree so with several."""
    pairs, ambiguous = [], set()
    for names in {tuple(sorted(matches.pending[number].desired.fields)) for number in creates}:
        new, old = defaultdict(list), defaultdict(list)
        for number in creates:
            fields = matches.pending[number].desired.fields
            if names and tuple(sorted(fields)) == names:
                new[_signature(fields, names)].append(number)
        for record_id in given_up:
            if new and bound[record_id].fields.keys() == set(names):
                old[_signature(bound[record_id].fields, names)].append(record_id)
        for signature, numbers in new.items():
            ids = old.get(signature, [])
            if len(numbers) == 1 and len(ids) == 1:
                if _one_part_differs(matches.pending[numbers[0]].desired.key, bound[ids[0]].key):
                    pairs.append((numbers[0], ids[0]))
            elif ids:
                ambiguous.update(numbers)
    return pairs, ambiguous


def _by_one_value(
    matches: Matches,
    creates: Sequence[int],
    given_up: Mapping[str, LiveRecord],
    bound: Mapping[str, Base],
    every: Sequence[DesiredRecord],
) -> list[_Pair]:
    """Pairs that share a text that no other record of the type has, and agree in more than half of their fields."""
    if not creates or not given_up:
        return []
    desired = Counter(one for record in every for one in _texts(record.fields))
    written = Counter(one for base in bound.values() for one in _texts(base.fields))
    owners = {one: record_id for record_id in given_up for one in _texts(bound[record_id].fields) if written[one] == 1}
    pairs, taken = [], set()
    for number in creates:
        new = matches.pending[number].desired
        candidates = {owners[one] for one in _texts(new.fields) if desired[one] == 1 and one in owners}
        if len(candidates) != 1:
            continue
        record_id = candidates.pop()
        old = bound[record_id]
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
    creates: Sequence[int], given_up: Mapping[str, LiveRecord], pairs: Sequence[_Pair]
) -> tuple[list[int], dict[str, LiveRecord]]:
    numbers, ids = {number for number, _ in pairs}, {one for _, one in pairs}
    return (
        [number for number in creates if number not in numbers],
        {one: live for one, live in given_up.items() if one not in ids},
    )
