"""The state as a table for people: grouped by task, one line a deliverable, and why it is not complete below it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from infratrack.progress.status import DeliverableState, PhaseState, ProjectState, TaskState, UnrecordedChange
from infratrack.report.terminal import STYLES, bar
from infratrack.report.unrecorded import noted_changes
from infratrack.report.words import (
    BAR_CELLS,
    Glyphs,
    facts_line,
    glyphs,
    percent,
    since,
    status_word,
)
from infratrack.values import printable

TASK_BAR_CELLS = 8
_STATUS_WIDTH = 11
_SINCE_WIDTH = 16
_GAP = 3
_INDENT = 4
_NARROWEST = 20


def print_status(console: Console, state: ProjectState, waiting: int = 0) -> None:
    """Print the whole state."""
    signs = glyphs(console.encoding)
    _print_head(console, state, waiting, signs)
    _print_tasks(console, state, signs)
    if state.phases or state.notes:
        console.print()
    for phase in state.phases:
        if phase.exit is not None:
            _print_phase(console, phase, phase.exit, signs)
    _print_notes(console, state.notes, signs)
    print_unrecorded(console, state.unrecorded, signs)


def _print_head(console: Console, state: ProjectState, waiting: int, signs: Glyphs) -> None:
    console.print(Text.assemble((printable(state.name), "bold"), "  ", (state.project, "dim")))
    line = Text.assemble(bar(state.progress, BAR_CELLS, signs), "  ", (percent(state.progress), "bold"), " delivered")
    if state.at_risk:
        line.append(f" {signs.dot} ").append(f"{percent(state.at_risk)} at risk", "bold red")
    console.print(line)
    _below(console, f" {signs.dot} ".join(facts_line(state, waiting)), "dim", indent=0)


def _print_tasks(console: Console, state: ProjectState, signs: Glyphs) -> None:
    """One line a task and a deliverable, in columns: what, status, since. Reasons take the whole width below."""
    by_task: dict[str | None, list[DeliverableState]] = {}
    known = {task.id for task in state.tasks}
    for one in state.deliverables:
        by_task.setdefault(one.task if one.task in known else None, []).append(one)
    names = [cell_len(_indented(one.name, one.id).plain) for one in state.deliverables]
    names += [cell_len(_named(task.name, task.id).plain) for task in state.tasks]
    room = max(_NARROWEST, console.width - _GAP - _STATUS_WIDTH - _GAP - _SINCE_WIDTH)
    width = min(max(names, default=0), room)
    for task in state.tasks:
        console.print()
        _print_task(console, task, width, signs)
        _print_deliverables(console, by_task.get(task.id, ()), width, signs)
    if by_task.get(None):
        console.print()
        console.print(Text("without a task", "bold"))
        _print_deliverables(console, by_task[None], width, signs)


def _named(name: str, identity: str, room: int | None = None) -> Text:
    """A name with its id; where there is not room for both, the name is cut."""
    shown = printable(name)
    if room is not None:
        left = max(1, room - cell_len(identity) - 2)
        if cell_len(shown) > left:
            shown = set_cell_size(shown, left - 1).rstrip() + "…"
    return Text.assemble((shown, "bold"), "  ", (identity, "dim"))


def _indented(name: str, identity: str, room: int | None = None) -> Text:
    text = _named(name, identity, None if room is None else room - _INDENT)
    return Text(" " * _INDENT) + text


def _row(name: Text, width: int, status: Text, since_when: str) -> Text:
    name.pad_right(max(0, width - name.cell_len))
    line = Text.assemble(name, " " * _GAP, status)
    if since_when:
        status_room = max(0, _STATUS_WIDTH - status.cell_len)
        line.append(" " * (status_room + _GAP)).append(since_when, "dim")
    return line


def _print_task(console: Console, task: TaskState, width: int, signs: Glyphs) -> None:
    name = _named(task.name, task.id, width)
    if task.progress is None:
        unknown = Text(f"{signs.status[task.status]} {status_word(task.status)}", "dim")
        why = "no deliverables" if not task.deliverables else "no weight"
        _line(console, _row(name, width, unknown, why))
    else:
        _line(console, _row(name, width, bar(task.progress, TASK_BAR_CELLS, signs), percent(task.progress)))


def _print_deliverables(console: Console, deliverables: Iterable[DeliverableState], width: int, signs: Glyphs) -> None:
    for one in deliverables:
        style = STYLES[one.status]
        name = _named(one.name, one.id, width - _INDENT)
        name.stylize("not bold")
        name = Text.assemble("  ", (signs.status[one.status], style), " ", name)
        _line(console, _row(name, width, Text(status_word(one.status), style), since(one)))
        if one.reason:
            _below(console, printable(one.reason))
        for note in one.notes:
            _below(console, f"{signs.note} {printable(note)}", "yellow")


def _line(console: Console, line: Text) -> None:
    line.rstrip()
    console.print(line, soft_wrap=True)


def _below(console: Console, text: str, style: str = "", indent: int = _INDENT) -> None:
    """A paragraph, indented, over the whole width."""
    for line in Text(text, style).wrap(console, max(_NARROWEST, console.width - indent), overflow="fold"):
        line.rstrip()
        console.print(Text(" " * indent) + line, soft_wrap=True)


def _print_phase(console: Console, phase: PhaseState, exit_: DeliverableState, signs: Glyphs) -> None:
    style = STYLES[exit_.status]
    console.print(
        Text.assemble(
            "exit of phase ",
            (printable(phase.name), "bold"),
            "  ",
            (f"{signs.status[exit_.status]} {status_word(exit_.status)}", style),
        )
    )
    if exit_.reason:
        _below(console, printable(exit_.reason))


def print_unrecorded(console: Console, changes: Sequence[UnrecordedChange], signs: Glyphs) -> None:
    """How many changes no evidence explains, and below that the newest of them."""
    first, *rest = noted_changes(changes) or [""]
    if first:
        console.print()
        _below(console, f"{signs.note} {first}", "bold red", indent=0)
    for text in rest:
        _below(console, printable(text))


def _print_notes(console: Console, notes: Iterable[str], signs: Glyphs) -> None:
    for note in notes:
        _below(console, f"{signs.note} {printable(note)}", "yellow", indent=0)
