"""Keeps secrets out of what is shown, saved and recorded of a sync: a CMDB may hold some, or echo the token. Pure.

Two rules together: whatever the scrubber knows or recognises, and all of a field whose name announces a secret.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from msgspec import structs

from infratrack.evidence.redaction.names import is_secret_name
from infratrack.evidence.redaction.scrubber import MASK
from infratrack.reconciliation.records import Dependent, FieldPlan, Fields, LiveRecord, RecordPlan, SyncPlan

_MASK_BEGINS = MASK[:-1]


class Scrubbing(Protocol):
    """What is needed of a scrubber."""

    def text(self, text: str) -> str:
        """The text without secrets; what was taken out is always marked alike."""


def masked_value(name: str, value: Any, scrubber: Scrubbing) -> Any:  # noqa: ANN401 -- any canonical value
    """The value of a field without its secrets."""
    if isinstance(value, str):
        return MASK if value and is_secret_name(name) else scrubber.text(value)
    if isinstance(value, Mapping):
        return {scrubber.text(str(key)): masked_value(str(key), one, scrubber) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked_value(name, one, scrubber) for one in value]
    return MASK if is_secret_name(name) and value is not None and not isinstance(value, bool) else value


def masked_fields(fields: Fields, scrubber: Scrubbing) -> dict[str, Any]:
    """Every field without its secrets."""
    return {name: masked_value(name, value, scrubber) for name, value in fields.items()}


def holds_mask(value: Any) -> bool:  # noqa: ANN401 -- any JSON value
    """Whether something was taken out of a value, so that it is not the value any more."""
    if isinstance(value, str):
        return _MASK_BEGINS in value
    if isinstance(value, Mapping):
        return any(_MASK_BEGINS in str(key) or holds_mask(one) for key, one in value.items())
    return isinstance(value, (list, tuple)) and any(map(holds_mask, value))


def masked_plan(plan: SyncPlan, scrubber: Scrubbing) -> SyncPlan:
    """The plan as it may be shown and saved. What is carried out is the plan itself."""
    return structs.replace(
        plan,
        identity=scrubber.text(plan.identity),
        records=tuple(_record(one, scrubber) for one in plan.records),
        same=[_live(one, scrubber) for one in plan.same],
        refused=tuple(map(scrubber.text, plan.refused)),
        notes=tuple(map(scrubber.text, plan.notes)),
    )


def _record(record: RecordPlan, scrubber: Scrubbing) -> RecordPlan:
    last = record.last_change
    return structs.replace(
        record,
        type=scrubber.text(record.type),
        key=masked_fields(record.key, scrubber),
        id=None if record.id is None else scrubber.text(record.id),
        fields=tuple(_field(one, scrubber) for one in record.fields),
        reason=scrubber.text(record.reason),
        version=scrubber.text(record.version),
        cascade=tuple(_dependent(one, scrubber) for one in record.cascade),
        last_change=None
        if last is None
        else structs.replace(last, by=scrubber.text(last.by), request=scrubber.text(last.request)),
        origin=scrubber.text(record.origin),
    )


def _field(field: FieldPlan, scrubber: Scrubbing) -> FieldPlan:
    return structs.replace(
        field,
        name=scrubber.text(field.name),
        base=masked_value(field.name, field.base, scrubber),
        live=masked_value(field.name, field.live, scrubber),
        desired=masked_value(field.name, field.desired, scrubber),
    )


def _dependent(one: Dependent, scrubber: Scrubbing) -> Dependent:
    return structs.replace(
        one, type=scrubber.text(one.type), id=scrubber.text(one.id), display=scrubber.text(one.display)
    )


def _live(record: LiveRecord, scrubber: Scrubbing) -> LiveRecord:
    """What is the same is only counted and named."""
    return LiveRecord(
        type=scrubber.text(record.type),
        id=scrubber.text(record.id),
        key=masked_fields(record.key, scrubber),
        fields={},
        owned=record.owned,
        version=scrubber.text(record.version),
    )
