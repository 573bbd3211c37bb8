"""What a plan asks its CMDB's plugin to write, in the order of carrying out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infratrack.reconciliation.canonical import canonical, items_of, mentions
from infratrack.reconciliation.comparison import is_list
from infratrack.reconciliation.following import Renames
from infratrack.reconciliation.records import FieldPlan, RecordPlan, SyncPlan, Write


def writes_of(plan: SyncPlan) -> list[tuple[RecordPlan, Write]]:
    """Creates and updates, parents first, then deletes, children first; one write a record."""
    going = [one for one in plan.records if one.carried_out]
    renames = _renamed(going)
    found = []
    for one in _parents_first([one for one in going if one.action not in {"delete", "unmanaged"}]):
        fields = [field for field in one.fields if field.verdict in {"create", "change"}]
        if one.action == "create":
            found.append((one, _create(one, fields)))
        elif fields:
            found.append((one, _update(one, fields, renames)))
    return [*found, *((one, _delete(one, renames)) for one in going if one.action == "delete")]


def _create(record: RecordPlan, fields: Sequence[FieldPlan]) -> Write:
    return Write("create", record.type, record.key, fields={**record.key, **{one.name: one.desired for one in fields}})


def _update(record: RecordPlan, fields: Sequence[FieldPlan], renames: Renames) -> Write:
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
        {one.name: renames.followed(one.live) for one in fields},
    )


def _delete(record: RecordPlan, renames: Renames) -> Write:
    expected = {one.name: renames.followed(one.live) for one in record.fields}
    return Write("delete", record.type, record.key, record.id, record.version, expected=expected)


def _reference(value: Mapping[str, Any]) -> bytes:
    """The key that a reference names."""
    return canonical({name: one for name, one in value.items() if name != "type"})


def _renamed(going: Sequence[RecordPlan]) -> Renames:
    """What the plan renames: references to it read otherwise by the time that they are written."""
    renames = Renames()
    for one in going:
        parts = [field for field in one.fields if field.verdict == "change" and field.name in one.key]
        if parts:
            old = {field.name: field.live for field in parts}
            new = {field.name: field.desired for field in parts}
            renames.add(one.type, {**one.key, **old}, {**one.key, **new})
    return renames


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
