"""Unrecorded changes told to people: who, when, what, before → after, and what could not be seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack.progress.reasons import moment
from infratrack.progress.status import UnrecordedChange
from infratrack.progress.unrecorded import LONGEST_TEXT, line

MOST_SHOWN: Final = 20
MOST_NOTED: Final = 5
MOST_MEMBERS: Final = 6
_LONGEST_VALUE: Final = 60
_SHORT_DIGEST: Final = 19
_DIGEST: Final = re.compile("sha256:[0-9a-f]{64}")
_NOTHING: Final = object()


def told_changes(changes: Sequence[Mapping[str, Any]], blind_spots: Sequence[str]) -> list[str]:
    """Lines for a terminal: each change with its details below it, then what could not be seen."""
    lines = [text for change in changes[:MOST_SHOWN] for text in _told(change)]
    if len(changes) > MOST_SHOWN:
        lines.append(f"and {len(changes) - MOST_SHOWN} more (all of them: --format json)")
    if blind_spots:
        lines += ["not seen by this:", *(f"  {line(spot, 2 * LONGEST_TEXT)}" for spot in blind_spots)]
    return lines


def noted_changes(changes: Sequence[UnrecordedChange]) -> list[str]:
    """For a status: how many changes no evidence explains, a line on each of the newest, and where to see all."""
    if not changes:
        return []
    many = "1 unrecorded change: no evidence explains it"
    if len(changes) > 1:
        many = f"{len(changes)} unrecorded changes: no evidence explains them"
    lines = [many, *(_noted(one) for one in changes[:MOST_NOTED])]
    if len(changes) > MOST_NOTED:
        lines.append(f"and {len(changes) - MOST_NOTED} more: infratrack status --format json")
    return lines


def _noted(one: UnrecordedChange) -> str:
    at = "nobody knows when" if one.at is None else moment(one.at)
    return f"{at}, {who(one.by)}: {one.what} ({one.source}, entry {one.entry})"


def _told(change: Mapping[str, Any]) -> list[str]:
    """`2026-01-05 09:30 UTC  admin  updated device core-1`, and below it what became of each member."""
    what = line(change.get("what"), LONGEST_TEXT) or line(change.get("action"), LONGEST_TEXT)
    lines = [f"{when(change.get('at'))}  {who(change.get('by'))}  {what}"]
    lines += [f"    {text}" for text in _differences(change.get("before"), change.get("after"))]
    deliverables = [line(one, LONGEST_TEXT) for one in change.get("deliverables") or ()]
    if deliverables:
        lines.append(f"    concerns {', '.join(deliverables)}")
    return lines


def when(at: object) -> str:
    """An instant, as it stands in evidence, to the minute."""
    return f"{at[:10]} {at[11:16]} UTC" if isinstance(at, str) else "nobody knows when"


def who(by: object) -> str:
    """Who made a change, as far as anybody knows."""
    return line(by, LONGEST_TEXT) or "nobody knows who"


def _differences(before: object, after: object) -> list[str]:
    if not isinstance(before, Mapping) or not isinstance(after, Mapping):
        return []
    names = [name for name in {**before, **after} if before.get(name, _NOTHING) != after.get(name, _NOTHING)]
    lines = [
        f"{line(name, _LONGEST_VALUE)}: {_value(before.get(name, _NOTHING))} → {_value(after.get(name, _NOTHING))}"
        for name in names[:MOST_MEMBERS]
    ]
    if len(names) > MOST_MEMBERS:
        lines.append(f"and {len(names) - MOST_MEMBERS} more")
    return lines


def _value(value: object) -> str:
    if value is _NOTHING or value is None or value == "":
        return "–"
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return line(text, _SHORT_DIGEST if _DIGEST.fullmatch(text) else _LONGEST_VALUE)
