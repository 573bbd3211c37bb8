"""What it takes to bring a deleted record back: its writable fields, references as people know records. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema
from infratrack_netbox.shapes import project
from infratrack_netbox.values import unwrapped

_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_OWNERS: Final = ("device", "virtual_machine", "module", "rack")
_OWN_NAMES: Final = ("slug", "address", "prefix", "asn", "mac_address", "username", "cid", "rd")


def prior_fields(
    schema: ServerSchema, endpoint: Endpoint, row: Mapping[str, Any], gone: Collection[tuple[str, str]] = ()
) -> dict[str, Any]:
    """Field → canonical value, without what is empty, what the server decides, and references to what is `gone`."""
    wanted: dict[str, Any] = {}
    pairs = {f"{field.pair}{end}" for field in endpoint.fields.values() if field.pair for end in ("_type", "_id")}
    for name, field in endpoint.fields.items():
        value = row.get(name)
        if (field.read_only and field.kind != "generic") or name in pairs or value in _EMPTY:
            continue
        if isinstance(value, Mapping) and (field.type, str(value.get("id"))) in gone:
            continue
        if field.kind == "custom_fields":
            wanted |= _custom_fields(value)
        else:
            wanted[name] = _like(field, name, value, row)
    live = project(schema, endpoint.type, row, wanted)
    live |= {name: value for name, value in wanted.items() if name.startswith("custom_fields.") and value is not None}
    return {name: value for name, value in live.items() if value not in _EMPTY}


def emptied_by(
    endpoint: Endpoint,
    row: Mapping[str, Any],
    expected: Mapping[str, Any],
    deleted: Mapping[str, Sequence[Mapping[str, Any]]],
) -> dict[str, Any]:
    """The references of a record that are empty only because of what the same run deleted before: type → records."""
    found: dict[str, Any] = {}
    for name, value in expected.items():
        field = endpoint.fields.get(name)
        if field is None or not isinstance(value, Mapping) or row.get(name, value) is not None:
            continue
        if any(value.items() <= one.items() for one in deleted.get(field.type, ())):
            found[name] = value
    return found


def _custom_fields(value: object) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        return {}
    named = {f"custom_fields.{name}": one for name, one in value.items() if one not in _EMPTY}
    return {name: natural_key(one) if _is_record(one) else _items(one) for name, one in named.items()}


def _items(value: object) -> object:
    if isinstance(value, list):
        return [natural_key(one) if _is_record(one) else unwrapped(one) for one in value]
    return None


def _is_record(value: object) -> bool:
    return isinstance(value, Mapping) and "id" in value


def _like(field: FieldSchema, name: str, value: object, row: Mapping[str, Any]) -> object:
    """A value in the shape that the field is to be told in; None for what has no shape of its own."""
    if field.kind == "reference":
        return natural_key(value) if isinstance(value, Mapping) else None
    if field.kind == "references":
        return [natural_key(one) for one in value if isinstance(one, Mapping)] if isinstance(value, list) else None
    if field.kind == "generic":
        return _typed(row.get(f"{field.pair or name}_type"), value)
    if field.kind == "generics" and isinstance(value, list):
        ends = [one for one in value if isinstance(one, Mapping)]
        return [_typed(one.get("object_type"), one.get("object")) for one in ends]
    return None


def _typed(type_name: object, record: object) -> dict[str, Any] | None:
    if not isinstance(type_name, str) or not isinstance(record, Mapping):
        return None
    return {"type": type_name, **natural_key(record)}


def natural_key(record: Mapping[str, Any]) -> dict[str, Any]:
    """What people know a nested record by; its id where it shows nothing of the kind."""
    for name in _OWN_NAMES:
        if record.get(name) not in _EMPTY:
            return {name: record[name]}
    if record.get("name") in _EMPTY:
        return {"id": record.get("id")}
    owner = next((name for name in _OWNERS if isinstance(record.get(name), Mapping)), None)
    named = {"name": record["name"]}
    return named if owner is None else {owner: natural_key(record[owner]), **named}
