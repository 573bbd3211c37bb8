"""What deleting a record would delete with it, or cut loose, read from the server with few requests.

Which endpoints refer to a type is what the server's own OpenAPI document says. What happens to what refers to a deleted
record, it does not say: a reference that must be set, and a generic one (an address on an interface, a prefix in a
site), goes with the record (seen on 4.7); so do the parts of a whole. Any other reference is emptied. Where NetBox
refuses to delete what others rest on, these are shown as deleted with it: nobody is told less than what may go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Protocol

from msgspec import structs

from infratrack.api import Dependent, LiveRecord
from infratrack_netbox.changes_of import changed_by
from infratrack_netbox.exchange import plain
from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema
from infratrack_netbox.settings import Mark

Effect = Literal["deleted", "unlinked"]
_IDS_A_REQUEST: Final = 150
_DEEPEST: Final = 6
"""Levels of a cascade that are followed: site, location, rack …"""
_WHOLES: Final = frozenset({"parent", "module", "device_type", "module_type"})
"""References that may be empty, and still take the record with them."""
_APPS_LEFT_OUT: Final = frozenset({"core", "extras", "users"})
"""Their records are about others (journals, bookmarks, scripts): nobody's inventory."""
_TYPES_LEFT_OUT: Final = frozenset({"dcim.cabletermination"})
"""Shown as the cable."""
_TIMES: Final = ("created", "last_updated")
_AT_ONCE: Final = timedelta(seconds=1)
"""Between these two of a record that was made and never written since; the server stamps them one after the other."""


class Lists(Protocol):
    """What is needed of the client."""

    def schema(self) -> ServerSchema:
        """What the server says about its types."""

    def list(
        self, path: str, filters: Sequence[tuple[str, str]] = (), *, fields: Sequence[str] = ()
    ) -> Iterator[dict[str, Any]]:
        """Every record that matches."""


class _Relation:
    """One way in which records of an endpoint can refer to those of a type."""

    def __init__(self, endpoint: Endpoint, filter_name: str, name: str, field: FieldSchema) -> None:
        self.endpoint = endpoint
        self.filter_name = filter_name
        self.name = name
        self.field = field
        whole = field.kind == "reference" and (field.required or name in _WHOLES)
        self.effect: Effect = "deleted" if whole or field.kind == "generic" else "unlinked"

    @property
    def shown(self) -> list[str]:
        """Fields to ask for."""
        pair = self.field.pair or self.name
        typed = [f"{pair}_type", f"{pair}_id"] if self.field.kind == "generic" else []
        marks = [name for name in ("tags", "custom_fields") if name in self.endpoint.fields]
        times = [name for name in _TIMES if name in self.endpoint.fields]
        return ["id", "display", self.name, *typed, *marks, *times]

    def refers_to(self, row: Mapping[str, Any], type_name: str, ids: Sequence[str]) -> list[str]:
        """Which of the ids the row refers to; all of them where it does not show which."""
        model = type_name.partition(".")[2]
        value = row.get(self.name)
        found: set[str] = set()
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, Mapping):
                found |= _ids_in(one, model, direct=self.field.type == type_name)
        pair = self.field.pair or self.name
        if row.get(f"{pair}_type") == type_name:
            found.add(str(row.get(f"{pair}_id")))
        return [one for one in ids if one in found] or list(ids)


def _ids_in(record: Mapping[str, Any], model: str, *, direct: bool) -> set[str]:
    """Ids of records of the model in a nested record: itself, or what it is part of."""
    if direct:
        return {str(record.get("id"))}
    if "object_type" in record:
        end = record.get("object")
        own = {str(record.get("object_id"))} if str(record["object_type"]).endswith(f".{model}") else set()
        return own | (_ids_in(end, model, direct=False) if isinstance(end, Mapping) else set())
    owner = record.get("virtual_machine" if model == "virtualmachine" else model)
    return {str(owner.get("id"))} if isinstance(owner, Mapping) else set()


def relations(schema: ServerSchema, type_name: str) -> list[_Relation]:
    """How records of other types can refer to one of this type."""
    found: list[_Relation] = []
    for endpoint, filter_name in schema.referring(type_name):
        if endpoint.type.partition(".")[0] in _APPS_LEFT_OUT or endpoint.type in _TYPES_LEFT_OUT:
            continue
        name = filter_name.removesuffix("_id")
        field = endpoint.fields.get(name)
        if field is not None and field.type == type_name:
            if field.writable:
                found.append(_Relation(endpoint, filter_name, name, field))
            continue
        # No field of that type: the filter reaches it through a generic reference, if the type has any.
        generic = [
            (one, schema_) for one, schema_ in endpoint.fields.items() if schema_.kind in {"generic", "generics"}
        ]
        if generic:
            found.append(_Relation(endpoint, filter_name, *generic[0]))
    return found


