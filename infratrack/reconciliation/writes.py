"""What a plan asks its CMDB's plugin to write, in the order of carrying out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infratrack.reconciliation.canonical import canonical, items_of, mentions
from infratrack.reconciliation.comparison import is_list
from infratrack.reconciliation.records import Binding, FieldPlan, RecordPlan, SyncPlan, Write


def writes_of(plan: SyncPlan) -> list[tuple[RecordPlan, Write]]:
    """Creates and updates, parents first, then deletes, children first.

    A field that refers to a record which is created only later is written by an update of its own after that: a
    device's primary address. Such an update of a record that is itself new has no id: it is the one created under its
    key.
    """
    changes = [one for one in plan.records if one.carried_out and one.action not in {"delete", "unmanaged"}]
    changes = _parents_first(changes)
    place = {
        canonical(one.key): (number, one.type)
        for number, one in reversed(list(enumerate(changes)))
        if one.action == "create"
    }
    at: dict[int, list[tuple[RecordPlan, Write]]] = {}
    for number, one in enumerate(changes):
        fields = [field for field in one.fields if field.verdict in {"create", "change"}]
        later: dict[int, list[FieldPlan]] = {number: []}
        for field in fields:
            later.setdefault(_needs(field, number, place), []).append(field)
        for when, of_then in later.items():
            if of_then or (one.action == "create" and when == number):
                create = one.action == "create" and when == number
                write = _create(one, of_then) if create else _update(one, of_then)
                at.setdefault(when, []).append((one, write))
    deletes = [one for one in plan.records if one.carried_out and one.action == "delete"]
    return [
        *(pair for number in sorted(at) for pair in at[number]),
        *((one, _delete(one)) for one in deletes),
    ]


def bindings_of(plan: SyncPlan) -> Sequence[Binding]:
    """What becomes known by its id, or agrees for the first time, without being written."""
    return plan.bindings


def _create(record: RecordPlan, fields: Sequence[FieldPlan]) -> Write:
    return Write("create", record.type, record.key, fields={**record.key, **{one.name: one.desired for one in fields}})


def _update(record: RecordPlan, fields: Sequence[FieldPlan]) -> Write:
    """Whole values are set; of lists only our own items are touched."""
    whole: dict[str, Any] = {}
    add: dict[str, Sequence[Any]] = {}
    remove: dict[str, Sequence[Any]] = {}
    for one in fields:
        if not is_list(one.live, one.desired):
            whole[one.name] = one.desired
            continue
        live, wanted, ours = items_of(one.live), items_of(one.desired), items_of(one.base)
        missing = [item for spelling, item in wanted.items() if spelling not in live]
        surplus = [item for spelling, item in live.items() if spelling in ours and spelling not in wanted]
        if missing:
            add[one.name] = missing
        if surplus:
            remove[one.name] = surplus
    return Write(
        "update",
        record.type,
        record.key,
        record.id,
        record.version,
        whole,
        add,
        remove,
        {one.name: one.live for one in fields},
    )


def _delete(record: RecordPlan) -> Write:
    expected = {one.name: one.live for one in record.fields}
    return Write("delete", record.type, record.key, record.id, record.version, expected=expected)


def _needs(field: FieldPlan, number: int, place: Mapping[bytes, tuple[int, str]]) -> int:
    """When a field can be written: with its record, or with the last of the new records that it refers to."""
    latest = number
    for one in mentions(field.desired):
        when, type_name = place.get(_reference(one), (number, ""))
        if one.get("type") in {None, type_name}:
            latest = max(latest, when)
    return latest


def _reference(value: Mapping[str, Any]) -> bytes:
    """The key that a reference names."""
    return canonical({name: one for name, one in value.items() if name != "type"})


def _parents_first(changes: Sequence[RecordPlan]) -> list[RecordPlan]:
    """New records after the new records of the same type that they refer to, else in their order."""
    new = {(one.type, canonical(one.key)): one for one in changes if one.action == "create"}
    done: dict[int, RecordPlan] = {}
    for first in changes:
        waiting = [first]
        path: set[int] = set()
        while waiting:
            one = waiting[-1]
            needed = [] if id(one) in done or id(one) in path else _same_type_needs(one, new, done)
            path.add(id(one))
            if needed:
                waiting += needed
            else:
                done.setdefault(id(one), waiting.pop())
    return list(done.values())


def _same_type_needs(
    one: RecordPlan, new: Mapping[tuple[str, bytes], RecordPlan], done: Mapping[int, RecordPlan]
) -> list[RecordPlan]:
    if one.action != "create":
        return []
    values = [*one.key.values(), *(field.desired for field in one.fields)]
    found = [new.get((one.type, _reference(part))) for value in values for part in mentions(value)]
    return [need for need in found if need is not None and need is not one and id(need) not in done]
