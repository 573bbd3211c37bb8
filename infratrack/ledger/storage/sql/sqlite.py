"""All that is particular to SQLite: how a file is made and opened, what its errors mean, how it checks itself."""

from __future__ import annotations

import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.pool import NullPool, QueuePool

from infratrack.errors import InfratrackError, IntegrityFailure, Unreachable
from infratrack.ledger.storage.sql import tables
from infratrack.ledger.storage.sql.schema import create_tables

BUSY_SECONDS: Final = 60
"""How long an appender waits for others to finish."""

_CACHE_KIBIBYTES: Final = 64 * 1024
_PAGE_BYTES: Final = 8_192
"""Envelopes are 1 to 4 KiB: in pages of 4 KiB a third would stay empty."""
_WAL_PAGES: Final = 2_000
"""How far the write-ahead log grows (16 MiB) before SQLite moves it into the file."""
_LAYOUT: Final = re.compile(r"[ \t\n]+")
_NOT_NOW: Final = ("BUSY", "LOCKED", "READONLY", "CANTOPEN", "IOERR", "FULL", "PERM", "AUTH", "PROTOCOL", "NOLFS")


def sqlite_engine(path: Path, *, read_only: bool = False) -> sa.Engine:
    """An engine on an existing file; it never creates one.

    `read_only` is for a file system that cannot be written: then SQLite may not lock, so no one may be appending.
    """
    mode = "mode=ro&immutable=1" if read_only else "mode=rw"
    quoted = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")

    def connect() -> sqlite3.Connection:
        # A statement of ours is what begins a transaction, never the driver: see `begin`.
        connection = sqlite3.connect(
            f"file:{quoted}?{mode}", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        if not read_only:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_WAL_PAGES}")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIBIBYTES}")
        return connection

    engine = sa.create_engine("sqlite://", creator=connect, pool_reset_on_return="rollback", poolclass=QueuePool)

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        # A writer takes the lock before it reads, so that what it reads is still true when it writes.
        immediate = connection.get_execution_options().get("infratrack_writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def begin_writing(cursor: DBAPICursor) -> None:
    """Begin a transaction that holds the write lock from its first moment: what it reads is true when it writes."""
    cursor.execute("BEGIN IMMEDIATE")


def create_file(path: Path, origin: str) -> None:
    """Make a ledger file as a whole: built beside, made durable, then linked into place.

    A crash leaves at most a stray file beside it. When another process was faster, its file stays.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        engine = sa.create_engine(sa.URL.create("sqlite", database=str(draft)), poolclass=NullPool)
        with engine.begin() as connection:
            # Python's driver begins the transaction with the first table, so that this still comes in time.
            connection.exec_driver_sql(f"PRAGMA page_size = {_PAGE_BYTES}")
            create_tables(connection, origin)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        engine.dispose()
        _flush(draft)
        try:
            os.link(draft, path)
        except FileExistsError:
            return
        except OSError:
            # A file system without hard links.
            if not path.exists():
                draft.replace(path)
        _flush(path.parent)
    finally:
        for left in (draft, Path(f"{draft}-wal"), Path(f"{draft}-shm"), Path(f"{draft}-journal")):
            left.unlink(missing_ok=True)


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn the driver's errors into sentences: cannot be reached now, or cannot be right."""
    try:
        yield
    except InfratrackError:
        raise
    except (sa.exc.DBAPIError, sqlite3.Error) as error:
        raise _failure(what, error.orig if isinstance(error, sa.exc.DBAPIError) else error) from error
    except (sa.exc.SQLAlchemyError, TypeError, ValueError, OverflowError) as error:
        raise IntegrityFailure(f"{what} holds a value that cannot be read ({type(error).__name__})") from error


def damage(connection: sa.Connection) -> list[str]:
    """What SQLite's own check finds, and tables or indexes that are not as this version makes them."""
    found = [
        f"SQLite finds: {' '.join(str(row[0]).split())}"
        for row in connection.exec_driver_sql("PRAGMA integrity_check(20)")
        if row[0] != "ok"
    ]
    expected = sa.create_engine("sqlite://")
    with expected.begin() as pristine:
        tables.metadata.create_all(pristine)
        wanted = _definitions(pristine)
    expected.dispose()
    if _definitions(connection) != wanted:
        found.append("the tables are not defined as this version of the ledger defines them")
    return found


def _definitions(connection: sa.Connection) -> set[tuple[object, ...]]:
    """Every table and index with its defining text, white space evened out."""
    rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return {(*row[:3], _LAYOUT.sub(" ", row[3]).strip(" ") if isinstance(row[3], str) else row[3]) for row in rows}


def _failure(what: str, error: BaseException | None) -> InfratrackError:
    name = str(getattr(error, "sqlite_errorname", "")).removeprefix("SQLITE_")
    reason = " ".join(str(error).split())
    if name.startswith(("BUSY", "LOCKED")):
        return Unreachable(
            f"{what} is in use by another process ({reason})", "wait until it has finished and try again"
        )
    if name.startswith("READONLY"):
        return Unreachable(f"{what} cannot be written ({reason})", "check the permissions of the file and its folder")
    if name.startswith("FULL"):
        return Unreachable(f"{what} cannot grow: the disk is full", "make room and try again")
    if name.startswith(_NOT_NOW):
        return Unreachable(f"{what} could not be opened ({reason})", "check the path, the permissions and the disk")
    if name.startswith("NOTADB"):
        return IntegrityFailure(f"{what} is no SQLite database", "restore the ledger from an export or a backup")
    return IntegrityFailure(f"{what} is damaged ({reason})", "restore the ledger from an export or a backup")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
