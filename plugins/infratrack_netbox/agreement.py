"""Whether records say what criteria want, in one spelling of values on both sides. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from infratrack.api import InputError
from infratrack_netbox.arrangement import spelled
from infratrack_netbox.custom_fields import Definitions
from infratrack_netbox.findings import member
from infratrack_netbox.reads import Unanswerable
from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema, nearest
from infratrack_netbox.shapes import CUSTOM, fields_to_ask, project
from infratrack_netbox.values import BadValue, canonical, in_order


class Agreement:
    """What records of one server look like, and whether they say what is wanted."""

    def __init__(self, schema: ServerSchema, custom: Definitions | None = None) -> None:
        """`custom`: the server's custom fields; None where the token may not read them."""
        self._schema = schema
        self._custom = custom

    def wanted(self, type_name: str, fields: Mapping[str, Any], origin: str) -> dict[str, Any]:
        """Wanted values in their one spelling; custom fields by `custom_fields.NAME`.

        InputError (where it stands: `origin`) for a field that the type does not have, and for a value that it cannot
        hold or that NetBox does not show.
        """
        endpoint = self._schema.endpoint(type_name)
        found: dict[str, Any] = {}
        for name, value in _flat(fields):
            field = self._field(endpoint, name, origin)
            try:
                found[name] = self._value(field, f"{type_name}.{name}", value, field.brief)
            except BadValue as error:
                raise InputError(f"{origin}: {type_name}.{name}: {error.message}", error.hint) from error
        return found

    def shown(self, type_name: str, names: Iterable[str]) -> frozenset[str]:
        """Which fields have to be asked for, so that these can be compared."""
        return frozenset(fields_to_ask(self._schema.endpoint(type_name), names))

    def finds(self, type_name: str) -> frozenset[str]:
        """The filters by which records of the type can be found."""
        return self._schema.endpoint(type_name).filters

    def differ(self, type_name: str, wanted: Mapping[str, Any], row: Mapping[str, Any]) -> list[tuple[str, Any]]:
        """The wanted fields of which the record says something else, each with what it says.

        Raises Unanswerable when the answer does not show what would have to be compared.
        """
        endpoint = self._schema.endpoint(type_name)
        for name, value in wanted.items():
            _check_shown(endpoint, name, value, row)
        live = project(self._schema, type_name, row, wanted)
        return [(name, live.get(name)) for name, value in wanted.items() if spelled(live.get(name)) != spelled(value)]

    def _field(self, endpoint: Endpoint, name: str, origin: str) -> FieldSchema:
        inner = name.removeprefix(CUSTOM)
        if inner == name or self._custom is None:
            return endpoint.field(name)
        known = self._custom.get(endpoint.type, {})
        if inner not in known:
            raise InputError(f"{origin}: {endpoint.type} has no custom field {inner!r}", nearest(inner, known))
        return known[inner]

    def _value(self, field: FieldSchema, place: str, value: Any, brief: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- JSON
        if field.kind in {"references", "generics"} and isinstance(value, list):
            return in_order([self._reference(field, place, item, brief) for item in value])
        if field.kind in {"reference", "generic"} and value is not None:
            return self._reference(field, place, value, brief)
        return canonical(field, place, value)

    def _reference(self, field: FieldSchema, place: str, value: Any, brief: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 -- JSON
        generic = field.kind in {"generic", "generics"}
        if not isinstance(value, Mapping) or (generic and not isinstance(value.get("type"), str)):
            example = "{type: dcim.site, slug: ams1}" if generic else "{slug: ams1}"
            raise BadValue("it refers to a record", f"name the record by a field of its own: {example}")
        type_name = value["type"] if generic else field.type
        endpoint = self._schema.endpoint(type_name) if type_name else None
        found: dict[str, Any] = {"type": type_name} if generic else {}
        for name, inner in value.items():
            if generic and name == "type":
                continue
            if not generic and brief and name not in brief:
                raise BadValue(f"NetBox does not show {name!r} of what it refers to", nearest(name, brief))
            nested = endpoint.field(name) if endpoint else FieldSchema("json")
            found[name] = self._value(nested, f"{type_name}.{name}", inner, member(brief, name) or {})
        return found


def _flat(fields: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """Fields with each custom field as one of its own."""
    found: list[tuple[str, Any]] = []
    for name, value in fields.items():
        if name == "custom_fields" and isinstance(value, Mapping):
            found += [(f"{CUSTOM}{inner}", one) for inner, one in value.items()]
        else:
            found.append((name, value))
    return found


def _check_shown(endpoint: Endpoint, name: str, value: Any, row: Mapping[str, Any]) -> None:  # noqa: ANN401 -- JSON
    """Raise Unanswerable where the record does not show a custom field, or a generic reference's wanted members."""
    if name.startswith(CUSTOM):
        custom = row.get("custom_fields")
        if not isinstance(custom, Mapping) or name.removeprefix(CUSTOM) not in custom:
            raise Unanswerable(
                f"{endpoint.type} has no custom field {name.removeprefix(CUSTOM)} that the token can see"
            )
        return
    if name not in row:
        raise Unanswerable(f"NetBox does not show {name} of {endpoint.type}")
    live = row[name]
    if endpoint.field(name).kind == "generic" and isinstance(value, Mapping) and isinstance(live, Mapping):
        hidden = sorted(value.keys() - live.keys() - {"type"})
        if hidden and row.get(f"{endpoint.field(name).pair}_type") == value.get("type"):
            raise Unanswerable(f"NetBox does not show {', '.join(hidden)} of {endpoint.type}.{name}")
