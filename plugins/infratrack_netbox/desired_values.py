"""One desired value in its canonical form, references included. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infratrack_netbox.server_schema import FieldSchema, ServerSchema, nearest
from infratrack_netbox.values import BadValue, canonical, in_order

_ID: Final = FieldSchema("integer")
_DEEPEST: Final = 6
"""Levels of references by which a record may be named."""


def desired_value(schema: ServerSchema, field: FieldSchema, place: str, value: object, levels: int = _DEEPEST) -> Any:  # noqa: ANN401 -- any JSON value
    """The value in its one spelling: `shapes.project` gives live values in the same. BadValue says what is wrong.

    `place`: type and field, `ipam.ipaddress.address`. References are mappings of what the record is found by.
    """
    if field.kind in {"references", "generics"}:
        if value is None:
            return []
        if not isinstance(value, list):
            raise BadValue("it is no list", "write a list of mappings: [{slug: ams1}]")
        return in_order([_reference(schema, field, item, levels) for item in value])
    if field.kind in {"reference", "generic"}:
        return None if value is None else _reference(schema, field, value, levels)
    return canonical(field, place, value)


def _reference(schema: ServerSchema, field: FieldSchema, value: object, levels: int) -> dict[str, Any]:
    """A record by its natural key, or by its id; a generic one says its type too."""
    generic = field.kind in {"generic", "generics"}
    if isinstance(value, int) and not isinstance(value, bool) and not generic:
        value = {"id": value}
    if not isinstance(value, dict) or not value or not levels:
        example = "{type: dcim.interface, device: {name: sw1}, name: eth0}" if generic else "{slug: ams1}"
        raise BadValue("it does not name a record", f"write the fields that it is found by: {example}")
    if not generic:
        return _named(schema, field.type, value, levels)
    type_name = value.get("type")
    names = {name: inner for name, inner in value.items() if name != "type"}
    if not isinstance(type_name, str) or type_name not in schema.endpoints:
        raise BadValue("it does not say the type of the record", nearest(str(type_name), schema.endpoints))
    if not names:
        raise BadValue("it says a type and no record", "write the fields that it is found by as well")
    return {"type": type_name, **_named(schema, type_name, names, levels)}


def _named(schema: ServerSchema, type_name: str, value: Mapping[str, Any], levels: int) -> dict[str, Any]:
    endpoint = schema.endpoints.get(type_name)
    if endpoint is None:  # the server does not say what it refers to
        return {str(name): inner for name, inner in sorted(value.items())}
    found: dict[str, Any] = {}
    for name, inner in sorted(value.items()):
        field = _ID if name == "id" else endpoint.fields.get(name)
        if field is None:
            raise BadValue(f"{type_name} has no field {name!r} to be found by", nearest(name, endpoint.fields))
        found[name] = desired_value(schema, field, f"{type_name}.{name}", inner, levels - 1)
    return found
