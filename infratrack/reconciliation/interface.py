"""What a CMDB's plugin offers to reconciliation, and where desired records come from.

The contract tests are `infratrack.testing.reconcilers.ReconcilerContract`: whatever passes them is a reconciler.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct

from infratrack.reconciliation.records import (
    Dependent,
    Fields,
    LastChange,
    LiveRecord,
    Reading,
    RecordSet,
    Write,
    Written,
)
from infratrack.values import Instant

Report = Callable[[str, int, int], None]
"""Tell the person watching: what is being done, how much of it is done, how much there is (0: not known)."""


class ReconcileContext(Struct, frozen=True):
    """What a reconciler opens its CMDB with."""

    configuration: Mapping[str, Any]
    """What stands under `cmdb: {NAME: …}` in the project file; it fits the plugin's schema."""
    folder: Path
    """The project folder."""
    environment: Mapping[str, str]
    report: Report
    cache: Path | None = None
    """A private folder for what may be forgotten at any time (a server's own schema); None: keep nothing."""
    canceled: Callable[[], bool] = lambda: False


class WriteContext(Struct, frozen=True):
    """For what run a CMDB is written to."""

    run: str
    message: str
    """For the CMDB's own change log; the plugin cuts it at the server's limit."""


class Inventory(Protocol):
    """One opened CMDB. Everything but `write` only reads, and works with a read-only token."""

    @property
    def identity(self) -> str:
        """Which CMDB it is, without credentials; the same every time: `netbox http://netbox.example`."""

    @property
    def description(self) -> Mapping[str, Any]:
        """Server, version and what else evidence should say about it."""

    def prepare(self, sets: Sequence[RecordSet]) -> Sequence[RecordSet]:
        """Check types, fields and bounds, make values canonical, add this project's mark, put parents before children.

        Raises InputError (what is wrong, in whose `origin`, what to do).
        """

    def read(self, sets: Sequence[RecordSet], bound: Mapping[str, Collection[str]]) -> Sequence[Reading]:
        """One Reading a set, in their order. `bound`: type → ids to read too, wherever they are.

        A bound id that is nowhere in the reading is gone. Raises Unreachable.
        """

    def dependents(self, records: Sequence[LiveRecord]) -> Mapping[tuple[str, str], Sequence[Dependent]]:
        """(type, id) → everything that deleting the record would delete or cut loose."""

    def last_changes(
        self, records: Collection[tuple[str, str]], ours: Collection[str] = ()
    ) -> Mapping[tuple[str, str], LastChange]:
        """(type, id) → who changed it last, for those of which the CMDB knows. Never raises for want of permission.

        `ours`: requests that wrote for this project; what they changed does not count.
        """

    def retirement(self, type_name: str) -> tuple[str, Any] | None:
        """(field, value) that marks a record of the type as taken out of service; None where there is no such field."""

    def write(self, writes: Sequence[Write], context: WriteContext) -> Iterator[Written]:
        """Carry the writes out in their order, and yield what came of each as soon as that is known.

        Idempotent: after an interruption the same writes finish the rest and duplicate nothing. Never raises for one
        record's sake; Unreachable when the CMDB cannot be reached any more (what was not yielded was not reached, or is
        yielded as `unknown` first). Once the context's `canceled()` is true, no further request is made: what came of
        the one under way is yielded, all of it, and the generator ends. Closed early, it makes no further request.
        """

    def close(self) -> None:
        """Let go of connections."""


class Reconciler(Protocol):
    """A kind of CMDB."""

    @property
    def name(self) -> str:
        """`netbox`: its key under `cmdb`, and the argument of `infratrack sync`."""

    @property
    def predicate_type(self) -> str:
        """Of the evidence that a sync leaves: `urn:infratrack:evidence:netbox-sync:v1`."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema (an object) of its part under `cmdb`, without `records` and `max_deletes`, which core adds."""

    def open(self, context: ReconcileContext) -> Inventory:
        """Connect. Unreachable (it is down, or refuses the token), InputError (settings that are wrong)."""


class SourceContext(Struct, frozen=True):
    """One reading of a source."""

    name: str
    """What follows the source's name in `each`: `devices` of `terraform.output.devices`."""
    parameters: Mapping[str, Any]
    """The mapping's `from`; it fits the source's schema."""
    folder: Path
    environment: Mapping[str, str]
    now: Instant | None = None
    """The moment of the reading; None where nobody said: then no age is known."""


class SourceReading(Struct, frozen=True):
    """What a source holds. `complete` False: partial or not known; what is there may be used, nothing is deleted."""

    items: tuple[Fields, ...]
    origin: str
    """For people: `terraform output devices of infra, serial 7`."""
    complete: bool = True
    reason: str = ""
    facts: Mapping[str, Any] = {}
    """Provenance for the evidence: lineage and serial, the digest of a file."""
    secrets: frozenset[str] = frozenset()


class Source(Protocol):
    """Where desired records come from."""

    @property
    def name(self) -> str:
        """`terraform.output`: `each: terraform.output.devices` asks it for `devices`."""

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema (an object) of `from`, with `description` and `examples`."""

    def read(self, context: SourceContext) -> SourceReading:
        """The items. InputError when there is no such thing; a source that cannot be read is not `complete`."""
