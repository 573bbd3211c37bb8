"""JMESPath's functions and interpreter, within bounds: no expression runs long, or makes much out of little. Pure.

Five functions are ours (lower, upper, trim, replace and split), spelled as in JMESPath Community.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final, cast

from jmespath import ast, functions, visitor

from infratrack.reconciliation.plain_values import TEXT_AT_MOST, Refused, kind_of, plain

if TYPE_CHECKING:
    from jmespath.visitor import _TreeNode

STEPS_AT_MOST: Final = 100_000
"""Steps of one evaluation; an entry of a list and a character of a text that passes through count as steps."""
DIGITS_AT_MOST: Final = 1_000


class Functions(functions.Functions):
    """JMESPath's functions and ours, none of which makes something long out of something short."""

    @functions.signature({"types": ["string"]})
    def _func_lower(self, subject: str) -> str:
        return subject.lower()

    @functions.signature({"types": ["string"]})
    def _func_upper(self, subject: str) -> str:
        return subject.upper()

    @functions.signature({"types": ["string"]})
    def _func_trim(self, subject: str) -> str:
        return subject.strip()

    @functions.signature({"types": ["string"]}, {"types": ["string"]}, {"types": ["string"]})
    def _func_replace(self, subject: str, old: str, new: str) -> str:
        if not old:
            raise Refused("asks replace() to look for an empty text")
        _check_length(len(subject) + subject.count(old) * (len(new) - len(old)))
        return subject.replace(old, new)

    @functions.signature({"types": ["string"]}, {"types": ["string"]})
    def _func_split(self, subject: str, separator: str) -> list[str]:
        if not separator:
            raise Refused("asks split() to cut at an empty text")
        return subject.split(separator)

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})
    def _func_join(self, glue: str, parts: list[str]) -> str:
        _check_length(sum(map(len, parts)) + len(glue) * len(parts))
        return glue.join(parts)

    @functions.signature({"types": []})
    def _func_to_string(self, value: Any) -> str:  # noqa: ANN401 -- JSON
        if isinstance(value, dict | list):
            raise Refused(f"asks to_string() to write {kind_of(value)}")
        return value if isinstance(value, str) else json.dumps(value)

    @functions.signature({"types": []})
    def _func_to_number(self, value: Any) -> Any:  # noqa: ANN401 -- JSON
        if value is None or value == "" or (isinstance(value, int | float) and not isinstance(value, bool)):
            return None if value == "" else value
        if isinstance(value, str) and len(value) <= DIGITS_AT_MOST and value.isascii() and "_" not in value:
            for kind in (int, float):
                try:
                    number = kind(value)
                except ValueError:
                    continue
                if math.isfinite(number):
                    return number
        # JMESPath itself would come to null here: a slip in a cell would clear a field.
        what = "a text that is no number" if isinstance(value, str) else kind_of(value)
        raise Refused(f"asks to_number() to read {what}")

    @functions.signature({"types": ["array", "string"]}, {"types": []})
    def _func_contains(self, subject: Any, search: Any) -> bool:  # noqa: ANN401 -- JSON
        plain(subject)
        plain(search)
        return search in subject


class Interpreter(visitor.TreeInterpreter):
    """JMESPath's interpreter on a budget. What it builds or compares is never larger than a plain value may be."""

    def __init__(self) -> None:
        super().__init__(visitor.Options(custom_functions=Functions()))
        self._left = 0

    def evaluate(self, node: _TreeNode, item: Any) -> Any:  # noqa: ANN401 -- JSON in, JSON out
        """What a parsed expression comes to; raises Refused, the library's errors and whatever Python raises."""
        self._left = STEPS_AT_MOST
        return self.visit(node, item)

    def visit(self, node: _TreeNode, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 -- the library's signature
        """One step."""
        result = super().visit(node, *args, **kwargs)
        self._left -= 1 + (len(result) if isinstance(result, list | dict | str) else 0)
        if self._left < 0:
            raise Refused(f"takes more than {STEPS_AT_MOST:,} steps")
        return result

    def visit_multi_select_list(self, node: _TreeNode, value: Any) -> Any:  # noqa: ANN401 -- JSON
        """`[a, b]`."""
        return plain(super().visit_multi_select_list(node, value))

    def visit_multi_select_dict(self, node: _TreeNode, value: Any) -> Any:  # noqa: ANN401 -- JSON
        """`{x: a, y: b}`."""
        return plain(super().visit_multi_select_dict(node, value))

    def visit_comparator(self, node: _TreeNode, value: Any) -> Any:  # noqa: ANN401 -- JSON
        """`a == b`: of the two values, which are bounded now."""
        sides = [ast.literal(plain(self.visit(child, value))) for child in node["children"]]
        return super().visit_comparator(cast("_TreeNode", ast.comparator(node["value"], *sides)), value)


def _check_length(length: int) -> None:
    if length > TEXT_AT_MOST:
        raise Refused(f"comes to a text of more than {TEXT_AT_MOST:,} characters")
