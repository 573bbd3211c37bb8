"""What this project wrote last to each record, folded from the signed evidence of its syncs.

Evidence is signed, but what stands in it is read as if it were hostile: what is not of the shape that a sync leaves is
passed over, and a record of which less is known is only treated more carefully.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.evidence.redaction.scrubber import MASK
from infratrack.reconciliation.canonical import canonical, items_of
from infratrack.reconciliation.following import Renames, renamed_base
from infratrack.reconciliation.known_records import KnownRecords
from infratrack.reconciliation.records import Base, Fields

_WRITING: Final = frozenset({"create", "adopt", "change", "bind"})
_NOT_SEEN: Final = frozenset({"unknown", "intended"})
_MASK: Final = MASK[:-1].encode()
_NOT_DONE: Final = frozenset({"failed", "moved", "not_reached"})


class SyncRun(Struct, frozen=True):
    """The evidence of one sync: its run, and `result`."""

    run: str
    result: Any


class Bases(Struct, frozen=True):
    """What is known of the records of one CMDB. Types and ids are the CMDB's."""

    records: Mapping[str, Mapping[str, Base]] = {}
    """Type → id → what we wrote last. Passed to `Inventory.read` as `bound`."""
    started: Mapping[str, Mapping[bytes, Base]] = {}
    """Type → canonical key → records that we set out to create, of which no id is known."""
    children: frozenset[tuple[str, str]] = frozenset()
    """(type, id) of what the server made by itself along with a record of ours."""
    requests: frozenset[str] = frozenset()
    """The server's ids of our writing requests."""

    @property
    def bound(self) -> Mapping[str, Collection[str]]:
        """Type → the ids of the records that we know."""
        return self.records


class Entry(Struct, frozen=True):
    """One record of a sync's evidence, of a shape that was checked."""

    type: str
    id: str
    """Empty: not known."""
    key: Fields
    action: str
    outcome: str
    fields: tuple[Mapping[str, Any], ...]
    children: tuple[tuple[str, str], ...] = ()
    prior: Fields = {}
    owned: bool = True

    @property
    def values(self) -> dict[str, Any]:
        """Field name → the value after."""
        return {one["name"]: one["after"] for one in self.fields if "after" in one}


def bases_of(runs: Iterable[SyncRun], identity: str) -> Bases:
    """Fold the evidence of syncs with one CMDB, oldest first."""
    of_this = [one for one in runs if isinstance(one.result, Mapping) and one.result.get("identity") == identity]
    folding = _Folding({one.result.get("undoes") for one in of_this if isinstance(one.result.get("undoes"), str)})
    for one in of_this:
        folding.add(one)
    folding.follow()
    return Bases(
        {name: KnownRecords(records.values()) for name, records in folding.records.items() if records},
        {name: started for name, started in folding.started.items() if started},
        frozenset(folding.children),
        frozenset(folding.requests),
    )


def entries_of(result: Any) -> Iterator[Entry]:  # noqa: ANN401 -- whatever stands in evidence
    """The records of a sync's evidence that have the shape that they have to have, in order."""
    for one in _mappings(result.get("records") if isinstance(result, Mapping) else None):
        kind, record_id, key = one.get("type"), one.get("id"), one.get("key")
        action, outcome, prior = one.get("action"), one.get("outcome"), one.get("prior")
        if not isinstance(kind, str) or not isinstance(key, Mapping) or not isinstance(action, str):
            continue
        if not isinstance(outcome, str) or not (record_id is None or isinstance(record_id, str)):
            continue
        yield Entry(
            kind,
            record_id or "",
            key,
            action,
            outcome,
            tuple(field for field in _mappings(one.get("fields")) if isinstance(field.get("name"), str)),
            tuple(_children(one.get("children"))),
            prior if isinstance(prior, Mapping) else {},
            one.get("owned") is not False,
        )


def listed_after(known: Any, field: Mapping[str, Any]) -> Any:  # noqa: ANN401 -- any JSON value
    """What is ours of a field after it was written: of a list the items that we knew, added and did not take out."""
    added, removed = field.get("add"), field.get("remove")
    if not isinstance(added, list) and not isinstance(removed, list):
        return field.get("after")
    taken_out = items_of(removed)
    return [item for spelling, item in (items_of(known) | items_of(added)).items() if spelling not in taken_out]


def holds_mask(value: Any) -> bool:  # noqa: ANN401 -- any JSON value
    """Whether something was taken out of a value before it became evidence, so that it is not the value any more."""
    return value is not None and _MASK in canonical(value)


