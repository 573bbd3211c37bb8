"""The three kinds of write: what each sends, what a fitting answer is, and how to see whether it was done after all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from infratrack_netbox.changes_of import own_requests
from infratrack_netbox.client import NetBoxClient
from infratrack_netbox.comparing import differing, left_alone, rows_by_id, same, told, values_of, without
from infratrack_netbox.delivery import Entry, Result
from infratrack_netbox.exchange import Answer
from infratrack_netbox.payloads import body_of, tag_references
from infratrack_netbox.references import Finder, Nobody
from infratrack_netbox.server_schema import Endpoint
from infratrack_netbox.shapes import version_of


class Ground(Struct, frozen=True):
    """What every write of a run stands on."""

    client: NetBoxClient
    finder: Finder
    message: str
    """For the server's change log."""
    adds_tags: bool
    """Whether the server adds and removes single tags."""


class Creating:
    """New records of one type."""

    def __init__(self, ground: Ground, endpoint: Endpoint) -> None:
        self._ground = ground
        self._endpoint = endpoint
        self.name = f"create {endpoint.type}"
        self.separate = False
        # What only the server decides need not be in the answer: the records are read again anyway.
        shown = {"id", "display"}
        fields = endpoint.fields.items()
        unasked = sorted(name for name, field in fields if field.read_only and field.kind != "generic")
        left_out = ",".join(name for name in unasked if name not in shown)
        self._path = f"{endpoint.path}?omit={left_out}" if "omit" in endpoint.filters and left_out else endpoint.path

    def request(self, entries: Sequence[Entry]) -> tuple[str, str, Any]:
        """All of them in one list."""
        return "POST", self._path, [dict(entry.body) for entry in entries]

    def done(self, entries: Sequence[Entry], answer: Answer) -> list[str] | None:
        """As many ids as records were sent."""
        return _ids(answer.body, len(entries))

    def look(self, entries: Sequence[Entry]) -> list[Result | None]:
        """By natural key: ours if the server's change log says so, or if every field is as it was sent."""
        ground, endpoint = self._ground, self._endpoint
        keys = [entry.item.write.key for entry in entries]
        wanted = [_now(entry) for entry in entries]
        rows = ground.finder.find(endpoint.type, keys, sorted({name for one in wanted for name in one}))
        ids = [str(row["id"]) for found in rows for row in found]
        requests = own_requests(ground.client, endpoint.type, ids, ground.message) if ids else {}
        results: list[Result | None] = []
        for entry, found, fields in zip(entries, rows, wanted, strict=True):
            ours = [row for row in found if str(row["id"]) in requests] or [
                row for row in found if not differing(values_of(endpoint, ground.finder, row, fields), fields)
            ]
            if len(ours) == 1:
                record = str(ours[0]["id"])
                results.append(Result(entry, "written", record, requests.get(record, "")))
            elif found:
                results.append(Result(entry, "moved", str(found[0]["id"]), reason=meanwhile(found[0])))
            else:
                results.append(None)
        return results

    def again(self, entries: Sequence[Entry]) -> list[Entry | Result]:
        """Nothing was read that a create rests on."""
        return list(entries)


