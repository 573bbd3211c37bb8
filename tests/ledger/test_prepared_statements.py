from typing import Any, cast

import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.dialects.sqlite.base import SQLiteDialect
from sqlalchemy.engine.interfaces import DBAPICursor

from infratrack.ledger.storage.sql.prepared import LookUp, Prepared

SHELF = sa.table("shelf", sa.column("place"), sa.column("book"))
MOVE = (
    sa.update(SHELF)
    .where(SHELF.c.place == sa.bindparam("wanted_place"))
    .values(place=sa.bindparam("to_place"), book=sa.bindparam("to_book"))
)
POSITIONAL: sa.Dialect = SQLiteDialect(paramstyle="qmark")
NAMED: sa.Dialect = PGDialect(paramstyle="pyformat")  # type: ignore[no-untyped-call] # SQLAlchemy types it not


class Recording:
    """A driver's cursor that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []

    def execute(self, text: str, parameters: object) -> None:
        self.told.append((text, parameters))

    def executemany(self, text: str, parameters: object) -> None:
        self.told.append((text, parameters))

    def fetchall(self) -> list[tuple[object, ...]]:
        return [(1,)]

    @property
    def driver(self) -> DBAPICursor:
        return cast("DBAPICursor", self)


@pytest.mark.parametrize(
    ("dialect", "names", "values", "told"),
    [
        (POSITIONAL, ("to_place", "to_book", "wanted_place"), (1, "b", 2), (1, "b", 2)),
        (POSITIONAL, ("wanted_place", "to_book", "to_place"), (2, "b", 1), (1, "b", 2)),
        (
            NAMED,
            ("wanted_place", "to_book", "to_place"),
            (2, "b", 1),
            {"wanted_place": 2, "to_book": "b", "to_place": 1},
        ),
    ],
)
def test_a_driver_gets_the_values_as_it_wants_them(
    dialect: sa.Dialect, names: tuple[str, ...], values: tuple[object, ...], told: object
) -> None:
    cursor, statement = Recording(), Prepared(MOVE, dialect, names)
    statement.run(cursor.driver, *values)
    statement.run_many(cursor.driver, [values, values])
    assert [parameters for _, parameters in cursor.told] == [told, [told, told]]


@pytest.mark.parametrize(("wanted", "asked"), [(0, []), (1, [1]), (2, [20]), (20, [20]), (21, [500]), (502, [500, 20])])
def test_a_look_up_asks_in_lists_of_few_lengths(wanted: int, asked: list[int]) -> None:
    cursor = Recording()
    look_up = LookUp(lambda names: sa.select(SHELF.c.book).where(SHELF.c.place.in_(names)), POSITIONAL)
    assert len(list(look_up.rows(cursor.driver, range(wanted)))) == len(asked)
    assert [len(values) for _, values in cursor.told] == asked
    assert {value for _, values in cursor.told for value in values} == set(range(wanted))
