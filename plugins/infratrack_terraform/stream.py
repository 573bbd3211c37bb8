"""Terraform's `-json` stream as progress for people and as results by address. Pure.

Only allow-listed members are read: address, action, elapsed time, counts. Diagnostics' details and provisioners' output
hold secrets; a diagnostic's summary is handed over apart, for the caller to scrub.
"""

from __future__ import annotations

from typing import Final

import msgspec
from msgspec import Struct

from infratrack_terraform.apply_facts import Result

LONGEST: Final = 500


class _Resource(Struct):
    addr: str = ""


class _Change(Struct):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    action: str = ""


class _Counts(Struct):
    add: int = 0
    change: int = 0
    remove: int = 0
    operation: str = ""


class _Position(Struct):
    line: int = 0


class _Range(Struct):
    filename: str = ""
    start: _Position = msgspec.field(default_factory=_Position)


class _Diagnostic(Struct):
    severity: str = ""
    summary: str = ""
    address: str = ""
    range: _Range | None = None


class _Hook(Struct):
    resource: _Resource = msgspec.field(default_factory=_Resource)
    action: str = ""
    elapsed_seconds: float = 0


class _Event(Struct):
    type: str = ""
    change: _Change | None = None
    changes: _Counts | None = None
    hook: _Hook | None = None
    diagnostic: _Diagnostic | None = None


class Progress(Struct, frozen=True):
    """One event: a line for people, free of secrets unless `scrub` says otherwise, and what it says of an address."""

    line: str = ""
    scrub: bool = False
    address: str = ""
    action: str = ""
    result: Result | None = None
    """Of this action: a replacement is two of them."""
    error: bool = False


_NOTHING: Final = Progress()
_DOING: Final = {"create": "creating", "update": "changing", "delete": "destroying", "read": "reading"}
_DONE: Final = {"create": "created", "update": "changed", "delete": "destroyed", "read": "read"}


def read_event(text: str) -> Progress:
    """What one line of the stream says; a line that is no event says nothing."""
    try:
        event = msgspec.json.decode(text, type=_Event)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return _NOTHING
    if event.diagnostic is not None:
        return _diagnosed(event.diagnostic)
    if event.type == "planned_change" and event.change is not None:
        return Progress(line=f"{event.change.resource.addr}: to {event.change.action}"[:LONGEST])
    if event.type == "change_summary" and event.changes is not None:
        return Progress(line=_counted(event.changes))
    return _hooked(event.type, event.hook) if event.hook is not None else _NOTHING


def _counted(counts: _Counts) -> str:
    if counts.operation == "plan":
        return f"plan: {counts.add} to add, {counts.change} to change, {counts.remove} to destroy"
    return f"{counts.operation[:32]}: {counts.add} added, {counts.change} changed, {counts.remove} destroyed"


def _hooked(kind: str, hook: _Hook) -> Progress:
    address, action = hook.resource.addr[:LONGEST], hook.action[:32]
    seconds = f"{hook.elapsed_seconds:.0f} s"
    match kind:
        case "apply_start":
            return Progress(line=f"{address}: {_DOING.get(action, action)}")
        case "apply_progress":
            return Progress(line=f"{address}: still {_DOING.get(action, action)}, {seconds}")
        case "apply_complete":
            line = f"{address}: {_DONE.get(action, action)}, {seconds}"
            return Progress(line, address=address, action=action, result="applied")
        case "apply_errored":
            line = f"{address}: {action} failed after {seconds}"
            return Progress(line, address=address, action=action, result="failed")
        case "provision_start":
            return Progress(line=f"{address}: provisioning")
        case _:
            return _NOTHING


def _diagnosed(diagnostic: _Diagnostic) -> Progress:
    place = f" ({diagnostic.range.filename} line {diagnostic.range.start.line})" if diagnostic.range else ""
    about = f"{diagnostic.address}: " if diagnostic.address else ""
    text = f"{diagnostic.severity or 'note'}: {about}{diagnostic.summary}{place}"
    return Progress(line=" ".join(text.split())[:LONGEST], scrub=True, error=diagnostic.severity == "error")
