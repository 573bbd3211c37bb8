"""The storage interface over SQL tables."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from threading import Lock
from typing import Final

import sqlalchemy as sa
from msgspec.structs import astuple
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import PoolProxiedConnection

from infratrack.errors import IntegrityFailure
from infratrack.ledger.merkle import HASH_BYTES, Place
from infratrack.ledger.storage.interface import Head, LedgerWriter, Result, StoredEntry
from infratrack.ledger.storage.sql import tables
from infratrack.ledger.storage.sql.prepared import LookUp, Prepared
from infratrack.ledger.storage.sql.schema import is_current, migrate

_COLUMNS: Final = ("position", "digest", "hashes", "entry", "line")


class _Statements:
    """Everything that is ever asked of the database, compiled for it."""

    def __init__(self, dialect: sa.Dialect) -> None:
        entries, head, keys = tables.entries.c, tables.head.c, tables.keys.c
        self.head = Prepared(sa.select(head.id, head.origin, head.note), dialect)
        self.count = Prepared(sa.select(sa.func.count()).select_from(tables.entries), dialect)
        self.entries = Prepared(
            sa.select(*(entries[name] for name in _COLUMNS))
            .where(entries.position >= sa.bindparam("start"), entries.position < sa.bindparam("stop"))
            .order_by(entries.position),
            dialect,
            ("start", "stop"),
        )
        self.leaves = LookUp(
            lambda wanted: sa.select(entries.position, entries.entry).where(entries.position.in_(wanted)), dialect
        )
        self.hashes = LookUp(
            lambda wanted: sa.select(entries.position, entries.hashes).where(entries.position.in_(wanted)), dialect
        )
        self.indexes_of = LookUp(
            lambda wanted: sa.select(entries.digest, entries.position).where(entries.digest.in_(wanted)), dialect
        )
        self.keys = Prepared(sa.select(keys.keyid, keys.public_key), dialect)
        self.set_head = Prepared(
            sa.update(tables.head)
            .where(head.id == sa.bindparam("row"))
            .values(origin=sa.bindparam("to_origin"), note=sa.bindparam("to_note")),
            dialect,
            ("to_origin", "to_note", "row"),
        )
        self.add_entry = Prepared(sa.insert(tables.entries), dialect, _COLUMNS)
        self.add_key = Prepared(sa.insert(tables.keys), dialect, ("keyid", "public_key"))


class _Transaction:
    """Reading and writing with one cursor."""

    def __init__(self, cursor: DBAPICursor, statements: _Statements) -> None:
        self._cursor = cursor
        self._statements = statements

    def head(self) -> Head:
        """The one row of `head`."""
        rows = self._statements.head.rows(self._cursor)
        if len(rows) != 1 or rows[0][0] != 1:
            raise IntegrityFailure(f"the ledger's head has {len(rows)} rows, expected one with id 1")
        _, origin, note = rows[0]
        if not isinstance(origin, str) or not isinstance(note, str | None):
            raise IntegrityFailure("the ledger's head holds a value that is not text")
        return Head(origin, note)

    def count(self) -> int:
        """The number of rows."""
        return int(self._statements.count.rows(self._cursor)[0][0])

    def leaves(self, indexes: Collection[int]) -> Mapping[int, bytes]:
        """By primary key."""
        return {row[0]: row[1] for row in self._statements.leaves.rows(self._cursor, indexes)}

    def hashes(self, wanted: Collection[Place]) -> Mapping[Place, bytes]:
        """Each stands with the leaf that completes its subtree, at its level."""
        leaves = {place.last_leaf for place in wanted}
        stored = {row[0]: row[1] for row in self._statements.hashes.rows(self._cursor, leaves)}
        found = {}
        for place in wanted:
            joined = stored.get(place.last_leaf)
            start = HASH_BYTES * place.level
            if isinstance(joined, bytes) and len(joined) >= start + HASH_BYTES:
                found[place] = joined[start : start + HASH_BYTES]
        return found

    def entries(self, start: int, stop: int) -> Sequence[StoredEntry]:
        """A range of the primary key."""
        return [StoredEntry(*row) for row in self._statements.entries.rows(self._cursor, start, stop)]

    def indexes_of(self, digests: Collection[bytes]) -> Mapping[bytes, int]:
        """By the unique index."""
        return {row[0]: row[1] for row in self._statements.indexes_of.rows(self._cursor, digests)}

    def keys(self) -> Mapping[str, bytes]:
        """The whole table."""
        return {row[0]: row[1] for row in self._statements.keys.rows(self._cursor)}

    def write(self, head: Head, entries: Sequence[StoredEntry], keys: Mapping[str, bytes]) -> None:
        """Insert the rows and the keys that are not there yet, update the head."""
        rows = [astuple(one) for one in entries]
        if rows:
            self._statements.add_entry.run_many(self._cursor, rows)
        stored = self.keys() if keys else {}
        for keyid, raw in keys.items():
            if keyid not in stored:
                self._statements.add_key.run(self._cursor, keyid, raw)
        self._statements.set_head.run(self._cursor, head.origin, head.note, 1)


class SqlStorage:
    """A ledger's storage in a database that an engine leads to.

    `begin_writing` begins a transaction as the one writer, before anything is read in it; `explained` turns the
    driver's errors into ours; `damage` is the database's own check of itself.
    """

    def __init__(
        self,
        engine: sa.Engine,
        begin_writing: Callable[[DBAPICursor], None],
        explained: Callable[[], AbstractContextManager[None]],
        damage: Callable[[sa.Connection], list[str]],
    ) -> None:
        self._engine = engine
        self._writing_engine = engine.execution_options(infratrack_writing=True)
        self._begin_writing = begin_writing
        self._writer: PoolProxiedConnection | None = None
        self._turn = Lock()
        self._statements = _Statements(engine.dialect)
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

    def leaves(self, indexes: Collection[int]) -> Mapping[int, bytes]:
        """See LedgerReader."""
        with self._reading() as transaction:
            return transaction.leaves(indexes)

    def hashes(self, wanted: Collection[Place]) -> Mapping[Place, bytes]:
        """See LedgerReader."""
        with self._reading() as transaction:
            return transaction.hashes(wanted)

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

    def write(
        self,
        work: Callable[[LedgerWriter], Result],
        *,
        digests: Collection[bytes] = (),
        keyids: Collection[str] = (),
    ) -> Result:
        """See LedgerStorage: one transaction that holds the write lock from its beginning, so that once is enough."""
        with self._turn, self._explained():
            # Kept between batches, and given back to the pool (which undoes what is not committed) when one fails.
            connection, self._writer = self._writer or self._engine.raw_connection(), None
            try:
                cursor = connection.cursor()
                self._begin_writing(cursor)
                result = work(_Transaction(cursor, self._statements))
                connection.commit()
            except BaseException:
                connection.close()
                raise
            self._writer = connection
            return result

    def damage(self) -> Sequence[str]:
        """See LedgerStorage."""
        try:
            with self._explained(), self._engine.connect() as connection:
                return self._damage(connection)
        except IntegrityFailure as error:
            return [error.message]

    def close(self) -> None:
        """Close every connection."""
        if self._writer:
            self._writer.close()
            self._writer = None
        self._engine.dispose()

    @contextmanager
    def _reading(self) -> Iterator[_Transaction]:
        with self._explained(), closing(self._engine.raw_connection()) as connection:
            yield _Transaction(connection.cursor(), self._statements)
