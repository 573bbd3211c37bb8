"""What is applied is what was shown: a plan's digest, a saved plan read back, and what moved since it was made."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import Struct, structs

from infratrack.errors import InputError
from infratrack.reconciliation.canonical import canonical, same_value
from infratrack.reconciliation.naming import called, plain
from infratrack.reconciliation.records import Action, Dependent, FieldPlan, RecordPlan, SyncPlan
from infratrack.values import Digest, sha256_digest

LARGEST: Final = 256 << 20
"""Bytes of a saved plan."""
_WRITTEN: Final = frozenset({"create", "change"})


class SavedRecord(Struct, frozen=True, rename="camel"):
    """One record of a saved plan."""

    type: str
    key: dict[str, Any]
    action: Action
    id: str | None
    fields: tuple[FieldPlan, ...]
    carried_out: bool
    cascade: tuple[Dependent, ...] = ()
    reason: str = ""


class SavedPlan(Struct, frozen=True, rename="camel"):
    """What `sync --format json` wrote, as far as it matters to carry it out."""

    cmdb: str
    identity: str
    plan_digest: str
    records: tuple[SavedRecord, ...]


def plan_digest(plan: SyncPlan) -> Digest:
    """SHA-256 over everything that the plan writes and rests on; what is left alone may move."""
    records = [_decisive(one) for one in plan.records if _writes(one)]
    document = [plan.cmdb, plan.identity, records]
    return sha256_digest(json.dumps(document, sort_keys=True, separators=(",", ":")).encode())


def read_plan(content: bytes) -> SavedPlan:
    """The plan that `sync --format json` wrote. InputError for anything else, whatever it is."""
    hint = "give the file that `infratrack sync --format json` wrote, or make a new plan"
    if len(content) > LARGEST:
        raise InputError(f"a plan of {len(content)} bytes is too large", hint)
    try:
        return msgspec.json.decode(content, type=SavedPlan)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise InputError(f"this is not a plan: {plain(str(error))}", hint) from error


def moved_since(saved: SavedPlan, fresh: SyncPlan) -> list[str]:
    """A sentence for everything that the saved plan writes or rests on and that is not so any more; empty: none."""
    if (saved.cmdb, saved.identity) != (fresh.cmdb, fresh.identity):
        return [f"the plan was made for {plain(saved.identity)}, and this is {plain(fresh.identity)}"]
    now = _by_record(fresh.records)
    moved = []
    for one in saved.records:
        if _writes(one):
            moved += _moved(one, now.get(_name(one)))
    return moved


def pinned(saved: SavedPlan, fresh: SyncPlan) -> SyncPlan:
    """The fresh plan without what the saved one does not write: to be carried out once nothing moved."""
    shown = {_name(one) for one in saved.records if _writes(one)}
    records = tuple(
        one if not _writes(one) or _name(one) in shown else structs.replace(one, carried_out=False)
        for one in fresh.records
    )
    return structs.replace(fresh, records=records)


def _writes(one: RecordPlan | SavedRecord) -> bool:
    """Whether anything is written to the record."""
    return one.carried_out and (
        one.action in {"create", "delete"} or any(field.verdict in _WRITTEN for field in one.fields)
    )


def _name(one: RecordPlan | SavedRecord) -> tuple[str, str | bytes]:
    return one.type, canonical(one.key) if one.id is None else one.id


def _by_record(records: Iterable[RecordPlan]) -> dict[tuple[str, str | bytes], RecordPlan]:
    return {_name(one): one for one in records}


def _decisive(one: RecordPlan | SavedRecord) -> dict[str, Any]:
    """What a record's write is and rests on."""
    return {
        "type": one.type,
        "key": one.key,
        "id": one.id,
        "action": one.action,
        "fields": [
            {"name": field.name, "live": field.live, "desired": field.desired, "verdict": field.verdict}
            for field in one.fields
            if field.verdict in _WRITTEN or one.action == "delete"
        ],
        "cascade": sorted([reached.type, reached.id, reached.effect] for reached in one.cascade),
    }


def _moved(saved: SavedRecord, now: RecordPlan | None) -> list[str]:
    """What is not so any more of one record."""
    name = called(saved.type, saved.key, saved.id)
    if now is not None and now.action == "conflict" and not _writes(now):
        return [f"{name}: the plan was to {_verb(saved.action)} it, and now it is a conflict ({now.reason})"]
    if now is None or not _writes(now):
        return [f"{name}: the plan was to {_verb(saved.action)} it, and now nothing is to be done"]
    if now.action != saved.action:
        return [f"{name}: the plan was to {_verb(saved.action)} it, and now it is to {_verb(now.action)}"]
    then, today = _decisive(saved), _decisive(now)
    if same_value(then, today):
        return []
    sentences = []
    fields: Mapping[str, Any] = {one["name"]: one for one in today["fields"]}
    for field in then["fields"]:
        other = fields.get(field["name"])
        if other is None:
            sentences.append(f"{name}: {plain(field['name'])} is not to be written any more")
        elif not same_value(field["live"], other["live"]):
            sentences.append(f"{name}: {plain(field['name'])} has another value now")
        elif not same_value(field, other):
            sentences.append(f"{name}: another value is desired of {plain(field['name'])} now")
    names = {field["name"] for field in then["fields"]}
    sentences += [f"{name}: {plain(one)} differs now, too" for one in fields if one not in names]
    what = "its key is" if same_value(then["cascade"], today["cascade"]) else "what its delete reaches is"
    return sentences or [f"{name}: {what} not the same any more"]


def _verb(action: str) -> str:
    return {"adopt": "take over", "conflict": "leave alone"}.get(action, action)
