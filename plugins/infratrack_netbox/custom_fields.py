"""Custom fields as their definitions on the server say. Pure, but for the one list that is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from infratrack.api import InfratrackError
from infratrack_netbox.server_schema import FieldSchema, Kind
from infratrack_netbox.values import unwrapped

if TYPE_CHECKING:
    from infratrack_netbox.client import NetBoxClient

_PATH: Final = "/api/extras/custom-fields/"
_KINDS: Final[Mapping[str, Kind]] = {
    "text": "text",
    "longtext": "text",
    "url": "text",
    "integer": "integer",
    "decimal": "number",
    "boolean": "boolean",
    "date": "date",
    "datetime": "datetime",
    "json": "json",
    "select": "choice",
    "multiselect": "list",
    "object": "reference",
    "multiobject": "references",
}

Definitions = Mapping[str, Mapping[str, FieldSchema]]
"""Type → name of the custom field → what it holds."""


def read_definitions(client: NetBoxClient) -> Definitions | None:
    """All custom fields of the server; None where the token may not read them."""
    names = ("name", "type", "object_types", "related_object_type", "required")
    try:
        return definitions_of(client.list(_PATH, fields=names))
    except InfratrackError:
        return None


def definitions_of(rows: Iterable[Mapping[str, Any]]) -> Definitions:
    """Definitions as the server lists them; hostile or unknown ones hold any JSON."""
    found: dict[str, dict[str, FieldSchema]] = {}
    for row in rows:
        name, types, related = row.get("name"), row.get("object_types"), row.get("related_object_type")
        if not isinstance(name, str) or not isinstance(types, list):
            continue
        kind = _KINDS.get(str(unwrapped(row.get("type"))), "json")
        field = FieldSchema(kind, nullable=True, type=related if isinstance(related, str) else "")
        for type_name in types:
            if isinstance(type_name, str):
                found.setdefault(type_name, {})[name] = field
    return found
