"""`infratrack ledger show`: entries as rows, for people and as JSON."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack.errors import InfratrackError
from infratrack.evidence.envelope import open_envelope
from infratrack.evidence.identity.endorsement import endorsed_by
from infratrack.evidence.predicates import ENDORSEMENT, short_name
from infratrack.evidence.statement import Statement, read_statement
from infratrack.evidence.trust import Trust, covering
from infratrack.ledger.entry import LedgerEntry
from infratrack.ledger.log import Ledger
from infratrack.values import format_instant, printable

_WHOLE_LINE: Final = 1_000


class Filter(Struct, frozen=True):
    """What to list; None everywhere lists everything. `since` is an instant; `limit` keeps the newest."""

    kind: str | None = None
    deliverable: str | None = None
    since: int | None = None
    limit: int | None = None


def listed(ledger: Ledger, trust: Trust, wanted: Filter) -> list[dict[str, Any]]:
    """The rows that are wanted, oldest first."""
    return list(deque(_rows(ledger, trust, wanted), maxlen=wanted.limit))


def print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows for people."""
    from rich.console import Console  # noqa: PLC0415 -- heavy, only for a table
    from rich.table import Table  # noqa: PLC0415 -- likewise
    from rich.text import Text  # noqa: PLC0415 -- likewise

    table = Table(box=None, pad_edge=False)
    table.add_column("entry", justify="right", no_wrap=True, min_width=5)
    # What is narrow stays whole; deliverables and run give way on a narrow terminal.
    for title, width in (("recorded", 16), ("type", 15), ("outcome", 9), ("signer", 6)):
        table.add_column(title, no_wrap=True, min_width=width)
    for title in ("deliverables", "commit", "run"):
        table.add_column(title, no_wrap=True)
    for row in rows:
        cells = (
            str(row["index"]),
            row["recordedAt"][:16].replace("T", " "),
            short_name(row["predicateType"]),
            row["outcome"] or "",
            (row["signer"] or row["keyid"][:12]) + ("" if row["trusted"] else " (untrusted)"),
            ", ".join(row["deliverables"]),
            (row["commit"] or "")[:10],
            row["run"] or "",
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    console = Console()
    # Cut to fit a terminal; a file or a pipe gets whole lines.
    console.print(table) if console.is_terminal else Console(width=_WHOLE_LINE).print(table)


def _rows(ledger: Ledger, trust: Trust, wanted: Filter) -> Iterator[dict[str, Any]]:
    jobs: dict[str, str] = {}
    for entry in ledger.entries():
        if entry.predicate_type == ENDORSEMENT and (name := _endorsing(entry, trust)):
            jobs[entry.keyid] = name
        if wanted.since is not None and entry.recorded_at < wanted.since:
            continue
        if wanted.kind is not None and wanted.kind not in {entry.predicate_type, short_name(entry.predicate_type)}:
            continue
        row = _row(entry, trust.name_of(entry.keyid) or jobs.get(entry.keyid))
        if wanted.deliverable is None or wanted.deliverable in row["deliverables"]:
            yield row


def _endorsing(entry: LedgerEntry, trust: Trust) -> str | None:
    """The identity that a job's key is trusted for from this entry on; None when it is not."""
    statement = _statement(entry.line)
    endorsed = endorsed_by(statement.predicate, entry.keyid) if statement else None
    identity = covering(trust, endorsed) if endorsed else None
    return identity.name if identity else None


def _row(entry: LedgerEntry, signer: str | None) -> dict[str, Any]:
    statement = _statement(entry.line)
    return {
        "index": entry.index,
        "recordedAt": format_instant(entry.recorded_at),
        "predicateType": entry.predicate_type,
        "keyid": entry.keyid,
        "signer": signer,
        "trusted": signer is not None,
        "digest": entry.digest,
        "project": statement.project_id if statement else None,
        "run": statement.run_id if statement else None,
        "tool": statement.tool if statement else None,
        "outcome": statement.outcome if statement else None,
        "finishedAt": format_instant(statement.finished_at) if statement and statement.finished_at else None,
        "commit": statement.commit if statement else None,
        "deliverables": list(statement.deliverables) if statement else [],
        "tasks": list(statement.tasks) if statement else [],
        "system": statement.system if statement else None,
    }


def _statement(line: bytes) -> Statement | None:
    """None for an envelope that cannot be read: `ledger verify` says what is wrong with it."""
    try:
        return read_statement(open_envelope(line).payload)
    except InfratrackError:
        return None
