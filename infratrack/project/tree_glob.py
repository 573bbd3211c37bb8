"""Which of the names in a commit a pattern under `include` means, as a folder's glob would. Pure."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_MAGIC: Final = frozenset("*?[")
_ANY_DEPTH: Final = "**"


def parts_of(pattern: str) -> tuple[str, ...]:
    """The components of a pattern, without those that say nothing."""
    return tuple(part for part in pattern.split("/") if part not in {"", "."})


def literal_folder(pattern: str) -> str:
    """The folder that all names of a pattern with wildcards lie in, relative and without a wildcard; `` for all."""
    folder: list[str] = []
    for part in parts_of(pattern)[:-1]:
        if _MAGIC & set(part):
            break
        folder.append(part)
    return "/".join(folder)


def has_wildcard(pattern: str) -> bool:
    """Whether a pattern may name several files."""
    return bool(_MAGIC & set(pattern))


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """Those of some names (`/`-separated) that a pattern means, in their order."""
    parts = parts_of(pattern)
    return [name for name in names if _fits(parts, tuple(name.split("/")))]


def _fits(parts: tuple[str, ...], name: tuple[str, ...]) -> bool:
    """Whether components fit, one by one. `reached`: how many parts may have been used up so far."""
    reached = _skipped({0}, parts)
    for component in name:
        following = set()
        for place in reached:
            if place < len(parts) and parts[place] == _ANY_DEPTH:
                following.add(place)
            elif place < len(parts) and _component(parts[place]).match(component):
                following.add(place + 1)
        reached = _skipped(following, parts)
    return len(parts) in reached


def _skipped(reached: set[int], parts: tuple[str, ...]) -> set[int]:
    """`**` also means no folder at all."""
    for place in sorted(reached):
        following = place
        while following < len(parts) and parts[following] == _ANY_DEPTH:
            following += 1
            reached.add(following)
    return reached


@lru_cache(maxsize=256)
def _component(part: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(part))
