"""The values of a reconciliation: desired and live records, what was written before, the plan, and what came of it.

All values of fields are *canonical*: JSON values in one spelling (an IPv6 address in its short form, a choice by its
value and not by its label, a decimal as a number), made so by the CMDB's plugin on both sides. Two records of a nested
reference compare by the shape that the desired side has: `{"slug": "ams1"}`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from infratrack.values import Instant

Fields = Mapping[str, Any]
"""Field name → canonical value."""


class DesiredRecord(Struct, frozen=True):
    """A record as it should be: the natural key to find it by, and the fields that this project decides."""

    type: str
    key: Fields
    fields: Fields
    """Without the key's. A list means a set of items, owned item by item."""
    origin: str = ""
    """Where it comes from, for people: `terraform.output.devices[3]`."""


class RecordSet(Struct, frozen=True):
    """One mapping of the project file with all records that it desires."""

    type: str
    desired: tuple[DesiredRecord, ...]
    within: Fields = {}
    """Bounds what is looked at: filters, checked by the CMDB's plugin. Empty: all records of the type."""
    complete: bool = True
    """Whether the source was read whole. If not, nothing of this type is deleted or retired."""
    reason: str = ""
    """Why it is not whole."""
    source: str = ""
    """The source, for people: `terraform output devices of infra`."""
    mark: str = ""
    """The field that holds this project's mark, as `prepare` filled it in. Where it is empty it is written on first
    contact too: taking a record over means marking it. Somebody else's mark is a conflict."""


class LiveRecord(Struct, frozen=True):
    """A record as the CMDB has it, in the shape of the desired side: only the fields that some desired record names."""

    type: str
    id: str
    key: Fields
    fields: Fields
    owned: bool = False
    """Whether it carries this project's mark (tag or custom field)."""
    version: str = ""
    """What changes with every write (an ETag, `last_updated`); empty where the CMDB has none."""
    display: str = ""


class Reading(Struct, frozen=True):
    """The live records for one RecordSet: everything within its bounds, and the records already bound to it."""

    live: Sequence[LiveRecord]
    complete: bool = True
    """Whether absence is proven: nothing can be there that was not shown."""
    reason: str = ""


class Base(Struct, frozen=True):
    """What this project's signed evidence says it wrote last to one record; `id` is the CMDB's."""

    type: str
    id: str
    key: Fields
    fields: Fields = {}
    intended: Mapping[str, tuple[Any, ...]] = {}
    """Values that a run which nobody saw ending may have written: counts as ours where the live value is equal."""
    run: str = ""
    before: Fields = {}
    """What stood in fields that we wrote without having known them, to go back to when a record is wanted again."""
    owned: bool = True
    """False: it was found to agree while it did not carry this project's mark, and was never written."""


class Dependent(Struct, frozen=True):
    """Something that a delete reaches."""

    type: str
    id: str
    display: str
    owned: bool
    """Whether it carries this project's mark."""
    effect: Literal["deleted", "unlinked"] = "deleted"
    changed_by: tuple[str, ...] = ()
    """The CMDB's ids of requests that wrote it since it was made ("": by some that are not known any more)."""


class LastChange(Struct, frozen=True):
    """Who changed a record last and when, as far as the CMDB says."""

    by: str
    at: Instant
    request: str = ""


Verdict = Literal["create", "same", "change", "conflict", "adopt"]
Action = Literal["create", "adopt", "change", "delete", "conflict", "unmanaged", "same"]


class FieldPlan(Struct, frozen=True):
    """One field that differs, or that is to be created. `base` and `live` are None where there is none."""

    name: str
    base: Any
    live: Any
    desired: Any
    verdict: Verdict


class RecordPlan(Struct, frozen=True):
    """What is to happen to one record. `fields` holds those that differ; verdicts `change` and `create` are written."""

    type: str
    key: Fields
    action: Action
    id: str | None = None
    fields: tuple[FieldPlan, ...] = ()
    reason: str = ""
    version: str = ""
    """The live record's, as shown."""
    cascade: tuple[Dependent, ...] = ()
    carried_out: bool = True
    """False where the action is only shown: a delete without `--prune`, one that is refused."""
    last_change: LastChange | None = None
    origin: str = ""
    """The desired record's, for people."""


class Binding(Struct, frozen=True):
    """A record that evidence is to know by its id from now on, without a write; `fields` are those that agree."""

    type: str
    id: str
    key: Fields
    """The desired one."""
    fields: Fields = {}
    """Field name → the desired value; of a list: the items that this project wants there. The key's fields too."""
    version: str = ""
    owned: bool = True
    """Whether the live record carries this project's mark."""


class Summary(Struct, frozen=True):
    """How many records fall under each action."""

    create: int = 0
    adopt: int = 0
    change: int = 0
    delete: int = 0
    conflict: int = 0
    unmanaged: int = 0
    same: int = 0


class SyncPlan(Struct, frozen=True):
    """The whole plan. `records` are in the order in which they are carried out: parents first, deletes last."""

    cmdb: str
    """The reconciler's name: `netbox`."""
    identity: str
    """Which CMDB it is: `netbox http://netbox.example`."""
    records: tuple[RecordPlan, ...]
    """All but those that are the same."""
    summary: Summary
    same: Sequence[LiveRecord] = ()
    bindings: tuple[Binding, ...] = ()
    """What becomes known by an apply without being written."""
    refused: tuple[str, ...] = ()
    """Why deletes are refused, a sentence each."""
    notes: tuple[str, ...] = ()
    """What people must know to read it: sources that are not whole, blind spots."""


class Write(Struct, frozen=True):
    """One write, as the CMDB's plugin is asked for it."""

    action: Literal["create", "update", "delete"]
    type: str
    key: Fields
    id: str | None = None
    version: str = ""
    fields: Fields = {}
    """What to set (a create: the key's fields too)."""
    add: Mapping[str, Sequence[Any]] = {}
    remove: Mapping[str, Sequence[Any]] = {}
    """Items to add to and to remove from list fields; other people's items stay."""
    expected: Fields = {}
    """The live values that the plan rests on, of the fields written. Another value now: the outcome is `moved`."""


WriteOutcome = Literal["written", "failed", "moved", "unknown", "not_reached"]


class Written(Struct, frozen=True):
    """What came of one write. `number` is its position in what was asked for."""

    number: int
    outcome: WriteOutcome
    id: str | None = None
    before: Fields = {}
    after: Fields = {}
    """The fields written, as re-read afterwards."""
    requests: tuple[str, ...] = ()
    """The server's ids of the requests that wrote."""
    reason: str = ""
    children: tuple[Dependent, ...] = ()
    """What the server made by itself along with it (interfaces of a device)."""
    prior: Fields = {}
    """For a delete: what a create would need to bring it back."""
    version: str = ""
