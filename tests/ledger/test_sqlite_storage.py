import os
import shutil
import sqlite3
import stat
from pathlib import Path

import pytest
import sqlalchemy as sa

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.ledger.storage.interface import LedgerStorage
from infratrack.ledger.storage.sql import schema, sqlite, tables
from infratrack.ledger.storage.sql.store import SqlStorage
from infratrack.testing.ledger_storage import LedgerStorageContract


def open_file(path: Path) -> SqlStorage:
    engine = sqlite.sqlite_engine(path)
    return SqlStorage(engine, sqlite.begin_writing, lambda: sqlite.explained(f"the ledger at {path}"), sqlite.damage)


class TestSqliteStorage(LedgerStorageContract):
    def open_storage(self, folder: Path) -> LedgerStorage:
        path = folder / "ledger.db"
        if not path.exists():
            sqlite.create_file(path, "infratrack/test/00000000")
        storage = open_file(path)
        storage.prepare()
        return storage


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ledger ? #1%.db"
    sqlite.create_file(path, "infratrack/test/00000000")
    return path


def alter(path: Path, statement: str) -> None:
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()


def test_the_file_is_private_durable_and_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    with sqlite.sqlite_engine(path).connect() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA page_size").scalar() == 8192


def test_the_faster_creator_wins(path: Path) -> None:
    sqlite.create_file(path, "infratrack/test/ffffffff")
    assert open_file(path).head().origin == "infratrack/test/00000000"


def test_a_file_system_without_links_gets_a_whole_file_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    sqlite.create_file(tmp_path / "a.db", "log")
    assert [one.name for one in tmp_path.iterdir()] == ["a.db"]
    assert open_file(tmp_path / "a.db").head().origin == "log"


def test_migrations_lead_to_the_same_tables(tmp_path: Path, path: Path) -> None:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as connection:
        schema.migrate(connection)
    with engine.connect() as migrated, sqlite.sqlite_engine(path).connect() as created:
        assert sqlite._definitions(migrated) == sqlite._definitions(created)
        assert schema.is_current(migrated)
    engine.dispose()


def test_an_older_ledger_is_migrated_when_it_is_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alter(path, "UPDATE alembic_version SET version_num = '0000'")
    monkeypatch.setattr(tables, "OLDER_VERSIONS", frozenset({"0000"}))

    def to_the_newest(connection: sa.Connection) -> None:
        connection.execute(sa.update(tables.version).values(version_num=tables.SCHEMA_VERSION))

    monkeypatch.setattr("infratrack.ledger.storage.sql.store.migrate", to_the_newest)
    open_file(path).prepare()
    with sqlite.sqlite_engine(path).connect() as connection:
        assert schema.is_current(connection)


def test_a_newer_ledger_asks_for_a_newer_infratrack(path: Path) -> None:
    alter(path, "UPDATE alembic_version SET version_num = '0002'")
    with pytest.raises(InputError, match="have version '0002', this infratrack knows '0001'"):
        open_file(path).prepare()


@pytest.mark.parametrize("statement", ["DELETE FROM alembic_version", "UPDATE alembic_version SET version_num = 'x'"])
def test_a_version_nobody_writes_is_damage(path: Path, statement: str) -> None:
    alter(path, statement)
    with pytest.raises(IntegrityFailure, match="schema version is"):
        open_file(path).prepare()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("DELETE FROM head", "head has 0 rows"),
        ("UPDATE head SET id = 2", "head has 1 rows, expected one with id 1"),
        ("UPDATE head SET origin = x'00'", "not text"),
        ("UPDATE head SET note = x'00'", "not text"),
        ("DROP TABLE head", "no such table"),
    ],
)
def test_a_damaged_head_is_told(path: Path, statement: str, message: str) -> None:
    alter(path, statement)
    with pytest.raises(IntegrityFailure, match=message):
        open_file(path).head()


def test_tables_of_another_shape_are_damage(path: Path) -> None:
    alter(path, "CREATE TABLE more (id INTEGER)")
    assert open_file(path).damage() == ["the tables are not defined as this version of the ledger defines them"]


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database" * 1000)
    storage = open_file(tmp_path / "x.db")
    with pytest.raises(IntegrityFailure, match="is no SQLite database"):
        storage.prepare()
    assert "is no SQLite database" in storage.damage()[0]


def test_a_file_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="could not be opened"):
        open_file(tmp_path / "none.db").head()


def test_a_locked_ledger_is_unreachable(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "BUSY_SECONDS", 0.01)
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unreachable, match="in use by another process"):
        open_file(path).write(lambda writer: writer.head())
    holder.close()


def test_a_ledger_on_a_read_only_medium_can_be_read(path: Path) -> None:
    engine = sqlite.sqlite_engine(path, read_only=True)
    storage = SqlStorage(engine, sqlite.begin_writing, lambda: sqlite.explained("the ledger"), sqlite.damage)
    storage.prepare()
    assert storage.head().origin == "infratrack/test/00000000"
    with pytest.raises(Unreachable, match="cannot be written"):
        storage.write(lambda writer: writer.write(writer.head(), [], {"key": b"k" * 32}))
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_a_truncated_file_is_damage(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / "short.db")
    os.truncate(tmp_path / "short.db", 8192 * 2)
    assert open_file(tmp_path / "short.db").damage()


def test_a_full_disk_is_unreachable() -> None:
    class FullError(sqlite3.OperationalError):
        sqlite_errorname = "SQLITE_FULL"

    with pytest.raises(Unreachable, match="the disk is full"), sqlite.explained("the ledger"):
        raise FullError("database or disk is full")


def test_a_value_of_the_wrong_kind_is_damage() -> None:
    with pytest.raises(IntegrityFailure, match="holds a value that cannot be read"), sqlite.explained("the ledger"):
        raise TypeError
