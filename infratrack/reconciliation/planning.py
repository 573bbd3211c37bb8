"""The plan of a sync: what is to happen to each record, field by field. Pure: nothing is read or written here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.canonical import canonical, same_value
from infratrack.reconciliation.cascade import Dependents
from infratrack.reconciliation.comparison import agrees, compare, knows
from infratrack.reconciliation.deletion import Leftovers, Retirement, leftover_plans
from infratrack.reconciliation.following import Following
from infratrack.reconciliation.matching import Match, Matches, match
from infratrack.reconciliation.naming import listed
from infratrack.reconciliation.policy import Policy, with_taken
from infratrack.reconciliation.records import (
    Action,
    Base,
    Binding,
    FieldPlan,
    LiveRecord,
    Reading,
    RecordPlan,
    RecordSet,
    Summary,
    SyncPlan,
)
from infratrack.reconciliation.renames import pair_renamed

_HIDDEN: Final = "; or it is only hidden from whoever looks here, and so it is not created again"


def make_plan(  # noqa: PLR0913, PLR0917 -- the whole world that a plan rests on
    cmdb: str,
    identity: str,
    sets: Sequence[RecordSet],
    readings: Sequence[Reading],
    bases: Bases,
    policy: Policy,
    retirement: Retirement,
    dependents: Dependents,
) -> SyncPlan:
    """Compare what is desired with what is there and with what was written last.

    `sets` are prepared and in the order of writing, `readings` belong to them one by one. `dependents` is only called
    for records that would be deleted. Raises InputError for a `take_ours` that no mapping knows.
    """
    retired_by = {one.type: retirement(one.type) for one in sets}
    policy = with_taken(policy, sets, [field for field, _ in filter(None, retired_by.values())])
    planning = _Planning(bases, policy, retired_by)
    by_type: dict[str, list[tuple[int, RecordSet, Reading]]] = {}
    for number, (record_set, reading) in enumerate(zip(sets, readings, strict=True)):
        by_type.setdefault(record_set.type, []).append((number, record_set, reading))
    for type_name, of_type in by_type.items():
        planning.add(type_name, of_type)
    left = leftover_plans(
        planning.leftovers, planning.plans(), planning.same, bases, policy, retired_by, dependents, planning.following
    )
    records = (*planning.plans(), *left.unmanaged, *left.retired, *left.deleted)
    same = [*planning.same, *left.same]
    counts: Counter[str] = Counter(one.action for one in records)
    return SyncPlan(
        cmdb=cmdb,
        identity=identity,
        records=records,
        summary=Summary(**counts, same=len(same)),
        same=same,
        bindings=tuple(planning.bindings),
        refused=left.refused,
        notes=(*_notes(sets, readings, bases), *planning.notes),
    )


class _Planning:
    """The plan while types are added to it, parents first."""

    def __init__(self, bases: Bases, policy: Policy, retired_by: Mapping[str, tuple[str, Any] | None]) -> None:
        self.bases = bases
        self.policy = policy
        self.retired_by = retired_by
        self.following = Following()
        self.same: list[LiveRecord] = []
        self.bindings: list[Binding] = []
        self.notes: list[str] = []
        self.leftovers: list[Leftovers] = []
        self._plans: dict[int, list[RecordPlan]] = {}
        self._complete: dict[int, Reading] = {}
        self._marks: dict[int, str] = {}

    def plans(self) -> list[RecordPlan]:
        """What is desired, in the order of the sets."""
        return [plan for number in sorted(self._plans) for plan in self._plans[number]]

    def add(self, type_name: str, of_type: Sequence[tuple[int, RecordSet, Reading]]) -> None:
        """Plan all records of one type."""
        self._complete |= {number: reading for number, _, reading in of_type}
        self._marks |= {number: record_set.mark for number, record_set, _ in of_type}
        matches = match(type_name, of_type, self.bases, self.following)
        if matches.pending:
            every = [one for _, record_set, _ in of_type for one in record_set.desired]
            self.notes += pair_renamed(matches, self.bases, every, self.following)
        self.same += matches.same
        for one in matches.pending:
            if one.live is not None:
                self.following.live.add(type_name, one.live.key, one.desired.key)
            if one.base is not None:
                self.following.known.add(type_name, one.base.key, one.desired.key)
        for record_id, live in matches.gone.items():
            self.following.known.add(type_name, self.bases.records[type_name][record_id].key, live.key)
        for one in matches.pending:
            plan = self._decided(one)
            if plan is not None:
                self._plans.setdefault(one.number, []).append(plan)
        self.leftovers.append(_leftovers(matches, of_type))

    def _decided(self, one: Match) -> RecordPlan | None:
        """The plan of one record; None where it is the same."""
        if one.problem:
            return _record(one, "conflict", (), one.problem)
        if one.live is None:
            return self._created(one)
        desired = {**one.desired.key, **one.desired.fields}
        started = self._started(one)
        base = one.base if one.base is not None else started
        there = {**one.live.fields, **one.live.key}
        fields = compare(
            desired,
            there,
            base,
            made=started is not None and self._made(one),
            taken=self.policy.take_ours,
            mark=self._marks[one.number],
            following=self.following,
        )
        if one.base is not None:
            fields += self._wanted_again(one, one.base)
        self._bind(one, desired, {field.name for field in fields})
        if not fields:
            self.same.append(one.live)
            return None
        verdicts = {field.verdict for field in fields}
        if "conflict" in verdicts:
            names = [field.name for field in fields if field.verdict == "conflict"]
            since = "changed by somebody else since this project wrote it" if one.base else "it is somebody else's"
            reason = f"{listed(names)}: {since}"
            return _record(one, "conflict", fields, "; ".join(filter(None, (one.reason, reason))))
        if one.base is None and (started is None or "adopt" in verdicts):
            return _record(one, "adopt", fields, one.reason)
        return _record(one, "change" if "change" in verdicts else "adopt", fields, one.reason)

    def _created(self, one: Match) -> RecordPlan:
        if one.reason and not self._complete[one.number].complete:
            return _record(one, "conflict", (), one.reason + _HIDDEN)
        fields = [FieldPlan(name, None, None, value, "create") for name, value in one.desired.fields.items()]
        return _record(one, "create", fields, one.reason)

    def _started(self, one: Match) -> Base | None:
        """What a run set out to create under this key, which no evidence knows by an id."""
        return self.bases.started.get(one.desired.type, {}).get(one.spelling)

    def _made(self, one: Match) -> bool:
        """Whether the server made the record by itself along with one of ours, before we came to create it."""
        live = one.live
        if live is not None and (live.type, live.id) in self.bases.children:
            return True
        # A run that nobody saw ending tells no children; but what is part of a record that it set out to create is one.
        parts = {canonical(part) for part in one.desired.key.values() if isinstance(part, Mapping)}
        return any(part in started for started in self.bases.started.values() for part in parts)

    def _wanted_again(self, one: Match, base: Base) -> list[FieldPlan]:
        """A record that was retired in a field that no mapping decides goes back to what stood there before."""
        retired_by = self.retired_by[one.desired.type]
        if retired_by is None or one.live is None:
            return []
        name, value = retired_by
        decided = name in one.desired.fields or name in one.desired.key
        if decided or name not in base.before or not same_value(base.fields.get(name), value):
            return []
        live = one.live.fields.get(name, value)
        if not same_value(live, value):
            return []
        return [FieldPlan(name, value, live, base.before[name], "change")]

    def _bind(self, one: Match, desired: Mapping[str, Any], differing: set[str]) -> None:
        """Note what agrees and is not known yet."""
        live, base = one.live, one.base
        agreeing = {name: value for name, value in desired.items() if name not in differing}
        if self.following and live is not None:
            # What will only agree once something else is renamed is not so yet, and may never be.
            there = {**live.fields, **live.key}
            agreeing = {name: value for name, value in agreeing.items() if agrees({name: value}, there)}
            if base is None and not one.desired.key.keys() <= agreeing.keys():
                return
        if live is None or (
            base is not None
            and (base.owned or not live.owned)
            and all(knows(base, name, value) for name, value in agreeing.items())
        ):
            return
        self.bindings.append(Binding(live.type, live.id, one.desired.key, agreeing, live.version, live.owned))


def _record(one: Match, action: Action, fields: Sequence[FieldPlan], reason: str) -> RecordPlan:
    live = one.live
    return RecordPlan(
        one.desired.type,
        one.desired.key,
        action,
        None if live is None else live.id,
        tuple(fields),
        reason,
        "" if live is None else live.version,
        origin=one.desired.origin,
    )


def _leftovers(matches: Matches, of_type: Sequence[tuple[int, RecordSet, Reading]]) -> Leftovers:
    """What no mapping desires, and why nothing of the type may be deleted."""
    reasons = []
    for _, record_set, reading in of_type:
        source = record_set.source or "a source"
        if not record_set.complete:
            reasons.append(f"{source} is not known whole" + (f" ({record_set.reason})" if record_set.reason else ""))
        elif not record_set.desired:
            reasons.append(f"{source} is empty")
        if not reading.complete:
            reasons.append("not all records can be seen" + (f" ({reading.reason})" if reading.reason else ""))
    return Leftovers(matches.type, matches.gone, matches.strange, tuple(dict.fromkeys(reasons)))


def _notes(sets: Sequence[RecordSet], readings: Sequence[Reading], bases: Bases) -> list[str]:
    """What people must know to read the plan."""
    notes = [
        f"{one.source or one.type} is not known whole{f': {one.reason}' if one.reason else ''}"
        for one in sets
        if not one.complete
    ]
    hidden: dict[str, dict[str, None]] = {}
    for one, reading in zip(sets, readings, strict=True):
        if not reading.complete:
            hidden.setdefault(reading.reason, {})[one.type] = None
    notes += [
        f"not all records of {listed(types)} can be seen{f': {reason}' if reason else ''}"
        for reason, types in hidden.items()
    ]
    read = {one.type for one in sets}
    notes += [
        f"{len(known)} of {type_name} that this project wrote are in no mapping any more, and are left alone"
        for type_name, known in bases.records.items()
        if known and type_name not in read
    ]
    return list(dict.fromkeys(notes))
