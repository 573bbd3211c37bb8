"""Both forms of a spreadsheet keep the contract of reconcilers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from infratrack.testing.reconcilers import ReconcilerContract, Stand
from infratrack_csv.reconciler import SpreadsheetReconciler
from tests.plugins.csv.sheets import OWN, rows_of, write_csv, write_workbook

COLUMNS = ["id", "name", "note", "roles", "managed_by"]


class SheetStand(Stand):
    """An inventory in one sheet; `_rows` and `_write` know in which form."""

    reconciler = SpreadsheetReconciler()
    environment: Mapping[str, str] = {}
    secrets = ()
    type = "device"
    text_field = "note"
    list_field = "roles"
    items = ("leaf", "spine", "border")

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._write([])

    def key(self, name: str) -> dict[str, Any]:
        return {"name": name}

    def required(self, name: str) -> dict[str, Any]:
        return {}

    def plant(self, name: str, **fields: Any) -> str:
        rows = self._rows()
        self._write([*rows, {"id": f"planted-{name}", "name": name, **self._cells(fields)}])
        return f"planted-{name}"

    def edit(self, record_id: str, **fields: Any) -> None:
        self._write([{**row, **(self._cells(fields) if row["id"] == record_id else {})} for row in self._rows()])

    def look(self) -> Mapping[str, Mapping[str, Any]]:
        return {row["id"]: {**row, "roles": sorted(filter(None, row["roles"].split(";")))} for row in self._rows()}

    def _cells(self, fields: Mapping[str, Any]) -> dict[str, str]:
        return {name: ";".join(value) if isinstance(value, list) else value for name, value in fields.items()}

    def _rows(self) -> list[dict[str, str]]:
        raise NotImplementedError

    def _write(self, rows: list[dict[str, str]]) -> None:
        raise NotImplementedError


class CsvStand(SheetStand):
    configuration: Mapping[str, Any] = {"files": {"device": "devices.csv"}, "own": OWN}

    def _rows(self) -> list[dict[str, str]]:
        return rows_of(self.folder / "devices.csv")

    def _write(self, rows: list[dict[str, str]]) -> None:
        write_csv(self.folder / "devices.csv", [COLUMNS, *[[row.get(name, "") for name in COLUMNS] for row in rows]])


class WorkbookStand(SheetStand):
    configuration: Mapping[str, Any] = {"workbook": "inventory.xlsx", "own": OWN}

    def _rows(self) -> list[dict[str, str]]:
        book = openpyxl.load_workbook(self.folder / "inventory.xlsx")
        header, *rows = book["device"].iter_rows(values_only=True)
        book.close()
        return [{str(name): str(cell or "") for name, cell in zip(header, row, strict=True)} for row in rows]

    def _write(self, rows: list[dict[str, str]]) -> None:
        cells = [[row.get(name) or None for name in COLUMNS] for row in rows]
        write_workbook(self.folder / "inventory.xlsx", {"device": [COLUMNS, *cells]})


class TestCsvFiles(ReconcilerContract):
    @pytest.fixture
    def stand(self, tmp_path: Path) -> Stand:
        return CsvStand(tmp_path)


class TestWorkbook(ReconcilerContract):
    @pytest.fixture
    def stand(self, tmp_path: Path) -> Stand:
        return WorkbookStand(tmp_path)