class Updating:
    """Changes of records of one type."""

    def __init__(self, ground: Ground, endpoint: Endpoint) -> None:
        self._ground = ground
        self._endpoint = endpoint
        self.name = f"update {endpoint.type}"
        self.separate = False

    def request(self, entries: Sequence[Entry]) -> tuple[str, str, Any]:
        """All of them in one list."""
        return "PATCH", self._endpoint.path, [{"id": int(entry.id), **entry.body} for entry in entries]

    def done(self, entries: Sequence[Entry], answer: Answer) -> list[str] | None:
        """The same ids as were sent, in whatever order."""
        ids = _ids(answer.body, len(entries))
        sent = [entry.id for entry in entries]
        return sent if ids is not None and sorted(ids) == sorted(sent) else None

    def look(self, entries: Sequence[Entry]) -> list[Result | None]:
        """By value: done if all is as it was to become, not done if nothing of it changed."""
        ground, endpoint = self._ground, self._endpoint
        rows = rows_by_id(ground.client, endpoint, [entry.id for entry in entries], _names(entries))
        requests = own_requests(ground.client, endpoint.type, [*rows], ground.message) if rows else {}
        results: list[Result | None] = []
        for entry in entries:
            row = rows.get(entry.id)
            if row is None:
                results.append(Result(entry, "moved", entry.id, reason="it has been deleted meanwhile"))
            elif self._is_done(entry, row):
                results.append(Result(entry, "written", entry.id, requests.get(entry.id, "")))
            else:
                moved = self._moved(entry, row)
                results.append(Result(entry, "moved", entry.id, reason=moved) if moved else None)
        return results

    def again(self, entries: Sequence[Entry]) -> list[Entry | Result]:
        """Read what they rest on: those where it is as the plan had it, with the newest version and lists."""
        ground, endpoint = self._ground, self._endpoint
        rows = rows_by_id(ground.client, endpoint, [entry.id for entry in entries], _names(entries))
        fresh: list[Entry | Result] = []
        for entry in entries:
            row = rows.get(entry.id)
            moved = "it has been deleted meanwhile" if row is None else self._moved(entry, row)
            if row is None or moved:
                fresh.append(Result(entry, "moved", entry.id, reason=moved))
            else:
                fresh.append(self.filled(msgspec.structs.replace(entry, version=version_of(row), live=row)))
        return fresh

    def filled(self, entry: Entry) -> Entry | Result:
        """The entry with its body, which for lists other than tags rests on the record as it was last read."""
        write, finder = entry.item.write, self._ground.finder
        fields = _now(entry)
        tags: dict[str, Any] = {}
        for name in {*write.add, *write.remove}:
            added, removed = write.add.get(name, ()), write.remove.get(name, ())
            if name == "tags" and self._ground.adds_tags:
                tags |= {"add_tags": tag_references(added)} if added else {}
                tags |= {"remove_tags": tag_references(removed)} if removed else {}
                continue
            kept = left_alone(self._endpoint, finder, entry.live or {}, name, [*added, *removed])
            fields[name] = [*kept, *added]
        body = body_of(self._endpoint, finder, fields)
        if isinstance(body, Nobody):
            return Result(entry, "failed", entry.id, reason=body.reason)
        return msgspec.structs.replace(entry, body={**body, **tags, "changelog_message": self._ground.message})

    def _value(self, row: Mapping[str, Any], name: str, like: Any) -> Any:  # noqa: ANN401 -- canonical JSON
        return values_of(self._endpoint, self._ground.finder, row, {name: like})[name]

    def _is_done(self, entry: Entry, row: Mapping[str, Any]) -> bool:
        wanted = _now(entry)
        if differing(values_of(self._endpoint, self._ground.finder, row, wanted), wanted):
            return False
        write = entry.item.write
        for name in {*write.add, *write.remove}:
            added, removed = write.add.get(name, ()), write.remove.get(name, ())
            live = self._value(row, name, [*added, *removed]) or ()
            if without(added, live) or len(without(removed, live)) < len(removed):
                return False
        return True

    def _moved(self, entry: Entry, row: Mapping[str, Any]) -> str:
        """What somebody changed of the fields that the write rests on; empty if nothing."""
        return moved_from(self._endpoint, self._ground.finder, entry, row)


