"""Which version of the tables a database holds, and how it comes to the newest."""

from __future__ import annotations

import re
from typing import Final

import sqlalchemy as sa

from infratrack.errors import InputError, IntegrityFailure
from infratrack.ledger.storage.sql import tables

_VERSION: Final = re.compile(r"[0-9]{4}")


def create_tables(connection: sa.Connection, origin: str) -> None:
    """Make the newest tables and an empty log, inside the connection's transaction."""
    tables.metadata.create_all(connection)
    connection.execute(sa.insert(tables.version).values(version_num=tables.SCHEMA_VERSION))
    connection.execute(sa.insert(tables.head).values(id=1, origin=origin, note=None))


def is_current(connection: sa.Connection) -> bool:
    """Whether the tables are the newest; False when they can be migrated.

    Raises InputError for a version that a newer infratrack made, IntegrityFailure for what no infratrack writes.
    """
    versions = [row[0] for row in connection.execute(sa.select(tables.version.c.version_num))]
    if versions == [tables.SCHEMA_VERSION]:
        return True
    if len(versions) == 1 and versions[0] in tables.OLDER_VERSIONS:
        return False
    found = ", ".join(repr(one)[:40] for one in versions) or "missing"
    if len(versions) == 1 and _VERSION.fullmatch(str(versions[0])) and str(versions[0]) > tables.SCHEMA_VERSION:
        raise InputError(
            f"the ledger's tables have version {found}, this infratrack knows {tables.SCHEMA_VERSION!r}",
            "install the newer infratrack that made this ledger",
        )
    raise IntegrityFailure(f"the ledger's schema version is {found}, expected {tables.SCHEMA_VERSION!r}")


def migrate(connection: sa.Connection) -> None:
    """Run Alembic's migrations up to the newest version."""
    from alembic import command  # noqa: PLC0415 -- a third of a second that only an old ledger may cost
    from alembic.config import Config  # noqa: PLC0415 -- likewise

    config = Config()
    config.set_main_option("script_location", "infratrack.ledger.storage.sql:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
