"""Live records in the shape of the desired side: a site desired as `{"slug": "ams1"}` is read as just that. Pure.

Records nested in an answer carry only a few of their fields. Where a shape needs more, the projection says which
records must be looked up (`missing`), and takes them from what is `known`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema
from infratrack_netbox.values import in_order, lenient, unwrapped

CUSTOM: Final = "custom_fields."
_PLAIN: Final = FieldSchema("json", nullable=True)
_ID: Final = FieldSchema("integer")

Known = Mapping[tuple[str, int], Mapping[str, Any]]
"""(type, id) → fields of a record that was looked up."""


class Shape(Struct, frozen=True):
    """What of a referred record is looked at."""

    names: Mapping[str, Shape | None] = {}
    """Of a reference: field → its own shape where it is a reference too."""
    types: Mapping[str, Shape] = {}
    """Of a generic reference: type → shape."""


class MixedShapes(Exception):
    """Records of one mapping name their references by different fields; they could not be compared with one reading."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def shapes_of(fields: Mapping[str, FieldSchema], wanted: Iterable[Mapping[str, Any]]) -> dict[str, Shape | None]:
    """Field → shape, over the canonical values of many records. `fields`: their schema. Raises MixedShapes."""
    found: dict[str, Shape | None] = {}
    for values in wanted:
        for name, value in values.items():
            shape = _shape(name, fields.get(name, _PLAIN), value)
            known = found.setdefault(name, shape)
            if shape != known:
                found[name] = _merged(name, known, shape)
    return found


def _shape(name: str, field: FieldSchema, value: object) -> Shape | None:
    if isinstance(value, list):
        shape = None
        for item in value:
            one = _shape(name, field, item)
            if one != shape:
                shape = _merged(name, shape, one)
        return shape
    if not isinstance(value, dict) or field.kind not in {"reference", "references", "generic", "generics"}:
        return None
    if field.kind in {"generic", "generics"}:
        inner = {inner: one for inner, one in value.items() if inner != "type"}
        return Shape(types={str(value.get("type")): _names(inner)})
    return _names(value)


def _names(value: Mapping[str, Any]) -> Shape:
    return Shape(names={name: _names(one) if isinstance(one, dict) else None for name, one in sorted(value.items())})


def _merged(name: str, one: Shape | None, other: Shape | None) -> Shape | None:
    """Two shapes of one field: generic ones side by side, others must name the same, or nothing where one is null."""
    if one is None or other is None:
        return one or other
    if bool(one.types) != bool(other.types) or (not one.types and one.names.keys() != other.names.keys()):
        raise MixedShapes(name)
    types: dict[str, Shape] = {**one.types, **other.types}
    for type_name in one.types.keys() & other.types.keys():
        types[type_name] = _merged(name, one.types[type_name], other.types[type_name]) or Shape()
    return Shape({inner: _merged(name, part, other.names[inner]) for inner, part in one.names.items()}, types)


def fields_to_ask(endpoint: Endpoint, names: Iterable[str]) -> list[str]:
    """What to put into `fields=` so that an answer holds all of these."""
    asked: list[str] = []
    for name in names:
        field = endpoint.fields.get(name, _PLAIN)
        asked += [f"{field.pair}_type"] if field.kind == "generic" else []
        asked.append("custom_fields" if name.startswith(CUSTOM) else name)
    return list(dict.fromkeys(asked))


