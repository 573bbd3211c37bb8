"""Records looked up by what people know them by: their natural keys. What was found is remembered for the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from infratrack_netbox.arrangement import referred, spelled
from infratrack_netbox.custom_fields import Definitions
from infratrack_netbox.exchange import plain
from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema
from infratrack_netbox.shapes import CUSTOM, project

_LONGEST_QUERY: Final = 2500
"""Characters of filters in one request; gunicorn takes a line of 4094."""
_REFERRING: Final = frozenset({"reference", "generic", "generics"})
_ALWAYS: Final = ("id", "display", "last_updated", "created")


class Lists(Protocol):
    """What is needed of the client."""

    def schema(self) -> ServerSchema:
        """What the server says about its types."""

    def custom_fields(self) -> Definitions | None:
        """The custom fields of each type; None where the token may not read them."""

    def list(
        self, path: str, filters: Sequence[tuple[str, str]] = (), *, fields: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Every record that matches."""


class Nobody(Struct, frozen=True):
    """A reference that means no record, or more than one."""

    reason: str


class Finder:
    """Finds records by natural keys, many in one request."""

    def __init__(self, client: Lists) -> None:
        self._client = client
        self.schema = client.schema()
        self._ids: dict[tuple[str, bytes], str] = {}

    def field(self, endpoint: Endpoint, name: str) -> FieldSchema | None:
        """What a field holds, of a custom field (`custom_fields.NAME`) too."""
        if not name.startswith(CUSTOM):
            return endpoint.fields.get(name)
        return (self._client.custom_fields() or {}).get(endpoint.type, {}).get(name.removeprefix(CUSTOM))

    def remember(self, type_name: str, reference: Mapping[str, Any], record: str) -> None:
        """The id of a record that was just made."""
        self._ids[type_name, spelled(reference)] = record

    def known(self, type_name: str, reference: Mapping[str, Any]) -> str | None:
        """The id, if it is known without asking."""
        if set(reference) == {"id"}:
            return str(reference["id"])
        return self._ids.get((type_name, spelled(reference)))

    def resolve(self, type_name: str, references: Iterable[Mapping[str, Any]]) -> None:
        """Find out the ids of these, so that `known` or `meant` has them. Asks only for those not known yet."""
        unknown = {spelled(one): one for one in references if self.known(type_name, one) is None}
        if not unknown or type_name not in self.schema.endpoints:
            return
        for reference, found in zip(unknown.values(), self.find(type_name, [*unknown.values()]), strict=True):
            if len(found) == 1:
                self.remember(type_name, reference, str(found[0]["id"]))

    def meant(self, type_name: str, reference: Mapping[str, Any]) -> str | Nobody:
        """The id of the one record that is meant. Asks again where it was not found before: it may be there by now."""
        if type_name not in self.schema.endpoints:
            return Nobody(f"this NetBox has no type {plain(type_name)!r}")
        known = self.known(type_name, reference)
        if known is not None:
            return known
        (found,) = self.find(type_name, [reference])
        if len(found) == 1:
            self.remember(type_name, reference, str(found[0]["id"]))
            return str(found[0]["id"])
        what = plain(f"{type_name} with {spelled(reference).decode()}")
        return Nobody(f"there is no {what}" if not found else f"{len(found)} records are {what}: say more about it")

    def find(
        self,
        type_name: str,
        keys: Sequence[Mapping[str, Any]],
        fields: Sequence[str] = (),
        *,
        filtered_only: bool = False,
    ) -> list[list[dict[str, Any]]]:
        """For each key the records that have all it says, with `fields` and those of the key. Unreachable.

        `filtered_only`: keys that the server has no filter for are not looked for, instead of reading all records.
        """
        endpoint = self.schema.endpoint(type_name)
        filters = self._filters(endpoint, keys)
        if filtered_only:
            filters = [pairs or None for pairs in filters]
        wanted = sorted({_top(endpoint, name) for key in keys for name in key}.union(fields))
        shown = [part for name in wanted for part in shown_as(endpoint, name)]
        found: list[list[dict[str, Any]]] = [[] for _ in keys]
        for positions in _chunks(filters):
            query = sorted({pair for position in positions for pair in filters[position] or ()})
            rows = self._client.list(endpoint.path, query, fields=tuple(dict.fromkeys([*_ALWAYS, *shown])))
            self._deal(endpoint, [*rows], {position: keys[position] for position in positions}, found)
        return found

    def _deal(
        self,
        endpoint: Endpoint,
        rows: Sequence[dict[str, Any]],
        keys: Mapping[int, Mapping[str, Any]],
        found: list[list[dict[str, Any]]],
    ) -> None:
        """Give each row to the keys that it has."""
        by_names: dict[tuple[str, ...], dict[Any, list[int]]] = {}
        for position, key in keys.items():
            own = _hashed(self.identity(endpoint, key))
            by_names.setdefault(tuple(sorted(key)), {}).setdefault(own, []).append(position)
        for wanted in by_names.values():
            example = keys[next(iter(wanted.values()))[0]]
            for row in rows:
                for position in wanted.get(_hashed(identity_of(self.schema, endpoint, row, example)), ()):
                    found[position].append(row)

    def _filters(
        self, endpoint: Endpoint, keys: Sequence[Mapping[str, Any]]
    ) -> list[tuple[tuple[str, str], ...] | None]:
        """For each key what to ask the server for: at least the records meant. None: what it refers to is not there.

        Filters on the same name mean "any of these", so that only those that all keys have may be used.
        """
        for name in sorted({name for key in keys for name in key}):
            for type_name, group in _grouped(endpoint, name, keys).items():
                self.resolve(type_name, group)
        shared = set.intersection(*(set(key) for key in keys)) if keys else set()
        usable = sorted(name for name in shared if all(key[name] is not None for key in keys))
        return [self._of_one(endpoint, key, usable) for key in keys]

    def _of_one(
        self, endpoint: Endpoint, key: Mapping[str, Any], usable: Sequence[str]
    ) -> tuple[tuple[str, str], ...] | None:
        pairs: list[tuple[str, str]] = []
        for name, value in self.identity(endpoint, key).items():
            field = endpoint.fields.get(name)
            if field is not None and field.kind in _REFERRING:
                if value is not None and None in value:
                    return None
                filters = [(_id_filter(name, field), record) for _, record in sorted(value or ())]
            elif isinstance(value, str | int | float) and not isinstance(value, bool):
                filters = [(name, str(value))]
            else:
                filters = []
            pairs += [pair for pair in filters if name in usable and pair[0] in endpoint.filters]
        return tuple(pairs)

    def identity(self, endpoint: Endpoint, key: Mapping[str, Any]) -> dict[str, Any]:
        """The key with (type, id) for each record that it refers to (None for one that is not known), to compare by."""
        own: dict[str, Any] = {}
        for name, value in key.items():
            field = endpoint.fields.get(name)
            if field is None or field.kind not in _REFERRING:
                own[name] = value
            elif value is None:
                own[name] = None
            else:
                means = [referred(endpoint, name, one) for one in _mappings(value)]
                records = [(type_name, self.known(type_name, one)) for type_name, one in means]
                own[name] = frozenset((type_name, one) if one else None for type_name, one in records)
        return own


