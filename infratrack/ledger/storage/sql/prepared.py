"""Statements compiled once for one database: an append is a handful of them, and compiling would cost more than disk.

SQLAlchemy writes the SQL in the database's own dialect; the text is then handed to the driver (any DB-API 2.0 driver)
on a cursor of the transaction, without what SQLAlchemy does once more for every statement and every row.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

Row = tuple[Any, ...]

_LENGTHS: Final = (1, 20, 500)
"""How long the lists in a look-up are made: every database takes 500 values, and three texts are compiled once each."""


class Prepared:
    """One statement's SQL; its values are handed over in the order of `names`, the statement's bound parameters."""

    def __init__(self, statement: sa.sql.ClauseElement, dialect: sa.Dialect, names: Sequence[str] = ()) -> None:
        compiled: Any = statement.compile(dialect=dialect)
        self._text: Final[str] = compiled.string
        self._names: Final = tuple(names)
        order: Sequence[str] | None = compiled.positiontup
        self._order: Final = None if order is None else tuple(order)

    def rows(self, cursor: DBAPICursor, *values: object) -> list[Row]:
        """Run a query; every row of its result."""
        cursor.execute(self._text, self._parameters(values))
        return list(cursor.fetchall())

    def run(self, cursor: DBAPICursor, *values: object) -> None:
        """Run a statement that has no result."""
        cursor.execute(self._text, self._parameters(values))

    def run_many(self, cursor: DBAPICursor, rows: Sequence[Row]) -> None:
        """Run it for every row of values."""
        cursor.executemany(self._text, rows if self._order == self._names else [self._parameters(row) for row in rows])

    def _parameters(self, values: Row) -> Any:  # noqa: ANN401 -- a tuple or a dict, as the driver wants
        if self._order == self._names:
            return values
        named = dict(zip(self._names, values, strict=True))
        return named if self._order is None else tuple(named[name] for name in self._order)


class LookUp:
    """A query for the rows in which a column has one of many values, asked in lists of a few fixed lengths."""

    def __init__(
        self, query: Callable[[Sequence[sa.BindParameter[Any]]], sa.sql.ClauseElement], dialect: sa.Dialect
    ) -> None:
        """`query` makes the statement from the list's parameters."""
        self._query: Final = query
        self._dialect: Final = dialect
        self._prepared: Final[dict[int, Prepared]] = {}

    def rows(self, cursor: DBAPICursor, values: Collection[object]) -> Iterator[Row]:
        """The rows of all values, in no order."""
        wanted = list(values)
        for start in range(0, len(wanted), _LENGTHS[-1]):
            part = wanted[start : start + _LENGTHS[-1]]
            length = next(length for length in _LENGTHS if length >= len(part))
            # A value that stands in the list twice is found once.
            yield from self._of_length(length).rows(cursor, *part, *part[-1:] * (length - len(part)))

    def _of_length(self, length: int) -> Prepared:
        if length not in self._prepared:
            names = [f"wanted_{place}" for place in range(length)]
            parameters: list[sa.BindParameter[Any]] = [sa.bindparam(name) for name in names]
            self._prepared[length] = Prepared(self._query(parameters), self._dialect, names)
        return self._prepared[length]
