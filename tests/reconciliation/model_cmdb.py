"""A CMDB in memory that behaves like one: keys are unique, references are by id, deletes cascade, devices bring ports.

It implements `Inventory` honestly, so that what holds for it can hold for a server; others write to it by `edit`.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct, structs

from infratrack.errors import InputError, Unreachable
from infratrack.reconciliation.canonical import canonical, same_value
from infratrack.reconciliation.interface import WriteContext
from infratrack.reconciliation.records import (
    Dependent,
    Fields,
    LastChange,
    LiveRecord,
    Reading,
    RecordSet,
    Write,
    Written,
)

MARK = "ours"
"""The tag that marks what the project owns."""


class Kind(Struct, frozen=True):
    """A type of records."""

    key: tuple[str, ...]
    refers: Mapping[str, str] = {}
    """Field → the type that it refers to."""
    inside: tuple[str, ...] = ()
    """Reference fields with which a record goes when what they refer to is deleted; others are emptied."""
    brings: tuple[str, tuple[str, ...]] | None = None
    """A type and the names of the records that the server makes along with one of this."""
    retirement: tuple[str, Any] | None = None


KINDS: Mapping[str, Kind] = {
    "site": Kind(("slug",)),
    "device": Kind(("name",), {"site": "site"}, ("site",), ("port", ("mgmt",)), ("status", "decommissioning")),
    "port": Kind(("device", "name"), {"device": "device", "peer": "port"}, ("device",)),
}


class Ref(Struct, frozen=True):
    """A reference as it is stored: renames and deletes of what it refers to reach it."""

    type: str
    id: str


class Stopped(Exception):
    """The machine that was writing is gone: what it was told last, nobody knows."""


class ModelCmdb:
    """The records, and the log of who wrote them."""

    identity = "model http://cmdb.example"
    description: Mapping[str, Any] = {"server": "model", "version": "1"}

    def __init__(self, kinds: Mapping[str, Kind] = KINDS) -> None:
        self.kinds = kinds
        self.records: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in kinds}
        self.stop_after: int | None = None
        """Writes that are carried out before the machine stops; None: it does not."""
        self.hidden: frozenset[str] = frozenset()
        """Types of which not everything is shown."""
        self.writes = 0
        self._ids = itertools.count(1)
        self._requests = itertools.count(1)
        self._made: set[Ref] = set()
        """What the writes under way created."""
        self._versions: dict[tuple[str, str], int] = {}
        self._written_since: dict[tuple[str, str], tuple[str, ...]] = {}
        """(type, id) → requests of others that wrote it since it was made."""

    # What others do

    def add(self, type_name: str, **values: Any) -> str:
        """Somebody else makes a record; references are given as natural keys."""
        return self._insert(type_name, values)

    def edit(self, type_name: str, record_id: str, **values: Any) -> None:
        """Somebody else changes a record."""
        record = self.records[type_name][record_id]
        record |= {name: self._stored(type_name, name, value) for name, value in values.items()}
        self._written_since[type_name, record_id] = (f"theirs-{self._request()}",)
        self._touch(type_name, record_id)

    def remove(self, type_name: str, record_id: str) -> None:
        """Somebody else deletes a record."""
        self._delete(type_name, record_id)

    def look(self) -> dict[str, list[bytes]]:
        """All that there is, without ids: for comparing two worlds."""
        return {
            name: sorted(canonical(self._whole(name, record)) for record in records.values())
            for name, records in self.records.items()
        }

    def _whole(self, type_name: str, record: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: self._shown(type_name, record, name) for name in record}
        return {
            name: sorted(value, key=str) if isinstance(value, list) else value
            for name, value in shown.items()
            if value not in (None, [])
        }

    # Inventory

    def prepare(self, sets: Sequence[RecordSet]) -> Sequence[RecordSet]:
        """Add the mark; types in the order of `kinds`, which has parents first."""
        order = list(self.kinds)
        for one in sets:
            if one.type not in order:
                raise InputError(f"no type {one.type}", f"one of {', '.join(order)}")
        return [_marked(one) for one in sorted(sets, key=lambda one: order.index(one.type))]

    def read(self, sets: Sequence[RecordSet], bound: Mapping[str, Collection[str]]) -> Sequence[Reading]:
        """Everything of a type, or what has the values of `within`, and what is bound."""
        return [self._reading(one, bound.get(one.type, ())) for one in sets]

    def dependents(self, records: Sequence[LiveRecord]) -> Mapping[tuple[str, str], Sequence[Dependent]]:
        """What goes with each record, and what would lose its reference."""
        return {(one.type, one.id): self._reached(one.type, one.id) for one in records}

    def last_changes(
        self, records: Collection[tuple[str, str]], ours: Collection[str] = ()
    ) -> Mapping[tuple[str, str], LastChange]:
        """Nobody is remembered."""
        return {}

    def retirement(self, type_name: str) -> tuple[str, Any] | None:
        """As the kind says."""
        return self.kinds[type_name].retirement

    def write(self, writes: Sequence[Write], context: WriteContext) -> Iterator[Written]:
        """One by one; `Stopped` after so many, with the last one done and not told."""
        self._made = set()
        for number, one in enumerate(writes):
            if self.stop_after is not None and self.stop_after <= 0:
                raise Stopped
            self.writes += 1
            try:
                written = {"create": self._create, "update": self._update, "delete": self._remove}[one.action](
                    number, one
                )
            except Unreachable as error:
                written = Written(number, "failed", one.id, reason=error.message)
            if self.stop_after is not None:
                self.stop_after -= 1
                if self.stop_after == 0:
                    raise Stopped
            yield written

    def close(self) -> None:
        """Nothing to let go of."""

    # How it works

    def _reading(self, one: RecordSet, bound: Collection[str]) -> Reading:
        names = sorted({name for record in one.desired for name in record.fields} | {"tags", "status"})
        live = [
            self._live(one.type, record_id, names)
            for record_id, record in self.records[one.type].items()
            if record_id in bound
            or all(same_value(self._shown(one.type, record, name), value) for name, value in one.within.items())
        ]
        hidden = one.type in self.hidden
        return Reading(live, complete=not hidden, reason="the token sees only some" if hidden else "")

    def _live(self, type_name: str, record_id: str, names: Sequence[str]) -> LiveRecord:
        record = self.records[type_name][record_id]
        key = {name: self._shown(type_name, record, name) for name in self.kinds[type_name].key}
        fields = {name: self._shown(type_name, record, name) for name in names if name not in key}
        version = str(self._versions.get((type_name, record_id), 0))
        return LiveRecord(type_name, record_id, key, fields, MARK in (record.get("tags") or ()), version, str(key))

    def _shown(self, type_name: str, record: Mapping[str, Any], name: str) -> Any:
        value = record.get(name)
        if not isinstance(value, Ref):
            return list(value) if isinstance(value, list) else value
        other = self.records[value.type][value.id]
        return {part: self._shown(value.type, other, part) for part in self.kinds[value.type].key}

    def _stored(self, type_name: str, name: str, value: Any) -> Any:
        target = self.kinds[type_name].refers.get(name)
        if target is None or value is None or isinstance(value, Ref):
            return list(value) if isinstance(value, list) else value
        found = self._with_key(target, value)
        if found is None:
            raise Unreachable(f"no {target} {value}")
        return Ref(target, found)

    def _with_key(self, type_name: str, key: Mapping[str, Any]) -> str | None:
        for record_id, record in self.records[type_name].items():
            if all(same_value(self._shown(type_name, record, name), value) for name, value in key.items()):
                return record_id
        return None

    def _insert(self, type_name: str, values: Fields) -> str:
        stored = {name: self._stored(type_name, name, value) for name, value in values.items()}
        record_id = str(next(self._ids))
        self.records[type_name][record_id] = stored
        kind = self.kinds[type_name]
        if kind.brings is not None:
            child, names = kind.brings
            for name in names:
                self.records[child][str(next(self._ids))] = {"device": Ref(type_name, record_id), "name": name}
        return record_id

    def _create(self, number: int, one: Write) -> Written:
        there = self._with_key(one.type, one.key)
        names = [*one.fields]
        if there is not None:
            record = self.records[one.type][there]
            wanted = {name: self._stored(one.type, name, value) for name, value in one.fields.items()}
            if MARK in (record.get("tags") or ()) and any(record.get(name) != wanted[name] for name in names):
                return Written(number, "moved", there, reason="it is there already")
            if not self._was_brought(one.type, record) and any(record.get(name) != wanted[name] for name in names):
                return Written(number, "moved", there, reason="somebody else made it")
            record |= wanted
            record_id, children = there, []
        else:
            before = {name: set(records) for name, records in self.records.items()}
            record_id = self._insert(one.type, one.fields)
            self._made.add(Ref(one.type, record_id))
            children = [
                Dependent(name, new, new, owned=False)
                for name, records in self.records.items()
                for new in records
                if new not in before[name] and (name, new) != (one.type, record_id)
            ]
        self._touch(one.type, record_id)
        return self._told(number, one, record_id, names, children=tuple(children))

    def _was_brought(self, type_name: str, record: Mapping[str, Any]) -> bool:
        """Whether the server made it by itself along with what these writes created, and nobody wrote to it."""
        brings = [kind.brings for kind in self.kinds.values() if kind.brings and kind.brings[0] == type_name]
        made_now = record.get("device") in self._made
        return made_now and bool(brings) and set(record) == {"device", "name"} and record["name"] in brings[0][1]

    def _update(self, number: int, one: Write) -> Written:
        assert one.id is not None
        record = self.records[one.type].get(one.id)
        if record is None:
            return Written(number, "moved", one.id, reason="it is gone")
        before = {name: self._shown(one.type, record, name) for name in one.expected}
        if any(not same_value(before[name], value) for name, value in one.expected.items()):
            return Written(number, "moved", one.id, reason="it has another value now")
        changed = {name: self._stored(one.type, name, value) for name, value in one.fields.items()}
        for name in {*one.add, *one.remove}:
            items = [item for item in record.get(name) or () if item not in one.remove.get(name, ())]
            changed[name] = items + [item for item in one.add.get(name, ()) if item not in items]
        record |= changed
        self._touch(one.type, one.id)
        return self._told(number, one, one.id, [*changed], before=before)

    def _remove(self, number: int, one: Write) -> Written:
        assert one.id is not None
        record = self.records[one.type].get(one.id)
        if record is None:
            return Written(number, "written", one.id, requests=(self._request(),))
        if any(not same_value(self._shown(one.type, record, name), value) for name, value in one.expected.items()):
            return Written(number, "moved", one.id, reason="it has another value now")
        prior = {name: self._shown(one.type, record, name) for name in record}
        self._delete(one.type, one.id)
        return Written(number, "written", one.id, requests=(self._request(),), prior=prior)

    def _told(self, number: int, one: Write, record_id: str, names: Sequence[str], **more: Any) -> Written:
        record = self.records[one.type][record_id]
        after = {name: self._shown(one.type, record, name) for name in names}
        return Written(number, "written", record_id, after=after, requests=(self._request(),), **more)

    def _request(self) -> str:
        return f"request-{next(self._requests)}"

    def _reached(self, type_name: str, record_id: str) -> list[Dependent]:
        found: dict[tuple[str, str], Dependent] = {}
        waiting = [(type_name, record_id)]
        while waiting:
            target = waiting.pop()
            for name, kind in self.kinds.items():
                for other, record in self.records[name].items():
                    fields = [field for field, value in record.items() if value == Ref(*target)]
                    if not fields or (name, other) in found:
                        continue
                    deleted = any(field in kind.inside for field in fields)
                    owned = MARK in (record.get("tags") or ())
                    since = () if owned else self._written_since.get((name, other), ())
                    effect: Literal["deleted", "unlinked"] = "deleted" if deleted else "unlinked"
                    found[name, other] = Dependent(name, other, other, owned, effect, since)
                    if deleted:
                        waiting.append((name, other))
        return list(found.values())

    def _delete(self, type_name: str, record_id: str) -> None:
        gone = {(type_name, record_id)} | {
            (one.type, one.id) for one in self._reached(type_name, record_id) if one.effect == "deleted"
        }
        for name, other in gone:
            del self.records[name][other]
        for records in self.records.values():
            for record in records.values():
                for field, value in record.items():
                    if isinstance(value, Ref) and (value.type, value.id) in gone:
                        record[field] = None

    def _touch(self, type_name: str, record_id: str) -> None:
        self._versions[type_name, record_id] = self._versions.get((type_name, record_id), 0) + 1


def _marked(one: RecordSet) -> RecordSet:
    desired = tuple(
        type(record)(
            record.type,
            record.key,
            {**record.fields, "tags": sorted({*record.fields.get("tags", ()), MARK})},
            record.origin,
        )
        for record in one.desired
    )
    return structs.replace(one, desired=desired, mark="tags")
