"""Statements compiled once for one database: an append is a handful of them, and compiling would cost more than disk.

SQLAlchemy writes the SQL in the database's own dialect; running its text directly leaves out what SQLAlchemy does a
second time for every row.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa


class Prepared:
    """One statement's SQL and the order (or the names) in which the driver wants its parameters."""

    def __init__(self, statement: sa.sql.ClauseElement, dialect: sa.Dialect) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self.text: Final[str] = compiled.string
        self._order: Final[Sequence[str] | None] = compiled.positiontup

    def run(self, connection: sa.Connection, **values: object) -> sa.CursorResult[*tuple[Any, ...]]:
        """Run it once."""
        return connection.exec_driver_sql(self.text, self._parameters(values))

    def run_many(self, connection: sa.Connection, names: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
        """Run it for every row, whose values stand in the order of `names`."""
        if self._order is not None and tuple(self._order) == tuple(names):
            connection.exec_driver_sql(self.text, list(rows))
        else:
            connection.exec_driver_sql(
                self.text, [self._parameters(dict(zip(names, row, strict=True))) for row in rows]
            )

    def _parameters(self, values: Mapping[str, object]) -> Any:  # noqa: ANN401 -- a tuple or a dict, as the driver wants
        return dict(values) if self._order is None else tuple(values[name] for name in self._order)
