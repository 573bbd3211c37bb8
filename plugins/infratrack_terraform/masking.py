"""Terraform's sensitivity masks, and what they hide.

A mask runs beside its value: `true` hides the whole subtree; an object hides by key and a list by position, only where
they say so; `false` and a missing mask hide nothing; a mask whose shape does not fit its value hides everything under
it. (Source: Terraform's JSON output format, `before_sensitive` and `after_sensitive`; observed on 0.14 to 1.15.)
Masks are advisory: providers copy secrets into attributes without one, so masked strings are hunted elsewhere too.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import UNSET, Struct, UnsetType

Json = Any
"""Any JSON value."""

SHORTEST_SECRET: Final = 6
"""Shorter strings ("true", "22") stand in too many places that are no secret."""
SHORTEST_NUMBER: Final = 8


class Revealed(Struct, frozen=True):
    """What stands at a path: nothing (`present` false), something hidden, or a value."""

    present: bool
    sensitive: bool = False
    value: Any = UNSET


ABSENT: Final = Revealed(present=False)
HIDDEN: Final = Revealed(present=True, sensitive=True)


def hides(mask: Json) -> bool:
    """Whether a mask hides anything at all."""
    waiting = [mask]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif part is not None and part is not False:
            return True
    return False


def collect_masked(value: Json, mask: Json, into: set[str]) -> int:
    """Add every masked string and longer number to `into`; returns how many leaves are masked."""
    if not mask:
        return 0
    masked = 0
    waiting = [(value, mask)]
    while waiting:
        part, cover = waiting.pop()
        if not cover or part is None:
            continue
        if isinstance(cover, dict) and isinstance(part, dict):
            waiting.extend((part[key], cover[key]) for key in cover if key in part)
        elif isinstance(cover, list) and isinstance(part, list):
            waiting.extend(zip(part, cover, strict=False))
        elif hides(cover):
            masked += collect_leaves(part, into)
    return masked


def collect_leaves(value: Json, into: set[str]) -> int:
    """Add every string and longer number under a value to `into`; returns how many leaves there are."""
    leaves = 0
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
        elif isinstance(part, list):
            waiting.extend(part)
        elif part is not None:
            leaves += 1
            if isinstance(part, str):
                into.add(part)
            elif not isinstance(part, bool) and len(str(part)) >= SHORTEST_NUMBER:
                into.add(str(part))
    return leaves


def worth_hiding(strings: Iterable[str], names: Iterable[str]) -> frozenset[str]:
    """The strings that are to be hidden everywhere: long enough, and not the name or index of some resource.

    So that a sensitive "vlan-10" does not shred every address in which that is a name.
    """
    keep = frozenset(names)
    return frozenset(text for text in strings if len(text.strip()) >= SHORTEST_SECRET and text not in keep)


def holds_secret(value: Json, secrets: frozenset[str]) -> bool:
    """Whether a secret stands in any string under a value (keys too)."""
    if not secrets:
        return False
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting.extend(part.values())
            waiting.extend(part)
        elif isinstance(part, list):
            waiting.extend(part)
        elif part is not None and any(secret in str(part) for secret in secrets):
            return True
    return False


def nested_deeper(value: Json, limit: int) -> bool:
    """Whether lists and objects are nested deeper than `limit`."""
    waiting = [(value, 0)]
    while waiting:
        part, depth = waiting.pop()
        if depth > limit:
            return True
        if isinstance(part, dict):
            waiting.extend((child, depth + 1) for child in part.values())
        elif isinstance(part, list):
            waiting.extend((child, depth + 1) for child in part)
    return False


def reveal(value: Json, mask: Json | UnsetType, path: str) -> Revealed:
    """What stands at a dotted path (`input.vlans.0`), unless any of it is masked.

    A mask that was never given (UNSET: Terraform before 0.14 writes none) hides everything.
    """
    if mask is UNSET:
        hidden, mask = True, None
    else:
        hidden = False
    for step in path.split("."):
        if mask is True:
            hidden = True
        if isinstance(value, dict) and step in value:
            value = value[step]
            mask = _under(mask, step, dict)
        elif isinstance(value, list) and step.isascii() and step.isdigit() and int(step[:9]) < len(value):
            position = int(step[:9])
            value = value[position]
            mask = _under(mask, position, list)
        else:
            return ABSENT
    return HIDDEN if hidden or hides(mask) else Revealed(present=True, value=value)


def _under(mask: Json, step: Json, shape: type) -> Json:
    """The mask of one member; a mask of another shape that hides something hides it all."""
    if isinstance(mask, dict) and shape is dict:
        return mask.get(step)
    if isinstance(mask, list) and shape is list:
        return mask[step] if step < len(mask) else None
    return hides(mask)
