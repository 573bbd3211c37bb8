"""Spreadsheets to write to, in two forms, and an inventory opened on them."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import openpyxl

from infratrack.api import Inventory, ReconcileContext
from infratrack.testing.reconcilers import quiet
from infratrack_csv.reconciler import SpreadsheetReconciler

OWN = {"column": "managed_by", "value": "dc-west"}


def write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def write_workbook(path: Path, sheets: Mapping[str, Sequence[Sequence[Any]]]) -> None:
    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    book.close()


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def opened(folder: Path, configuration: Mapping[str, Any]) -> Inventory:
    return SpreadsheetReconciler().open(ReconcileContext(configuration, folder, {}, quiet))
