"""How a plan for a CMDB is said to people: values, keys, counts, sentences. The same in table and Markdown. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack.progress.reasons import moment
from infratrack.reconciliation.records import Action, FieldPlan, RecordPlan, SyncPlan
from infratrack.report.words import counted
from infratrack.values import printable

SIGNS: Final[Mapping[Action, str]] = {
    "create": "+",
    "adopt": "?",
    "change": "~",
    "delete": "-",
    "conflict": "!",
    "unmanaged": "·",
    "same": "=",
}
LONGEST_VALUE: Final = 64
"""Characters of a value that are shown; the JSON format has all of it."""
_QUIET: Final[tuple[Action, ...]] = ("unmanaged", "same")


def quiet(action: Action) -> bool:
    """Whether records under this action are only counted unless everything is asked for."""
    return action in _QUIET


def value_text(value: Any) -> str:  # noqa: ANN401 -- any canonical value
    """A value as people read it: a reference by its natural key, a list by its items, nothing as –."""
    text = printable(_text(value))
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 1].rstrip() + "…"


def _text(value: Any) -> str:  # noqa: ANN401 -- likewise
    if value is None:
        return "–"
    if isinstance(value, str):
        return value if value and value == value.strip() else f'"{value}"'
    if isinstance(value, Mapping):
        return _reference(value) if value else "{}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(_text(one) for one in value) + "]"
    return msgspec.json.encode(value).decode()


def _reference(value: Mapping[str, Any]) -> str:
    """What a record is known by, in one order whoever wrote it down: `leaf-1/eth0`, `dcim.site ams1`."""
    named = {name: one for name, one in value.items() if name != "type" or len(value) == 1}
    owners_first = sorted(named, key=lambda name: (not isinstance(named[name], Mapping), name))
    words = "/".join(_text(named[name]) for name in owners_first)
    return words if len(named) == len(value) else f"{_text(value['type'])} {words}"


def key_text(key: Mapping[str, Any]) -> str:
    """A natural key: `leaf-1`, `eth0, leaf-1`."""
    return printable(", ".join(_text(one) for one in key.values()))


def record_name(record: RecordPlan) -> str:
    """What people call the record: its natural key, with the id where that is all there is."""
    return key_text(record.key) or f"id {printable(record.id or '?')}"


def field_text(field: FieldPlan, arrow: str = "→") -> str:
    """One field that differs, with what is to become of it."""
    live, desired = value_text(field.live), value_text(field.desired)
    if field.verdict == "create":
        return desired
    if field.verdict == "change":
        return f"{live} {arrow} {desired}"
    if field.verdict == "adopt":
        return f"is {live}, desired {desired}"
    if field.base is None:
        return f"is {live} now, desired {desired}"
    return f"we wrote {value_text(field.base)}, is {live} now, desired {desired}"


def change_text(record: RecordPlan) -> str:
    """`changed by bob, 2026-01-05 09:30 UTC`, where that is known and says something; else empty."""
    last = record.last_change
    if last is None or record.action != "conflict":
        return ""
    return f"changed by {printable(last.by)}, {moment(last.at)}"


def counts_line(plan: SyncPlan) -> list[str]:
    """What the plan comes to: `3 to create`, `1 conflict`, `12 the same`."""
    count = plan.summary
    parts = (
        (count.create, f"{count.create} to create"),
        (count.change, f"{count.change} to change"),
        (count.delete, f"{count.delete} to delete"),
        (count.adopt, f"{count.adopt} to adopt"),
        (count.conflict, counted(count.conflict, "conflict", "conflicts")),
        (count.unmanaged, f"{count.unmanaged} unmanaged"),
        (count.same, f"{count.same} the same"),
    )
    return [text for number, text in parts if number] or ["no records"]


def by_type(records: Sequence[RecordPlan]) -> dict[str, list[RecordPlan]]:
    """The records under their types, both in the order of the plan."""
    grouped: dict[str, list[RecordPlan]] = {}
    for record in records:
        grouped.setdefault(record.type, []).append(record)
    return grouped


def differs(plan: SyncPlan) -> bool:
    """Whether anything that this project desires is not so. What others keep in the CMDB is no difference."""
    count = plan.summary
    return bool(count.create or count.adopt or count.change or count.delete or count.conflict)
