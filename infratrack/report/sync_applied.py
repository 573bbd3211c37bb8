"""What came of carrying a plan out: for people, and as members of the plan's JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct
from rich.console import Console
from rich.text import Text

from infratrack.evidence.predicates import Outcome
from infratrack.report.sync_words import key_text
from infratrack.values import printable

MOST_FAILURES: Final = 20
_DONE: Final = {"create": "created", "update": "changed", "delete": "deleted"}
_FROM_BAD_TO_WORSE: Final = ("written", "not_reached", "moved", "unknown", "failed")
_TROUBLE: Final = {
    "failed": "failed",
    "moved": "was changed by somebody meanwhile: nothing was written",
    "unknown": "is not known: the answer was lost",
    "not_reached": "was not reached",
}


class WriteResult(Struct, frozen=True):
    """What came of one write."""

    action: str
    type: str
    key: Mapping[str, Any]
    id: str | None
    outcome: str
    reason: str = ""
    requests: tuple[str, ...] = ()
    record: int = 0
    """The number of its record in the plan. A record may take two writes."""

    @property
    def name(self) -> str:
        """`dcim.device leaf-1`."""
        return f"{printable(self.type)} {key_text(self.key) or printable(self.id or '?')}"


class Applied(Struct, frozen=True):
    """What came of the plan."""

    outcome: Outcome
    runs: tuple[tuple[str, str], ...]
    """(run id, digest of its evidence)."""
    results: tuple[WriteResult, ...] = ()
    bound: int = 0
    """Records that are known by their ids from now on, without a write."""
    problem: str = ""
    code: int = 0
    """The exit code that the problem has; 0 without one."""
    unlike: tuple[str, ...] = ()
    """Sentences about what reads back as another value than the one written."""
    delivered: bool = True


def applied_line(applied: Applied) -> str:
    """`3 created, 1 changed, 1 failed`."""
    counts = Counter(_DONE[one.action] for one in applied.results if one.outcome == "written")
    parts = [f"{counts[word]} {word}" for word in _DONE.values() if counts[word]]
    if applied.bound:
        parts.append(f"{applied.bound} bound")
    failed = Counter(one.outcome for one in applied.results if one.outcome != "written")
    parts += [f"{failed[outcome]} {outcome.replace('_', ' ')}" for outcome in _TROUBLE if failed[outcome]]
    return ", ".join(parts) or "nothing to write"


def trouble_line(result: WriteResult) -> str:
    """`dcim.device leaf-1 failed: …`."""
    why = f": {printable(result.reason)}" if result.reason else ""
    return f"{result.name} {_TROUBLE[result.outcome]}{why}"


def print_applied(console: Console, applied: Applied, cmdb: str) -> None:
    """The counts, every write that did not succeed, and where the evidence is."""
    console.print()
    style = {"succeeded": "green", "canceled": "yellow"}.get(applied.outcome, "bold red")
    _line(console, Text.assemble((applied.outcome, style), "  ", applied_line(applied)))
    trouble = [one for one in applied.results if one.outcome not in {"written", "not_reached"}]
    for one in trouble[:MOST_FAILURES]:
        _line(console, Text(f"  ! {trouble_line(one)}", "red"))
    if len(trouble) > MOST_FAILURES:
        _line(console, Text(f"  ! and {len(trouble) - MOST_FAILURES} more", "red"))
    for sentence in applied.unlike[:MOST_FAILURES]:
        _line(console, Text(f"  ! {printable(sentence)}", "yellow"))
    if applied.problem:
        _line(console, Text(f"  ! {printable(applied.problem)}", "red"))
    for run, evidence in applied.runs:
        _line(console, Text(f"  evidence {evidence[:19]} of run {run}", "dim"))
    if any(one.outcome in {"written", "unknown"} for one in applied.results):
        undo = f"infratrack sync {printable(cmdb)} --undo {applied.runs[-1][0]}"
        _line(console, Text(f"  to take it back: {undo}", "dim"))


def applied_document(plan: dict[str, Any], applied: Applied) -> dict[str, Any]:
    """The plan's document with what came of it: each record's `outcome`, the runs, the evidence."""
    came: dict[int, list[WriteResult]] = {}
    for one in applied.results:
        came.setdefault(one.record, []).append(one)
    records = [{**record, **_came(came.get(number, []))} for number, record in enumerate(plan["records"])]
    return {
        **plan,
        "records": records,
        "applied": {
            "outcome": applied.outcome,
            "runs": [{"run": run, "evidence": evidence} for run, evidence in applied.runs],
            "bound": applied.bound,
            "problem": applied.problem,
            "readBackDifferently": list(applied.unlike),
            "delivered": applied.delivered,
        },
    }


def _came(results: list[WriteResult]) -> dict[str, Any]:
    """What came of a record's writes: the worst of it."""
    if not results:
        return {}
    worst = max(results, key=lambda one: _FROM_BAD_TO_WORSE.index(one.outcome))
    return {
        "id": results[0].id,
        "outcome": worst.outcome,
        "outcomeReason": worst.reason,
        "requests": list(dict.fromkeys(request for one in results for request in one.requests)),
    }


def _line(console: Console, line: Text) -> None:
    console.print(line, soft_wrap=True)
