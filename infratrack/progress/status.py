"""What is true at an instant: frozen results of the fold, ready to be shown."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from infratrack.progress.criterion import Reference, Verdict
from infratrack.progress.reasons import Finding
from infratrack.progress.timeline import Turn
from infratrack.progress.tree import Node
from infratrack.project.policy import Policy
from infratrack.values import Instant


class Status(enum.StrEnum):
    """The status of a deliverable; of a task it sums up its deliverables, and is `unknown` without any."""

    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    ACCEPTED = "accepted"
    REGRESSED = "regressed"
    STALE = "stale"
    UNKNOWN = "unknown"


DELIVERED: Final = frozenset({Status.COMPLETE, Status.ACCEPTED, Status.STALE})
"""What counts as progress: staleness lowers confidence, not progress."""


OTHER_PROJECT: Final = "other project"
UNREADABLE: Final = "unreadable"
TWICE: Final = "twice"
"""Why evidence does not count, beside being signed by a key that is not trusted (then the reason is the key's id)."""
JOB: Final = "job: "
"""Begins the reason where the key is a job's that some issuer vouches for, and the project does not trust such jobs."""
UNREAD_JOB: Final = "job: endorsed through sigstore, which is not installed here"
"""The reason where it cannot be known whose the key is."""


class Acceptance(Struct, frozen=True):
    """Who signed the deliverable off, when, and in which words."""

    person: str
    at: Instant
    comment: str
    evidence: Reference | None = None


class DeliverableState(Struct, frozen=True):
    """One deliverable. `since` is when its status began; `completed` and `finished` do not move with later evidence."""

    id: str
    name: str
    task: str | None
    weight: float
    owner: str | None
    tags: tuple[str, ...]
    accepted_by: tuple[str, ...]
    status: Status
    since: Instant | None
    reason: str
    """Why it is not complete; empty when it is."""
    criteria: tuple[Verdict, ...]
    tree: Node
    completed: Instant | None = None
    finished: Instant | None = None
    acceptance: Acceptance | None = None
    notes: tuple[str, ...] = ()
    turns: tuple[Turn, ...] = ()
    regressions: int = 0
    untrusted: int = 0
    """Pieces of evidence about its subjects that do not count."""
    signable: bool = False
    """Whether a person may accept it now: complete, or lacking nothing but sign-offs."""
    findings: tuple[tuple[Finding, ...], ...] = ()
    """For each criterion what the newest words say (for explanations only)."""


class TaskState(Struct, frozen=True):
    """One task: progress is the delivered share of its deliverables' weight, None with a reason where there is none."""

    id: str
    name: str
    phase: str | None
    owner: str | None
    tags: tuple[str, ...]
    progress: float | None
    status: Status
    reason: str
    deliverables: tuple[str, ...]


class PhaseState(Struct, frozen=True):
    """One phase: progress of its tasks' deliverables, and whether its exit criteria are met (None: it has none)."""

    id: str
    name: str
    progress: float | None
    exit: DeliverableState | None


class LedgerPoint(Struct, frozen=True):
    """The ledger as far as it was read; `root` is the Merkle root in hexadecimal."""

    size: int
    root: str


class EvidenceCounts(Struct, frozen=True):
    """How many pieces of evidence were read, and how many of them do not count, by reason."""

    total: int = 0
    counted: int = 0
    untrusted: Mapping[str, int] = {}
    """By key id."""
    other_projects: int = 0
    unreadable: int = 0
    """Damaged, or not to be read as words: the statement or a plugin failed."""
    damaged: int = 0
    """Of these, what is not what was signed: nobody knows what it said, so it may contradict what is shown."""


class UnrecordedChange(Struct, frozen=True):
    """A change that somebody found and no evidence explains; `entry` is the newest that says so."""

    id: str
    source: str
    """Where it was seen: `netbox http://netbox.example`, `terraform infra`, `git main`."""
    at: Instant | None
    by: str | None
    what: str
    deliverables: tuple[str, ...]
    entry: int


class ProjectState(Struct, frozen=True):
    """The whole project: a pure function of definition, ledger up to `ledger.size`, and `as_of`."""

    project: str
    name: str
    as_of: Instant
    ledger: LedgerPoint
    evidence: EvidenceCounts
    deliverables: tuple[DeliverableState, ...]
    tasks: tuple[TaskState, ...] = ()
    progress: float | None = None
    """The delivered share of the weight; None when there is none."""
    earned: float | None = None
    """Delivered or regressed: what was earned, at risk included."""
    at_risk: float | None = None
    """The share of weight that has regressed."""
    phases: tuple[PhaseState, ...] = ()
    notes: tuple[str, ...] = ()
    definition: str = ""
    """Digest of the definition that this was computed by."""
    unrecorded: tuple[UnrecordedChange, ...] = ()
    """Changes that no evidence explains, newest first."""
    policy: Policy = Policy()
    """Where it was read whom to trust and who may accept."""
