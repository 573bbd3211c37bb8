"""Which changes are unrecorded at an instant: the newest word about each change that counts says so."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

import msgspec

from infratrack.errors import InputError
from infratrack.progress.index.counting import Counting
from infratrack.progress.index.store import FactsIndex, unpack
from infratrack.progress.status import UnrecordedChange
from infratrack.progress.unrecorded import UNRECORDED
from infratrack.values import Instant, parse_instant

_HISTORIES = (
    "SELECT s.scope, s.name, h.instants, h.entries, h.value_ids FROM subject s JOIN history h ON h.subject = s.id"
    " WHERE s.kind = ?"
)


def unrecorded_changes(index: FactsIndex, counting: Counting) -> tuple[UnrecordedChange, ...]:
    """Every change that is unrecorded, newest first, those of unknown time last. One query where there are none."""
    newest: list[tuple[str, str, int, int]] = []
    for source, name, instants, entries, values in index.rows(_HISTORIES, UNRECORDED):
        said_by, numbers = unpack(entries), unpack(values)
        place = bisect_right(unpack(instants), counting.as_of) - 1
        while place >= 0 and (said_by[place] >= counting.size or said_by[place] in counting.excluded):
            place -= 1
        if place >= 0:
            newest.append((source, name, said_by[place], numbers[place]))
    if not newest:
        return ()
    decode = msgspec.json.decode
    said = {key: decode(text) for key, text in index.rows("SELECT id, json FROM value WHERE kind = ?", UNRECORDED)}
    found = [_change(source, name, entry, said[value]) for source, name, entry, value in newest if _open(said[value])]
    return tuple(sorted(found, key=lambda one: (-(one.at or 0), one.source, one.id)))


def _open(value: Any) -> bool:  # noqa: ANN401 -- whatever a plugin's word holds
    return isinstance(value, Mapping) and value.get("recorded") is False


def _change(source: str, name: str, entry: int, value: Mapping[str, Any]) -> UnrecordedChange:
    by, what, deliverables = value.get("by"), value.get("what"), value.get("deliverables")
    return UnrecordedChange(
        id=name,
        source=source,
        at=_instant(value.get("at")),
        by=by if isinstance(by, str) else None,
        what=what if isinstance(what, str) else "",
        deliverables=tuple(filter(_is_text, deliverables)) if isinstance(deliverables, list) else (),
        entry=entry,
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _instant(value: object) -> Instant | None:
    try:
        return parse_instant(value) if isinstance(value, str) else None
    except InputError:
        return None
