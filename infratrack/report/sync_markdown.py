"""A plan for a CMDB as Markdown, for pull requests. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from infratrack.reconciliation.records import RecordPlan, SyncPlan
from infratrack.report.sync_applied import Applied, applied_line, trouble_line
from infratrack.report.sync_words import (
    SIGNS,
    by_type,
    change_text,
    counts_line,
    field_text,
    quiet,
    record_name,
    value_text,
)
from infratrack.report.words import markdown_text

MOST_ROWS = 500
"""Rows that are shown: hosts of pull requests take about 64 kB."""


def plan_markdown(plan: SyncPlan, *, everything: bool = False) -> str:
    """Heading, counts, one table a type, and what people must know to read it."""
    shown = [record for record in plan.records if everything or not quiet(record.action)]
    lines = [f"## {markdown_text(plan.cmdb)} sync", ""]
    lines += [f"**{' · '.join(counts_line(plan))}**", "", f"<sub>{markdown_text(plan.identity)}</sub>", ""]
    for kind, records in by_type(shown[:MOST_ROWS]).items():
        lines += [f"### {markdown_text(kind)}", "", "| | Record | What | Fields |", "|---|---|---|---|"]
        lines += [_row(record) for record in records]
        lines.append("")
    if len(shown) > MOST_ROWS:
        lines += [f"… and {len(shown) - MOST_ROWS} more records", ""]
    lines += [f"- Deletes are refused: {markdown_text(sentence)}" for sentence in plan.refused]
    lines += [f"- Note: {markdown_text(note)}" for note in plan.notes]
    return "\n".join(lines).rstrip() + "\n"


def applied_markdown(applied: Applied) -> str:
    """What came of the plan, below it."""
    lines = ["", f"**{markdown_text(applied.outcome)}**: {markdown_text(applied_line(applied))}", ""]
    trouble = [one for one in applied.results if one.outcome not in {"written", "not_reached"}]
    lines += [f"- {markdown_text(trouble_line(one))}" for one in trouble[:MOST_ROWS]]
    lines += [f"- {markdown_text(one)}" for one in (*applied.unlike, applied.problem) if one]
    lines += [f"- Evidence {markdown_text(evidence)} of run {markdown_text(run)}" for run, evidence in applied.runs]
    return "\n".join(lines).rstrip() + "\n"


def _row(record: RecordPlan) -> str:
    what = [record.action, change_text(record), record.reason]
    if not record.carried_out and record.action in {"change", "delete"}:
        what.insert(1, "not carried out")
    fields = "<br>".join(_fields(record))
    told = markdown_text(", ".join(filter(None, what)))
    return f"| {markdown_text(SIGNS[record.action])} | {markdown_text(record_name(record))} | {told} | {fields} |"


def _fields(record: RecordPlan) -> Iterator[str]:
    for one in record.fields:
        if one.verdict == "same":
            continue
        value = value_text(one.desired) if record.action == "create" else field_text(one)
        yield f"{markdown_text(one.name)}: {markdown_text(value)}"
    for dependent in record.cascade:
        whose = ", not marked as ours" if record.action == "conflict" and not dependent.owned else ""
        yield markdown_text(f"{dependent.type} {dependent.display} ({dependent.effect}{whose})")
