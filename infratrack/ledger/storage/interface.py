"""What a ledger needs of the place that keeps it: a handful of operations, none of them about any one database.

A store keeps rows and knows nothing of hashes, signatures or trust: `infratrack.ledger.log` decides what is written,
`infratrack.ledger.verify` whether what is read is sound. What a store promises:

- `write(work)` calls `work` with a writer whose reads are the newest state, and makes what it wrote durable (it
  survives `kill -9` and a power cut) and visible as a whole; when `work` raises, nothing of it is.
- Whoever else writes at the same time, between machines too, nothing is lost and nothing overwritten: a store either
  lets one writer in at a time, or throws away what `work` wrote and calls it **again** with the state that the faster
  one left. So `work` has no effect but through the writer, and begins anew whenever it is called.
- Rows never change and are never removed.
- What is read outside of `write` is a state that was whole; it may be a few seconds behind other machines.
- Values that a damaged store hands out may be of any type and content. Failures are raised as Unreachable (cannot be
  reached now) or IntegrityFailure (what is there cannot be right).

Every store inherits the tests of `infratrack.testing.ledger_storage`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct

from infratrack.ledger.merkle import Place

Result = TypeVar("Result")


class Head(Struct, frozen=True, gc=False):
    """The log's identity and its newest signed checkpoint (None while the log is empty)."""

    origin: str
    note: str | None


class StoredEntry(Struct, frozen=True, gc=False):
    """One row of the log.

    `digest` is the SHA-256 of `line`, which no two rows share; `hashes` are, joined, those of the complete subtrees
    that end with the leaf, its own first.
    """

    index: int
    digest: bytes
    hashes: bytes
    entry: bytes
    line: bytes


class LedgerReader(Protocol):
    """Reading."""

    def head(self) -> Head:
        """The log's identity and newest checkpoint."""

    def count(self) -> int:
        """How many entries are stored (which verification compares with what the checkpoint says)."""

    def leaves(self, indexes: Collection[int]) -> Mapping[int, bytes]:
        """The bytes of the leaves at these indexes; those that are not there are left out."""

    def hashes(self, wanted: Collection[Place]) -> Mapping[Place, bytes]:
        """The stored hashes of complete subtrees; those that are not there are left out."""

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """The rows with indexes from `start` up to, not including, `stop`, in order; fewer where there are fewer."""

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """The indexes of the entries with these digests; those that are not there are left out."""

    def keys(self) -> Mapping[str, bytes]:
        """Every public key that is stored: key id and 32 bytes."""


class LedgerWriter(LedgerReader, Protocol):
    """Writing, inside `LedgerStorage.write()`; reads see what was written."""

    def write(self, head: Head, entries: Sequence[StoredEntry], keys: Mapping[str, bytes]) -> None:
        """Set the head, add rows and add keys (a key that is there already stays as it is).

        Rows follow those that are there, without a gap; IntegrityFailure for an index or a digest that is taken.
        """


class LedgerStorage(LedgerReader, Protocol):
    """A place that keeps one log."""

    def write(
        self,
        work: Callable[[LedgerWriter], Result],
        *,
        digests: Collection[bytes] = (),
        keyids: Collection[str] = (),
    ) -> Result:
        """Run `work` with a writer, perhaps several times; durable when it returns what the last one returned.

        `digests` and `keyids` are what it will ask about or add: a store far away looks all of them up together.
        """

    def damage(self) -> Sequence[str]:
        """What the store itself finds wrong with its files or tables, a sentence each; empty when sound."""

    def close(self) -> None:
        """Let go of files and connections."""
