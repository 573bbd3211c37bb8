"""A spreadsheet as CMDB: CSV files or an XLSX workbook, the way many teams begin."""

from __future__ import annotations

from infratrack.api import EvidenceType, Reconciler, SyncEvidence, hookimpl
from infratrack_csv.reconciler import CSV_SYNC, SpreadsheetReconciler


@hookimpl
def infratrack_evidence_types() -> list[EvidenceType]:
    """What a sync of a spreadsheet leaves."""
    return [SyncEvidence(CSV_SYNC)]


@hookimpl
def infratrack_reconcilers() -> list[Reconciler]:
    """The reconciler `csv`."""
    return [SpreadsheetReconciler()]
