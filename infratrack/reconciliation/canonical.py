"""One spelling of any JSON value, so that keys, items and values can be compared and looked up.

Numbers are equal by value (`1` and `1.0`), and never equal to a text or to true or false. The order of a mapping's
names means nothing; the order of a list inside a value does.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from infratrack.errors import InputError

raw_spelling: Final = msgspec.json.Encoder(order="deterministic").encode
"""A spelling that is quick, and the same only for the same value; `1` and `1.0` have two. UnicodeEncodeError."""
_MAY_BE_WHOLE: Final = re.compile(rb"\d(?:\.0|[eE])").search
PLAIN: Final = frozenset({str, int, bool, type(None)})
"""Types of values that are the same exactly when they are of one type and equal."""


def canonical(value: Any) -> bytes:  # noqa: ANN401 -- any JSON value
    """The spelling of a value; the same for the same value. InputError where it is nested too deeply."""
    try:
        encoded = raw_spelling(value)
        return encoded if _MAY_BE_WHOLE(encoded) is None else raw_spelling(_whole(value))
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can carry
        return json.dumps(_whole(value), sort_keys=True, separators=(",", ":")).encode()
    except RecursionError:
        raise InputError(
            "a value of a record is nested too deeply to be compared", "leave its field out of the mapping"
        ) from None


def canonical_key(key: Mapping[str, Any]) -> bytes:
    """`canonical` of a natural key, quicker where all of its parts are texts."""
    for part in key.values():
        if type(part) is not str:
            return canonical(key)
    try:
        return raw_spelling(key)
    except UnicodeEncodeError:
        return canonical(key)


def same_value(left: Any, right: Any) -> bool:  # noqa: ANN401 -- any JSON values
    """Whether two JSON values are the same value."""
    if left is right:
        return True
    kind = type(left)
    if kind is type(right) and kind in PLAIN:
        return bool(left == right)
    return canonical(left) == canonical(right)


def items_of(value: Any) -> dict[bytes, Any]:  # noqa: ANN401 -- any JSON value
    """The items of a list by their spelling, in order and each once; none where there is no list."""
    return {canonical(item): item for item in value} if isinstance(value, (list, tuple)) else {}


def mentions(value: Any) -> Iterable[Mapping[str, Any]]:  # noqa: ANN401 -- any JSON value
    """Every mapping inside a value, itself included: what may refer to another record."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, (list, tuple)):
            waiting.extend(one)


def _whole(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    """The value with whole numbers as integers."""
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {name: _whole(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole(one) for one in value]
    return value
