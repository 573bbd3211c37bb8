"""Live records for what is desired: one list a type and bounds, with only the fields that are compared."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack.api import InputError, LiveRecord, Reading, RecordSet, Report
from infratrack_netbox.client import NetBoxClient
from infratrack_netbox.exchange import plain
from infratrack_netbox.filters import checked_filters
from infratrack_netbox.server_schema import Endpoint, FieldSchema
from infratrack_netbox.settings import Mark
from infratrack_netbox.shapes import CUSTOM, Projection, Shape, fields_to_ask, shapes_of, version_of

_LONGEST_QUERY: Final = 1800
"""Characters of `id=` filters in one request: a server's limit for the whole line is 4,094 or more."""
_LOOKUPS: Final = 5
"""Rounds of lookups: references may lead to records whose references are looked at too."""
_TOLD_EVERY: Final = 250

Row = Mapping[str, Any]
Filters = tuple[tuple[str, str], ...]


class Reader:
    """Reads one NetBox for some sets of desired records. What was read once is not asked again."""

    def __init__(self, client: NetBoxClient, mark: Mark, report: Report) -> None:
        self._client = client
        self._mark = mark
        self._report = report
        self._schema = client.schema()

    def read(self, sets: Sequence[RecordSet], bound: Mapping[str, Collection[str]]) -> list[Reading]:
        """One Reading a set: everything within its bounds, and every bound record of its type wherever it is."""
        names = {one.type: self._names_of([other for other in sets if other.type == one.type]) for one in sets}
        bounds = [(one.type, self._filters(one)) for one in sets]
        rows = {
            (type_name, filters): self._rows(type_name, filters, names[type_name])
            for type_name, filters in dict.fromkeys(bounds)
        }
        elsewhere = {
            type_name: self._elsewhere(type_name, names[type_name], rows, bound.get(type_name, ()))
            for type_name in names
        }
        return [
            self._reading(one, {**elsewhere[one.type], **rows[type_name, filters]})
            for one, (type_name, filters) in zip(sets, bounds, strict=True)
        ]

    def _filters(self, one: RecordSet) -> Filters:
        custom = self._special(one.type) if any(name.startswith("cf_") for name in one.within) else {}
        return checked_filters(self._schema.endpoint(one.type), one.within, custom, one.source or one.type)

    def _names_of(self, sets: Sequence[RecordSet]) -> list[str]:
        """Names of all fields that any of the sets compares."""
        return sorted({name for one in sets for record in one.desired for name in (*record.key, *record.fields)})

    def _asked(self, endpoint: Endpoint, names: Sequence[str]) -> list[str]:
        """The fields of one request: those that are compared, the mark, and what tells versions apart."""
        mark = "tags" if self._mark.tag and endpoint.taggable else "custom_fields" if self._mark.field else ""
        also = [name for name in ("id", "display", mark, "created", "last_updated") if name in endpoint.fields]
        if "last_updated" in also:
            also.remove("created")
        return list(dict.fromkeys([*also, *fields_to_ask(endpoint, names)]))

    def _rows(self, type_name: str, filters: Filters, names: Sequence[str]) -> dict[int, Row]:
        endpoint = self._schema.endpoint(type_name)
        rows: dict[int, Row] = {}
        for row in self._client.list(endpoint.path, filters, fields=self._asked(endpoint, names)):
            rows[row["id"]] = row
            if len(rows) % _TOLD_EVERY == 0:
                self._report(f"reading {type_name}", len(rows), 0)
        self._report(f"reading {type_name}", len(rows), len(rows))
        return rows

    def _elsewhere(
        self,
        type_name: str,
        names: Sequence[str],
        rows: Mapping[tuple[str, Filters], Mapping[int, Row]],
        bound: Collection[str],
    ) -> dict[int, Row]:
        """Bound records, from what was read within other bounds, or asked by id."""
        wanted = {int(id_) for id_ in bound if id_.isascii() and id_.isdigit()}
        found: dict[int, Row] = {}
        for (other, _), read in rows.items():
            if other == type_name:
                found |= {id_: read[id_] for id_ in wanted & read.keys()}
        endpoint = self._schema.endpoint(type_name)
        asked = self._asked(endpoint, names)
        found |= {row["id"]: row for row in rows_by_id(self._client, endpoint, wanted - found.keys(), asked)}
        return found

    def _reading(self, one: RecordSet, rows: Mapping[int, Row]) -> Reading:
        keys = list(one.desired[0].key) if one.desired else []
        special = self._special(one.type) if any(name.startswith(CUSTOM) for name in self._names_of([one])) else {}
        named = {f"{CUSTOM}{name}": field for name, field in special.items()}
        fields = {**self._schema.endpoint(one.type).fields, **named}
        shapes = shapes_of(fields, ({**record.key, **record.fields} for record in one.desired))
        projected = project_all(self._client, one.type, list(rows.values()), shapes, named)
        live = [self._live(one.type, row, values, keys) for row, values in zip(rows.values(), projected, strict=True)]
        complete, reason = self._client.can_view_all(one.type)
        return Reading(live, complete=complete, reason=reason)

    def _live(self, type_name: str, row: Row, values: dict[str, Any], keys: Sequence[str]) -> LiveRecord:
        key = {name: values.pop(name) for name in keys}
        display = plain(str(row.get("display") or ""))
        owned = self._mark.is_on(row)
        return LiveRecord(type_name, str(row["id"]), key, values, owned, version_of(row), display)

    def _special(self, type_name: str) -> Mapping[str, FieldSchema]:
        return (self._client.custom_fields() or {}).get(type_name, {})


