"""The storage interface over SQL tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Final

import sqlalchemy as sa

from infratrack.errors import IntegrityFailure
from infratrack.ledger.storage.interface import Head, StoredEntry, StoredLeaf
from infratrack.ledger.storage.sql import tables
from infratrack.ledger.storage.sql.schema import is_current, migrate

_CHUNK: Final = 500
"""Values in one IN list: every database takes this many."""

_HEAD: Final = sa.select(tables.head.c.id, tables.head.c.origin, tables.head.c.note)
_COUNT: Final = sa.select(sa.func.count()).select_from(tables.entries)
_LEAVES: Final = sa.select(tables.entries.c.position, tables.entries.c.entry, tables.entries.c.hashes).where(
    tables.entries.c.position.in_(sa.bindparam("wanted", expanding=True))
)
_ENTRIES: Final = (
    sa.select(
        tables.entries.c.position,
        tables.entries.c.digest,
        tables.entries.c.hashes,
        tables.entries.c.entry,
        tables.entries.c.line,
    )
    .where(tables.entries.c.position >= sa.bindparam("start"), tables.entries.c.position < sa.bindparam("stop"))
    .order_by(tables.entries.c.position)
)
_INDEXES: Final = sa.select(tables.entries.c.digest, tables.entries.c.position).where(
    tables.entries.c.digest.in_(sa.bindparam("wanted", expanding=True))
)
_KEYS: Final = sa.select(tables.keys.c.keyid, tables.keys.c.public_key)
_SET_HEAD: Final = (
    sa.update(tables.head)
    .where(tables.head.c.id == 1)
    .values(origin=sa.bindparam("to_origin"), note=sa.bindparam("to_note"))
)
_ADD_ENTRIES: Final = sa.insert(tables.entries)
_ADD_KEYS: Final = sa.insert(tables.keys)


class _Transaction:
    """Reading and writing on one connection."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def head(self) -> Head:
        """The one row of `head`."""
        rows = self._connection.execute(_HEAD).all()
        if len(rows) != 1 or rows[0][0] != 1:
            raise IntegrityFailure(f"the ledger's head has {len(rows)} rows, expected one with id 1")
        origin, note = rows[0][1:]
        if not isinstance(origin, str) or not isinstance(note, str | None):
            raise IntegrityFailure("the ledger's head holds a value that is not text")
        return Head(origin, note)

    def count(self) -> int:
        """The number of rows."""
        return int(self._connection.execute(_COUNT).scalar_one())

    def leaves(self, indexes: Collection[int]) -> Mapping[int, StoredLeaf]:
        """By primary key."""
        return {row[0]: StoredLeaf(row[1], row[2]) for row in self._rows(_LEAVES, indexes)}

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """A range of the primary key."""
        return [StoredEntry(*row) for row in self._connection.execute(_ENTRIES, {"start": start, "stop": stop})]

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """By the unique index."""
        return {row[0]: row[1] for row in self._rows(_INDEXES, digests)}

    def keys(self) -> Mapping[str, bytes]:
        """The whole table."""
        return {row[0]: row[1] for row in self._connection.execute(_KEYS)}

    def write(self, head: Head, entries: Sequence[StoredEntry], keys: Mapping[str, bytes]) -> None:
        """Update the head, insert the rest."""
        if entries:
            self._connection.execute(
                _ADD_ENTRIES,
                [
                    {
                        "position": one.index,
                        "digest": one.digest,
                        "hashes": one.hashes,
                        "entry": one.entry,
                        "line": one.line,
                    }
                    for one in entries
                ],
            )
        if keys:
            stored = self.keys()
            added = [{"keyid": keyid, "public_key": raw} for keyid, raw in keys.items() if keyid not in stored]
            if added:
                self._connection.execute(_ADD_KEYS, added)
        self._connection.execute(_SET_HEAD, {"to_origin": head.origin, "to_note": head.note})

    def _rows(self, statement: sa.Select[Any], wanted: Collection[Any]) -> Iterator[sa.Row[Any]]:
        values = list(wanted)
        for start in range(0, len(values), _CHUNK):
            yield from self._connection.execute(statement, {"wanted": values[start : start + _CHUNK]})


class SqlStorage:
    """A ledger's storage in a database that an engine leads to.

    `explained` turns the driver's errors into ours; `damage` is the database's own check of itself.
    """

    def __init__(
        self,
        engine: sa.Engine,
        explained: Callable[[], AbstractContextManager[None]],
        damage: Callable[[sa.Connection], list[str]],
    ) -> None:
        self._engine = engine
        self._writing_engine = engine.execution_options(infratrack_writing=True)
        self._explained = explained
        self._damage = damage

    def prepare(self) -> None:
        """Check the version of the tables, and migrate older ones; IntegrityFailure, or InputError for a newer one."""
        with self._explained():
            with self._engine.connect() as connection:
                if is_current(connection):
                    return
            with self._writing_engine.begin() as connection:
                # Another process may have done it meanwhile.
                if not is_current(connection):
                    migrate(connection)

    def head(self) -> Head:
        """See LedgerReader."""
        with self._reading() as transaction:
            return transaction.head()

    def count(self) -> int:
        """See LedgerReader."""
        with self._reading() as transaction:
            return transaction.count()

    def leaves(self, indexes: Collection[int]) -> Mapping[int, StoredLeaf]:
        """See LedgerReader."""
        with self._reading() as transaction:
            return transaction.leaves(indexes)

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """See LedgerReader."""
        with self._reading() as transaction:
            return transaction.entries(start, stop)

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """See LedgerReader."""
        with self._reading() as transaction:
            return transaction.indexes_of(digests)

    def keys(self) -> Mapping[str, bytes]:
        """See LedgerReader."""
        with self._reading() as transaction:
            return transaction.keys()

    @contextmanager
    def writing(self) -> Iterator[_Transaction]:
        """See LedgerStorage: one transaction that holds the write lock from its beginning."""
        with self._explained(), self._writing_engine.begin() as connection:
            yield _Transaction(connection)

    def damage(self) -> Sequence[str]:
        """See LedgerStorage."""
        try:
            with self._explained(), self._engine.connect() as connection:
                return self._damage(connection)
        except IntegrityFailure as error:
            return [error.message]

    def close(self) -> None:
        """Close every connection."""
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[_Transaction]:
        with self._explained(), self._engine.connect() as connection:
            yield _Transaction(connection)
