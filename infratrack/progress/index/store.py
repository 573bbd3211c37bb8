"""The facts index as a file: opened or made anew, and read by the fold. Whatever is wrong with it, it is rebuilt."""

from __future__ import annotations

import contextlib
import sqlite3
import sys
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import msgspec

from infratrack.progress.index.schema import FORMAT, PROJECTION, TABLES
from infratrack.progress.judging import History

KNOWN: Final = 1
"""State of evidence whose signature fits its key."""
UNKNOWN_KEY: Final = 0
"""State of evidence whose key is not known here: it cannot be verified, and does not count."""
DAMAGED: Final = -1
"""State of evidence that is not what was signed, or not readable."""

_BUSY_SECONDS: Final = 30.0
_CHUNK: Final = 500
_NOT_NOW: Final = tuple(
    "SQLITE_" + kind for kind in ("BUSY", "LOCKED", "READONLY", "CANTOPEN", "IOERR", "FULL", "PERM", "AUTH", "PROTOCOL")
)


def pack(numbers: Iterable[int]) -> bytes:
    """Whole numbers as 8-byte integers of this machine."""
    return array("q", numbers).tobytes()


def unpack(packed: bytes) -> array[int]:
    """The reverse of `pack`."""
    numbers = array("q")
    numbers.frombytes(packed)
    return numbers