def project_rows(
    client: NetBoxClient, type_name: str, raws: Sequence[Row], wanted: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Live records in the shape of `wanted` (name → canonical value), with what must be looked up for it."""
    special: dict[str, FieldSchema] = {}
    if any(name.startswith(CUSTOM) for name in wanted):
        definitions = (client.custom_fields() or {}).get(type_name, {})
        special = {f"{CUSTOM}{name}": field for name, field in definitions.items()}
    shapes = shapes_of({**client.schema().endpoint(type_name).fields, **special}, [wanted])
    return project_all(client, type_name, raws, shapes, special)


def project_all(
    client: NetBoxClient,
    type_name: str,
    raws: Sequence[Row],
    shapes: Mapping[str, Shape | None],
    special: Mapping[str, FieldSchema],
) -> list[dict[str, Any]]:
    """Records projected; related ones are asked for only where the nested brief records do not suffice."""
    known: dict[tuple[str, int], dict[str, Any]] = {}
    for _ in range(_LOOKUPS):
        projection = Projection(client.schema(), known)
        projected = [projection.record(type_name, raw, shapes, special) for raw in raws]
        if not projection.missing:
            return projected
        for related, (ids, names) in projection.missing.items():
            _look_up(client, related, ids, names, known)
    raise InputError(
        f"a reference of {type_name} is named through too many other records", "name it by fields that are nearer to it"
    )


def _look_up(
    client: NetBoxClient, type_name: str, ids: set[int], names: set[str], known: dict[tuple[str, int], dict[str, Any]]
) -> None:
    """Add what is missing to `known`; what cannot be seen is known to be nothing."""
    endpoint = client.schema().endpoint(type_name)
    asked = fields_to_ask(endpoint, sorted(names))
    for id_ in ids:
        known.setdefault((type_name, id_), {}).update(dict.fromkeys(asked))
    for row in rows_by_id(client, endpoint, ids, asked):
        known[type_name, row["id"]] |= {name: row.get(name) for name in asked}


def rows_by_id(client: NetBoxClient, endpoint: Endpoint, ids: Collection[int], fields: Sequence[str]) -> Iterator[Row]:
    """Records with these ids, as many as there are, in as few requests as an address is long enough for."""
    chunk: list[tuple[str, str]] = []
    length = 0
    for id_ in sorted(ids):
        chunk.append(("id", str(id_)))
        length += len(str(id_)) + 4
        if length > _LONGEST_QUERY:
            yield from _of(ids, client.list(endpoint.path, chunk, fields=fields))
            chunk, length = [], 0
    if chunk:
        yield from _of(ids, client.list(endpoint.path, chunk, fields=fields))


def _of(ids: Collection[int], rows: Iterator[Row]) -> Iterator[Row]:
    """Only what was asked for: a server that does not know the filter would answer everything."""
    return (row for row in rows if row["id"] in ids)
