"""Ids of many records in few characters, so that evidence can name thousands: `1-200,305`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

MOST_IDS: Final = 100_000
"""How many ids are read out of one text: nobody rests on more."""
SPANS: Final = "[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*"
"""The shape of such a text, as a pattern."""
_SPAN: Final = re.compile(r"([0-9]{1,18})(?:-([0-9]{1,18}))?", re.ASCII)


def spans_by_type(records: Iterable[tuple[str, str]]) -> dict[str, str]:
    """(type, id) of records → type → the ids as spans. Ids that are no numbers are left out."""
    found: dict[str, set[int]] = {}
    for type_name, id_ in records:
        if id_.isascii() and id_.isdigit():
            found.setdefault(type_name, set()).add(int(id_))
    return {type_name: ",".join(_spans(sorted(ids))) for type_name, ids in sorted(found.items())}


def ids_in(text: object) -> list[str]:
    """The ids in such a text, at most MOST_IDS; none from what is no such text."""
    found: list[str] = []
    for part in text.split(",") if isinstance(text, str) else ():
        span = _SPAN.fullmatch(part)
        if span is not None:
            first = int(span[1])
            last = min(int(span[2] or first), first + MOST_IDS - len(found) - 1)
            found += map(str, range(first, last + 1))
    return found


def _spans(ids: Sequence[int]) -> Iterator[str]:
    start = 0
    for place, one in enumerate(ids):
        if place + 1 == len(ids) or ids[place + 1] != one + 1:
            yield str(one) if place == start else f"{ids[start]}-{one}"
            start = place + 1
