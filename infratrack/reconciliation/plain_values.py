"""What may come out of a template: plain JSON values of a bounded size. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any, Final

NESTED_AT_MOST: Final = 16
SIZE_AT_MOST: Final = 10_000
"""Values inside one value."""
TEXT_AT_MOST: Final = 100_000
"""Characters of one text."""
_LEAST_NUMBER: Final = -(2**63)
_LARGEST_NUMBER: Final = 2**64 - 1
_KINDS: Final[dict[type, str]] = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "null",
    dict: "an object",
    list: "a list",
}


class Refused(Exception):
    """Something that a template cannot do with an item; `reason` finishes the sentence "it …" and shows no value."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint


def kind_of(value: Any) -> str:  # noqa: ANN401 -- whatever a source holds
    """What a value is, in words; never the value."""
    return _KINDS.get(type(value), f"a {type(value).__name__[:40]}")


def plain(value: Any) -> Any:  # noqa: ANN401 -- whatever a source holds
    """The value, if JSON has it and it is not too large; else raises Refused."""
    kind = type(value)
    if kind is str:
        return plain_text(value)
    if value is None or kind is bool:
        return value
    if kind is int or kind is float:
        return _number(value)
    return _container(value)


def _container(value: Any) -> Any:  # noqa: ANN401 -- whatever a source holds
    waiting = [(value, 0)]
    size = 0
    while waiting:
        part, depth = waiting.pop()
        if depth > NESTED_AT_MOST:
            raise Refused(f"comes to a value that is nested deeper than {NESTED_AT_MOST} levels")
        parts = _parts(part)
        size += len(parts)
        if size > SIZE_AT_MOST:
            raise Refused(f"comes to more than {SIZE_AT_MOST:,} values")
        for inner in parts:
            if type(inner) is dict or type(inner) is list:
                waiting.append((inner, depth + 1))
            else:
                plain(inner)
    return value


def _parts(container: Any) -> Collection[Any]:  # noqa: ANN401 -- whatever a source holds
    if type(container) is list:
        return container
    if type(container) is not dict:
        raise Refused(f"comes to {kind_of(container)}, which is no plain value")
    for name in container:
        if type(name) is not str:
            raise Refused("comes to an object whose names are not all text")
        plain_text(name)
    return container.values()


def plain_text(text: str) -> str:
    """The text, if it is not too long and can be written as UTF-8; else raises Refused."""
    if len(text) > TEXT_AT_MOST:
        raise Refused(f"comes to a text of more than {TEXT_AT_MOST:,} characters")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Refused("comes to text that is not Unicode") from None
    return text


def spelled(value: Any) -> str:  # noqa: ANN401 -- whatever a source holds
    """A value as it stands inside a text: texts and numbers only; else raises Refused."""
    kind = type(value)
    if kind is str:
        return plain_text(value)
    if kind is int:
        return str(_number(value))
    if kind is float:
        return str(int(_number(value))) if value.is_integer() and abs(value) < 2**53 else repr(_number(value))
    hint = "give another value with ||, or let the template be this expression alone"
    raise Refused(f"comes to {kind_of(value)}, which cannot stand inside a text", hint)


def _number(value: float) -> float:
    if not math.isfinite(value) or (type(value) is int and not _LEAST_NUMBER <= value <= _LARGEST_NUMBER):
        raise Refused("comes to a number that is out of bounds")
    return value
