"""The state as a table for people: grouped by task, one line a deliverable, and why it is not complete below it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from infratrack.progress.status import DeliverableState, PhaseState, ProjectState, TaskState
from infratrack.report.terminal import STYLES, bar
from infratrack.report.words import (
    BAR_CELLS,
    Glyphs,
    facts_line,
    glyphs,
    percent,
    printable,
    since,
    status_word,
)

TASK_BAR_CELLS = 8
_STATUS_WIDTH = 13
_SINCE_WIDTH = 16


def print_status(console: Console, state: ProjectState, waiting: int = 0) -> None:
    """Print the whole state."""
    signs = glyphs(console.encoding)
    _print_head(console, state, waiting, signs)
    console.print(_table(state, signs))
    for phase in state.phases:
        if phase.exit is not None:
            _print_phase(console, phase, phase.exit, signs)
    _print_notes(console, state.notes, signs)


def _print_head(console: Console, state: ProjectState, waiting: int, signs: Glyphs) -> None:
    console.print(Text.assemble((printable(state.name), "bold"), "  ", (state.project, "dim")))
    line = Text.assemble(bar(state.progress, BAR_CELLS, signs), "  ", (percent(state.progress), "bold"), " delivered")
    if state.at_risk:
        line.append(f" {signs.dot} ").append(f"{percent(state.at_risk)} at risk", "bold red")
    console.print(line)
    console.print(Text(f" {signs.dot} ".join(facts_line(state, waiting)), "dim"))


def _table(state: ProjectState, signs: Glyphs) -> Table:
    """Columns: what, status, since. Task lines carry the task's own progress."""
    table = Table.grid(padding=(0, 2, 0, 0), expand=False)
    table.add_column(ratio=1, overflow="fold")
    table.add_column(width=_STATUS_WIDTH, no_wrap=True)
    table.add_column(width=_SINCE_WIDTH, no_wrap=True)
    by_task: dict[str | None, list[DeliverableState]] = {}
    known = {task.id for task in state.tasks}
    for one in state.deliverables:
        by_task.setdefault(one.task if one.task in known else None, []).append(one)
    table.add_row()
    for task in state.tasks:
        _add_task(table, task, signs)
        _add_deliverables(table, by_task.get(task.id, ()), signs)
    if by_task.get(None):
        table.add_row(Text("without a task", "bold"))
        _add_deliverables(table, by_task[None], signs)
    return table


def _add_task(table: Table, task: TaskState, signs: Glyphs) -> None:
    name = Text.assemble((printable(task.name), "bold"), "  ", (task.id, "dim"))
    if task.progress is None:
        table.add_row(name, Text(f"{signs.status[task.status]} {status_word(task.status)}", "dim"))
        table.add_row(Padding(Text(task.reason, "dim"), (0, 0, 0, 4)))
        return
    table.add_row(name, bar(task.progress, TASK_BAR_CELLS, signs), Text(percent(task.progress), "dim"))


def _add_deliverables(table: Table, deliverables: Iterable[DeliverableState], signs: Glyphs) -> None:
    for one in deliverables:
        style = STYLES[one.status]
        symbol = signs.status[one.status]
        name = Text.assemble("  ", (symbol, style), " ", printable(one.name), "  ", (one.id, "dim"))
        name.overflow = "fold"
        table.add_row(name, Text(status_word(one.status), style), Text(since(one), "dim"))
        if one.reason:
            table.add_row(Padding(Text(printable(one.reason), overflow="fold"), (0, 0, 0, 4)))
        for note in one.notes:
            table.add_row(Padding(Text(f"{signs.note} {printable(note)}", "yellow", overflow="fold"), (0, 0, 0, 4)))


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
        console.print(Padding(Text(printable(exit_.reason)), (0, 0, 0, 4)))


def _print_notes(console: Console, notes: Iterable[str], signs: Glyphs) -> None:
    for note in notes:
        console.print(Text(f"{signs.note} {printable(note)}", "yellow"))