def identity_of(
    schema: ServerSchema, endpoint: Endpoint, row: Mapping[str, Any], key: Mapping[str, Any]
) -> dict[str, Any]:
    """What `identity` is of a key, of a record as the server shows it."""
    own: dict[str, Any] = {}
    for name, value in key.items():
        field = endpoint.fields.get(name)
        shown = row.get(name)
        if field is None or field.kind not in _REFERRING:
            own[name] = project(schema, endpoint.type, row, {name: value}).get(name)
        elif field.kind == "generics":
            ends = [(str(one.get("object_type")), str(one.get("object_id"))) for one in _mappings(shown)]
            own[name] = frozenset(ends)
        elif field.kind == "generic":
            pair = field.pair or name
            means = row.get(f"{pair}_type"), row.get(f"{pair}_id")
            own[name] = None if None in means else frozenset({(str(means[0]), str(means[1]))})
        else:
            own[name] = frozenset({(field.type, str(shown.get("id")))}) if isinstance(shown, Mapping) else None
    return own


def shown_as(endpoint: Endpoint, name: str) -> tuple[str, ...]:
    """The names under which an answer shows a field: a generic reference is a type, an id and a record."""
    field = endpoint.fields.get(name)
    if field is None or field.kind != "generic":
        return (name,)
    pair = field.pair or name
    return (name, f"{pair}_type", f"{pair}_id")


def _top(endpoint: Endpoint, name: str) -> str:
    return name if name in endpoint.fields else name.partition(".")[0]


def _id_filter(name: str, field: FieldSchema) -> str:
    """A cable's `a_terminations` is asked for as `termination_a_id`."""
    end = name.partition("_")[0]
    return f"termination_{end}_id" if field.kind == "generics" and end in {"a", "b"} else f"{field.pair or name}_id"


def _mappings(value: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 -- canonical JSON
    several = value if isinstance(value, list | tuple) else [value]
    return [one for one in several if isinstance(one, Mapping)]


def _grouped(endpoint: Endpoint, name: str, keys: Sequence[Mapping[str, Any]]) -> Mapping[str, list[Mapping[str, Any]]]:
    """Type → what the keys' field refers to."""
    field = endpoint.fields.get(name)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    if field is not None and field.kind in {"reference", "generic", "generics"}:
        for key in keys:
            for value in _mappings(key[name]):
                type_name, reference = referred(endpoint, name, value)
                groups.setdefault(type_name, []).append(reference)
    return groups


def _chunks(filters: Sequence[tuple[tuple[str, str], ...] | None]) -> Iterator[list[int]]:
    """Positions of keys that are asked for together; those that cannot be there are not asked for."""
    chunk: list[int] = []
    length = 0
    for position, pairs in enumerate(filters):
        if pairs is None:
            continue
        own = sum(len(name) + 3 * len(value) + 2 for name, value in pairs)
        if chunk and length + own > _LONGEST_QUERY:
            yield chunk
            chunk, length = [], 0
        chunk.append(position)
        length += own
    if chunk:
        yield chunk


def _hashed(identity: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(
        (name, value if isinstance(value, frozenset) else spelled(value)) for name, value in sorted(identity.items())
    )
