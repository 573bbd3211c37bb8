"""Fields that refer to other records: which records a value means, and which a record as it is shown. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema
from infratrack_netbox.shapes import CUSTOM, project

TYPED: Final = frozenset({"generic", "generics"})
"""Kinds of fields whose values say the type of what they refer to."""
LISTS: Final = frozenset({"references", "generics"})
"""Kinds of fields that refer to several records."""
REFERRING: Final = frozenset({"reference", "references", *TYPED})
"""Kinds of fields that refer to records."""


def identity_of(
    schema: ServerSchema, endpoint: Endpoint, row: Mapping[str, Any], key: Mapping[str, Any]
) -> dict[str, Any]:
    """What `Finder.identity` is of a key, of a record as the server shows it."""
    own: dict[str, Any] = {}
    for name, value in key.items():
        field = endpoint.fields.get(name)
        if field is None or field.kind not in REFERRING:
            own[name] = project(schema, endpoint.type, row, {name: value}).get(name)
        else:
            records = frozenset(one[:2] for one in referred_to(endpoint, field, name, row))
            own[name] = records if records or field.kind in LISTS else None
    return own


def meaning(field: FieldSchema, value: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The type that a reference in a field means, a custom field too, and what it says of the record."""
    if field.kind not in TYPED:
        return field.type, value
    return str(value.get("type", "")), {name: one for name, one in value.items() if name != "type"}


def referred_to(
    endpoint: Endpoint, field: FieldSchema, name: str, row: Mapping[str, Any]
) -> list[tuple[str, str, Any]]:
    """Type, id and what is shown of each record that a record's field refers to."""
    custom = row.get("custom_fields")
    if not name.startswith(CUSTOM):
        shown = row.get(name)
    else:
        shown = custom.get(name.removeprefix(CUSTOM)) if isinstance(custom, Mapping) else None
    found: list[tuple[Any, Any, Any]] = []
    if field.kind == "generic":
        pair = field.pair or name
        found = [(row.get(f"{pair}_type"), row.get(f"{pair}_id"), shown)]
    elif field.kind == "generics":
        found = [(one.get("object_type"), one.get("object_id"), one.get("object")) for one in mappings(shown)]
    else:
        several = shown if isinstance(shown, list) else [shown]
        found = [(field.type, one.get("id") if isinstance(one, Mapping) else one, one) for one in several]
    return [
        (type_name, str(id_), one)
        for type_name, id_, one in found
        if isinstance(type_name, str) and isinstance(id_, int) and not isinstance(id_, bool)
    ]


def shown_as(endpoint: Endpoint, name: str) -> tuple[str, ...]:
    """The names under which an answer shows a field: a generic reference is a type, an id and a record."""
    field = endpoint.fields.get(name)
    if field is None or field.kind != "generic":
        return (name,)
    pair = field.pair or name
    return (name, f"{pair}_type", f"{pair}_id")


def mappings(value: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 -- canonical JSON
    """A reference, or the references in a list."""
    several = value if isinstance(value, list | tuple) else [value]
    return [one for one in several if isinstance(one, Mapping)]
