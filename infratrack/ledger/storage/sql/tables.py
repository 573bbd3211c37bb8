"""The ledger's tables, one definition for every database."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

SCHEMA_VERSION: Final = "0001"
"""The newest migration; kept in the row that Alembic uses."""

OLDER_VERSIONS: Final[frozenset[str]] = frozenset()
"""Versions that migrations lead on from."""


class Content(sa.LargeBinary):
    """Bytes handed to the driver and back as they are.

    The usual type wraps every value, which costs half the time of a batch, and fails with a traceback on a value that
    damage turned into another type; verification wants to see such a value.
    """

    def bind_processor(self, dialect: sa.Dialect) -> None:
        """No conversion."""

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> None:
        """No conversion."""


metadata: Final = sa.MetaData()

version: Final = sa.Table(
    "alembic_version",
    metadata,
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

head: Final = sa.Table(
    "head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("origin", sa.Text, nullable=False),
    sa.Column("note", sa.Text),
)

entries: Final = sa.Table(
    "entries",
    metadata,
    # SQLite keeps a table in the order of a column only when its type is exactly INTEGER.
    sa.Column("position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("digest", Content, nullable=False, unique=True),
    sa.Column("hashes", Content, nullable=False),
    sa.Column("entry", Content, nullable=False),
    sa.Column("line", Content, nullable=False),
)

keys: Final = sa.Table(
    "keys",
    metadata,
    sa.Column("keyid", sa.String(64), primary_key=True),
    sa.Column("public_key", Content, nullable=False),
)
