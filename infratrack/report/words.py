"""How states are said to people: words, symbols, bars. The same in terminal and Markdown. Pure."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

from infratrack.evidence.predicates import short_name
from infratrack.progress.criterion import Decision, Reference
from infratrack.progress.reasons import moment
from infratrack.progress.status import DeliverableState, ProjectState, Status
from infratrack.project.protected_ref import spoken_ref
from infratrack.values import printable

SYMBOLS: Final = {
    Status.NOT_STARTED: "○",
    Status.IN_PROGRESS: "◐",
    Status.COMPLETE: "✓",
    Status.ACCEPTED: "✔",
    Status.REGRESSED: "✗",
    Status.STALE: "◷",
    Status.UNKNOWN: "?",
}
ASCII_SYMBOLS: Final = {
    Status.NOT_STARTED: "-",
    Status.IN_PROGRESS: ">",
    Status.COMPLETE: "+",
    Status.ACCEPTED: "*",
    Status.REGRESSED: "x",
    Status.STALE: "~",
    Status.UNKNOWN: "?",
}
DECISION_SYMBOLS: Final = {Decision.SATISFIED: "✓", Decision.UNSATISFIED: "✗", Decision.UNKNOWN: "?"}
ASCII_DECISION_SYMBOLS: Final = {Decision.SATISFIED: "+", Decision.UNSATISFIED: "x", Decision.UNKNOWN: "?"}
BAR_CELLS: Final = 20
_MARKDOWN: Final = re.compile(r"([\\`*_\[\]<>|~#])")


class Glyphs(Struct, frozen=True):
    """The signs that a terminal can show."""

    status: dict[Status, str]
    decision: dict[Decision, str]
    full: str
    empty: str
    dot: str
    note: str


RICH_GLYPHS: Final = Glyphs(SYMBOLS, DECISION_SYMBOLS, "━", "─", "·", "→")
PLAIN_GLYPHS: Final = Glyphs(ASCII_SYMBOLS, ASCII_DECISION_SYMBOLS, "#", ".", "-", "!")


def glyphs(encoding: str) -> Glyphs:
    """The signs for an encoding: plain ones where it is not a Unicode one."""
    return RICH_GLYPHS if encoding.lower().replace("-", "").startswith("utf") else PLAIN_GLYPHS


def markdown_text(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _MARKDOWN.sub(r"\\\1", printable(text)).strip()


def status_word(status: Status) -> str:
    """`in progress`, not `in_progress`."""
    return status.value.replace("_", " ")


def percent(share: float | None) -> str:
    """A share in whole per cent; 100 only when it is all of it, 0 only when it is nothing, and – when not known."""
    if share is None:
        return "–"
    rounded = round(share * 100)
    if share not in {0.0, 1.0}:
        rounded = min(99, max(1, rounded))
    return f"{rounded} %"


def filled(share: float | None, cells: int) -> int:
    """How many cells of a bar are filled; full only when the share is."""
    if share is None:
        return 0
    return cells if share >= 1 else min(cells - 1, max(1 if share > 0 else 0, round(share * cells)))


def since(one: DeliverableState) -> str:
    """When the status began, to the minute; empty when nothing began."""
    return "" if one.since is None else moment(one.since).removesuffix(" UTC")


def counted(number: int, one: str, many: str) -> str:
    """`1 entry`, `3 entries`."""
    return f"{number} {one if number == 1 else many}"


def facts_line(state: ProjectState, waiting: int) -> list[str]:
    """What the numbers rest on: instant, ledger, evidence, spool."""
    counts = state.evidence
    parts = [f"as of {moment(state.as_of)}"]
    if state.ledger.size:
        parts.append(f"ledger {counted(state.ledger.size, 'entry', 'entries')}, root {state.ledger.root[:12]}")
    else:
        parts.append("the ledger is empty")
    if counts.total:
        left_out = counts.total - counts.counted
        parts.append("all evidence counts" if not left_out else f"{counts.counted} of {counts.total} count")
    if state.policy.ref is not None:
        parts.append(f"trust as of {printable(spoken_ref(state.policy.ref))} {(state.policy.commit or '')[:7]}")
    if waiting:
        parts.append(f"{waiting} {'waits' if waiting == 1 else 'wait'} in the spool")
    return parts


def cited(one: Reference) -> tuple[list[str], list[str]]:
    """A piece of evidence followed down, on two lines: entry, kind, time and person; then commit, run and its page."""
    first = [f"entry {one.index}", short_name(one.predicate_type), moment(one.at)]
    if one.actor:
        signed = f" (key {one.signer})" if one.signer and one.signer != one.actor else ""
        first.append(f"by {one.actor}{signed}")
    second = [f"commit {one.commit[:10]}"] if one.commit else []
    if one.run:
        second.append(f"run {one.run}")
    if one.run_url:
        second.append(one.run_url)
    return first, second
