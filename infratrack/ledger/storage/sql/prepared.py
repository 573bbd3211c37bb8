"""Statements compiled once for one database: an append is a handful of them, and compiling would cost more than disk.

SQLAlchemy writes the SQL in the database's own dialect and holds the transaction; the text is then handed to the
driver (any DB-API 2.0 driver) on the transaction's connection, without what SQLAlchemy does once more for every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import sqlalchemy as sa

Row = tuple[Any, ...]


class Prepared:
    """One statement's SQL and the order (or the names) in which the driver wants its parameters."""

    def __init__(self, statement: sa.sql.ClauseElement, dialect: sa.Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._text: Final[str] = compiled.string
        self._order: Final[Sequence[str] | None] = compiled.positiontup

    def rows(self, connection: sa.Connection, **values: object) -> list[Row]:
        """Run a query; every row of its result."""
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(self._text, self._parameters(values))
            return list(cursor.fetchall())

    def run(self, connection: sa.Connection, **values: object) -> None:
        """Run a statement that has no result."""
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(self._text, self._parameters(values))

    def run_many(self, connection: sa.Connection, names: Sequence[str], rows: Sequence[Row]) -> None:
        """Run it for every row, whose values stand in the order of `names`."""
        parameters: Sequence[Any] = rows
        if self._order is None or tuple(self._order) != tuple(names):
            parameters = [self._parameters(dict(zip(names, row, strict=True))) for row in rows]
        with closing(connection.connection.cursor()) as cursor:
            cursor.executemany(self._text, parameters)

    def _parameters(self, values: Mapping[str, object]) -> Any:  # noqa: ANN401 -- a tuple or a dict, as the driver wants
        return dict(values) if self._order is None else tuple(values[name] for name in self._order)
