"""What a record is called in sentences: its type and its key, safe to show and short."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

LONGEST: Final = 80
SHOWN: Final = 5


def called(type_name: str, key: Mapping[str, Any], record_id: str | None = None) -> str:
    """`dcim.interface leaf-1 eth0 (id 17)`."""
    words = [type_name, *_words(key)]
    return plain(" ".join(words)) + ("" if record_id is None else f" (id {plain(record_id)})")


def listed(names: Iterable[str]) -> str:
    """The first few of some names, and how many there are more."""
    every = list(names)
    more = f" and {len(every) - SHOWN} more" if len(every) > SHOWN else ""
    return ", ".join(every[:SHOWN]) + more


def plain(text: str) -> str:
    """A text that was written by others: one short line without control characters."""
    clean = "".join(one if one.isprintable() else "?" for one in text[: LONGEST + 1])
    return clean if len(clean) <= LONGEST else clean[: LONGEST - 1] + "…"


def _words(value: Any) -> list[str]:  # noqa: ANN401 -- any JSON value
    """The plain values inside a key, in order; no deeper than a key goes."""
    found: list[str] = []
    waiting = [(value, 0)]
    while waiting and len(found) < LONGEST:
        one, depth = waiting.pop(0)
        inner = one.values() if isinstance(one, Mapping) else one if isinstance(one, (list, tuple)) else None
        if inner is None:
            found.append("null" if one is None else str(one)[: LONGEST + 1])
        else:
            waiting[:0] = [(part, depth + 1) for part in inner]
    return found
