"""A plugin with a CMDB in a JSON file that fails as it is told (FAKE_FAULT), also in the middle of writing.

One record is one request. It is no stand-in for a real CMDB: it is here to die, lie and leak at chosen moments.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from infratrack.api import (
    Dependent,
    EvidenceType,
    Inventory,
    LastChange,
    LiveRecord,
    Reading,
    ReconcileContext,
    Reconciler,
    RecordSet,
    SyncEvidence,
    Unreachable,
    Write,
    WriteContext,
    Written,
    hookimpl,
)

KIND = "urn:infratrack:evidence:fake-sync:v1"


class FakeInventory:
    identity = "fake http://fake.example"
    description: Mapping[str, Any] = {"version": "1"}

    def __init__(self, context: ReconcileContext) -> None:
        self._context = context
        self._file = context.folder / "cmdb.json"
        kind, _, number = context.environment.get("FAKE_FAULT", "").partition(":")
        self._fault = (kind, int(number or 0))
        self._token = context.environment.get("FAKE_TOKEN", "")
        self._data: dict[str, Any] = json.loads(self._file.read_text()) if self._file.exists() else {}
        if kind == "refuse":
            raise Unreachable(f"the CMDB refuses the token {self._token}", f"is {self._token} right?")

    def prepare(self, sets: Sequence[RecordSet]) -> Sequence[RecordSet]:
        return sets

    def read(self, sets: Sequence[RecordSet], bound: Mapping[str, Collection[str]]) -> Sequence[Reading]:
        if self._fault[0] == "badread":
            raise ValueError(f"the token is {self._token}")
        self._context.report(f"reading with {self._token}", 0, 2)
        live = [
            LiveRecord("device", number, {"name": one["name"]}, one, owned=True, version=str(one))
            for number, one in self._data.items()
        ]
        return [Reading(live) for _ in sets]

    def dependents(self, records: Sequence[LiveRecord]) -> Mapping[tuple[str, str], Sequence[Dependent]]:
        return {}

    def last_changes(
        self, records: Collection[tuple[str, str]], ours: Collection[str] = ()
    ) -> Mapping[tuple[str, str], LastChange]:
        from infratrack.api import Instant

        return {one: LastChange(f"bob {self._token}".strip(), Instant(1_767_603_600_000_000)) for one in records}

    def retirement(self, type_name: str) -> None:
        return None

    def write(self, writes: Sequence[Write], context: WriteContext) -> Iterator[Written]:
        fault, at = self._fault
        for number, one in enumerate(writes):
            if self._context.canceled():
                return
            self._before(fault, now=at == number)
            if fault == "fail" and at == number:
                yield Written(number, "failed", reason=f"403 for {self._token} \x1b[31m")
                continue
            if fault == "moved" and at == number:
                yield Written(number, "moved", id=one.id)
                continue
            written = self._written(number, one)
            if fault == "after" and at == number:
                os.kill(os.getpid(), signal.SIGKILL)
            if fault == "term" and at == number:
                os.kill(os.getpid(), signal.SIGTERM)
            yield written

    def _before(self, fault: str, *, now: bool) -> None:
        if not now:
            return
        if fault == "unreachable":
            raise Unreachable(f"the connection of {self._token} was reset", "try again")
        if fault == "bug":
            raise ValueError(f"the token is {self._token}")
        if fault == "before":
            os.kill(os.getpid(), signal.SIGKILL)

    def _written(self, number: int, one: Write) -> Written:
        request = (f"request-{number}",)
        if one.action == "delete":
            prior = self._data.pop(one.id or "", {})
            self._keep()
            return Written(number, "written", one.id, requests=request, prior=prior)
        if one.action == "create":
            found = [key for key, row in self._data.items() if row["name"] == one.key["name"]]
            record_id = found[0] if found else f"id-{one.key['name']}"
        else:
            record_id = one.id or ""
        before = dict(self._data.get(record_id, {}))
        fields = {**before, **one.fields}
        if self._fault[0] == "unlike":
            fields["status"] = "something else"
        self._data[record_id] = fields
        self._keep()
        after = {name: fields[name] for name in one.fields}
        return Written(number, "written", record_id, before, after, request, version=str(fields))

    def _keep(self) -> None:
        temporary = self._file.with_suffix(".new")
        temporary.write_text(json.dumps(self._data))
        temporary.replace(self._file)

    def close(self) -> None:
        pass


class FakeReconciler:
    name = "fake"
    predicate_type = KIND
    schema: Mapping[str, Any] = {"type": "object", "description": "A fake.", "examples": [{}]}

    def open(self, context: ReconcileContext) -> Inventory:
        return FakeInventory(context)


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    return [SyncEvidence(KIND)]


@hookimpl
def infratrack_reconcilers() -> list[Reconciler]:
    return [FakeReconciler()]


SOURCE = Path(__file__).read_text(encoding="utf-8")
