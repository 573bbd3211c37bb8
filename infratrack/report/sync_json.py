"""A plan for a CMDB as plain data and JSON. Pure."""

from __future__ import annotations

from typing import Any

from infratrack.reconciliation.records import Dependent, FieldPlan, LastChange, LiveRecord, RecordPlan, SyncPlan
from infratrack.values import Digest, format_instant


def plan_document(plan: SyncPlan, digest: Digest) -> dict[str, Any]:
    """The plan as plain data; records that are the same come last."""
    count = plan.summary
    return {
        "cmdb": plan.cmdb,
        "identity": plan.identity,
        "planDigest": digest,
        "summary": {name: getattr(count, name) for name in count.__struct_fields__},
        "records": [*map(_record, plan.records), *map(_same, plan.same)],
        "refused": list(plan.refused),
        "notes": list(plan.notes),
    }


def _record(record: RecordPlan) -> dict[str, Any]:
    return {
        "type": record.type,
        "key": dict(record.key),
        "action": record.action,
        "id": record.id,
        "fields": [_field(one) for one in record.fields],
        "reason": record.reason,
        "carriedOut": record.carried_out and record.action not in {"conflict", "unmanaged"},
        "version": record.version,
        "cascade": [_dependent(one) for one in record.cascade],
        "lastChange": None if record.last_change is None else _last_change(record.last_change),
    }


def _field(field: FieldPlan) -> dict[str, Any]:
    return {
        "name": field.name,
        "base": field.base,
        "live": field.live,
        "desired": field.desired,
        "verdict": field.verdict,
    }


def _same(record: LiveRecord) -> dict[str, Any]:
    return {
        "type": record.type,
        "key": dict(record.key),
        "action": "same",
        "id": record.id,
        "fields": [],
        "reason": "",
        "carriedOut": False,
        "version": record.version,
        "cascade": [],
        "lastChange": None,
    }


def _dependent(one: Dependent) -> dict[str, Any]:
    return {"type": one.type, "id": one.id, "display": one.display, "owned": one.owned, "effect": one.effect}


def _last_change(last: LastChange) -> dict[str, Any]:
    return {"by": last.by, "at": format_instant(last.at), "request": last.request}
