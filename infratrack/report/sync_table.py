"""A plan for a CMDB as a picture for people: by type, one sign a record, its fields below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from infratrack.reconciliation.records import Action, FieldPlan, LiveRecord, RecordPlan, SyncPlan
from infratrack.report.sync_words import (
    SIGNS,
    by_type,
    change_text,
    counts_line,
    field_text,
    key_text,
    quiet,
    record_name,
    value_text,
)
from infratrack.report.words import RICH_GLYPHS, glyphs
from infratrack.values import printable

_STYLES: Final[Mapping[Action, str]] = {
    "create": "green",
    "adopt": "cyan",
    "change": "yellow",
    "delete": "red",
    "conflict": "bold red",
    "unmanaged": "dim",
    "same": "dim",
}
_FIELD_SIGNS: Final = {"conflict": ("!", "red"), "adopt": ("?", "cyan")}
_NARROWEST: Final = 20
_WIDEST_NAME: Final = 28
_RECORD: Final = 2
_BELOW: Final = 6
_MOST_DEPENDENTS: Final = 20


class _Signs(Struct, frozen=True):
    arrow: str
    dot: str
    note: str
    branch: str
    ellipsis: str


_RICH: Final = _Signs("→", "·", "→", "└", "…")
_PLAIN: Final = _Signs("->", "-", "!", "`-", "...")


def print_plan(console: Console, plan: SyncPlan, *, everything: bool = False) -> None:
    """Print the plan. `everything`: also list what is the same, and what is not managed here."""
    signs = _RICH if glyphs(console.encoding) is RICH_GLYPHS else _PLAIN
    console.print(Text.assemble((printable(plan.cmdb), "bold"), "  ", (printable(plan.identity), "dim")))
    _paragraph(console, f" {signs.dot} ".join(counts_line(plan)), "", indent=0)
    shown = [record for record in plan.records if everything or not quiet(record.action)]
    same = _by_type_same(plan.same) if everything else {}
    grouped = by_type(shown)
    for kind in dict.fromkeys([*grouped, *same]):
        console.print()
        console.print(Text(printable(kind), "bold"), soft_wrap=True)
        for record in grouped.get(kind, ()):
            _print_record(console, record, signs)
        for live in same.get(kind, ()):
            _line(console, Text(f"{' ' * _RECORD}{SIGNS['same']} {key_text(live.key) or printable(live.id)}", "dim"))
    if plan.refused or plan.notes:
        console.print()
    for sentence in plan.refused:
        _paragraph(console, f"{signs.note} deletes are refused: {printable(sentence)}", "red", indent=0)
    for note in plan.notes:
        _paragraph(console, f"{signs.note} {printable(note)}", "yellow", indent=0)


def _by_type_same(records: Sequence[LiveRecord]) -> dict[str, list[LiveRecord]]:
    grouped: dict[str, list[LiveRecord]] = {}
    for record in records:
        grouped.setdefault(record.type, []).append(record)
    return grouped


def _print_record(console: Console, record: RecordPlan, signs: _Signs) -> None:
    sign = SIGNS[record.action] if record.action != "unmanaged" else signs.dot
    style = _STYLES[record.action] if record.carried_out else "dim"
    head = Text.assemble(" " * _RECORD, (sign, style), " ", (record_name(record), "bold" if style != "dim" else "dim"))
    told = [record.action if not quiet(record.action) else "", change_text(record)]
    if not record.carried_out and record.action in {"delete", "change"}:
        told[0] = f"{record.action}, not carried out"
    head.append("  " + ", ".join(filter(None, told)), style)
    _line(console, head)
    if record.action == "create":
        fields = f" {signs.dot} ".join(f"{printable(one.name)} {value_text(one.desired)}" for one in record.fields)
        _paragraph(console, fields, "dim", indent=_BELOW)
    else:
        _print_fields(console, [one for one in record.fields if one.verdict != "same"], signs)
    if record.reason:
        _paragraph(console, printable(record.reason), "dim" if record.action == "unmanaged" else "", indent=_BELOW)
    for line in _cascade(record, signs):
        _line(console, line)


def _print_fields(console: Console, fields: Sequence[FieldPlan], signs: _Signs) -> None:
    """Name and values in columns; the sign says which fields are left alone."""
    width = min(max((len(one.name) for one in fields), default=0), _WIDEST_NAME)
    for one in fields:
        sign, style = _FIELD_SIGNS.get(one.verdict, (" ", ""))
        name = printable(one.name).ljust(width)
        front = Text.assemble(" " * (_BELOW - 2), (f"{sign} ", style), (name, "dim"), "  ")
        _hanging(console, front, Text(field_text(one, signs.arrow)))


def _cascade(record: RecordPlan, signs: _Signs) -> Iterator[Text]:
    """What the delete reaches beside the record itself."""
    for one in record.cascade[:_MOST_DEPENDENTS]:
        # What a delete that is no conflict reaches is all of this project, marked or not.
        strange = record.action == "conflict" and not one.owned
        whose = ", not marked as ours" if strange else ""
        style = "bold red" if strange else "red"
        what = f"{printable(one.type)} {printable(one.display)} ({one.effect}{whose})"
        yield Text.assemble(" " * _BELOW, (f"{signs.branch} {what}", style))
    more = len(record.cascade) - _MOST_DEPENDENTS
    if more > 0:
        yield Text(f"{' ' * _BELOW}{signs.branch} and {more} more", "red")


def _line(console: Console, line: Text) -> None:
    line.rstrip()
    console.print(line, soft_wrap=True)


def _hanging(console: Console, front: Text, text: Text) -> None:
    """Text beside its front, wrapped in the room that is left of the line."""
    room = max(_NARROWEST, console.width - front.cell_len)
    for number, line in enumerate(text.wrap(console, room, overflow="fold")):
        _line(console, Text.assemble(front if number == 0 else " " * front.cell_len, line))


def _paragraph(console: Console, text: str, style: str, *, indent: int) -> None:
    _hanging(console, Text(" " * indent), Text(text, style))
