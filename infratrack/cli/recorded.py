"""Shows evidence that was just recorded: a table for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click
import msgspec

from infratrack.hookspecs import Collected, EvidenceType
from infratrack.plugin_manager import PluginFailure
from infratrack.values import Digest, printable

Row = Mapping[str, Any]


def recorded_piece(
    source: str, kind: str, collected: Collected, digest: Digest, types: Mapping[str, EvidenceType]
) -> Row:
    """One piece of evidence as a row: where it came from, what it is, and a summary in the words of its type."""
    summary = ""
    if collected.predicate_type in types:
        run = {"tool": collected.tool, "outcome": collected.outcome or "succeeded"}
        try:
            predicate = {**collected.extra, "run": run, "result": collected.extra.get("result", collected.result)}
            summary = printable(types[collected.predicate_type].summary(predicate))
        except PluginFailure as failure:
            summary = str(failure)
    return {
        "source": source,
        "kind": kind,
        "predicateType": collected.predicate_type,
        "outcome": collected.outcome or "succeeded",
        "summary": summary,
        "missing": dict(collected.missing),
        "evidence": digest,
    }


def print_recorded(
    rows: Sequence[Row], output_format: str, *, delivered: bool, more: Mapping[str, Any] | None = None
) -> None:
    """Print the rows on standard output; `more` are further members of the JSON document."""
    if output_format == "json":
        document = {"evidence": rows, "delivered": delivered, **(more or {})}
        click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())
        return
    from rich.console import Console  # noqa: PLC0415 -- only for a table
    from rich.table import Table  # noqa: PLC0415 -- likewise
    from rich.text import Text  # noqa: PLC0415 -- likewise

    table = Table("source", "kind", "what", "evidence", box=None, pad_edge=False)
    for row in rows:
        cells = (row["source"], row["kind"], row["summary"] or row["outcome"], row["evidence"][:19])
        table.add_row(*(Text(cell) for cell in cells))
    Console().print(table)
