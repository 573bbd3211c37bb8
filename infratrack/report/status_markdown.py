"""The state as Markdown, for pull requests and wikis. Pure."""

from __future__ import annotations

from infratrack.progress.status import DeliverableState, ProjectState, Status
from infratrack.report.unrecorded import noted_changes
from infratrack.report.words import SYMBOLS, facts_line, percent, since, status_word
from infratrack.report.words import markdown_text as _text


def status_markdown(state: ProjectState, waiting: int = 0) -> str:
    """Heading, progress, a table row a deliverable, tasks without deliverables, notes, unrecorded changes."""
    lines = [f"## {_text(state.name)}", ""]
    at_risk = f", at risk: {percent(state.at_risk)}" if state.at_risk else ""
    lines += [
        f"**Progress: {percent(state.progress)}**{at_risk}",
        "",
        f"<sub>{' · '.join(facts_line(state, waiting))}</sub>",
        "",
    ]
    if state.deliverables:
        lines += ["| Task | Deliverable | Status | Since (UTC) | Why |", "|---|---|---|---|---|"]
        for one in sorted_by_task(state):
            symbol = SYMBOLS[one.status]
            cells = (one.task or "–", f"{one.name} ({one.id})", since(one) or "–", one.reason)
            task, name, when, why = map(_text, cells)
            lines.append(f"| {task} | {name} | {symbol} {status_word(one.status)} | {when} | {why} |")
        lines.append("")
    lines += [
        f"- Task {_text(one.name)} ({_text(one.id)}): {one.reason}"
        for one in state.tasks
        if one.status == Status.UNKNOWN
    ]
    for phase in state.phases:
        if phase.exit is not None:
            lines.append(
                f"- Exit of phase {_text(phase.name)}: {status_word(phase.exit.status)}. {_text(phase.exit.reason)}"
            )
    lines += [f"- Note: {_text(note)}" for note in state.notes]
    lines += [f"- Note on {_text(one.id)}: {_text(note)}" for one in state.deliverables for note in one.notes]
    first, *rest = noted_changes(state.unrecorded) or [""]
    lines += [f"- **{_text(first)}**"] if first else []
    lines += [f"  - {_text(one)}" for one in rest]
    return "\n".join(lines).rstrip() + "\n"


def sorted_by_task(state: ProjectState) -> list[DeliverableState]:
    """Deliverables in the order of their tasks, those without a task last."""
    place = {task.id: number for number, task in enumerate(state.tasks)}
    return sorted(state.deliverables, key=lambda one: place.get(one.task or "", len(place)))
