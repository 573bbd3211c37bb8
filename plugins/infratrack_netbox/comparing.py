"""Records as they are against records as they should be: the fields concerned, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from infratrack_netbox.arrangement import referred, spelled
from infratrack_netbox.exchange import plain
from infratrack_netbox.payloads import mappings
from infratrack_netbox.references import Finder, identity_of, shown_as
from infratrack_netbox.server_schema import Endpoint, FieldSchema
from infratrack_netbox.shapes import CUSTOM, MixedShapes, Projection, Shape, shapes_of
from infratrack_netbox.values import in_order

_IDS_A_REQUEST: Final = 200
_ALWAYS: Final = ("id", "display", "last_updated", "created")
_TYPED: Final = frozenset({"generic", "generics"})
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

    A reference that means the same record has the wanted value's spelling, even where the answer shows less of it;
    of a list, what the answer shows too little of and nothing wanted means is told by its id.
    """
    fields = {name: field for name in wanted if (field := finder.field(endpoint, name)) is not None}
    shapes, mixed = _shapes(fields, wanted)
    projection = Projection(finder.schema, {})
    custom = {name: field for name, field in fields.items() if name.startswith(CUSTOM)}
    live = projection.record(endpoint.type, row, shapes, custom)
    for name, value in wanted.items():
        sure = not projection.missing and name not in mixed
        if name not in fields or value is None or (sure and same(live[name], value)):
            continue
        kind = fields[name].kind
        if kind in _TYPED:
            live[name] = _typed(endpoint, finder, row, {name: value}) or live[name]
        elif kind == "reference":
            (known,) = _by_id(finder, fields[name], [_shown(row, name)], mappings(value)) or [None]
            live[name] = value if known == value else live[name]
        elif kind == "references" and not sure:
            shown = _shown(row, name)
            live[name] = in_order(
                _by_id(finder, fields[name], shown if isinstance(shown, list) else [], mappings(value))
            )
    return live


def _shapes(
    fields: Mapping[str, FieldSchema], wanted: Mapping[str, Any]
) -> tuple[dict[str, Shape | None], frozenset[str]]:
    """Field → shape, and the fields whose items are named in several ways."""
    shapes: dict[str, Shape | None] = {}
    mixed: set[str] = set()
    for name, value in wanted.items():
        try:
            shapes |= shapes_of(fields, [{name: value}])
        except MixedShapes:
            shapes[name] = None
            mixed.add(name)
    return shapes, frozenset(mixed)


def _shown(row: Mapping[str, Any], name: str) -> Any:  # noqa: ANN401 -- any JSON value
    """What an answer holds of a field."""
    if not name.startswith(CUSTOM):
        return row.get(name)
    custom = row.get("custom_fields")
    return custom.get(name.removeprefix(CUSTOM)) if isinstance(custom, Mapping) else None


def _typed(endpoint: Endpoint, finder: Finder, row: Mapping[str, Any], wanted: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- canonical JSON
    """The wanted value of a field of generic references, where the record refers to just that; else None."""
    ((name, value),) = wanted.items()
    there = identity_of(finder.schema, endpoint, row, wanted)
    if there[name] is None:
        return None
    for one in mappings(value):
        type_name, reference = referred(endpoint, name, one)
        finder.resolve(type_name, [reference])
    return value if finder.identity(endpoint, wanted) == there else None


def _by_id(finder: Finder, field: FieldSchema, shown: Iterable[Any], wanted: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Records as an answer shows them, as the wanted references that mean them, or else by their ids."""
    wanted = [*wanted]
    finder.resolve(field.type, wanted)
    means = {finder.known(field.type, one): one for one in wanted}
    ids = [one.get("id") if isinstance(one, Mapping) else one for one in shown]
    return [means.get(str(one), {"id": one}) for one in ids if one is not None]


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
