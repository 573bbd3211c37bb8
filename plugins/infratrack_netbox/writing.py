"""Carries writes out, in their order and in batches, and tells what came of each as re-read afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack.api import Dependent, Unreachable, Write, WriteContext, Written
from infratrack_netbox.arrangement import Item, arranged, spelled, together
from infratrack_netbox.children import children_of, counts_of
from infratrack_netbox.client import NetBoxClient
from infratrack_netbox.comparing import differing, rows_by_id, told, values_of, without
from infratrack_netbox.delivery import Delivery, Entry, Result, Work
from infratrack_netbox.dependents import rows_below
from infratrack_netbox.payloads import body_of, changelog_message, look_up
from infratrack_netbox.prior import emptied_by, prior_fields
from infratrack_netbox.references import Finder, Nobody
from infratrack_netbox.referring import identity_of
from infratrack_netbox.server_schema import Endpoint
from infratrack_netbox.settings import Mark
from infratrack_netbox.shapes import version_of
from infratrack_netbox.works import Creating, Deleting, Ground, Updating, meanwhile

_ADDS_TAGS: Final = (4, 7)
"""The oldest release that is known to take `add_tags` and `remove_tags`."""
_LOOK_AHEAD: Final = 150
"""Deletes for which it is found out at once what they reach."""
_NO_ID: Final = "the write names no id that a record of NetBox can have"


def write(
    client: NetBoxClient, writes: Sequence[Write], context: WriteContext, canceled: Callable[[], bool], mark: Mark
) -> Iterator[Written]:
    """Carry the writes out in their order; what came of each as soon as it is known.

    Twice for a write of which a field had to wait for a later record: what was told last counts. Raises Unreachable,
    after what is not known was told as `unknown`.
    """
    return Writing(client, context, canceled, mark).run(writes)


class Writing:
    """One run of writes against one server."""

    def __init__(self, client: NetBoxClient, context: WriteContext, canceled: Callable[[], bool], mark: Mark) -> None:
        self._schema = client.schema()
        finder = Finder(client)
        message = changelog_message(context.run, context.message)
        self._ground = Ground(client, finder, message, _release(client.version) >= _ADDS_TAGS)
        self._delivery = Delivery(client, client.timeout, canceled)
        self._canceled = canceled
        self._mark = mark
        self._made: set[tuple[str, str]] = set()
        """(type, id) of what this run created."""
        self._ids: dict[int, str] = {}
        """Number of a write → id of the record that it created."""
        self._first: dict[int, Written] = {}
        """What was told of writes of which some fields still wait."""
        self._deleted: dict[str, list[Mapping[str, Any]]] = {}
        """Type → what is known of the records that this run deleted."""
        self._guards: bool | None = None
        """Whether the server has ETags; None: not asked yet."""

        self._by_key: dict[tuple[str, bytes], str] = {}
        """(type, key) → id of the record that this run created under it."""
        self._below: dict[tuple[str, str], Sequence[Dependent]] = {}

    def run(self, writes: Sequence[Write]) -> Iterator[Written]:
        """What came of each write; twice for one whose last fields had to wait for a later record. Unreachable."""
        items = arranged(writes, self._schema)
        place = 0
        while place < len(items) and not self._canceled():
            write = items[place].write
            paces = (write.action, "update") if write.action == "create" else (write.action,)
            size = together(items, place, max(self._delivery.size(f"{one} {write.type}") for one in paces))
            batch = items[place : place + size]
            endpoint = self._schema.endpoint(write.type)
            if write.action == "create":
                yield from self._creates(endpoint, batch)
            elif write.action == "update":
                yield from self._updates(endpoint, batch)
            else:
                yield from self._deletes(endpoint, batch, items[place : place + _LOOK_AHEAD])
            place += size

    def _creates(self, endpoint: Endpoint, batch: Sequence[Item]) -> Iterator[Written]:
        finder = self._ground.finder
        wanted = [_now(item) for item in batch]
        look_up(endpoint, finder, wanted)
        names = sorted({name for one in wanted for name in one})
        there = finder.find(endpoint.type, [item.write.key for item in batch], names, filtered_only=True)
        new: list[Entry] = []
        adopted: list[Item] = []
        for item, fields, found in zip(batch, wanted, there, strict=True):
            if found and len(found) == 1 and self._made_along(endpoint, item, found[0]):
                adopted.append(self._adoption(endpoint, item, found[0]))
                continue
            if found:
                yield Written(item.number, "moved", str(found[0]["id"]), reason=meanwhile(found[0]))
                continue
            body = body_of(endpoint, finder, fields)
            if isinstance(body, Nobody):
                yield Written(item.number, "failed", reason=body.reason)
                continue
            new.append(Entry(item, {**body, "changelog_message": self._ground.message}))
        yield from self._carry(endpoint, Creating(self._ground, endpoint), new)
        if adopted:
            yield from self._updates(endpoint, adopted)

    def _made_along(self, endpoint: Endpoint, item: Item, row: Mapping[str, Any]) -> bool:
        """Whether the server made the record by itself, along with one that this run created."""
        owners = identity_of(self._schema, endpoint, row, item.write.key).values()
        above = {one for value in owners if isinstance(value, frozenset) for one in value}
        return bool(above & self._made) and (endpoint.type, str(row["id"])) not in self._made

    def _adoption(self, endpoint: Endpoint, item: Item, row: Mapping[str, Any]) -> Item:
        """A create whose record is there already, as the update that makes it what was to be created."""
        fields = _now(item)
        live = values_of(endpoint, self._ground.finder, row, fields)
        changes = {name: fields[name] for name in differing(live, fields)}
        tags = changes.pop("tags", None)
        add = {"tags": without(tags, live["tags"] or ())} if tags is not None else {}
        expected = {name: live[name] for name in changes}
        write = Write(
            "update", endpoint.type, item.write.key, str(row["id"]), version_of(row), changes, add, {}, expected
        )
        return msgspec.structs.replace(item, write=write)

    def _updates(self, endpoint: Endpoint, batch: Sequence[Item]) -> Iterator[Written]:
        look_up(endpoint, self._ground.finder, [part for item in batch for part in (_now(item), _items(item.write))])
        work = Updating(self._ground, endpoint)
        entries: list[Entry] = []
        for item in batch:
            record = self._record(item)
            if isinstance(record, str) and not _is_id(record):
                record = Nobody(_NO_ID)
            if isinstance(record, str):
                entries.append(Entry(item, {}, record, item.write.version))
            elif record is not None:
                yield Written(item.number, "failed", reason=record.reason)
        ready: list[Entry] = []
        done: list[Result] = []
        fresh = work.again(entries) if self._rests_on_reading(endpoint, entries) else [*map(work.filled, entries)]
        for one in fresh:
            if isinstance(one, Result):
                done.append(one)
            elif len(one.body) == 1:  # only the message: there is nothing to change
                done.append(Result(one, "written", one.id))
            else:
                ready.append(one)
        if done:
            yield from self._told(endpoint, done)
        yield from self._carry(endpoint, work, ready)

    def _record(self, item: Item) -> str | Nobody | None:
        """The id of the record to change, perhaps one that this run created; None for the rest of a failed create."""
        write = item.write
        if write.id or item.late:
            return write.id or self._ids.get(item.number)
        made = self._by_key.get((write.type, spelled(write.key)))
        return made if made is not None else self._ground.finder.meant(write.type, write.key)

    def _rests_on_reading(self, endpoint: Endpoint, entries: Sequence[Entry]) -> bool:
        """Whether the records must be read before they are written: where nothing else tells that they moved."""
        if not entries:
            return False
        if self._guards is None:
            self._guards = bool(self._ground.client.get(endpoint.path, entries[0].id).etag)
        tags = {"tags"} if self._ground.adds_tags else set()
        writes = [entry.item.write for entry in entries]
        lists = any({*write.add, *write.remove} - tags for write in writes)
        late = any(entry.item.late for entry in entries)
        return not self._guards or lists or late or not all(entry.version for entry in entries)

    def _deletes(self, endpoint: Endpoint, batch: Sequence[Item], ahead: Sequence[Item]) -> Iterator[Written]:
        work = Deleting(self._ground, endpoint)
        entries = [Entry(item, {}, item.write.id or "", item.write.version) for item in batch]
        yield from (Written(one.item.number, "failed", reason=_NO_ID) for one in entries if not _is_id(one.id))
        fresh = work.again([entry for entry in entries if _is_id(entry.id)])
        for one in fresh:
            if isinstance(one, Result):
                yield Written(one.entry.item.number, one.outcome, one.id, reason=one.reason)
        ready = [one for one in fresh if isinstance(one, Entry)]
        self._look_below(endpoint, ready, ahead)
        for results in self._delivery.carry(work, ready):
            there = self._still_there(endpoint, results)
            for result in results:
                yield self._deletion(endpoint, result, self._below.get((endpoint.type, result.id), ()), there)

    def _look_below(self, endpoint: Endpoint, ready: Sequence[Entry], ahead: Sequence[Item]) -> None:
        """Find out what goes with these records, and at once with the next ones of the type: it takes many requests."""
        if all((endpoint.type, entry.id) in self._below for entry in ready):
            return
        same = [item.write.id or "" for item in ahead if item.write.type == endpoint.type]
        next_ones = [one for one in same if _is_id(one)]
        ids = list(dict.fromkeys([*(entry.id for entry in ready), *next_ones]))
        found = rows_below(self._ground.client, self._mark, endpoint.type, ids)
        self._below |= {(endpoint.type, one): found.get(one, ()) for one in ids}

    def _still_there(self, endpoint: Endpoint, results: Sequence[Result]) -> set[str]:
        ids = [one.id for one in results if one.outcome == "written"]
        return {*rows_by_id(self._ground.client, endpoint, ids, ())} if ids else set()

    def _deletion(self, endpoint: Endpoint, result: Result, below: Sequence[Dependent], there: set[str]) -> Written:
        live = result.entry.live or {}
        gone = {(one.type, one.id) for one in below if one.effect == "deleted"}
        prior = prior_fields(self._schema, endpoint, live, gone, self._ground.finder.custom_fields(endpoint, live))
        # What the plan names a record by says more than what an answer shows of it: a rack's name and its site.
        write = result.entry.item.write
        prior |= {name: value for name, value in write.expected.items() if name in prior}
        prior |= emptied_by(endpoint, live, write.expected, self._deleted)
        if result.outcome != "written":
            return Written(result.entry.item.number, result.outcome, result.id, reason=result.reason, prior=prior)
        requests = (result.request,) if result.request else ()
        number = result.entry.item.number
        if result.id in there:
            reason = "NetBox took the delete, but the record is still there"
            return Written(number, "failed", result.id, requests=requests, reason=reason, prior=prior)
        self._deleted.setdefault(endpoint.type, []).append({**prior, **write.key})
        return Written(number, "written", result.id, requests=requests, children=tuple(below), prior=prior)

    def _carry(self, endpoint: Endpoint, work: Work, entries: Sequence[Entry]) -> Iterator[Written]:
        for results in self._delivery.carry(work, entries):
            yield from self._told(endpoint, results)

    def _told(self, endpoint: Endpoint, results: Sequence[Result]) -> Iterator[Written]:
        """The results with what is there now; what was written is read again for that. Unreachable."""
        written = [one for one in results if one.outcome == "written"]
        try:
            names = {name for one in written for name in _named(one.entry.item.write)} | {*counts_of(endpoint)}
            rows = rows_by_id(self._ground.client, endpoint, [one.id for one in written], names) if written else {}
            new = {one.id: rows[one.id] for one in written if _is_create(one) and one.id in rows}
            children = children_of(self._ground.client, self._schema, endpoint.type, new) if new else {}
            outcomes = [self._outcome(endpoint, one, rows.get(one.id), children.get(one.id, ())) for one in results]
        except Unreachable:
            for one in results:
                yield self._unread(one)
            raise
        for one, outcome in zip(results, outcomes, strict=True):
            yield self._with_earlier(one, outcome)

    def _unread(self, result: Result) -> Written:
        requests = (result.request,) if result.request else ()
        known = result.outcome != "written"
        reason = result.reason if known else "NetBox took it, but it could not be read again"
        outcome = result.outcome if known else "unknown"
        return Written(result.entry.item.number, outcome, result.id or None, requests=requests, reason=reason)

    def _outcome(
        self, endpoint: Endpoint, result: Result, row: Mapping[str, Any] | None, children: Sequence[Dependent]
    ) -> Written:
        item, write = result.entry.item, result.entry.item.write
        if result.outcome != "written":
            return Written(item.number, result.outcome, result.id or None, reason=result.reason)
        requests = (result.request,) if result.request else ()
        if row is None:
            reason = "NetBox took it, but the record is not there when it is read again"
            return Written(item.number, "failed", result.id, requests=requests, reason=reason)
        if write.action == "create":
            self._ids[item.number] = result.id
            self._made.add((endpoint.type, result.id))
            self._by_key[endpoint.type, spelled(write.key)] = result.id
        after = self._after(endpoint, write, row)
        wrong = [f"{name} is {told(after[name])}" for name in self._not_as_written(item, after)]
        return Written(
            item.number,
            "failed" if wrong else "written",
            result.id,
            before={name: write.expected.get(name) for name in after} if write.action == "update" else {},
            after=after,
            requests=requests,
            reason=f"NetBox took it, but when it is read again {'; '.join(wrong)}" if wrong else result.reason,
            children=tuple(children),
            version=version_of(row),
        )

    def _after(self, endpoint: Endpoint, write: Write, row: Mapping[str, Any]) -> dict[str, Any]:
        return values_of(endpoint, self._ground.finder, row, {**write.fields, **_items(write)})

    def _not_as_written(self, item: Item, after: Mapping[str, Any]) -> list[str]:
        write = item.write
        wrong = differing(after, _now(item))
        for name in sorted({*write.add, *write.remove}):
            live = after[name] if isinstance(after[name], list | tuple) else ()
            removed = write.remove.get(name, ())
            if without(write.add.get(name, ()), live) or len(without(removed, live)) < len(removed):
                wrong.append(name)
        return wrong

    def _with_earlier(self, result: Result, written: Written) -> Written:
        """Together with what was told before the last fields could be written."""
        item = result.entry.item
        if not item.late:
            if item.waiting:
                self._first[item.number] = written
            return written
        first = self._first.get(item.number)
        if first is None:
            return written
        return msgspec.structs.replace(
            written,
            before={**first.before, **written.before},
            after={**first.after, **written.after},
            requests=tuple(dict.fromkeys([*first.requests, *written.requests])),
            children=first.children,
        )


def _now(item: Item) -> dict[str, Any]:
    return {name: value for name, value in item.write.fields.items() if name not in item.waiting}


def _items(write: Write) -> dict[str, list[Any]]:
    """Of the lists that are changed item by item, all items that the write knows."""
    return {
        name: [*(write.expected.get(name) or ()), *write.add.get(name, ()), *write.remove.get(name, ())]
        for name in sorted({*write.add, *write.remove})
    }


def _is_id(text: str) -> bool:
    """Whether it can be the id of a record: ids of evidence are somebody's text."""
    return text.isascii() and text.isdigit()


def _named(write: Write) -> set[str]:
    return {*write.fields, *write.add, *write.remove}


def _is_create(result: Result) -> bool:
    return result.entry.item.write.action == "create"


def _release(version: str) -> tuple[int, ...]:
    """`4.7.3-Docker` is (4, 7); what cannot be read is ()."""
    parts = version.split(".")[:2]
    return tuple(int(part) for part in parts) if all(part.isascii() and part.isdigit() for part in parts) else ()
