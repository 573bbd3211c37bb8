"""Changes to one table, made in memory and saved all at once. Pure.

Asked for the same write twice, the second finds the work done: nothing is duplicated.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from infratrack.api import Fields, LiveRecord, Write, Written
from infratrack_csv.cells import canonical, from_cell, to_cell
from infratrack_csv.settings import Settings
from infratrack_csv.table import Row, Table, with_columns


class Draft:
    """One table while it is being changed. Rows are found by id; a row without one goes by its natural key."""

    def __init__(self, type_name: str, table: Table, settings: Settings, new_id: Callable[[], str]) -> None:
        self._type = type_name
        self._settings = settings
        self._new_id = new_id
        self.table = table
        self.changed = False
        self._rows: list[Row | None] = list(table.rows)
        self._at: dict[str, int] = {}
        self._keys: tuple[str, ...] | None = None
        self._by_key: dict[tuple[str, ...], dict[tuple[str, ...], int]] = {}
        """Names of a key → texts of its cells → the first row with them; empty after a row was changed or deleted."""

    def carry_out(self, number: int, write: Write) -> Written:
        """Make one write; the outcome is `written`, or `moved` with the reason when the row is not what was shown."""
        self._find_rows(tuple(sorted(write.key)))
        if write.action == "create":
            return self._create(number, write)
        position = self._at.get(write.id or "")
        row = self._rows[position] if position is not None else None
        if position is None or row is None:
            if write.action == "delete":
                return Written(number, "written", write.id, reason="the row was gone already")
            return Written(number, "moved", write.id, reason="the row is gone")
        return (
            self._delete(number, write, position, row)
            if write.action == "delete"
            else self._update(number, write, position, row)
        )

    def finished(self) -> Table:
        """The table with everything that was written."""
        return Table(self.table.columns, tuple(row for row in self._rows if row is not None), self.table.name)

    def _create(self, number: int, write: Write) -> Written:
        self._make_columns(write.fields)
        wanted = {name: self._canonical(name, value) for name, value in write.fields.items()}
        key = tuple(sorted(write.key))
        texts = tuple(to_cell(wanted[name], self._settings.item_separator) for name in key)
        place = self._rows_by(key, wanted).get(texts)
        if place is not None and (row := self._rows[place]) is not None:
            same = all(self._value(row, name, value) == value for name, value in wanted.items())
            found = row_id(row, self.table, self._settings, key)
            if same:
                return Written(number, "written", found, after=write.fields, reason="it was there already")
            self._at.setdefault(found, place)
            return Written(number, "moved", found, reason="a row with this key has appeared")
        cells = ["" for _ in self.table.columns]
        for name, value in wanted.items():
            cells[self.table.columns.index(name)] = to_cell(value, self._settings.item_separator)
        place = self.table.columns.index(self._settings.id_column)
        cells[place] = cells[place] or self._new_id()
        self._at[cells[place]] = len(self._rows)
        rows = self._by_key[key]
        rows[texts] = len(self._rows)
        self._by_key = {key: rows}  # the new row is missing from those of other keys
        self._rows.append(Row(tuple(cells)))
        self.changed = True
        return Written(number, "written", cells[place], after=write.fields, version=row_version(tuple(cells)))

    def _update(self, number: int, write: Write, position: int, row: Row) -> Written:
        self._make_columns({**write.fields, **write.add, **write.remove})
        row = self._rows[position] or row
        before: dict[str, Any] = {}
        after: dict[str, Any] = {}
        for name, value in write.fields.items():
            after[name] = self._canonical(name, value)
        for name in (*write.add, *write.remove):
            live = self._value(row, name, [])
            items = set(live if isinstance(live, list) else [])
            after[name] = sorted((items | set(write.add.get(name, ()))) - set(write.remove.get(name, ())))
        for name, value in after.items():
            before[name] = self._value(row, name, value)
        for name, expected in write.expected.items():
            live = self._value(row, name, expected)
            if live != self._canonical(name, expected) and live != after.get(name, expected):
                return Written(number, "moved", write.id, before=before, reason=f"{name} has changed meanwhile")
        cells = list(row.cells)
        for name, value in after.items():
            cells[self.table.columns.index(name)] = to_cell(value, self._settings.item_separator)
        place = self.table.columns.index(self._settings.id_column)
        cells[place] = cells[place] or self._new_id()
        if tuple(cells) != row.cells:
            self._rows[position] = Row(tuple(cells), "", row.number)
            self._by_key.clear()
            self.changed = True
        self._at[cells[place]] = position
        version = row_version(tuple(cells))
        return Written(number, "written", cells[place], before=before, after=after, version=version)

    def _delete(self, number: int, write: Write, position: int, row: Row) -> Written:
        if write.version and row_version(row.cells) != write.version:
            return Written(number, "moved", write.id, reason="the row has changed meanwhile")
        self._rows[position] = None
        self._by_key.clear()
        self.changed = True
        prior = {name: cell for name, cell in zip(self.table.columns, row.cells, strict=True) if cell}
        return Written(number, "written", write.id, prior=prior)

    def _rows_by(self, key: tuple[str, ...], like: Mapping[str, Any]) -> dict[tuple[str, ...], int]:
        """The rows by their cells under a key's names, made once for many creates."""
        found = self._by_key.get(key)
        if found is None:
            found = self._by_key[key] = {}
            separator = self._settings.item_separator
            for position, row in enumerate(self._rows):
                if row is not None:
                    cells = tuple(to_cell(self._value(row, name, like[name]), separator) for name in key)
                    found.setdefault(cells, position)
        return found

    def _make_columns(self, fields: Mapping[str, Any]) -> None:
        needed = [self._settings.id_column]
        needed += [name for name in (self._settings.own.column,) if name in fields]
        if any(name not in self.table.columns for name in needed):
            wider = with_columns(Table(self.table.columns, (), self.table.name), needed)
            more = len(wider.columns) - len(self.table.columns)
            self._rows = [row and Row((*row.cells, *[""] * more), "", row.number) for row in self._rows]
            self.table = Table(wider.columns, self.table.rows, self.table.name)
            self.changed = True

    def _find_rows(self, key: tuple[str, ...]) -> None:
        if self._keys != key:
            self._keys = key
            for position, row in enumerate(self._rows):
                if row is not None:
                    self._at.setdefault(row_id(row, self.table, self._settings, key), position)

    def _canonical(self, name: str, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        return canonical(value, f"{self._type}.{name}", self._settings.item_separator)

    def _value(self, row: Row, name: str, like: Any) -> Any:  # noqa: ANN401 -- text, list or None
        if name not in self.table.columns:
            return [] if isinstance(like, list) else None
        cell = row.cells[self.table.columns.index(name)]
        return from_cell(cell, self._settings.item_separator, is_list=isinstance(like, list))


def row_id(row: Row, table: Table, settings: Settings, key: tuple[str, ...]) -> str:
    """The row's id; where it has none, its natural key as text, which is as good until somebody renames it."""
    if settings.id_column in table.columns:
        own = row.cells[table.columns.index(settings.id_column)].strip()
        if own:
            return own
    return " ".join(f"{name}={row.cells[table.columns.index(name)].strip()}" for name in key if name in table.columns)


def row_version(cells: tuple[str, ...]) -> str:
    """Changes with every change of the row."""
    return hashlib.sha256("\x1f".join(cells).encode()).hexdigest()[:32]


def live_record(  # noqa: PLR0913, PLR0917 -- a row and what is asked of it
    type_name: str,
    row: Row,
    table: Table,
    settings: Settings,
    key: tuple[str, ...],
    fields: Mapping[str, bool],
) -> LiveRecord:
    """A row as a record; `fields` says name by name whether the cell holds a list."""

    def value(name: str, *, is_list: bool) -> Any:  # noqa: ANN401 -- text, list or None
        if name not in table.columns:
            return [] if is_list else None
        return from_cell(row.cells[table.columns.index(name)], settings.item_separator, is_list=is_list)

    found: Fields = {name: value(name, is_list=False) for name in key}
    return LiveRecord(
        type=type_name,
        id=row_id(row, table, settings, key),
        key=found,
        fields={name: value(name, is_list=is_list) for name, is_list in fields.items()},
        owned=value(settings.own.column, is_list=False) == settings.own.value,
        version=row_version(row.cells),
        display=" ".join(str(part) for part in found.values() if part is not None),
    )
