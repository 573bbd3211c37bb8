"""A table of text: columns and rows, as a CSV file or a sheet holds it. Pure."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from infratrack.api import InputError

ROWS_AT_MOST: Final = 500_000
COLUMNS_AT_MOST: Final = 1_000
CELL_AT_MOST: Final = 100_000
_DELIMITERS: Final = (",", ";", "\t", "|")
_BOM: Final = "\ufeff"


class Row(Struct, frozen=True):
    """A row: one text a column. `raw` is how a CSV file spells it, kept so that untouched rows stay as they are."""

    cells: tuple[str, ...]
    raw: str = ""
    number: int = 0
    """Where it stands in its sheet, from 1 (the header is row 1); 0: nowhere yet."""


class Table(Struct, frozen=True):
    """Columns by name, in order, and the rows below them."""

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    name: str
    """For messages: the file, or workbook and sheet."""


class Dialect(Struct, frozen=True):
    """How a CSV file is written."""

    delimiter: str = ","
    line_end: str = "\n"
    bom: bool = False
    header: str = ""
    """The header row as the file spells it."""


def checked_table(columns: Sequence[str], rows: Sequence[Row], name: str) -> Table:
    """A table, every row as wide as the header; InputError for what cannot be one."""
    names = tuple(column.strip() for column in columns)
    while names and not names[-1] and all(len(row.cells) < len(names) or not row.cells[-1] for row in rows):
        names = names[:-1]
        rows = [Row(row.cells[: len(names)], row.raw, row.number) for row in rows]
    if not any(names):
        raise InputError(f"{name} has no header", "its first row must name the columns")
    if len(names) > COLUMNS_AT_MOST:
        raise InputError(f"{name} has {len(names)} columns", f"at most {COLUMNS_AT_MOST} are read")
    for position, column in enumerate(names):
        if not column:
            raise InputError(f"{name}: column {position + 1} has no name", "give every column a name in the first row")
        if column in names[:position]:
            raise InputError(f"{name} has two columns named {column!r}", "give every column a name of its own")
    even = []
    for row in rows:
        if len(row.cells) > len(names):
            raise InputError(
                f"{name}: row {row.number} has {len(row.cells)} cells under {len(names)} columns",
                "quote cells that hold the delimiter",
            )
        missing = len(names) - len(row.cells)
        even.append(Row((*row.cells, *[""] * missing), row.raw, row.number) if missing else row)
    return Table(names, tuple(even), name)


def parse_csv(content: bytes, name: str, delimiter: str = "") -> tuple[Table, Dialect]:
    """Read a CSV file with a header row; blank lines are passed over. InputError with the line of what is wrong."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{name} is not UTF-8 (byte {error.start})", "save it as CSV UTF-8") from error
    bom = text.startswith(_BOM)
    lines = _lines(text.removeprefix(_BOM))
    line_end = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    found = delimiter or _likely_delimiter(lines[0] if lines else "")
    records: list[Row] = []
    reader = csv.reader(iter(lines), delimiter=found, strict=True)
    start = 0
    try:
        for cells in reader:
            raw = "".join(lines[start : reader.line_num])
            if cells:
                records.append(Row(tuple(cells), raw, start + 1))
            start = reader.line_num
            if len(records) > ROWS_AT_MOST:
                raise InputError(f"{name} has more than {ROWS_AT_MOST:,} rows", "split it")
    except csv.Error as error:
        raise InputError(f"{name}, line {start + 1}: {error}", "quote cells that hold quotes or line ends") from error
    header = records[0] if records else Row(())
    table = checked_table(header.cells, records[1:], name)
    return table, Dialect(found, line_end, bom, header.raw)


def render_csv(table: Table, dialect: Dialect) -> bytes:
    """The file's bytes. Rows that carry their own spelling keep it; InputError for a cell that a sheet would run."""
    parts = [_BOM if dialect.bom else "", dialect.header or _spelled(table.columns, dialect)]
    for row in table.rows:
        if not row.raw:
            for column, cell in zip(table.columns, row.cells, strict=True):
                _refuse_formula(cell, column, table.name)
        spelled = row.raw or _spelled(row.cells, dialect)
        if parts[-1] and not parts[-1].endswith(("\n", "\r", _BOM)):
            parts.append(dialect.line_end)
        parts.append(spelled)
    return "".join(parts).encode()


def is_formula(text: str) -> bool:
    """Whether a spreadsheet program would run this text: it begins with `=`, `@`, or a sign before a non-number."""
    if text[:1] in {"=", "@", "\t", "\r"}:
        return True
    return text[:1] in {"+", "-"} and not text[1:].replace(" ", "").replace(".", "", 1).replace("-", "").isdigit()


def _refuse_formula(cell: str, column: str, name: str) -> None:
    if is_formula(cell) and cell not in {"-", "+"}:
        raise InputError(
            f"{name}, column {column!r}: {cell[:40]!r} would be run as a formula by spreadsheet programs",
            "change the value, or keep the inventory in a workbook (XLSX), where text stays text",
        )


def _lines(text: str) -> list[str]:
    """Lines as the csv module counts them: LF, CR and LF, or CR alone."""
    return list(io.StringIO(text, newline=""))


def _likely_delimiter(header: str) -> str:
    return max(_DELIMITERS, key=header.count)


def _spelled(cells: Sequence[str], dialect: Dialect) -> str:
    written = io.StringIO()
    csv.writer(written, delimiter=dialect.delimiter, lineterminator=dialect.line_end).writerow(cells)
    return written.getvalue()


def with_columns(table: Table, added: Sequence[str]) -> Table:
    """The table with further columns at its end, empty in every row."""
    new = [column for column in added if column not in table.columns]
    if not new:
        return table
    empty = tuple(itertools.repeat("", len(new)))
    return Table(
        (*table.columns, *new), tuple(Row((*row.cells, *empty), "", row.number) for row in table.rows), table.name
    )
