"""NetBox: criteria over its records, observations, reconciliation, and changes that nobody recorded."""

from __future__ import annotations

from infratrack.api import (
    Criterion,
    EvidenceType,
    LinkSuggester,
    Observer,
    Reconciler,
    SyncEvidence,
    UnrecordedEvidence,
    hookimpl,
)
from infratrack_netbox.criteria import Cabled, ChangedByRun, Matches, PrimaryIP, Rack, Record
from infratrack_netbox.evidence import NETBOX_CHANGES, NETBOX_SYNC, NetBoxObservation
from infratrack_netbox.observer import NetBoxLinks, NetBoxObserver
from infratrack_netbox.reconciler import NetBoxReconciler


@hookimpl
def infratrack_criteria() -> list[Criterion]:
    """What records should say, where devices stand, what they are connected to, and who changed them last."""
    return [Record(), Cabled(), PrimaryIP(), Rack(), Matches(), ChangedByRun()]


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    """What `infratrack observe netbox` and `infratrack sync netbox` leave."""
    return [
        NetBoxObservation(),
        UnrecordedEvidence(NETBOX_CHANGES, "changes to NetBox records"),
        SyncEvidence(NETBOX_SYNC),
    ]


@hookimpl
def infratrack_observers() -> list[Observer]:
    """The observer `netbox`."""
    return [NetBoxObserver()]


@hookimpl
def infratrack_reconcilers() -> list[Reconciler]:
    """The CMDB `netbox`."""
    return [NetBoxReconciler()]


@hookimpl
def infratrack_links() -> list[LinkSuggester]:
    """Dependencies between tasks, from cables."""
    return [NetBoxLinks()]
