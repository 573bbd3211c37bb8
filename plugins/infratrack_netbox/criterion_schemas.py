"""What the parameters of the criteria on NetBox may be, as JSON Schemas. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

_NAME: Final[dict[str, Any]] = {"type": "string", "pattern": "^[^\\x00-\\x1f\\x7f]+$", "maxLength": 200}
_TYPE: Final[dict[str, Any]] = {
    "description": "The kind of record, as NetBox names it: `dcim.device`, `ipam.prefix`.",
    "type": "string",
    "pattern": "^[a-z][a-z0-9_]*\\.[a-z][a-z0-9_]*$",
}
_VALUE: Final[dict[str, Any]] = {"type": ["string", "number", "boolean"]}
_FILTER: Final[dict[str, Any]] = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
    "additionalProperties": {"anyOf": [_VALUE, {"type": "array", "items": _VALUE, "minItems": 1, "maxItems": 100}]},
}
_FIELDS: Final[dict[str, Any]] = {"type": "object", "minProperties": 1}
_SITE: Final[dict[str, Any]] = _NAME | {
    "description": "The slug of the device's site, where its name alone does not tell which it is."
}
_ABOUT_THE_LOOK: Final[Mapping[str, Any]] = {
    "canary": _FILTER
    | {
        "description": "A filter that always finds a record of the type. If it does, what is not found counts as "
        "not there, though the token may not see everything.",
        "minProperties": 1,
    },
    "server": {
        "description": "Only looks at this server count, by its address: https://netbox.example.",
        "type": "string",
        "pattern": "^https?://[^\\x00-\\x20@*]+$",
    },
    "within": {"description": "How old the look at NetBox may be: 12h, 7d.", "type": "string", "minLength": 1},
    "keep": {"description": "Keep `within` counting after acceptance.", "type": "boolean"},
}


def _schema(
    description: str,
    properties: Mapping[str, Any],
    examples: Sequence[Mapping[str, Any]],
    required: Sequence[str],
    **rules: Any,  # noqa: ANN401 -- any keyword of JSON Schema
) -> Mapping[str, Any]:
    return {
        "description": description,
        "type": "object",
        "properties": {**properties, **_ABOUT_THE_LOOK},
        "required": list(required),
        **rules,
        "additionalProperties": False,
        "examples": list(examples),
    }


RECORD_SCHEMA: Final = _schema(
    "Records are in NetBox, as many as there should be, and each says what it should.",
    {
        "type": _TYPE,
        "filter": _FILTER | {"description": "Which records: filters of NetBox's API; a list means any of its values."},
        "count": {"description": "Exactly so many records.", "type": "integer", "minimum": 0},
        "min": {"description": "At least so many records; left out with `count`: 1.", "type": "integer", "minimum": 1},
        "fields": _FIELDS
        | {
            "description": "What each record says: choices by value, records by a field of theirs "
            "(`site: {slug: ams1}`), custom fields as `custom_fields.NAME`."
        },
        "tags": {
            "description": "Tags that each record carries, by slug; others may be there too.",
            "type": "array",
            "items": _NAME,
            "minItems": 1,
        },
    },
    [
        {"type": "dcim.device", "filter": {"site": "ams1", "role": "leaf"}, "count": 4, "fields": {"status": "active"}},
        {
            "type": "ipam.vlan",
            "filter": {"vid": [100, 200]},
            "min": 2,
            "fields": {"site": {"slug": "ams1"}, "custom_fields.owner_team": "net"},
            "tags": ["prod"],
            "within": "7d",
        },
    ],
    ["type"],
    **{"not": {"required": ["count", "min"]}},
)
CABLED_SCHEMA: Final = _schema(
    "Interfaces are connected: the path of cables from each is complete, and every cable on it has the status "
    "`connected`.",
    {
        "device": _NAME | {"description": "The device's name."},
        "site": _SITE,
        "interface": _NAME | {"description": "The interface's name."},
        "interfaces": {
            "description": "The names of several interfaces.",
            "type": "array",
            "items": _NAME,
            "minItems": 1,
            "maxItems": 100,
        },
        "to": {
            "description": "What is at the far end; left out: anything.",
            "type": "object",
            "properties": {"device": _NAME, "interface": _NAME},
            "required": ["device"],
            "additionalProperties": False,
        },
    },
    [
        {"device": "core-1", "interface": "eth0", "to": {"device": "core-2", "interface": "eth0"}},
        {"device": "leaf-1", "site": "ams1", "interfaces": ["uplink1", "uplink2"]},
    ],
    ["device"],
    oneOf=[{"required": ["interface"]}, {"required": ["interfaces"]}],
)
PRIMARY_IP_SCHEMA: Final = _schema(
    "Devices or virtual machines have a primary address, and it is assigned to an interface of their own.",
    {
        "device": _NAME | {"description": "The device's name."},
        "vm": _NAME | {"description": "The virtual machine's name."},
        "site": _SITE,
        "filter": _FILTER | {"description": "All of these, at least one: filters of NetBox's API.", "minProperties": 1},
        "type": {
            "description": "Of what `filter` is about; left out: dcim.device.",
            "enum": ["dcim.device", "virtualization.virtualmachine"],
        },
        "family": {"description": "Which primary address: 4 or 6; left out: either.", "enum": [4, 6]},
        "address": _NAME | {"description": "The address, with or without its prefix length."},
        "prefix": _NAME | {"description": "A prefix in which the address lies: 10.0.0.0/24."},
    },
    [
        {"device": "core-1", "family": 4, "prefix": "10.0.0.0/24"},
        {"vm": "ns1", "address": "2001:db8::53"},
        {"filter": {"site": "ams1", "role": "leaf"}},
    ],
    [],
    oneOf=[{"required": ["device"]}, {"required": ["vm"]}, {"required": ["filter"]}],
    dependentRequired={"type": ["filter"]},
)
RACK_SCHEMA: Final = _schema(
    "A device stands where it should, and is fed by the power feeds that it should be.",
    {
        "device": _NAME | {"description": "The device's name."},
        "site": _SITE,
        "rack": _NAME | {"description": "The rack's name."},
        "unit": {"description": "The lowest rack unit that it takes.", "type": "number", "exclusiveMinimum": 0},
        "face": {"description": "The rack face that it is mounted on.", "enum": ["front", "rear"]},
        "power_feed": {
            "description": "The name of a power feed, or of several, that reach it over cables (also through PDUs).",
            "anyOf": [_NAME, {"type": "array", "items": _NAME, "minItems": 1, "maxItems": 16}],
        },
    },
    [
        {"device": "core-1", "rack": "R101", "unit": 40, "face": "front"},
        {"device": "core-1", "site": "ams1", "rack": "R101", "power_feed": ["feed-a", "feed-b"]},
    ],
    ["device", "rack"],
)
MATCHES_SCHEMA: Final = _schema(
    "For every item of a source (Terraform outputs or resources) there is one record, and it agrees field by field.",
    {
        "type": _TYPE,
        "each": {
            "description": "The source: `terraform.output.NAME`, or a file, as in a mapping under `cmdb`.",
            "anyOf": [
                _NAME,
                {
                    "type": "object",
                    "properties": {"file": _NAME, "list": _NAME},
                    "required": ["file"],
                    "additionalProperties": False,
                },
            ],
        },
        "where": _NAME | {"description": "Only items of which this comes to true: `{status == 'active'}`."},
        "from": {"description": "Where the source is, as in a mapping under `cmdb`.", "type": "object"},
        "key": _FIELDS | {"description": "How an item's record is found: field → template."},
        "fields": _FIELDS | {"description": "What the record says: field → template."},
        "filter": _FILTER
        | {"description": "Which records to look among; left out: those that the key tells.", "minProperties": 1},
    },
    [
        {
            "type": "dcim.device",
            "each": "terraform.output.devices",
            "key": {"name": "{name}"},
            "fields": {"site": {"slug": "{site}"}, "status": "active", "serial": "{serial}"},
        },
    ],
    ["type", "each", "key", "fields"],
)
CHANGED_BY_RUN_SCHEMA: Final = _schema(
    "The last change of each record was made by a run of this project: its request is in signed evidence.",
    {
        "type": _TYPE,
        "filter": _FILTER
        | {"description": "Which records, at least one: filters of NetBox's API.", "minProperties": 1},
    },
    [{"type": "dcim.device", "filter": {"site": "ams1", "role": "leaf"}, "within": "1d"}],
    ["type", "filter"],
)
