"""What a ledger needs of the place that keeps it: a handful of operations, none of them about any one database.

A store keeps rows and knows nothing of hashes, signatures or trust: `infratrack.ledger.log` decides what is written,
`infratrack.ledger.verify` whether what is read is sound. What a store promises:

- `writing()` gives one writer at a time, between processes too; what it reads inside is the newest state.
- When `writing()` ends without an exception, everything written in it is durable (it survives `kill -9` and a power
  cut) and visible as a whole; otherwise nothing of it is.
- Rows never change and are never removed.
- Values that a damaged store hands out may be of any type and content. Failures are raised as Unreachable (cannot be
  reached now) or IntegrityFailure (what is there cannot be right).

Every store inherits the tests of `infratrack.testing.ledger_storage`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from msgspec import Struct


class Head(Struct, frozen=True, gc=False):
    """The log's identity and its newest signed checkpoint (None while the log is empty)."""

    origin: str
    note: str | None


class StoredLeaf(Struct, frozen=True, gc=False):
    """A leaf's bytes and, joined, the hashes of the complete subtrees that end with it, its own first."""

    entry: bytes
    hashes: bytes


class StoredEntry(Struct, frozen=True, gc=False):
    """One row of the log. `digest` is the 32 bytes that no two rows share."""

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

    def leaves(self, indexes: Collection[int]) -> Mapping[int, StoredLeaf]:
        """The leaves at these indexes; those that are not there are left out."""

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """The rows with indexes from `start` up to, not including, `stop`, in order; fewer where there are fewer."""

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """The indexes of the entries with these digests; those that are not there are left out."""

    def keys(self) -> Mapping[str, bytes]:
        """Every public key that is stored: key id and 32 bytes."""


class LedgerWriter(LedgerReader, Protocol):
    """Writing, inside `LedgerStorage.writing()`; reads see what was written."""

    def write(self, head: Head, entries: Sequence[StoredEntry], keys: Mapping[str, bytes]) -> None:
        """Set the head, add rows and add keys (a key that is there already stays as it is)."""


class LedgerStorage(LedgerReader, Protocol):
    """A place that keeps one log."""

    def writing(self) -> AbstractContextManager[LedgerWriter]:
        """The one writer, durable at the end of the block."""

    def damage(self) -> Sequence[str]:
        """What the store itself finds wrong with its files or tables, a sentence each; empty when sound."""

    def close(self) -> None:
        """Let go of files and connections."""
