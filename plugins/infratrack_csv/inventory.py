"""A spreadsheet as an inventory that can be reconciled."""

from __future__ import annotations

import difflib
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack.api import (
    Dependent,
    DesiredRecord,
    Fields,
    InputError,
    LastChange,
    LiveRecord,
    Reading,
    ReconcileContext,
    RecordSet,
    Write,
    WriteContext,
    Written,
)
from infratrack_csv.cells import canonical
from infratrack_csv.draft import Draft, live_record
from infratrack_csv.settings import Settings, read_settings
from infratrack_csv.store import Store
from infratrack_csv.table import Table

_ID_LENGTH: Final = 12


class SpreadsheetInventory:
    """CSV files or a workbook. Everything that is read is there: a file hides nothing."""

    def __init__(self, context: ReconcileContext) -> None:
        self._context = context
        self._settings: Settings = read_settings(context.configuration)
        self._store = Store(context.folder, self._settings)
        self.identity: Final = self._settings.identity
        self.description: Final[Mapping[str, Any]] = {
            "kind": "workbook" if self._settings.workbook else "csv",
            "files": [self._settings.workbook] if self._settings.workbook else sorted(self._settings.files.values()),
        }

    def prepare(self, sets: Sequence[RecordSet]) -> Sequence[RecordSet]:
        """Columns that exist, values as cells hold them, and this project's mark in every row."""
        known = self._store.types()
        for one in sets:
            _known(one.type, known, "type", _origin(one))
        tables = self._store.tables(sorted({one.type for one in sets}))
        return [self._prepared(one, tables[one.type]) for one in sets]

    def _prepared(self, records: RecordSet, table: Table) -> RecordSet:
        own, separator = self._settings.own, self._settings.item_separator
        for name in records.within:
            _known(name, table.columns, "column", f"`within` of {records.type}")

        def cells(fields: Fields, origin: str) -> dict[str, Any]:
            return {name: canonical(value, f"{origin}, {name}", separator) for name, value in fields.items()}

        desired = []
        for record in records.desired:
            for name in (*record.key, *record.fields):
                if name not in {own.column, self._settings.id_column}:
                    _known(name, table.columns, "column", record.origin or records.type)
            desired.append(
                DesiredRecord(
                    record.type,
                    cells(record.key, record.origin),
                    {**cells(record.fields, record.origin), own.column: own.value},
                    record.origin,
                )
            )
        within = cells(records.within, "`within`")
        return RecordSet(
            records.type, tuple(desired), within, records.complete, records.reason, records.source, own.column
        )

    def read(self, sets: Sequence[RecordSet], bound: Mapping[str, Collection[str]]) -> Sequence[Reading]:
        """The rows of each set's file that lie within its bounds, or are bound."""
        tables = self._store.tables(sorted({one.type for one in sets}))
        return [Reading(self._live(one, tables[one.type], bound.get(one.type, ()))) for one in sets]

    def _live(self, records: RecordSet, table: Table, bound: Collection[str]) -> list[LiveRecord]:
        key = tuple(sorted({name for desired in records.desired for name in desired.key}))
        fields: dict[str, bool] = {self._settings.own.column: False}
        if self._settings.retire:
            fields[self._settings.retire.column] = False
        for desired in records.desired:
            for name, value in desired.fields.items():
                fields[name] = fields.get(name, False) or isinstance(value, list)
        where = [(table.columns.index(name), value) for name, value in records.within.items()]
        found, places = [], dict[str, int]()
        for count, row in enumerate(table.rows):
            record = live_record(records.type, row, table, self._settings, key, fields)
            inside = all((row.cells[place].strip() or None) == value for place, value in where)
            if inside or record.id in bound:
                if self._settings.id_column in table.columns and record.id in places and "=" not in record.id:
                    raise InputError(
                        f"{table.name}: rows {places[record.id]} and {row.number} have the same id {record.id!r}",
                        "give each row an id of its own, or clear one and let the next sync fill it in",
                    )
                places[record.id] = row.number
                found.append(record)
            if count % 1_000 == 0:
                self._context.report(f"reading {table.name}", count, len(table.rows))
        return found

    def dependents(self, records: Sequence[LiveRecord]) -> Mapping[tuple[str, str], Sequence[Dependent]]:
        """Nothing hangs on a row."""
        return {}

    def last_changes(
        self, records: Collection[tuple[str, str]], ours: Collection[str] = ()
    ) -> Mapping[tuple[str, str], LastChange]:
        """A file does not say who changed it."""
        return {}

    def retirement(self, type_name: str) -> tuple[str, Any] | None:
        """As the settings say."""
        retire = self._settings.retire
        return (retire.column, retire.value) if retire else None

    def write(self, writes: Sequence[Write], context: WriteContext) -> Iterator[Written]:
        """All writes of this call become one replacement of each file: they are there together or not at all."""
        results: list[Written] = []
        with self._store.locked():
            tables = self._store.tables(sorted({write.type for write in writes}))
            drafts = {
                name: Draft(name, table, self._settings, lambda: uuid.uuid4().hex[:_ID_LENGTH])
                for name, table in tables.items()
            }
            for number, write in enumerate(writes):
                if self._context.canceled():
                    return
                results.append(drafts[write.type].carry_out(number, write))
                if results[-1].outcome == "moved":
                    break
            changed = {name: draft.finished() for name, draft in drafts.items() if draft.changed}
            digest = self._store.save(changed) if changed else ""
        for result in results:
            wrote = result.outcome == "written" and digest
            yield Written(
                result.number,
                result.outcome,
                result.id,
                result.before,
                result.after,
                (digest,) if wrote else (),
                result.reason,
                prior=result.prior,
                version=result.version,
            )

    def close(self) -> None:
        """Nothing is held."""


def _origin(records: RecordSet) -> str:
    return next((record.origin for record in records.desired if record.origin), "cmdb.csv.records")


def _known(name: str, known: Collection[str], what: str, place: str) -> None:
    if name not in known:
        nearest = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {nearest[0]}?" if nearest else f"there are: {', '.join(list(known)[:20])}"
        raise InputError(f"{place}: there is no {what} {name!r}", hint)
