"""The first tables: head, entries and keys."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "head",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
    )
    op.create_table(
        "entries",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("digest", sa.LargeBinary, nullable=False, unique=True),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("entry", sa.LargeBinary, nullable=False),
        sa.Column("line", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("keyid", sa.String(64), primary_key=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
    )
