"""What it takes to bring a deleted record back: its writable fields, references as people know records. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema
from infratrack_netbox.shapes import CUSTOM, Projection
from infratrack_netbox.values import lenient, unwrapped

_EMPTY: Final[tuple[Any, ...]] = (None, "", [], {})
_REFERRING: Final = frozenset({"reference", "references", "generics"})
_OWNERS: Final = ("device", "virtual_machine", "module", "rack")
_OWN_NAMES: Final = ("slug", "address", "prefix", "asn", "mac_address", "username", "cid", "rd")


def prior_fields(
    schema: ServerSchema,
    endpoint: Endpoint,
    row: Mapping[str, Any],
    gone: Collection[tuple[str, str]] = (),
    custom: Mapping[str, FieldSchema] = {},
) -> dict[str, Any]:
    """Field → canonical value, without what is empty, what the server decides, and references to what is `gone`.

    `custom`: what the custom fields hold, by their names.
    """
    found: dict[str, Any] = {}
    plain: dict[str, None] = {}
    pairs = {f"{field.pair}{end}" for field in endpoint.fields.values() if field.pair for end in ("_type", "_id")}
    for name, field in endpoint.fields.items():
        value = row.get(name)
        if (field.read_only and field.kind != "generic") or name in pairs or value in _EMPTY:
            continue
        if field.kind == "custom_fields":
            found |= _custom_fields(custom, value, gone)
        elif field.kind == "generic":
            found[name] = _typed(row.get(f"{field.pair or name}_type"), value)
        elif field.kind in _REFERRING:
            found[name] = _references(field, value, gone)
        else:
            plain[name] = None
    found |= Projection(schema, {}).record(endpoint.type, row, plain, {})
    return {name: value for name, value in found.items() if value not in _EMPTY}


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


def _custom_fields(
    custom: Mapping[str, FieldSchema], values: object, gone: Collection[tuple[str, str]]
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items() if isinstance(values, Mapping) else ():
        field = custom.get(name)
        if field is None:
            found[f"{CUSTOM}{name}"] = _by_its_looks(value)
        elif field.kind in _REFERRING:
            found[f"{CUSTOM}{name}"] = _references(field, value, gone)
        else:
            found[f"{CUSTOM}{name}"] = lenient(field, "", value)
    return found


def _by_its_looks(value: object) -> object:
    """The value of a custom field of which nothing is known."""
    if isinstance(value, list):
        return [natural_key(one) if _is_record(one) else unwrapped(one) for one in value]
    return natural_key(value) if isinstance(value, Mapping) and _is_record(value) else unwrapped(value)


def _is_record(value: object) -> bool:
    return isinstance(value, Mapping) and "id" in value


def _references(field: FieldSchema, value: object, gone: Collection[tuple[str, str]]) -> object:
    """What a field refers to, as people know it; None or nothing where that goes along."""
    if isinstance(value, list):
        ends = [one for one in value if isinstance(one, Mapping)]
        if field.kind == "generics":
            return [_typed(one.get("object_type"), one.get("object")) for one in ends]
        return [natural_key(one) for one in ends if (field.type, str(one.get("id"))) not in gone]
    there = isinstance(value, Mapping) and (field.type, str(value.get("id"))) not in gone
    return natural_key(value) if there and isinstance(value, Mapping) else None


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
