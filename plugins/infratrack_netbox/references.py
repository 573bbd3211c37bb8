"""Records looked up by what people know them by: their natural keys. What was found is remembered for the run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from msgspec import Struct

from infratrack.api import InfratrackError
from infratrack_netbox.arrangement import spelled
from infratrack_netbox.custom_fields import Definitions
from infratrack_netbox.exchange import plain
from infratrack_netbox.referring import REFERRING, identity_of, mappings, meaning, shown_as
from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema
from infratrack_netbox.shapes import CUSTOM, Projection, Shape, fields_to_ask

_LONGEST_QUERY: Final = 2500
"""Characters of filters in one request; gunicorn takes a line of 4094."""
_IDS_A_REQUEST: Final = 200
_LOOK_UPS: Final = 5
"""Rounds: what a record is told by may be told by other records in turn."""
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
        self._shown: dict[tuple[str, int], dict[str, Any]] = {}
        """Records of which more was asked than an answer shows where they are nested."""

    def field(self, endpoint: Endpoint, name: str) -> FieldSchema | None:
        """What a field holds, of a custom field (`custom_fields.NAME`) too."""
        if not name.startswith(CUSTOM):
            return endpoint.fields.get(name)
        return (self._client.custom_fields() or {}).get(endpoint.type, {}).get(name.removeprefix(CUSTOM))

    def custom_fields(self, endpoint: Endpoint, row: Mapping[str, Any]) -> Mapping[str, FieldSchema]:
        """What the custom fields of a record hold; they are asked for only where it has any."""
        return (self._client.custom_fields() or {}).get(endpoint.type, {}) if row.get("custom_fields") else {}

    def remember(self, type_name: str, reference: Mapping[str, Any], record: str) -> None:
        """The id of a record that was just made."""
        self._ids[type_name, spelled(reference)] = record

    def known(self, type_name: str, reference: Mapping[str, Any]) -> str | None:
        """The id, if it is known without asking."""
        if set(reference) == {"id"}:
            return str(reference["id"])
        return self._ids.get((type_name, spelled(reference)))

    def described(self, type_name: str, id_: str, nested: Any, shape: Shape | None) -> dict[str, Any]:  # noqa: ANN401 -- any JSON value
        """A record that others refer to, in a shape; by its id where what the shape needs is not to be had."""
        by_id = {"id": int(id_)}
        for _ in range(_LOOK_UPS):
            projection = Projection(self.schema, self._shown)
            told: dict[str, Any] = projection.reference(type_name, nested if isinstance(nested, dict) else by_id, shape)
            if not projection.missing:
                return told
            for related, (ids, names) in projection.missing.items():
                if not self._learn(related, ids, names):
                    return by_id
        return by_id

    def _learn(self, type_name: str, ids: Iterable[int], names: Iterable[str]) -> bool:
        """Read more of these records; False where this token, or anything else, does not allow it."""
        endpoint = self.schema.endpoint(type_name)
        asked = fields_to_ask(endpoint, sorted(names))
        wanted = sorted(ids)
        try:
            for start in range(0, len(wanted), _IDS_A_REQUEST):
                filters = [("id", str(one)) for one in wanted[start : start + _IDS_A_REQUEST]]
                rows = {row.get("id"): row for row in self._client.list(endpoint.path, filters, fields=("id", *asked))}
                for one in wanted[start : start + _IDS_A_REQUEST]:
                    known = self._shown.setdefault((type_name, one), {})
                    known |= {name: rows.get(one, {}).get(name) for name in asked}
        except InfratrackError:
            return False
        return True

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
        known = self.known(type_name, reference)
        if known is not None:
            return known
        if type_name not in self.schema.endpoints:
            return Nobody(f"this NetBox has no type {plain(type_name)!r}")
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
        wanted = sorted({_top(endpoint, name) for key in keys for name in key}.union(fields))
        shown = tuple(dict.fromkeys([*_ALWAYS, *(part for name in wanted for part in shown_as(endpoint, name))]))
        found: list[list[dict[str, Any]]] = [[] for _ in keys]
        for alike in _alike(keys):
            filters = self._filters(endpoint, [keys[position] for position in alike])
            if filtered_only:
                filters = [pairs or None for pairs in filters]
            for places in _chunks(filters):
                query = sorted({pair for place in places for pair in filters[place] or ()})
                rows = self._client.list(endpoint.path, query, fields=shown)
                self._deal(endpoint, [*rows], {alike[place]: keys[alike[place]] for place in places}, found)
        return found

    def _deal(
        self,
        endpoint: Endpoint,
        rows: Sequence[dict[str, Any]],
        keys: Mapping[int, Mapping[str, Any]],
        found: list[list[dict[str, Any]]],
    ) -> None:
        """Give each row to the keys that it has."""
        wanted: dict[Any, list[int]] = {}
        for position, key in keys.items():
            wanted.setdefault(_hashed(self.identity(endpoint, key)), []).append(position)
        example = next(iter(keys.values()))
        for row in rows:
            for position in wanted.get(_hashed(identity_of(self.schema, endpoint, row, example)), ()):
                found[position].append(row)

    def _filters(
        self, endpoint: Endpoint, keys: Sequence[Mapping[str, Any]]
    ) -> list[tuple[tuple[str, str], ...] | None]:
        """For each key what to ask the server for: at least the records meant. None: what it refers to is not there.

        The keys are of one form: filters on the same name mean "any of these", and so may only be what all of them say.
        """
        for name in sorted(keys[0]):
            for type_name, group in _grouped(endpoint, name, keys).items():
                self.resolve(type_name, group)
        return [self._of_one(endpoint, key) for key in keys]

    def _of_one(self, endpoint: Endpoint, key: Mapping[str, Any]) -> tuple[tuple[str, str], ...] | None:
        pairs: list[tuple[str, str]] = []
        for name, value in self.identity(endpoint, key).items():
            field = endpoint.fields.get(name)
            if field is not None and field.kind in REFERRING:
                if value is not None and None in value:
                    return None
                filters = [(_id_filter(name, field), record) for _, record in sorted(value or ())]
            elif isinstance(value, str | int | float) and not isinstance(value, bool):
                filters = [(name, str(value))]
            else:
                filters = []
            pairs += [pair for pair in filters if pair[0] in endpoint.filters]
        return tuple(pairs)

    def identity(self, endpoint: Endpoint, key: Mapping[str, Any]) -> dict[str, Any]:
        """The key with (type, id) for each record that it refers to (None for one that is not known), to compare by."""
        own: dict[str, Any] = {}
        for name, value in key.items():
            field = endpoint.fields.get(name)
            if field is None or field.kind not in REFERRING:
                own[name] = value
            elif value is None:
                own[name] = None
            else:
                means = [meaning(field, one) for one in mappings(value)]
                records = [(type_name, self.known(type_name, one)) for type_name, one in means]
                own[name] = frozenset((type_name, one) if one else None for type_name, one in records)
        return own


def _top(endpoint: Endpoint, name: str) -> str:
    return name if name in endpoint.fields else name.partition(".")[0]


def _id_filter(name: str, field: FieldSchema) -> str:
    """A cable's `a_terminations` is asked for as `termination_a_id`."""
    end = name.partition("_")[0]
    return f"termination_{end}_id" if field.kind == "generics" and end in {"a", "b"} else f"{field.pair or name}_id"


def _grouped(endpoint: Endpoint, name: str, keys: Sequence[Mapping[str, Any]]) -> Mapping[str, list[Mapping[str, Any]]]:
    """Type → what the keys' field refers to."""
    field = endpoint.fields.get(name)
    groups: dict[str, list[Mapping[str, Any]]] = {}
    if field is not None and field.kind in REFERRING:
        for key in keys:
            for value in mappings(key[name]):
                type_name, reference = meaning(field, value)
                groups.setdefault(type_name, []).append(reference)
    return groups


def _alike(keys: Sequence[Mapping[str, Any]]) -> Iterable[list[int]]:
    """Positions of the keys of one form each: with the same names, and values under the same."""
    forms: dict[tuple[tuple[str, bool], ...], list[int]] = {}
    for position, key in enumerate(keys):
        forms.setdefault(tuple(sorted((name, key[name] is None) for name in key)), []).append(position)
    return forms.values()


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
