"""Records as they are against records as they should be: the fields concerned, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from infratrack_netbox.arrangement import referred, spelled
from infratrack_netbox.exchange import plain
from infratrack_netbox.payloads import mappings
from infratrack_netbox.references import Finder, identity_of, shown_as
from infratrack_netbox.server_schema import Endpoint
from infratrack_netbox.shapes import project

_IDS_A_REQUEST: Final = 200
_ALWAYS: Final = ("id", "display", "last_updated", "created")
_SINGLE: Final = frozenset({"reference", "generic", "generics"})
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
    """
    live = project(finder.schema, endpoint.type, row, wanted)
    for name, value in wanted.items():
        field = endpoint.fields.get(name)
        if field is None or field.kind not in _SINGLE or spelled(live.get(name)) == spelled(value) or value is None:
            continue
        there = identity_of(finder.schema, endpoint, row, {name: value})
        if there[name] is None:
            continue
        for one in mappings(value):
            finder.resolve(*_means(endpoint, name, one))
        if finder.identity(endpoint, {name: value}) == there:
            live[name] = value
    return {name: live.get(name) for name in wanted}


def _means(endpoint: Endpoint, name: str, value: Mapping[str, Any]) -> tuple[str, list[Mapping[str, Any]]]:
    type_name, reference = referred(endpoint, name, value)
    return type_name, [reference]


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
