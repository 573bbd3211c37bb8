"""The shape of what a sync leaves as evidence: JSON Schema of `result`, with examples. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ACTIONS: Final = ("create", "adopt", "change", "delete", "bind")
OUTCOMES: Final = ("written", "failed", "moved", "unknown", "not_reached", "intended")

_COUNT: Final = {"type": "integer", "minimum": 0}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
_FIELD: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "before": {"description": "The value there was; absent: not known, or there was none."},
        "after": {
            "description": "`written`: the value, read again after the write. Else the value that it was to become.",
        },
        "add": {"description": "Items that were added to a list.", "type": "array"},
        "remove": {"description": "Items that were taken out of a list.", "type": "array"},
    },
    "required": ["name"],
    "additionalProperties": False,
}
_RECORD: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "One record that was written, or bound: known by its id from now on, without a write.",
    "properties": {
        "type": {"type": "string"},
        "id": {"description": "The CMDB's id; null: not known.", "type": ["string", "null"]},
        "key": {"description": "The natural key that it was found by.", "type": "object"},
        "action": {"enum": list(ACTIONS)},
        "outcome": {
            "description": "`intended`: nobody saw the end, it may have been written. `unknown`: the answer was lost.",
            "enum": list(OUTCOMES),
        },
        "fields": {"type": "array", "items": _FIELD},
        "requests": {"description": "The server's ids of the requests that wrote it.", **_TEXTS},
        "reason": {"type": "string"},
        "children": {
            "description": "What the server made by itself along with it.",
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"type": {"type": "string"}, "id": {"type": "string"}, "display": {"type": "string"}},
                "required": ["type", "id", "display"],
                "additionalProperties": False,
            },
        },
        "prior": {"description": "Of a delete: what a create needs to bring it back.", "type": "object"},
        "version": {"description": "The record's version after the write.", "type": "string"},
        "owned": {"description": "false: bound although it does not carry the project's mark.", "const": False},
    },
    "required": ["type", "id", "key", "action", "outcome", "fields"],
    "additionalProperties": False,
}
_SOURCE: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "source": {"type": "string"},
        "items": _COUNT,
        "complete": {"type": "boolean"},
        "reason": {"type": "string"},
        "facts": {"type": "object"},
    },
    "required": ["source", "items", "complete"],
    "additionalProperties": False,
}
_SUMMARY: Final = ("create", "adopt", "change", "delete", "conflict", "unmanaged", "same")
EXAMPLE: Final[Mapping[str, Any]] = {
    "cmdb": "netbox",
    "identity": "netbox http://netbox.example",
    "server": {"version": "4.7.3"},
    "mode": "apply",
    "undoes": None,
    "planDigest": "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "summary": {
        "create": 1, "adopt": 0, "change": 1, "delete": 0, "conflict": 1, "unmanaged": 0, "same": 12,
    },
    "sources": [{"source": "terraform output devices of infra", "items": 15, "complete": True, "facts": {"serial": 7}}],
    "notes": [],
    "requests": ["6f2c1f0e-7b3a-4d52-9f0a-0d8f2f6f9d11"],
    "records": [
        {
            "type": "dcim.device",
            "id": "17",
            "key": {"name": "leaf-1"},
            "action": "create",
            "outcome": "written",
            "fields": [{"name": "status", "after": "active"}, {"name": "site", "after": {"slug": "ams1"}}],
            "requests": ["6f2c1f0e-7b3a-4d52-9f0a-0d8f2f6f9d11"],
            "children": [{"type": "dcim.interface", "id": "40", "display": "eth0"}],
            "version": "2026-01-05T09:30:00.000000Z",
        },
        {
            "type": "dcim.device",
            "id": "9",
            "key": {"name": "leaf-0"},
            "action": "change",
            "outcome": "written",
            "fields": [{"name": "status", "before": "planned", "after": "active"}],
            "requests": ["6f2c1f0e-7b3a-4d52-9f0a-0d8f2f6f9d11"],
        },
    ],
}  # fmt: skip


def result_schema(predicate_type: str) -> Mapping[str, Any]:
    """The JSON Schema of `result` for one CMDB's kind of evidence."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": predicate_type.replace("urn:infratrack:", "urn:infratrack:schema:", 1),
        "title": "CMDB sync",
        "description": (
            "What one sync wrote to a CMDB, record by record: what there was, what there is now (read again after the"
            " write), and the server's ids of the requests. What was left alone is only counted."
        ),
        "type": "object",
        "properties": {
            "cmdb": {"description": "The reconciler's name.", "type": "string"},
            "identity": {"description": "Which CMDB it is, without credentials.", "type": "string"},
            "server": {"description": "Its version, and what else the reconciler says of it.", "type": "object"},
            "mode": {"enum": ["apply", "undo"]},
            "undoes": {"description": "The run that was taken back.", "type": ["string", "null"]},
            "planDigest": {
                "description": "SHA-256 of the plan that was shown and carried out.",
                "type": "string",
                "pattern": "^sha256:[0-9a-f]{64}$",
            },
            "summary": {
                "description": "How many records the plan had under each action.",
                "type": "object",
                "properties": dict.fromkeys(_SUMMARY, _COUNT),
                "required": list(_SUMMARY),
                "additionalProperties": False,
            },
            "sources": {"type": "array", "items": _SOURCE},
            "notes": _TEXTS,
            "requests": {"description": "The server's ids of all requests that wrote.", **_TEXTS},
            "records": {"type": "array", "items": _RECORD},
        },
        "required": ["cmdb", "identity", "mode", "planDigest", "summary", "records"],
        "additionalProperties": False,
        "examples": [EXAMPLE],
    }
