"""The parts of which summaries and comments are made, as lines of Markdown. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from infratrack.pipelines.failing import FailingCriterion
from infratrack.pipelines.forge_text import forge_code, forge_text, row
from infratrack.pipelines.outlook import Expected, Prospect
from infratrack.pipelines.telling import PlanTold, Telling
from infratrack.progress.foreseen import PlannedChange
from infratrack.progress.status import DeliverableState, ProjectState, Status
from infratrack.report.status_markdown import sorted_by_task
from infratrack.report.unrecorded import noted_changes
from infratrack.report.words import SYMBOLS, counted, facts_line, percent, since, status_word

MOST_ROWS: Final = 200
"""Rows of one table."""
MOST_CHANGES: Final = 300
MOST_NAMED: Final = 5
"""Things that one line names."""
_URGENT: Final = (Status.REGRESSED, Status.STALE)
_PROSPECTS: Final = {
    Prospect.REGRESSES: "✗ regresses",
    Prospect.COMPLETES: "✓ completes",
    Prospect.CONFIRMED: "✓ is confirmed again",
    Prospect.DOUBTFUL: "? is no longer certain",
    Prospect.TOUCHED: "is touched",
}
_COUNTED: Final = {
    Prospect.REGRESSES: ("deliverable regresses", "deliverables regress"),
    Prospect.COMPLETES: ("deliverable completes", "deliverables complete"),
    Prospect.CONFIRMED: ("deliverable is confirmed again", "deliverables are confirmed again"),
    Prospect.DOUBTFUL: ("deliverable is no longer certain", "deliverables are no longer certain"),
    Prospect.TOUCHED: ("deliverable is touched", "deliverables are touched"),
}


def progress_lines(state: ProjectState, waiting: int) -> list[str]:
    """How much is delivered, how many deliverables stand where, and what that rests on."""
    numbers = Counter(one.status for one in state.deliverables)
    standing = [f"{SYMBOLS[one]} {numbers[one]} {status_word(one)}" for one in Status if numbers[one]]
    at_risk = f", at risk: {percent(state.at_risk)}" if state.at_risk else ""
    lines = [f"**Progress: {percent(state.progress)}**{at_risk}" + "".join(f" · {one}" for one in standing), ""]
    lines += [f"<sub>{' · '.join(map(forge_text, facts_line(state, waiting)))}</sub>", ""]
    if state.evidence.damaged:
        damaged = counted(state.evidence.damaged, "piece of evidence cannot", "pieces of evidence cannot")
        lines += [f"> ⚠ {damaged} be what was signed: what is shown may be wrong. `infratrack ledger verify`", ""]
    return lines


def failing_lines(failing: Sequence[FailingCriterion]) -> list[str]:
    """What speaks against deliverables, with the line where it is written."""
    if not failing:
        return []
    lines = ["### Criteria that are not met", "", "| Deliverable | Criterion | Where | Why |", "|---|---|---|---|"]
    for one in failing[:MOST_ROWS]:
        where = "–" if one.place is None else forge_code(f"{one.place.file}:{one.place.line}")
        lines.append(row((forge_text(one.name), forge_code(one.criterion), where, forge_text(one.reason))))
    return [*lines, *_more(len(failing) - MOST_ROWS, "criteria"), ""]


def deliverable_lines(state: ProjectState) -> list[str]:
    """Every deliverable, those in trouble first."""
    if not state.deliverables:
        return []
    listed = sorted(sorted_by_task(state), key=lambda one: one.status not in _URGENT)
    lines = ["| Deliverable | Status | Since (UTC) | Why |", "|---|---|---|---|"]
    lines += [_deliverable(one) for one in listed[:MOST_ROWS]]
    return [*lines, *_more(len(listed) - MOST_ROWS, "deliverables"), ""]


def _deliverable(one: DeliverableState) -> str:
    status = f"{SYMBOLS[one.status]} {status_word(one.status)}"
    return row((f"{forge_text(one.name)} ({forge_text(one.id)})", status, since(one) or "–", forge_text(one.reason)))


def plan_lines(plans: Sequence[PlanTold]) -> list[str]:
    """What each plan is, and in a part to be unfolded what it would change."""
    lines: list[str] = []
    for plan in plans:
        if plan.trouble:
            lines += [f"- {forge_code(plan.source)}: {forge_text(plan.trouble)}", ""]
            continue
        lines += [f"**Plan:** {forge_text(plan.summary)}", ""]
        if plan.changes:
            number = counted(len(plan.changes), "change", "changes")
            lines += [f"<details><summary>{number}</summary>", "", "| | What |", "|---|---|"]
            lines += [row((forge_text(one.action), forge_code(one.name))) for one in plan.changes[:MOST_CHANGES]]
            lines += [*_more(len(plan.changes) - MOST_CHANGES, "changes"), "", "</details>", ""]
    return lines


def outlook_lines(telling: Telling) -> list[str]:
    """What the plans would turn, and on what condition that is said."""
    if telling.outlook is None:
        return []
    lines = ["### If this is applied exactly as planned", ""]
    turned = Counter(one.prospect for one in telling.outlook)
    if not telling.outlook:
        return [*lines, "No deliverable's criteria speak of anything that changes.", ""]
    said = [counted(turned[one], *_COUNTED[one]) for one in Prospect if turned[one]]
    lines += [f"{'; '.join(said)}.", "", "| Deliverable | Now | Then | What changes | Why |", "|---|---|---|---|---|"]
    lines += [_expected(one) for one in telling.outlook[:MOST_ROWS]]
    lines += _more(len(telling.outlook) - MOST_ROWS, "deliverables")
    condition = (
        "This is what evidence of exactly this apply would say, everything else staying as it is. "
        "What only an apply can know is left open; the status follows from the evidence afterwards."
    )
    return [*lines, "", f"<sub>{condition}</sub>", ""]


def _expected(one: Expected) -> str:
    then = f"{_PROSPECTS[one.prospect]}" if one.prospect != Prospect.TOUCHED else f"stays {status_word(one.after)}"
    cells = (forge_text(one.name), status_word(one.before), then, changes_cell(one.changes), forge_text(one.reason))
    return row(cells)


def changes_cell(changes: Iterable[PlannedChange]) -> str:
    """Changes as a cell: a few names for each action."""
    by_action: dict[str, list[str]] = {}
    for one in changes:
        by_action.setdefault(one.action, []).append(one.name)
    return "; ".join(_named(action, names) for action, names in by_action.items()) or "–"


def _named(action: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"{forge_text(action)} {', '.join(forge_code(one, 120) for one in names[:MOST_NAMED])}{more}"


def note_lines(state: ProjectState) -> list[str]:
    """Exits of phases, notes, and changes that no evidence explains."""
    lines = [
        f"- Exit of phase {forge_text(phase.name)}: {status_word(phase.exit.status)}. {forge_text(phase.exit.reason)}"
        for phase in state.phases
        if phase.exit is not None
    ]
    lines += [f"- Note: {forge_text(note)}" for note in state.notes]
    lines += [f"- Note on {forge_text(one.id)}: {forge_text(note)}" for one in state.deliverables for note in one.notes]
    first, *rest = noted_changes(state.unrecorded) or [""]
    lines += [f"- **{forge_text(first)}**"] if first else []
    lines += [f"  - {forge_text(one)}" for one in rest]
    return [*lines, ""] if lines else []


def trouble_lines(troubles: Sequence[str]) -> list[str]:
    """What could not be found out."""
    return [*(f"- ⚠ {forge_text(one, 1_000)}" for one in troubles), ""] if troubles else []


def _more(number: int, what: str) -> list[str]:
    """A sentence, on a paragraph of its own, about what a table leaves out."""
    return ["", f"_and {number} more {what}_"] if number > 0 else []


def counts_by_prospect(outlook: Sequence[Expected]) -> Mapping[Prospect, int]:
    """How many deliverables would turn which way."""
    return Counter(one.prospect for one in outlook)