class _Folding:
    """The bases while runs are being added."""

    def __init__(self, undone: Collection[str]) -> None:
        self.records: dict[str, dict[str, Base]] = {}
        self.started: dict[str, dict[bytes, Base]] = {}
        self.children: set[tuple[str, str]] = set()
        self.requests: set[str] = set()
        self._undone = undone
        self._before: dict[str, dict[tuple[str, str], Base | None]] = {}
        """Of the runs that are undone later: what was known of each record before them."""
        self._run = 0
        self._place: dict[tuple[str, str], int] = {}
        """The number of the last run whose renames are followed in what is known of a record."""
        self._renames: dict[int, Renames] = {}
        """Number of a run → what it renamed."""

    def add(self, run: SyncRun) -> None:
        """Fold one run."""
        self._run += 1
        undoes = run.result.get("undoes")
        back_to = self._before.get(undoes, {}) if isinstance(undoes, str) else {}
        snapshot = self._before.setdefault(run.run, {}) if run.run in self._undone else None
        requests = run.result.get("requests")
        if isinstance(requests, list):
            self.requests.update(one for one in requests if isinstance(one, str))
        for entry in entries_of(run.result):
            if snapshot is not None:
                snapshot.setdefault((entry.type, entry.id), self.records.get(entry.type, {}).get(entry.id))
            if entry.outcome == "written":
                self._written(entry, run.run)
                if (entry.type, entry.id) in back_to:
                    self._forget(entry, back_to[entry.type, entry.id])
            elif entry.outcome in _NOT_SEEN or entry.outcome in _NOT_DONE:
                self._not_seen(entry, run.run)

    def follow(self) -> None:
        """Let what was written before a rename refer to the renamed record by its new key."""
        if self._renames:
            for of_type in self.records.values():
                of_type |= {record_id: self._followed(base) for record_id, base in of_type.items()}

    def _followed(self, base: Base) -> Base:
        place = self._place[base.type, base.id]
        for number, renames in self._renames.items():
            if number > place and renames:
                base = renamed_base(base, renames)
        return base

    def _written(self, entry: Entry, run: str) -> None:
        known = self.records.setdefault(entry.type, {})
        if entry.action == "delete":
            known.pop(entry.id, None)
            return
        if entry.action not in _WRITING or not entry.id:
            return
        self.children.update(entry.children)
        self.started.get(entry.type, {}).pop(canonical(entry.key), None)
        old = known.get(entry.id)
        if old is not None:
            old = self._followed(old)
        new = _joined(old, entry, run)
        known[entry.id] = new
        self._set_place(entry)
        if old is not None and old.key != new.key:
            self._renames.setdefault(self._run, Renames()).add(entry.type, old.key, new.key)

    def _set_place(self, entry: Entry) -> None:
        """Note that what is known of a record reads as of now: after what this run has renamed so far."""
        self._place[entry.type, entry.id] = self._run if self._run in self._renames else self._run - 1

    def _not_seen(self, entry: Entry, run: str) -> None:
        """Note what may have been written. A create that was not done is still one that we set out to do."""
        if entry.action == "create" and not entry.id:
            begun = entry.outcome in _NOT_SEEN
            started = self.started.setdefault(entry.type, {})
            spelling = canonical(entry.key)
            old = started.get(spelling) or Base(entry.type, "", entry.key)
            intended = _intended(old, entry) if begun else old.intended
            started[spelling] = structs.replace(old, intended=intended, run=run)
            return
        old_base = self.records.get(entry.type, {}).get(entry.id)
        if entry.action not in _WRITING or not entry.id or entry.outcome not in _NOT_SEEN:
            return
        # Without a base it is not one of ours yet: it stays unbound, and only the values are remembered.
        base = old_base or Base(entry.type, entry.id, entry.key, run=run)
        if old_base is not None or entry.action in {"create", "bind"}:
            self._place.setdefault((entry.type, entry.id), self._run - 1)
            self.records.setdefault(entry.type, {})[entry.id] = structs.replace(base, intended=_intended(base, entry))
            return
        started = self.started.setdefault(entry.type, {})
        started[canonical(entry.key)] = structs.replace(base, id="", intended=_intended(base, entry))

    def _forget(self, entry: Entry, before: Base | None) -> None:
        """An undo of values that we had not known before gives them back to whoever they belong to."""
        base = self.records.get(entry.type, {}).get(entry.id)
        if base is None:
            return
        strange = {one["name"] for one in entry.fields if before is None or one["name"] not in before.fields}
        fields = {name: value for name, value in base.fields.items() if name not in strange}
        self.records[entry.type][entry.id] = structs.replace(base, fields=fields)


def _joined(old: Base | None, entry: Entry, run: str) -> Base:
    """What is known of a record after it was written or bound."""
    key, fields = dict(entry.key), dict(old.fields) if old else {}
    before = dict(old.before) if old else {}
    if old is not None and not set(entry.key) <= {one["name"] for one in entry.fields}:
        # Only what was written or found equal of a key is ours to know: a rename may have been left alone.
        key = {name: old.key.get(name, old.fields.get(name, value)) for name, value in entry.key.items()}
        fields |= {name: value for name, value in old.key.items() if name not in key}
    for one in entry.fields:
        name = one["name"]
        if "after" not in one and "add" not in one and "remove" not in one:
            continue
        if name in key:
            key[name] = one.get("after")
            continue
        if holds_mask(one.get("after")) or holds_mask(one.get("add")):
            fields.pop(name, None)  # the value was kept out of the evidence: what we wrote is not known
            continue
        if entry.action in {"adopt", "change"} and name not in fields and "before" in one:
            before[name] = one["before"]
        fields[name] = listed_after(fields.get(name), one)
    written = {one["name"] for one in entry.fields}
    intended = {name: values for name, values in old.intended.items() if name not in written} if old else {}
    owned = entry.owned if entry.action == "bind" else True
    return Base(entry.type, entry.id, key, fields, intended, run, before, owned)


def _intended(base: Base, entry: Entry) -> dict[str, tuple[Any, ...]]:
    intended = dict(base.intended)
    for one in entry.fields:
        name = one["name"]
        value = listed_after(base.fields.get(name), one)
        intended[name] = (*intended.get(name, ()), value)
    return intended


def _mappings(value: Any) -> Sequence[Mapping[str, Any]]:  # noqa: ANN401 -- whatever stands in evidence
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _children(value: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401 -- whatever stands in evidence
    for one in _mappings(value):
        kind, record_id = one.get("type"), one.get("id")
        if isinstance(kind, str) and isinstance(record_id, str):
            yield kind, record_id
