"""A project, its CMDB in memory and its evidence: syncs as `infratrack sync` does them, without files and keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from infratrack.capture.sync_result import SyncFrame, sync_result
from infratrack.reconciliation.bases import Bases, SyncRun, bases_of
from infratrack.reconciliation.interface import WriteContext
from infratrack.reconciliation.pinning import plan_digest
from infratrack.reconciliation.planning import make_plan
from infratrack.reconciliation.policy import MaxDeletes, Policy
from infratrack.reconciliation.records import DesiredRecord, Fields, RecordPlan, RecordSet, SyncPlan, Write, Written
from infratrack.reconciliation.undo import undo_ids, undo_plan, undo_sets
from infratrack.reconciliation.writes import writes_of
from infratrack.testing.reconcilers import NoSecrets
from tests.reconciliation.model_cmdb import KINDS, ModelCmdb, Stopped

ANY_NUMBER = MaxDeletes(1_000_000, 0)
Wanted = Mapping[str, Mapping[str, Fields]]
"""Type → name → fields. A port's name is `device/port`."""


class World:
    """One CMDB, and what one project signed about it."""

    def __init__(self) -> None:
        self.cmdb = ModelCmdb()
        self.evidence: list[SyncRun] = []

    @property
    def bases(self) -> Bases:
        return bases_of(self.evidence, self.cmdb.identity)

    def plan(self, wanted: Wanted, policy: Policy | None = None) -> SyncPlan:
        """What `infratrack sync` would show."""
        return self.plan_sets(sets_of(wanted), policy)

    def plan_sets(self, sets: Sequence[RecordSet], policy: Policy | None = None) -> SyncPlan:
        bases, cmdb = self.bases, self.cmdb
        prepared = cmdb.prepare(sets)
        readings = cmdb.read(prepared, bases.bound)
        policy = policy or Policy(max_deletes=ANY_NUMBER)
        return make_plan("model", cmdb.identity, prepared, readings, bases, policy, cmdb.retirement, cmdb.dependents)

    def apply(self, plan: SyncPlan, *, stop_after: int | None = None, undoes: str | None = None) -> str:
        """What `--apply` does with a plan; with `stop_after` the machine goes down. Returns the run's id."""
        run = f"run-{len(self.evidence)}"
        writes = [write for _, write in writes_of(plan)]
        written: dict[int, Written] = {}
        otherwise = "not_reached"
        self.cmdb.stop_after = stop_after
        try:
            for one in self.cmdb.write(writes, WriteContext(run, "test")):
                written[one.number] = one
                if one.outcome == "moved":  # what was shown is not so any more
                    break
        except Stopped:
            written, otherwise = {}, "intended"
        self.cmdb.stop_after = None
        self.record(run, plan, writes, written, otherwise, undoes)
        return run

    def record(  # noqa: PLR0913, PLR0917 -- what evidence is made of
        self,
        run: str,
        plan: SyncPlan,
        writes: Sequence[Write],
        written: Mapping[int, Written],
        otherwise: str = "not_reached",
        undoes: str | None = None,
    ) -> None:
        frame = SyncFrame("model", self.cmdb.identity, {}, plan_digest(plan), plan.summary, undoes=undoes)
        result = sync_result(frame, writes, written, plan.bindings, NoSecrets(), otherwise=otherwise)
        self.evidence.append(SyncRun(run, msgspec.json.decode(msgspec.json.encode(result))))

    def sync(self, wanted: Wanted, policy: Policy | None = None) -> SyncPlan:
        """Plan and apply."""
        plan = self.plan(wanted, policy)
        self.apply(plan)
        return plan

    def undo(self, run: str) -> SyncPlan:
        """Plan and apply the undo of a run."""
        plan = self.undoing(run)
        self.apply(plan, undoes=run)
        return plan

    def undoing(self, run: str) -> SyncPlan:
        """What `--undo` would show."""
        (taken_back,) = [one for one in self.evidence if one.run == run]
        sets = self.cmdb.prepare(undo_sets(taken_back))
        readings = self.cmdb.read(sets, undo_ids(taken_back))
        return undo_plan("model", self.cmdb.identity, taken_back, readings, self.bases, self.cmdb.dependents)

    def the(self, type_name: str, **key: Any) -> str:
        """The id of the one record with these values."""
        (found,) = [
            record_id
            for record_id, record in self.cmdb.records[type_name].items()
            if all(record.get(name) == value for name, value in key.items())
        ]
        return found


def sets_of(wanted: Wanted) -> list[RecordSet]:
    """One complete set a type, every type of the model that is named."""
    return [
        RecordSet(
            name, tuple(desired(name, key, fields) for key, fields in wanted[name].items()), source=f"list of {name}"
        )
        for name in KINDS
        if name in wanted
    ]


def desired(type_name: str, name: str, fields: Fields) -> DesiredRecord:
    """One desired record of the model."""
    device, _, port = name.partition("/")
    key: Fields = {"device": {"name": device}, "name": port} if type_name == "port" else {KINDS[type_name].key[0]: name}
    return DesiredRecord(type_name, key, fields, f"{type_name}[{name}]")


def actions(plan: SyncPlan) -> dict[str, str]:
    """The last part of each record's key → what happens to it, without what is the same."""
    return {str([*one.key.values()][-1]): one.action for one in plan.records}


def verdicts(plan: SyncPlan, name: str) -> dict[str, str]:
    """Of one record: field → verdict."""
    return {field.name: field.verdict for field in record(plan, name).fields}


def record(plan: SyncPlan, name: str) -> RecordPlan:
    """The plan's record whose key ends in a value."""
    (found,) = [one for one in plan.records if [*one.key.values()][-1] == name]
    return found
