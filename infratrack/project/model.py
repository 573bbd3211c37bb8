"""The project as promised: frozen values, read from `infratrack.yaml` and its includes.

Every value here has passed validation. Optional things that the author left out are `None` or empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from infratrack.values import Digest, Microseconds

Environment = Literal["production", "preproduction"]
DependencyType = Literal["FS", "SS", "FF", "SF"]


class CriterionCall(Struct, frozen=True, tag="criterion"):
    """One acceptance criterion as written: `terraform.applied: {resources: …}`."""

    name: str
    parameters: Mapping[str, Any]


class AllOf(Struct, frozen=True, tag="all"):
    """Every condition is needed."""

    conditions: tuple[Condition, ...]


class AnyOf(Struct, frozen=True, tag="any"):
    """One condition is enough."""

    conditions: tuple[Condition, ...]


class Not(Struct, frozen=True, tag="not"):
    """The condition must not be met."""

    condition: Condition


class AtLeast(Struct, frozen=True, tag="at_least"):
    """`n` of the conditions are needed."""

    n: int
    conditions: tuple[Condition, ...]


Condition = CriterionCall | AllOf | AnyOf | Not | AtLeast
"""The tree under `done_when` (and under a phase's `exit`)."""


class Signer(Struct, frozen=True):
    """A key that the project trusts for evidence: a public key file, or a key id whose key the ledger knows."""

    name: str
    key: str | None = None
    keyid: str | None = None


class Identity(Struct, frozen=True):
    """A job that the project trusts for evidence by what its issuer says of it; what is None may be anything."""

    name: str
    issuer: str
    issuer_keys: str | None = None
    """The file with the issuer's public keys (JWKS)."""
    sigstore_root: str | None = None
    """The file with the trusted root of the sigstore instance that may vouch for the issuer's tokens."""
    subject: str | None = None
    repository: str | None = None
    repository_id: str | None = None
    ref: str | None = None
    """`*` stands for any run of characters."""
    workflow: str | None = None
    environment: str | None = None
    events: tuple[str, ...] = ()
    """What may set the job going; empty for what only people with the right to write can."""


class Person(Struct, frozen=True):
    """A person: keys, forge logins and roles belong to people. `start` and `end` are ISO dates (`from`, `to`)."""

    id: str
    name: str | None = None
    keys: tuple[str, ...] = ()
    forge_logins: Mapping[str, str] = {}
    roles: tuple[str, ...] = ()
    start: str | None = None
    end: str | None = None


class System(Struct, frozen=True):
    """A system that runs and changes touch, and whether that is production."""

    id: str
    environment: Environment
    name: str | None = None
    regimes: tuple[str, ...] = ()


class Calendar(Struct, frozen=True):
    """Working days (`mon` … `sun`), hours a day and days off (ISO dates)."""

    working_days: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri")
    hours_per_day: float = 8
    holidays: tuple[str, ...] = ()


class Phase(Struct, frozen=True):
    """A phase; `exit` is the condition under which it may be left."""

    id: str
    name: str
    exit: Condition | None = None


class Milestone(Struct, frozen=True):
    """A dated promise: `committed` is an ISO date, `depends` are task ids."""

    id: str
    name: str
    committed: str | None = None
    phase: str | None = None
    depends: tuple[str, ...] = ()


class Dependency(Struct, frozen=True):
    """A link to a predecessor; `lag` is working time and may be negative (a lead)."""

    task: str
    type: DependencyType = "FS"
    lag: Microseconds = Microseconds(0)


class ThreePoint(Struct, frozen=True):
    """Optimistic, likely and pessimistic duration, working time."""

    optimistic: Microseconds
    likely: Microseconds
    pessimistic: Microseconds


class Task(Struct, frozen=True):
    """A work package. At most one of `duration`, `effort` and `three_point` is set."""

    id: str
    name: str
    phase: str | None = None
    owner: str | None = None
    duration: Microseconds | None = None
    effort: Microseconds | None = None
    three_point: ThreePoint | None = None
    depends: tuple[Dependency, ...] = ()
    deliverables: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Deliverable(Struct, frozen=True):
    """What is handed over. `task` is filled in from the task that lists it. `accepted_by` names people or roles."""

    id: str
    name: str
    done_when: Condition
    task: str | None = None
    owner: str | None = None
    weight: float = 1
    accepted_by: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Step(Struct, frozen=True):
    """One step of a pipeline: the step type (`terraform.plan`) and its parameters."""

    type: str
    parameters: Mapping[str, Any]
    name: str | None = None


class Pipeline(Struct, frozen=True):
    """Steps that `infratrack deliver` runs in order, and what they touch."""

    id: str
    steps: tuple[Step, ...]
    name: str | None = None
    system: str | None = None
    deliverables: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()


class Definition(Struct, frozen=True):
    """The definition as bytes: what a statement pins, so that later readers can see what held at that moment.

    `document` is JSON with sorted keys: `{"files": {path: text of each key file}, "project": merged YAML data}`.
    `digest` is its SHA-256; the document is kept as a blob under that digest.
    """

    digest: Digest
    document: bytes


class Project(Struct, frozen=True):
    """Everything under one `infratrack.yaml`."""

    id: str
    name: str
    definition: Definition
    start: str | None = None
    ledger: str = "sqlite:///.infratrack/ledger.db"
    signers: tuple[Signer, ...] = ()
    people: tuple[Person, ...] = ()
    systems: tuple[System, ...] = ()
    calendar: Calendar = Calendar()
    phases: tuple[Phase, ...] = ()
    milestones: tuple[Milestone, ...] = ()
    tasks: tuple[Task, ...] = ()
    deliverables: tuple[Deliverable, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    cmdb: Mapping[str, Mapping[str, Any]] = {}
    """What stands under `cmdb`, by the reconciler's name; it fits the plugin's schema."""
    key_files: Mapping[str, str] = {}
    """Text of every key file that `trust` and `people` name, by its path as written."""
    identities: tuple[Identity, ...] = ()
    """Jobs whose evidence counts although no key of theirs is named."""
