"""One JMESPath expression: checked when it is parsed, bounded when it is evaluated. Pure.

The language is JMESPath 1.0 with a few functions more. A name that the item does not have is an error instead of null;
behind `@.` and beside `||` it may be missing. An expression comes from the project file and its item from anywhere:
neither may make it run long or grow large.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from jmespath import exceptions, parser

from infratrack.project.nearest import NearestNames
from infratrack.project.problems import shown, spoken_list
from infratrack.reconciliation.bounded_jmespath import Functions, Interpreter
from infratrack.reconciliation.plain_values import Refused, kind_of, plain

if TYPE_CHECKING:
    from jmespath.visitor import _TreeNode

EXPRESSION_AT_MOST: Final = 1_000
"""Characters of one expression."""
DEPTH_AT_MOST: Final = 32
_NAMES_AT_MOST: Final = 12
_SYNTAX_HINT: Final = "write names joined by dots, functions, or text in '…'"
_GUARDS: Final = frozenset({"not_null"})
"""Functions that are there for values which may be missing."""
_FIRST_CHILD_ONLY: Final = frozenset(
    {"index_expression", "pipe", "projection", "value_projection", "filter_projection", "flatten"}
)
"""Nodes whose other children look at what the first one found, and not at the item."""

Path = tuple[str, ...]


class Expression:
    """A parsed expression. Raises Refused where the text is no such expression."""

    def __init__(self, text: str) -> None:
        self.text: Final = text.strip()
        self._node = _parsed(self.text)
        self._needed = tuple(dict.fromkeys(_needed(self._node)))
        self._path = _leading_fields(self._node) if self._needed else ()
        if self._path and not _is_path_alone(self._node):
            self._path = ()
        self._interpreter = Interpreter()

    def value(self, item: Any) -> Any:  # noqa: ANN401 -- JSON in, JSON out
        """What it comes to for one item: a plain value. Raises Refused."""
        if self._path:
            return plain(_along(self._path, item))
        for path in self._needed:
            _along(path, item)
        try:
            return plain(self._interpreter.evaluate(self._node, item))
        except Refused:
            raise
        except exceptions.JMESPathTypeError as error:
            wanted = " or ".join(str(one) for one in error.expected_types)
            raise Refused(f"gives {error.function_name}() a value of another kind; it takes {wanted}") from None
        except Exception as error:  # noqa: BLE001 -- see below
            # The library's functions let through whatever Python raises: comparing unlike things, dividing by zero.
            raise Refused(f"cannot be evaluated for this item ({type(error).__name__})") from None


def _parsed(text: str) -> _TreeNode:
    """The expression as a tree that is sound: known functions, as many arguments as they take, not too deep."""
    if len(text) > EXPRESSION_AT_MOST:
        raise Refused(f"has {len(text):,} characters", f"write at most {EXPRESSION_AT_MOST:,}")
    _check_literals(text)
    try:
        node: _TreeNode = parser.Parser().parse(text).parsed
    except exceptions.EmptyExpressionError:
        raise Refused("is empty", "name what is meant: {name}") from None
    except exceptions.JMESPathError as error:
        place = getattr(error, "lex_position", None)
        where = f" at character {place + 1}" if isinstance(place, int) else ""
        raise Refused(f"is no JMESPath expression{where}", _SYNTAX_HINT) from None
    except (ValueError, LookupError, TypeError, RecursionError):
        raise Refused("is no JMESPath expression", _SYNTAX_HINT) from None
    waiting = [(node, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > DEPTH_AT_MOST:
            raise Refused(f"is nested deeper than {DEPTH_AT_MOST} levels", "write something simpler")
        if part["type"] == "function_expression":
            _check_call(part["value"], len(part["children"]))
        waiting += [(child, depth + 1) for child in part["children"] if isinstance(child, dict)]
    return node


def _check_literals(text: str) -> None:
    """Refuse `words` in backticks that are no JSON: the library would still take them, with a warning."""
    quote, begin = "", 0
    position = 0
    while position < len(text):
        char = text[position]
        if char == "\\" and quote:
            position += 1
        elif quote and char == quote:
            if quote == "`":
                _check_literal(text[begin:position].replace("\\`", "`"))
            quote = ""
        elif not quote and char in "'\"`":
            quote, begin = char, position + 1
        position += 1


def _check_literal(text: str) -> None:
    try:
        plain(json.loads(text))
    except (ValueError, RecursionError, Refused):
        raise Refused(
            "has something in backticks that is no JSON", "write text in '…', and numbers or null in `…`"
        ) from None


def _check_call(name: str, given: int) -> None:
    table = Functions.FUNCTION_TABLE
    if name not in table:
        nearest = NearestNames().to(name, table)
        asked = f"did you mean {nearest}()? " if nearest else ""
        raise Refused(f"calls {shown(name)}, which is no function", f"{asked}There are {', '.join(sorted(table))}")
    signature: Sequence[Any] = table[name]["signature"]
    variadic = bool(signature) and bool(signature[-1].get("variadic"))
    if given < len(signature) or (given > len(signature) and not variadic):
        least = "at least " if variadic else ""
        raise Refused(f"calls {name}() with {given} arguments", f"it takes {least}{len(signature)}")


def _needed(node: _TreeNode) -> Iterator[Path]:
    """The names (joined by dots: paths) that the item must have for the expression to make sense."""
    kind, children = node["type"], node["children"]
    path = _leading_fields(node)
    if path:
        yield path
    elif kind == "or_expression" or (kind == "function_expression" and node["value"] in _GUARDS):
        return
    elif kind == "subexpression" or kind in _FIRST_CHILD_ONLY:
        yield from _needed(children[0])
    elif kind not in ("expref", "slice"):
        for child in children:
            yield from _needed(child)


def _leading_fields(node: _TreeNode) -> Path:
    if node["type"] == "field":
        return (node["value"],)
    if node["type"] != "subexpression":
        return ()
    path: Path = ()
    for child in node["children"]:
        if child["type"] != "field":
            break
        path = (*path, child["value"])
    return path


def _is_path_alone(node: _TreeNode) -> bool:
    return all(child["type"] == "field" for child in node["children"])


def _along(path: Path, item: Any) -> Any:  # noqa: ANN401 -- JSON
    """What stands at a path. Null on the way is null; a name that is missing is refused."""
    value = item
    for number, name in enumerate(path):
        if type(value) is not dict:
            if value is None and number:
                return None
            before = ".".join(path[:number])
            raise _Missing(f"has no {_quoted(name)}; {_quoted(before) if before else 'it'} is {kind_of(value)}")
        try:
            value = value[name]
        except KeyError:
            raise _missing(path, number, value) from None
    return value


class _Missing(Refused):
    """An item lacks something; `reason` is said of the item and not of the expression."""


def _missing(path: Path, number: int, there: dict[Any, Any]) -> Refused:
    names = [name for name in there if type(name) is str]
    nearest = NearestNames().to(path[number], names)
    has = spoken_list([_quoted(name, always=False) for name in names], most=_NAMES_AT_MOST) or "nothing"
    inside = f" in its {_quoted('.'.join(path[:number]))}" if number else ""
    asked = f"did you mean {_quoted(nearest)}? " if nearest else ""
    hint = f"{asked}Where it may be missing, write {{@.{'.'.join(path)[:80]}}} (null) or {{… || 'something'}}"
    return _Missing(f"has no {_quoted(path[number])}{inside}; it has {has}", hint)


def is_about_item(refused: Refused) -> bool:
    """Whether the reason is said of the item ("has no …") and not of the expression ("comes to …")."""
    return isinstance(refused, _Missing)


def _quoted(name: str, *, always: bool = True) -> str:
    return name if not always and name.isidentifier() and len(name) <= EXPRESSION_AT_MOST else shown(name)
