"""Records as they are against records as they should be: the fields concerned, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from infratrack_netbox.arrangement import spelled
from infratrack_netbox.exchange import plain
from infratrack_netbox.references import Finder
from infratrack_netbox.referring import LISTS, REFERRING, TYPED, mappings, meaning, referred_to, shown_as
from infratrack_netbox.server_schema import Endpoint, FieldSchema
from infratrack_netbox.shapes import CUSTOM, MixedShapes, Projection, Shape, shapes_of
from infratrack_netbox.values import in_order

_IDS_A_REQUEST: Final = 200
_ALWAYS: Final = ("id", "display", "last_updated", "created")
_LONGEST_VALUE: Final = 60


class Lists(Protocol):
    """What is needed of the client."""

    def list(
        self, path: str, filters: Sequence[tuple[str, str]] = (), *, fields: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Every record that matches."""


def rows_by_id(
    client: Lists, endpoint: Endpoint, ids: Sequence[str], names: Iterable[str] | None
) -> dict[str, dict[str, Any]]:
    """Id → record, of those that are there. `names`: the fields to show; None: all."""
    shown: list[str] = []
    if names is not None:
        tops = sorted({name if name in endpoint.fields else name.partition(".")[0] for name in names})
        shown = [*dict.fromkeys([*_ALWAYS, *(part for name in tops for part in shown_as(endpoint, name))])]
    rows: dict[str, dict[str, Any]] = {}
    for start in range(0, len(ids), _IDS_A_REQUEST):
        filters = [("id", one) for one in ids[start : start + _IDS_A_REQUEST]]
        rows.update({str(row.get("id")): row for row in client.list(endpoint.path, filters, fields=shown)})
    return rows


def values_of(endpoint: Endpoint, finder: Finder, row: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The record's values for the wanted fields, in the shape of the wanted values.

    A reference that means the same record has the wanted value's spelling, even where the answer shows less of it.
    What else the record refers to is looked up as far as the shape needs it.
    """
    return {name: _value(endpoint, finder, row, name, value) for name, value in wanted.items()}


def left_alone(
    endpoint: Endpoint, finder: Finder, row: Mapping[str, Any], name: str, touched: Sequence[Any]
) -> list[Any]:
    """The items of a record's list but for the touched ones: references by the ids that they have."""
    field = finder.field(endpoint, name)
    if field is None or field.kind not in REFERRING:
        live = _value(endpoint, finder, row, name, [*touched])
        return without(live if isinstance(live, list | tuple) else (), touched)
    means = _meant(finder, field, touched)
    others = [one for one in referred_to(endpoint, field, name, row) if one[:2] not in means]
    if len(means) < len(touched):  # what has no id is told by how it reads
        spellings = {spelled(one) for one in touched}
        shape = _shape(name, field, touched)
        others = [one for one in others if spelled(_described(finder, field, shape, *one)) not in spellings]
    return [{"type": one[0], "id": int(one[1])} if field.kind in TYPED else {"id": int(one[1])} for one in others]


def _value(endpoint: Endpoint, finder: Finder, row: Mapping[str, Any], name: str, value: Any) -> Any:  # noqa: ANN401 -- canonical JSON
    field = finder.field(endpoint, name)
    projection = Projection(finder.schema, {})
    custom = {name: field} if field is not None and name.startswith(CUSTOM) else {}
    shape = _shape(name, field, value)
    live = projection.record(endpoint.type, row, {name: shape}, custom)[name]
    if field is None or field.kind not in REFERRING or (not projection.missing and same(live, value)):
        return live
    means = _meant(finder, field, value)
    found = [
        means[one[:2]] if one[:2] in means else _described(finder, field, shape, *one)
        for one in referred_to(endpoint, field, name, row)
    ]
    if field.kind in LISTS:
        return in_order(found)
    return found[0] if found else None


def _shape(name: str, field: FieldSchema | None, value: Any) -> Shape | None:  # noqa: ANN401 -- likewise
    """The shape in which records are told that no wanted one means; None where the wanted ones have several."""
    try:
        return shapes_of({} if field is None else {name: field}, [{name: value}])[name]
    except MixedShapes:
        return None


def _meant(finder: Finder, field: FieldSchema, value: Any) -> dict[tuple[str, str], Mapping[str, Any]]:  # noqa: ANN401 -- likewise
    """(type, id) → the wanted reference that means it. They are looked up: an answer shows too little to tell."""
    wanted = [(one, *meaning(field, one)) for one in mappings(value)]
    for type_name in sorted({type_name for _, type_name, _ in wanted}):
        finder.resolve(type_name, [said for _, other, said in wanted if other == type_name])
    known = [(type_name, finder.known(type_name, said), one) for one, type_name, said in wanted]
    return {(type_name, id_): one for type_name, id_, one in known if id_ is not None}


def _described(  # noqa: PLR0913, PLR0917 -- a record as it is referred to, and in which shape to tell it
    finder: Finder,
    field: FieldSchema,
    shape: Shape | None,
    type_name: str,
    id_: str,
    nested: Any,  # noqa: ANN401 -- any JSON value
) -> dict[str, Any]:
    """A record that no wanted reference means."""
    if field.kind not in TYPED:
        return finder.described(type_name, id_, nested, shape)
    own = shape.types.get(type_name) if shape is not None else None
    return {"type": type_name, **finder.described(type_name, id_, nested, own)}


def differing(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Names of the fields whose values differ; the order in a list means nothing."""
    return [name for name, value in wanted.items() if not same(live.get(name), value)]


def same(one: Any, other: Any) -> bool:  # noqa: ANN401 -- canonical JSON
    """Whether two canonical values agree: lists are sets of items."""
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return sorted(map(spelled, one)) == sorted(map(spelled, other))
    return spelled(one) == spelled(other)


def without(items: Iterable[Any], others: Iterable[Any]) -> list[Any]:
    """The items that are not among the others."""
    left_out = {spelled(one) for one in others}
    return [one for one in items if spelled(one) not in left_out]


def told(value: Any) -> str:  # noqa: ANN401 -- canonical JSON
    """A value for a sentence."""
    text = plain(value if isinstance(value, str) else spelled(value).decode(errors="replace"))
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