class Projection:
    """Projects records, and notes what would have to be looked up for it."""

    def __init__(self, schema: ServerSchema, known: Known) -> None:
        self._schema = schema
        self._known = known
        self.missing: dict[str, tuple[set[int], set[str]]] = {}
        """Type → ids to look up and the fields needed of them."""

    def record(
        self,
        type_name: str,
        raw: Mapping[str, Any],
        shapes: Mapping[str, Shape | None],
        special: Mapping[str, FieldSchema],
    ) -> dict[str, Any]:
        """The fields named by the shapes, canonical. `special`: what is known about custom fields."""
        fields = self._schema.endpoint(type_name).fields
        custom = raw.get("custom_fields")
        found: dict[str, Any] = {}
        for name, shape in shapes.items():
            if name.startswith(CUSTOM):
                value = custom.get(name.removeprefix(CUSTOM)) if isinstance(custom, dict) else None
                found[name] = self._custom(special.get(name, _PLAIN), value, shape)
            else:
                found[name] = self._value(type_name, fields.get(name, _PLAIN), name, raw, shape)
        return found

    def _value(self, type_name: str, field: FieldSchema, name: str, raw: Mapping[str, Any], shape: Shape | None) -> Any:  # noqa: ANN401 -- any JSON value
        value = raw.get(name)
        if field.kind == "reference":
            return self.reference(field.type, value, shape)
        if field.kind == "references":
            items = value if isinstance(value, list) else []
            return in_order([self.reference(field.type, item, shape) for item in items])
        if field.kind == "generic":
            return self._generic(raw.get(f"{field.pair}_type"), value, shape)
        if field.kind == "generics":
            ends = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
            return in_order([self._generic(end.get("object_type"), _termination(end), shape) for end in ends])
        return lenient(field, f"{type_name}.{name}", value)

    def _custom(self, field: FieldSchema, value: object, shape: Shape | None) -> Any:  # noqa: ANN401 -- likewise
        if field.kind == "references":
            items = value if isinstance(value, list) else []
            return in_order([self.reference(field.type, item, shape) for item in items])
        if field.kind == "reference" or _is_nested(value):
            return self.reference(field.type, value, shape)
        return lenient(field, "", value)

    def reference(self, type_name: str, value: object, shape: Shape | None) -> Any:  # noqa: ANN401 -- likewise
        """A record as an answer shows it (or its id), in a shape; by its slug or id where it has none."""
        if value is None:
            return None
        nested = value if isinstance(value, dict) else {"id": value}
        names = shape.names if shape is not None else _default_names(nested)
        return {name: self._nested(type_name, nested, name, inner) for name, inner in names.items()}

    def _generic(self, type_name: object, value: object, shape: Shape | None) -> Any:  # noqa: ANN401 -- likewise
        if value is None or not isinstance(type_name, str):
            return None
        inner = shape.types.get(type_name) if shape is not None else None
        return {"type": type_name, **self.reference(type_name, value, inner)}

    def _nested(self, type_name: str, nested: Mapping[str, Any], name: str, shape: Shape | None) -> Any:  # noqa: ANN401 -- likewise
        id_ = nested.get("id")
        if name == "id":
            return lenient(_ID, "", id_)
        endpoint = self._schema.endpoints.get(type_name)
        field = endpoint.fields.get(name, _PLAIN) if endpoint else _PLAIN
        if name not in nested and isinstance(id_, int) and not isinstance(id_, bool) and endpoint:
            record = self._known.get((type_name, id_), {})
            if name not in record:
                ids, names = self.missing.setdefault(type_name, (set(), set()))
                ids.add(id_)
                names.add(name)
            nested = record
        return self._value(type_name, field, name, nested, shape)


def project(
    schema: ServerSchema, type_name: str, raw: Mapping[str, Any], wanted: Mapping[str, Any], known: Known | None = None
) -> dict[str, Any]:
    """One live record's fields in the shape of `wanted` (name → canonical value), as far as they are known."""
    shapes = shapes_of(schema.endpoint(type_name).fields, [wanted])
    return Projection(schema, known or {}).record(type_name, raw, shapes, {})


def version_of(raw: Mapping[str, Any]) -> str:
    """The ETag that the server gives for this state of a record; empty where it has no time of its last change.

    NetBox makes it of the instant in UTC as Python writes it, though it shows instants in its own time zone.
    """
    text = raw.get("last_updated") or raw.get("created")
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return ""
    if moment is None or moment.tzinfo is None:
        return ""
    return f'W/"{moment.astimezone(UTC).isoformat()}"'


def _termination(end: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON value
    """The record at a cable's end; some answers hold only its id."""
    nested = end.get("object")
    return nested if isinstance(nested, dict) else end.get("object_id")


def _default_names(nested: Mapping[str, Any]) -> dict[str, Shape | None]:
    """How a record is named of which nothing is desired: by its slug, or else by its id, so that it can be put back."""
    return {"slug": None} if isinstance(nested.get("slug"), str) else {"id": None}


def _is_nested(value: object) -> bool:
    """Whether it is a record, not a choice with a label or somebody's JSON."""
    return isinstance(value, dict) and {"id", "url", "display"} <= value.keys() and unwrapped(value) is value
