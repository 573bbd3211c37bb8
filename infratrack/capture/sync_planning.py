"""Makes the plan: sources → desired records → what the CMDB has → what we wrote last → what to do. Reads only."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from msgspec import Struct, structs

from infratrack.capture.child_environment import without_signing_key
from infratrack.capture.clock import now
from infratrack.capture.sync_evidence import MASKED, EarlierSyncs, runs_of
from infratrack.capture.sync_session import Session, asking
from infratrack.capture.workspace import Workspace
from infratrack.evidence.redaction import Scrubber, secrets_in_environment
from infratrack.reconciliation.bases import SyncRun, bases_of
from infratrack.reconciliation.interface import Report
from infratrack.reconciliation.planning import make_plan
from infratrack.reconciliation.policy import MaxDeletes, Policy
from infratrack.reconciliation.records import LastChange, SyncPlan
from infratrack.reconciliation.sources import ReadSet, read_sets
from infratrack.reconciliation.undo import undo_ids, undo_plan, undo_sets


class Asked(Struct, frozen=True):
    """What a person asks of the plan."""

    prune: bool = False
    take_ours: tuple[str, ...] = ()
    undo: str | None = None
    """The id of a run (or the beginning of it) to take back, instead of what the sources say."""


class Desired(Struct, frozen=True):
    """What the sources say, and what must be scrubbed because of them and of the environment."""

    secrets: frozenset[str]
    sets: Sequence[ReadSet] = ()

    @property
    def sources(self) -> list[dict[str, Any]]:
        """For the evidence: each source once."""
        return [
            {
                "source": name,
                "items": len(reading.items),
                "complete": reading.complete,
                "reason": reading.reason,
                "facts": dict(reading.facts),
            }
            for name, reading in {one.name: one.reading for one in self.sets}.items()
        ]


def desired(workspace: Workspace, name: str, report: Report) -> Desired:
    """Read the sources of a CMDB's mappings. InputError, Unreachable."""
    environment = without_signing_key(workspace.environ)
    configuration, sources = workspace.project.cmdb[name], workspace.plugins.sources
    sets = read_sets(configuration, sources, workspace.folder, environment, report, now=now())
    found = frozenset(secret for one in sets for secret in one.reading.secrets)
    return Desired(secrets_in_environment(workspace.environ) | found, sets)


def nothing_desired(workspace: Workspace) -> Desired:
    """For a sync that does not ask the sources: what must be scrubbed because of the environment."""
    return Desired(secrets_in_environment(workspace.environ))


def make(session: Session, wanted: Desired, earlier: EarlierSyncs, policy: Policy, scrubber: Scrubber) -> SyncPlan:
    """Compare what is desired with what is there. InputError, Unreachable."""
    bases = bases_of(runs_of(earlier), session.identity)
    inventory = session.inventory
    with asking(session.name, scrubber):
        sets = inventory.prepare([one.records for one in wanted.sets])
        readings = inventory.read(sets, bases.bound)
        plan = make_plan(
            session.name,
            session.identity,
            sets,
            readings,
            bases,
            policy,
            inventory.retirement,
            inventory.dependents,
        )
    return told_who(session, structs.replace(plan, notes=(*plan.notes, *earlier.notes)), scrubber, bases.requests)


def undo(session: Session, run: SyncRun, earlier: EarlierSyncs, scrubber: Scrubber) -> SyncPlan:
    """What it takes to bring back what a run found. InputError, Unreachable."""
    bases = bases_of(runs_of(earlier), session.identity)
    inventory = session.inventory
    with asking(session.name, scrubber):
        sets = inventory.prepare(undo_sets(run))
        readings = inventory.read(sets, undo_ids(run))
        plan = undo_plan(session.name, session.identity, run, readings, bases, inventory.dependents)
    masked = [
        f"{name} is not brought back: its value was masked in the evidence" for name in run.result.get(MASKED, ())
    ]
    return told_who(
        session, structs.replace(plan, notes=(*plan.notes, *masked, *earlier.notes)), scrubber, bases.requests
    )


def policy_of(asked: Asked, configuration: Any) -> Policy:  # noqa: ANN401 -- as the project file has it
    """What the person and the project file decide. InputError for a `max_deletes` that is none."""
    return Policy(asked.prune, frozenset(asked.take_ours), MaxDeletes.of(configuration.get("max_deletes")))


def told_who(session: Session, plan: SyncPlan, scrubber: Scrubber, ours: Collection[str]) -> SyncPlan:
    """The plan, its conflicts with who else changed the record last, where the CMDB says so. `ours`: our requests."""
    conflicts = {(one.type, one.id) for one in plan.records if one.action == "conflict" and one.id is not None}
    changes = last_changes(session, conflicts, scrubber, ours)
    return structs.replace(
        plan,
        records=tuple(
            structs.replace(one, last_change=changes[one.type, one.id])
            if one.id is not None and (one.type, one.id) in changes
            else one
            for one in plan.records
        ),
    )


def last_changes(
    session: Session, records: Collection[tuple[str, str]], scrubber: Scrubber, ours: Collection[str] = ()
) -> dict[tuple[str, str], LastChange]:
    """Who changed records last, by other requests than ours; nothing where the CMDB does not say."""
    if not records:
        return {}
    with asking(session.name, scrubber):
        return dict(session.inventory.last_changes(records, ours))