class _Cascade:
    """What the deletion of records of one type leads to."""

    def __init__(self, client: Lists, mark: Mark, type_name: str) -> None:
        self._client = client
        self._mark = mark
        self._schema = client.schema()
        self._type = type_name
        self.found: dict[str, dict[tuple[str, str], Dependent]] = {}
        """Id of a record to be deleted → (type, id) → what goes with it."""
        self.written_since: dict[str, set[str]] = {}
        """Type → ids of those that were written again after they were made."""

    def follow(self, ids: Sequence[str]) -> None:
        """Read level by level: what goes with what goes."""
        self.found = {one: {} for one in ids}
        level: dict[str, dict[str, set[str]]] = {self._type: {one: {one} for one in ids}}
        asked: set[str] = set()
        for _ in range(_DEEPEST):
            after: dict[str, dict[str, set[str]]] = {}
            now: set[str] = set()
            for type_name, roots in level.items():
                for relation in relations(self._schema, type_name):
                    # Parts of parts were found as parts of the whole already, except for trees of one type.
                    if relation.endpoint.type in asked and relation.endpoint.type != type_name:
                        continue
                    now.add(relation.endpoint.type)
                    self._read(relation, type_name, roots, after)
            asked |= now
            level = after
            if not level:
                return

    def _read(
        self,
        relation: _Relation,
        type_name: str,
        roots: Mapping[str, set[str]],
        after: dict[str, dict[str, set[str]]],
    ) -> None:
        """One relation's records; those that are deleted with theirs are followed further."""
        ids = [*roots]
        own = relation.endpoint.type
        for start in range(0, len(ids), _IDS_A_REQUEST):
            chunk = ids[start : start + _IDS_A_REQUEST]
            filters = [(relation.filter_name, one) for one in chunk]
            for row in self._client.list(relation.endpoint.path, filters, fields=relation.shown):
                record = str(row.get("id"))
                name = plain(str(row.get("display", "")))
                dependent = Dependent(own, record, name, self._mark.is_on(row), relation.effect)
                if not dependent.owned and _written_since(row):
                    self.written_since.setdefault(own, set()).add(record)
                reached = {root for one in relation.refers_to(row, type_name, chunk) for root in roots[one]}
                for root in reached:
                    if (own, record) != (self._type, root) and self._keep(root, dependent):
                        after.setdefault(own, {}).setdefault(record, set()).add(root)

    def _keep(self, root: str, dependent: Dependent) -> bool:
        """Note it, the worse effect where there are two; whether what rests on it is reached now too."""
        known = self.found[root].get((dependent.type, dependent.id))
        if known is not None and (known.effect == "deleted" or dependent.effect == "unlinked"):
            return False
        self.found[root][dependent.type, dependent.id] = dependent
        return dependent.effect == "deleted"


def rows_below(client: Lists, mark: Mark, type_name: str, ids: Sequence[str]) -> Mapping[str, Sequence[Dependent]]:
    """Id → what deleting the record of this type would delete or cut loose. Unreachable."""
    cascade = _Cascade(client, mark, type_name)
    if ids:
        cascade.follow(ids)
    return {root: tuple(found.values()) for root, found in cascade.found.items()}


def dependents(
    client: Lists, mark: Mark, records: Sequence[LiveRecord]
) -> Mapping[tuple[str, str], Sequence[Dependent]]:
    """(type, id) → what deleting the record would delete or cut loose. Unreachable."""
    by_type: dict[str, list[str]] = {}
    for record in records:
        by_type.setdefault(record.type, []).append(record.id)
    found: dict[tuple[str, str], Sequence[Dependent]] = {}
    written: dict[str, set[str]] = {}
    for type_name, ids in by_type.items():
        cascade = _Cascade(client, mark, type_name)
        cascade.follow(ids)
        found |= {(type_name, one): tuple(cascade.found[one].values()) for one in ids}
        for kind, since in cascade.written_since.items():
            written.setdefault(kind, set()).update(since)
    by = {kind: changed_by(client, kind, sorted(ids)) for kind, ids in written.items()}
    return {
        key: [structs.replace(one, changed_by=by.get(one.type, {}).get(one.id, ())) for one in below]
        for key, below in found.items()
    }


def _written_since(row: Mapping[str, Any]) -> bool:
    """Whether a record was written after it was made; yes where its times cannot be read."""
    made, last = (row.get(name) for name in _TIMES)
    if made is None and last is None:
        return False
    try:
        return datetime.fromisoformat(str(last)) - datetime.fromisoformat(str(made)) > _AT_ONCE
    except (ValueError, TypeError):
        return True
