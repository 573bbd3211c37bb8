"""A sync taken back: what it created is deleted, what it changed is changed back, what it deleted is created again.

Only where nobody touched the record since: a value that is not what the run wrote is a conflict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from infratrack.reconciliation.bases import Bases, Entry, SyncRun, entries_of, holds_mask
from infratrack.reconciliation.canonical import canonical, items_of, same_value
from infratrack.reconciliation.cascade import Around, Dependents, with_cascades
from infratrack.reconciliation.deletion import rests_on
from infratrack.reconciliation.following import Following
from infratrack.reconciliation.naming import listed
from infratrack.reconciliation.records import (
    Action,
    DesiredRecord,
    FieldPlan,
    LiveRecord,
    Reading,
    RecordPlan,
    RecordSet,
    Summary,
    SyncPlan,
    Verdict,
)

_MAYBE: Final = frozenset({"written", "unknown", "intended"})


def undo_sets(run: SyncRun) -> tuple[RecordSet, ...]:
    """What has to be read to take a run back: one set a type, its records in the shape of what the run wrote."""
    by_type: dict[str, dict[bytes, DesiredRecord]] = {}
    for one in entries_of(run.result):
        if one.outcome in _MAYBE and one.action != "bind":
            fields = {name: value for name, value in {**one.prior, **one.values}.items() if name not in one.key}
            of_type = by_type.setdefault(one.type, {})
            old = of_type.get(canonical(one.key))
            merged = {**old.fields, **fields} if old else fields
            of_type[canonical(one.key)] = DesiredRecord(one.type, one.key, merged, f"run {run.run}")
    return tuple(
        RecordSet(type_name, tuple(of_type.values()), source=f"run {run.run}") for type_name, of_type in by_type.items()
    )


def undo_ids(run: SyncRun) -> dict[str, set[str]]:
    """Type → the ids of the records that a run may have written: to be read wherever they are."""
    found: dict[str, set[str]] = {}
    for one in entries_of(run.result):
        if one.id and one.outcome in _MAYBE and one.action != "bind":
            found.setdefault(one.type, set()).add(one.id)
    return found


def undo_plan(  # noqa: PLR0913, PLR0917 -- the whole world that a plan rests on
    cmdb: str, identity: str, run: SyncRun, readings: Sequence[Reading], bases: Bases, dependents: Dependents
) -> SyncPlan:
    """The plan that takes a run back. `readings` are of `undo_sets` and `undo_ids`, `bases` of all evidence."""
    undoing = _Undoing(readings, bases)
    # The last first: what was created last goes first, and what was deleted first (a child) comes back last.
    for entry in reversed([one for one in entries_of(run.result) if one.outcome in _MAYBE]):
        undoing.add(entry)
    decided = with_cascades(undoing.deletes, Around(undoing.changes, (), undoing.held, bases), dependents)
    deletes = [one for one in decided.values() if one.action == "delete"]
    conflicts = [one for one in decided.values() if one.action != "delete"]
    records = (*undoing.creates, *undoing.changes, *undoing.conflicts, *conflicts, *deletes)
    counts: Counter[str] = Counter(one.action for one in records)
    summary = Summary(**counts, same=len(undoing.same))
    return SyncPlan(cmdb, identity, records, summary, undoing.same, notes=tuple(undoing.notes))


class _Undoing:
    """The plan while entries are added to it."""

    def __init__(self, readings: Sequence[Reading], bases: Bases) -> None:
        self.bases = bases
        self.creates: list[RecordPlan] = []
        self.changes: list[RecordPlan] = []
        self.conflicts: list[RecordPlan] = []
        self.deletes: list[tuple[LiveRecord, RecordPlan]] = []
        self.same: list[LiveRecord] = []
        self.notes: list[str] = []
        self._by_id = {(live.type, live.id): live for reading in readings for live in reading.live}
        self._by_key = {(live.type, canonical(live.key)): live for live in self._by_id.values()}

    @property
    def held(self) -> set[tuple[str, str]]:
        """What is there and in conflict."""
        return {(one.type, one.id) for one in self.conflicts if one.id is not None}

    def add(self, entry: Entry) -> None:
        """Take back what one entry says was, or may have been, written."""
        live = self._by_id.get((entry.type, entry.id)) if entry.id else None
        if entry.action == "delete":
            self._deleted(entry, live)
        elif entry.action == "create":
            self._created(entry, live or self._begun(entry))
        elif entry.action in {"adopt", "change"}:
            self._changed(entry, live)

    def _begun(self, entry: Entry) -> LiveRecord | None:
        """The record that a create of which no id is known may have made: under its key, and carrying our mark."""
        live = None if entry.id else self._by_key.get((entry.type, canonical(entry.key)))
        return live if live is not None and live.owned else None

    def _deleted(self, entry: Entry, live: LiveRecord | None) -> None:
        if live is not None:
            if entry.outcome != "written":
                return  # it was to be deleted, and is there
            self.same.append(live)
            return
        # What it belonged to may have been renamed by the same run: then it is found under its new name.
        key = {name: _shaped(value, entry.prior.get(name)) for name, value in entry.key.items()}
        found = [self._by_key.get((entry.type, canonical(one))) for one in (key, entry.key)]
        taken = next((one for one in found if one is not None), None)
        if taken is not None:
            self.conflicts.append(_plan(entry, taken, "conflict", "it was deleted, and another record has its key now"))
            return
        if entry.outcome != "written":
            self.notes.append("whether records were deleted is not known for all: those are not created again")
            return
        fields = [
            FieldPlan(name, None, None, value, "create")
            for name, value in entry.prior.items()
            if name not in entry.key and not holds_mask(value)
        ]
        reason = "the run deleted it"
        hidden = [name for name, value in entry.prior.items() if holds_mask(value)]
        if hidden:
            reason += f"; {listed(hidden)}: kept out of the evidence, and not brought back"
        self.creates.append(RecordPlan(entry.type, key, "create", fields=tuple(fields), reason=reason))

    def _created(self, entry: Entry, live: LiveRecord | None) -> None:
        if live is None:
            return  # gone already, or never made
        base = self.bases.records.get(live.type, {}).get(live.id)
        fields = rests_on(live, base, Following())
        changed = {one.name for one in fields if one.verdict == "conflict"}
        there = {**live.fields, **live.key}
        changed |= {name for name, value in entry.values.items() if name in there and not _same(value, there[name])}
        if not live.owned:
            reason = "the run created it, but it does not carry this project's mark any more"
            self.conflicts.append(_plan(entry, live, "conflict", reason, fields))
        elif changed:
            reason = f"the run created it, but {listed(sorted(changed))}: changed since"
            self.conflicts.append(_plan(entry, live, "conflict", reason, fields))
        else:
            if not fields:
                fields = [
                    FieldPlan(name, value, there[name], None, "same")
                    for name, value in entry.values.items()
                    if name in there
                ]
            self.deletes.append((live, _plan(entry, live, "delete", "the run created it", fields)))

    def _changed(self, entry: Entry, live: LiveRecord | None) -> None:
        if live is None:
            gone = RecordPlan(entry.type, entry.key, "conflict", reason="the run changed it, and it is gone")
            if entry.outcome == "written":
                self.conflicts.append(gone)
            return
        there = {**live.fields, **live.key}
        fields = [plan for one in entry.fields if (plan := _back(one, there.get(one["name"]))) is not None]
        changed = [one.name for one in fields if one.verdict == "conflict"]
        if changed:
            reason = f"the run changed it, but {listed(changed)}: changed since"
            self.conflicts.append(_plan(entry, live, "conflict", reason, fields))
        elif fields:
            self.changes.append(_plan(entry, live, "change", "the run changed it", fields))
        else:
            self.same.append(live)


def _back(field: Mapping[str, Any], live: Any) -> FieldPlan | None:  # noqa: ANN401 -- any JSON value
    """How one field goes back; None where it is back already, or where nothing is known of what there was."""
    name, added, removed = field["name"], field.get("add"), field.get("remove")
    if isinstance(added, list) or isinstance(removed, list):
        here, ours, taken_out = items_of(live), items_of(added), items_of(removed)
        wanted = {spelling: item for spelling, item in here.items() if spelling not in ours} | taken_out
        if wanted.keys() == here.keys():
            return None
        return FieldPlan(name, list(ours.values()), live, list(wanted.values()), "change")
    if "after" not in field or "before" not in field or same_value(live, field["before"]):
        return None
    untouched = same_value(live, field["after"]) and not holds_mask(field["before"])
    verdict: Verdict = "change" if untouched else "conflict"
    return FieldPlan(name, field["after"], live, field["before"], verdict)


def _shaped(value: Any, prior: Any) -> Any:  # noqa: ANN401 -- any JSON values
    """The prior value of a part of a key, if it is told as the key tells it."""
    alike = isinstance(value, Mapping) and isinstance(prior, Mapping) and value.keys() == prior.keys()
    return prior if alike else value


def _same(written: Any, live: Any) -> bool:  # noqa: ANN401 -- any JSON values
    if isinstance(written, list) and isinstance(live, list):
        return items_of(written).keys() == items_of(live).keys()
    return same_value(written, live)


def _plan(entry: Entry, live: LiveRecord, action: Action, reason: str, fields: Sequence[FieldPlan] = ()) -> RecordPlan:
    return RecordPlan(entry.type, live.key, action, live.id, tuple(fields), reason, live.version)