class Deleting:
    """Records of one type taken away."""

    def __init__(self, ground: Ground, endpoint: Endpoint) -> None:
        self._ground = ground
        self._endpoint = endpoint
        self.name = f"delete {endpoint.type}"
        self.separate = True

    def request(self, entries: Sequence[Entry]) -> tuple[str, str, Any]:
        """All of them in one list; one alone by its own address, where a refusal names what is in the way."""
        message = {"changelog_message": self._ground.message}
        if len(entries) == 1:
            return "DELETE", f"{self._endpoint.path}{int(entries[0].id)}/", message
        return "DELETE", self._endpoint.path, [{"id": int(entry.id), **message} for entry in entries]

    def done(self, entries: Sequence[Entry], answer: Answer) -> list[str] | None:
        """A delete is answered without a body; whether all are gone is seen by reading again."""
        return [entry.id for entry in entries] if answer.body in (None, "", [], {}) else None

    def look(self, entries: Sequence[Entry]) -> list[Result | None]:
        """Those that are gone are done."""
        client, ids = self._ground.client, [entry.id for entry in entries]
        rows = rows_by_id(client, self._endpoint, ids, ())
        gone = [one for one in ids if one not in rows]
        requests = own_requests(client, self._endpoint.type, gone, self._ground.message) if gone else {}
        done = [Result(entry, "written", entry.id, requests.get(entry.id, "")) for entry in entries]
        return [None if one.id in rows else one for one in done]

    def again(self, entries: Sequence[Entry]) -> list[Entry | Result]:
        """Read them whole: for what brings them back, and to see whether they are as the plan had them."""
        rows = rows_by_id(self._ground.client, self._endpoint, [entry.id for entry in entries], None)
        fresh: list[Entry | Result] = []
        for entry in entries:
            row = rows.get(entry.id)
            if row is None:
                fresh.append(Result(entry, "written", entry.id, reason="it was gone already"))
                continue
            moved = moved_from(self._endpoint, self._ground.finder, _without_emptied(entry, row), row)
            ready = msgspec.structs.replace(entry, version=version_of(row), live=row)
            fresh.append(Result(entry, "moved", entry.id, reason=moved) if moved else ready)
        return fresh


def _now(entry: Entry) -> dict[str, Any]:
    """The fields that the entry writes now."""
    item = entry.item
    return {name: value for name, value in item.write.fields.items() if name not in item.waiting}


def _without_emptied(entry: Entry, row: Mapping[str, Any]) -> Entry:
    """A delete whose record refers to less by now rests on the rest: its own primary address may just be deleted."""
    item = entry.item
    expected = {
        name: value
        for name, value in item.write.expected.items()
        if not isinstance(value, Mapping) or row.get(name, value) is not None
    }
    write = msgspec.structs.replace(item.write, expected=expected)
    return msgspec.structs.replace(entry, item=msgspec.structs.replace(item, write=write))


def _names(entries: Sequence[Entry]) -> set[str]:
    writes = [entry.item.write for entry in entries]
    return {
        name for write in writes for part in (write.fields, write.expected, write.add, write.remove) for name in part
    }


def moved_from(endpoint: Endpoint, finder: Finder, entry: Entry, row: Mapping[str, Any]) -> str:
    """What somebody changed of the fields that a write rests on, as a sentence; empty if nothing."""
    write = entry.item.write
    whole = {name: value for name, value in write.expected.items() if name not in {*write.add, *write.remove}}
    live = values_of(endpoint, finder, row, whole)
    said = [f"{name} was {told(whole[name])} and is {told(live[name])} now" for name in differing(live, whole)]
    for name in sorted({*write.add, *write.remove} & set(write.expected)):
        concerned = [*write.add.get(name, ()), *write.remove.get(name, ())]
        before = write.expected[name] or ()
        after = values_of(endpoint, finder, row, {name: [*before, *concerned]})[name] or ()
        if not same(without(concerned, before), without(concerned, after)):
            said.append(f"{name} was {told(before)} and is {told(after)} now")
    return f"somebody changed it since the plan was made: {'; '.join(said)}" if said else ""


def meanwhile(row: Mapping[str, Any]) -> str:
    """Why a record is not created."""
    return f"NetBox has one with this key since the plan was made: {told(row.get('display', ''))} (id {row.get('id')})"


def _ids(body: object, count: int) -> list[str] | None:
    if not isinstance(body, list) or len(body) != count:
        return None
    ids = [one.get("id") if isinstance(one, Mapping) else None for one in body]
    sound = all(isinstance(one, int) and not isinstance(one, bool) for one in ids)
    return [str(one) for one in ids] if sound and len(set(ids)) == count else None
