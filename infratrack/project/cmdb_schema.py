"""The part `cmdb` of the project file's JSON Schema: which records a CMDB should hold, and where they come from."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from infratrack.project.schema_parts import NEVER, PATH_AT_MOST, Schema, list_of, mapping, ref

RECORDS_AT_MOST: Final = 1_000
"""Mappings of one CMDB."""
_TEXT_AT_MOST: Final = 200
_PERCENT: Final[Schema] = {"type": "number", "minimum": 0, "maximum": 100}
_COUNT: Final[Schema] = {"type": "integer", "minimum": 0}


def cmdb_definitions(sources: Iterable[str], needing_from: Iterable[str]) -> Schema:
    """Definitions of mappings and bounds; `sources` by name, and those of them that need parameters (`from`)."""
    return {
        "record": _record(sorted(sources), frozenset(needing_from)),
        "record-each": _each(),
        "max-deletes": {
            "title": "a number of records, a share such as `5%`, or {records, percent}",
            "description": "Above how many deletes nothing at all is deleted; 10 records or 5 % unless said otherwise.",
            "type": ["integer", "string", "object"],
            "minimum": 0,
            "pattern": "^(100|[0-9]{1,2})([.][0-9]{1,3})?%$",
            "properties": {
                "records": {**_COUNT, "description": "This many are always allowed."},
                "percent": {**_PERCENT, "description": "As is this share of the records that are bound."},
            },
            "minProperties": 1,
            "additionalProperties": False,
            "examples": [25, "5%", {"records": 10, "percent": 5}],
        },
    }


def with_records(schema: Schema) -> Schema:
    """A reconciler's own settings, and what every CMDB has besides."""
    ours = {
        "records": list_of(ref("record"), "Which records it should hold.", maxItems=RECORDS_AT_MOST),
        "max_deletes": ref("max-deletes"),
    }
    return {**schema, "properties": {**schema.get("properties", {}), **ours}}


def _record(sources: list[str], needing_from: frozenset[str]) -> Schema:
    return mapping(
        "a record mapping",
        {
            "type": {
                "title": "a type of record",
                "description": "The type of the records, as the CMDB calls it.",
                "type": "string",
                "minLength": 1,
                "maxLength": _TEXT_AT_MOST,
                "examples": ["dcim.device", "ipam.prefix"],
            },
            "each": ref("record-each", "What there is a record for: every item of this source."),
            "from": {
                "title": "parameters of the source",
                "description": "Where the source is to look: the source's own parameters.",
                "type": ["object", "null"],
            },
            "where": {
                "title": "a template that comes to true or false",
                "description": "Only items for which it is true.",
                "type": "string",
                "minLength": 1,
                "examples": ["{status != 'planned'}"],
            },
            "key": {
                "title": "the key of a record",
                "description": "What a record is found by: fields and templates that name it and no other.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": _field_name(),
                "examples": [{"name": "{name}"}],
            },
            "fields": {
                "title": "the fields of a record",
                "description": "What this project decides of the record. A template that comes to null clears a field.",
                "type": "object",
                "propertyNames": _field_name(),
                "examples": [{"site": {"slug": "{site}"}, "status": "active"}],
            },
            "within": {
                "title": "filters of the CMDB",
                "description": "Which part of the CMDB is looked at, by its own filters; all of the type if left out.",
                "type": "object",
                "minProperties": 1,
                "examples": [{"site": "ams1"}],
            },
        },
        ("type", "each", "key"),
        allOf=[
            _parameters_where({"type": ["object", "array"]}, NEVER, required=False),
            *(
                _parameters_where(
                    {"type": "string", "pattern": f"^{re.escape(name)}([.]|$)"},
                    ref(f"source-{name}"),
                    required=name in needing_from,
                )
                for name in sources
            ),
        ],
        examples=[
            {
                "type": "dcim.device",
                "each": {"file": "devices.csv"},
                "key": {"name": "{name}"},
                "fields": {"site": {"slug": "{site}"}, "status": "active"},
            }
        ],
    )


def _field_name() -> Schema:
    return {"title": "the name of a field", "type": "string", "minLength": 1, "maxLength": _TEXT_AT_MOST}


def _parameters_where(each: Schema, parameters: Any, *, required: bool) -> Schema:  # noqa: ANN401 -- a JSON Schema
    """What `from` must be where `each` is such a thing."""
    then = {"title": "a record mapping", "properties": {"from": parameters}}
    if required:
        then["required"] = ["from"]
    return {"if": {"properties": {"each": each}, "required": ["each"]}, "then": then}


def _each() -> Schema:
    return {
        "title": "a source",
        "anyOf": [
            {
                "title": "a source and what is wanted of it",
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_-]*([.][A-Za-z0-9_-]+)*$",
                "maxLength": _TEXT_AT_MOST,
                "examples": ["terraform.output.devices"],
            },
            mapping(
                "a file",
                {
                    "file": {
                        "title": "a path inside the project folder (.csv, .yaml, .yml or .json)",
                        "description": "The file that lists the items.",
                        "type": "string",
                        "minLength": 1,
                        "maxLength": PATH_AT_MOST,
                        "pattern": "[.]([cC][sS][vV]|[yY][aA]?[mM][lL]|[jJ][sS][oO][nN])$",
                        "examples": ["racks.csv", "plan.yaml"],
                    },
                    "list": {
                        "title": "the name of a list in the file",
                        "description": "Where in a YAML or JSON file the list stands: names joined by dots.",
                        "type": "string",
                        "minLength": 1,
                        "maxLength": _TEXT_AT_MOST,
                        "examples": ["racks"],
                    },
                },
                ("file",),
            ),
            list_of({"title": "an item", "type": "object"}, "The items themselves.", maxItems=10_000),
        ],
        "examples": ["terraform.output.devices", {"file": "racks.csv"}, [{"name": "sw1"}]],
    }
