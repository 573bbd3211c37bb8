"""The reconciler `csv`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infratrack.api import Inventory, ReconcileContext
from infratrack_csv.settings import SCHEMA

CSV_SYNC: Final = "urn:infratrack:evidence:csv-sync:v1"


class SpreadsheetReconciler:
    """CSV files or an XLSX workbook as a CMDB."""

    name: Final = "csv"
    predicate_type: Final = CSV_SYNC
    schema: Final[Mapping[str, Any]] = SCHEMA

    def open(self, context: ReconcileContext) -> Inventory:
        """Nothing is read yet."""
        from infratrack_csv.inventory import SpreadsheetInventory  # noqa: PLC0415 -- only a sync needs it

        return SpreadsheetInventory(context)