class FactsIndex:
    """A projection of a ledger. `size` and `root` say up to where; `root_at` asks the ledger about smaller sizes."""

    def __init__(self, path: Path | None, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.root_at: Callable[[int], bytes] | None = None
        self._values: dict[int, Mapping[str, Any]] = {}

    @classmethod
    def open(cls, path: Path | None) -> Self:
        """Open the file, or make it anew where it is missing, damaged or of another format.

        Where it cannot be written (a read-only folder), or without a path, the index is kept in memory.
        """
        if path is not None:
            try:
                return cls(path, _opened(path))
            except (sqlite3.DatabaseError, OSError) as error:
                with contextlib.suppress(sqlite3.DatabaseError, OSError):
                    if is_damage(error) and discard(path):
                        return cls(path, _opened(path))
        connection = sqlite3.connect(":memory:", isolation_level=None)
        _make_tables(connection)
        return cls(None, connection)

    def close(self) -> None:
        """Close the file."""
        self.connection.close()

    def discard(self) -> None:
        """Close and remove the file, so that it is made anew."""
        self.close()
        if self.path is not None:
            discard(self.path)

    def rows(self, query: str, *parameters: object) -> list[Any]:
        """All rows of a query."""
        return self.connection.execute(query, parameters).fetchall()

    def meta(self, name: str, default: str = "") -> str:
        """A note about the index itself."""
        found = self.rows("SELECT value FROM meta WHERE name = ?", name)
        return str(found[0][0]) if found else default

    def set_meta(self, name: str, value: str) -> None:
        """Change a note."""
        self.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def keep_stamp(self, stamp: str | None) -> None:
        """Note under which stamp of the ledger, taken before it was read, this index is up to date."""
        if stamp is not None and stamp != self.meta("stamp"):
            with contextlib.suppress(sqlite3.OperationalError):
                self.set_meta("stamp", stamp)

    @property
    def size(self) -> int:
        """How many ledger entries were read."""
        return int(self.meta("size", "0"))

    @property
    def root(self) -> str:
        """The ledger's Merkle root at `size`, hexadecimal."""
        return self.meta("root")

    def clear(self) -> None:
        """Forget everything but which signatures were verified."""
        for table in PROJECTION:
            self.connection.execute(f"DROP TABLE {table}")
        _create(self.connection)

    def subjects(self, changed_after: int = -1) -> list[tuple[int, str, str, str]]:
        """(number, kind, scope, name) of the subjects that got words from entries beyond a size of the ledger."""
        return self.rows("SELECT id, kind, scope, name FROM subject WHERE changed > ?", changed_after)

    def histories(self, subjects: Sequence[int]) -> dict[int, History]:
        """All words about some subjects, oldest first."""
        return {
            number: History(kind, scope, name, unpack(instants), unpack(entries), unpack(values))
            for number, kind, scope, name, instants, entries, values in self._by_number(
                "SELECT id, kind, scope, name, instants, entries, value_ids"
                " FROM subject JOIN history ON subject = id WHERE id",
                sorted(subjects),
            )
        }

    def value(self, number: int) -> Mapping[str, Any]:
        """The value behind its number."""
        if not self._values:
            decode = msgspec.json.decode
            self._values = {key: decode(text) for key, text in self.rows("SELECT id, json FROM value")}
        return self._values[number]

    def evidence(self, entries: Iterable[int]) -> dict[int, dict[str, Any]]:
        """What is to be told of some evidence, by entry number."""
        columns = (
            *(
                "entry",
                "digest",
                "type",
                "key",
                "instant",
                "run",
                "outcome",
                "commit_id",
                "actor",
                "run_url",
                "problem",
            ),
        )
        query = (
            "SELECT e.entry, e.digest, t.text, k.text, e.instant, e.run, e.outcome, e.commit_id, e.actor, e.run_url,"
            " e.problem FROM evidence e JOIN name t ON t.id = e.type JOIN name k ON k.id = e.key WHERE e.entry"
        )
        rows = self._by_number(query, sorted(set(entries)))
        return {row[0]: dict(zip(columns, row, strict=True)) for row in rows}

    def definition(self, digest: str) -> bytes | None:
        """The document of a definition that evidence pins, if the ledger's blobs had it."""
        found = self.rows("SELECT document FROM definition WHERE digest = ?", digest)
        return found[0][0] if found else None

    def folds(self, key: str) -> dict[str, tuple[int, bytes]]:
        """Kept results: deliverable → (ledger size, state), as computed under `key`."""
        rows = self.rows("SELECT deliverable, size, state FROM fold WHERE key = ?", key)
        return {deliverable: (size, state) for deliverable, size, state in rows}

    def keep_folds(self, key: str, size: int, states: Mapping[str, bytes]) -> None:
        """Keep results for next time. That they cannot be kept (locked, read-only) is no failure."""
        with contextlib.suppress(sqlite3.OperationalError):
            self.connection.execute("BEGIN IMMEDIATE")
            with _committed(self.connection):
                self.connection.executemany(
                    "INSERT OR REPLACE INTO fold VALUES (?, ?, ?, ?)",
                    [(deliverable, key, size, state) for deliverable, state in states.items()],
                )

    def _by_number(self, query: str, numbers: Sequence[int]) -> Iterable[Any]:
        for begin in range(0, len(numbers), _CHUNK):
            some = numbers[begin : begin + _CHUNK]
            yield from self.connection.execute(f"{query} IN ({','.join('?' * len(some))})", some)


@contextlib.contextmanager
def _committed(connection: sqlite3.Connection) -> Any:  # noqa: ANN401 -- a generator for contextlib
    """Commit at the end of the block, or undo everything in it."""
    try:
        yield
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


writing = _committed


def _opened(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        # What a crash loses is computed again, so nothing waits for the disk.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA mmap_size = 268435456")
        if connection.execute("PRAGMA user_version").fetchone()[0] != _user_version():
            _make_tables(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _user_version() -> int:
    # Packed arrays are in this machine's byte order; a file from another one is made anew.
    return FORMAT * 2 + (sys.byteorder == "big")


def _make_tables(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    with _committed(connection):
        # Another process may have made them while this one waited for the lock.
        if connection.execute("PRAGMA user_version").fetchone()[0] == _user_version():
            return
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            connection.execute(f'DROP TABLE "{name}"')
        _create(connection)
        connection.execute(f"PRAGMA user_version = {_user_version()}")


def _create(connection: sqlite3.Connection) -> None:
    for statement in filter(str.strip, TABLES.split(";")):
        connection.execute(statement)


def is_damage(error: Exception) -> bool:
    """Whether the file itself is at fault, not the moment (locked, full, read-only): only then may it be removed."""
    name = getattr(error, "sqlite_errorname", None)
    return isinstance(error, sqlite3.DatabaseError) and not str(name).startswith(_NOT_NOW)


def discard(path: Path) -> bool:
    """Remove an index file; False when that cannot be done."""
    try:
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
    except OSError:
        return False
    return True
