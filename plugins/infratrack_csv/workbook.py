"""XLSX workbooks: each sheet a table. What is not touched keeps its looks, its numbers and its formulas."""

from __future__ import annotations

import contextlib
import io
import warnings
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from infratrack.api import InputError
from infratrack_csv.table import COLUMNS_AT_MOST, ROWS_AT_MOST, Row, Table, checked_table

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

UNPACKED_AT_MOST: Final = 1024 * 1024 * 1024


@contextlib.contextmanager
def opened(content: bytes, name: str) -> Iterator[Any]:
    """The workbook. InputError for what is none, and for one that unpacks to far more than it says."""
    try:
        import openpyxl  # noqa: PLC0415 -- only workbooks need it
    except ImportError as error:
        raise InputError("workbooks need openpyxl", "pip install 'infratrack[spreadsheet]'") from error
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            size = sum(item.file_size for item in packed.infolist())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what openpyxl does not know of a workbook's looks
            small = size <= UNPACKED_AT_MOST
            book = openpyxl.load_workbook(io.BytesIO(content)) if small else None
    except Exception as error:  # openpyxl raises whatever its parsers raise
        raise InputError(f"{name} cannot be read as a workbook", "save it as XLSX") from error
    if book is None:
        raise InputError(f"{name} unpacks to more than {UNPACKED_AT_MOST:,} bytes", "split it")
    try:
        yield book
    finally:
        book.close()


def table_of(sheet: Worksheet, name: str) -> Table:
    """The sheet's cells as text; a formula is its own text. InputError for a sheet that is no table."""
    if (sheet.max_row or 0) > ROWS_AT_MOST or (sheet.max_column or 0) > COLUMNS_AT_MOST:
        raise InputError(
            f"{name} is too large", f"at most {ROWS_AT_MOST:,} rows and {COLUMNS_AT_MOST:,} columns are read"
        )
    rows = [
        Row(tuple(_text(value) for value in cells), "", number)
        for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1)
    ]
    header = rows[0].cells if rows else ()
    return checked_table(header, [row for row in rows[1:] if any(row.cells)], name)


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def write_sheet(sheet: Worksheet, table: Table) -> None:
    """Change what differs and nothing else: numbers stay numbers, looks stay, text is never read as a formula."""
    for position, column in enumerate(table.columns, start=1):
        if _text(sheet.cell(1, position).value).strip() != column:
            _set(sheet, 1, position, column)
    last = sheet.max_row or 1
    new = (row for row in table.rows if not row.number)
    for row in (*(row for row in table.rows if row.number), *new):
        number = row.number
        if not number:
            last += 1
            number = last
        for position, cell in enumerate(row.cells, start=1):
            if _text(sheet.cell(number, position).value) != cell:
                _set(sheet, number, position, cell)
    _delete_others(sheet, {row.number for row in table.rows}, last - sum(not row.number for row in table.rows))


def _delete_others(sheet: Worksheet, kept: set[int], last: int) -> None:
    """Delete the rows that the table has no more, from below, so that the numbers above stay right."""
    for number in range(last, 1, -1):
        if number not in kept and any(value is not None for value in _values(sheet, number)):
            sheet.delete_rows(number)


def _values(sheet: Worksheet, number: int) -> tuple[Any, ...]:
    return next(iter(sheet.iter_rows(min_row=number, max_row=number, values_only=True)))


def _set(sheet: Worksheet, row: int, column: int, text: str) -> None:
    cell = sheet.cell(row, column)
    if cell.data_type == "f":
        raise InputError(
            f"{sheet.title}!{cell.coordinate} holds a formula", "write a value there by hand, or leave the column out"
        )
    if isinstance(cell.value, (int, float)) and not isinstance(cell.value, bool) and _is_number(text):
        cell.value = int(text) if text.lstrip("-").isdigit() else float(text)
        return
    cell.value = text or None
    if text:
        cell.data_type = "s"


def _is_number(text: str) -> bool:
    try:
        return str(int(text)) == text
    except ValueError:
        try:
            return repr(float(text)) == text
        except ValueError:
            return False
