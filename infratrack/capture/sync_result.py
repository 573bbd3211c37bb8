"""What becomes evidence of a sync: plan and outcomes → `result` (`reconciliation/evidence_schema.py`). Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack.capture.sync_masking import Scrubbing, masked_fields, masked_value
from infratrack.reconciliation.records import Binding, Summary, Write, Written
from infratrack.values import Digest

_ACTIONS: Final = {"create": "create", "update": "change", "delete": "delete"}


class SyncFrame(Struct, frozen=True):
    """What the evidence says besides its records."""

    cmdb: str
    identity: str
    server: Mapping[str, Any]
    plan_digest: Digest
    summary: Summary
    sources: Sequence[Mapping[str, Any]] = ()
    notes: Sequence[str] = ()
    undoes: str | None = None
    """The run that is taken back."""


def sync_result(  # noqa: PLR0913 -- what evidence is made of
    frame: SyncFrame,
    writes: Sequence[Write],
    written: Mapping[int, Written],
    bindings: Sequence[Binding],
    scrubber: Scrubbing,
    *,
    otherwise: str,
) -> dict[str, Any]:
    """The `result`. Writes of which nothing came back have the outcome `otherwise`."""
    requests = dict.fromkeys(request for one in written.values() for request in one.requests)
    return {
        "cmdb": frame.cmdb,
        "identity": frame.identity,
        "server": dict(frame.server),
        "mode": "apply" if frame.undoes is None else "undo",
        "undoes": frame.undoes,
        "planDigest": frame.plan_digest,
        "summary": {name: getattr(frame.summary, name) for name in Summary.__struct_fields__},
        "sources": [dict(one) for one in frame.sources],
        "notes": list(frame.notes),
        "requests": list(requests),
        "records": [
            *(_bound(one, scrubber) for one in bindings),
            *(_record(write, written.get(number), scrubber, otherwise) for number, write in enumerate(writes)),
        ],
    }


def _bound(one: Binding, scrubber: Scrubbing) -> dict[str, Any]:
    return {
        "type": one.type,
        "id": one.id,
        "key": masked_fields(one.key, scrubber),
        "action": "bind",
        "outcome": "written",
        "fields": [{"name": name, "after": value} for name, value in masked_fields(one.fields, scrubber).items()],
        "version": one.version,
        **({} if one.owned else {"owned": False}),
    }


def _record(write: Write, came: Written | None, scrubber: Scrubbing, otherwise: str) -> dict[str, Any]:
    """One write; what says nothing is left out."""
    record: dict[str, Any] = {
        "type": write.type,
        "id": (came.id if came else None) or write.id,
        "key": masked_fields(write.key, scrubber),
        "action": _ACTIONS[write.action],
        "outcome": came.outcome if came else otherwise,
        "fields": list(_fields(write, came, scrubber)),
    }
    if came is None:
        return record
    members = {
        "requests": list(came.requests),
        "reason": came.reason,
        "children": [{"type": one.type, "id": one.id, "display": one.display} for one in came.children],
        "prior": masked_fields(came.prior, scrubber),
        "version": came.version,
    }
    return record | {name: value for name, value in members.items() if value}


def _fields(write: Write, came: Written | None, scrubber: Scrubbing) -> Iterator[dict[str, Any]]:
    """Each field that was (to be) written, with the value before and after."""
    before = {**write.expected, **(came.before if came else {})}
    after = {**write.fields, **(came.after if came and came.outcome == "written" else {})}
    for name in dict.fromkeys([*write.fields, *write.add, *write.remove]):
        field: dict[str, Any] = {"name": name}
        if name in before:
            field["before"] = masked_value(name, before[name], scrubber)
        if name in after:
            field["after"] = masked_value(name, after[name], scrubber)
        # Of a list that is created only the items that we asked for are ours: a server may add its own.
        is_made = write.action == "create" and isinstance(write.fields.get(name), list)
        made = {name: write.fields[name]} if is_made else {}
        for member, items in (("add", {**write.add, **made}), ("remove", write.remove)):
            if name in items:
                field[member] = [masked_value(name, item, scrubber) for item in items[name]]
        yield field


def unlike(writes: Sequence[Write], written: Mapping[int, Written]) -> list[str]:
    """A sentence for every field that reads back as another value than the one written."""
    return [
        f"{writes[number].type} {one.id or ''}: {name} was written, but reads back as another value"
        for number, one in sorted(written.items())
        if one.outcome == "written" and writes[number].action != "delete"
        for name, value in writes[number].fields.items()
        if name in one.after and one.after[name] != value
    ]
