"""Templates: text with `{expression}`s in it, or lists and mappings of such texts. Pure.

A text that is one expression and nothing else keeps the type of what it comes to; inside other text, only texts and
numbers may stand. `{{` and `}}` are literal braces. What comes to null inside a list is left out of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

from infratrack.errors import InputError
from infratrack.reconciliation.plain_values import NESTED_AT_MOST, Refused, plain, plain_text, spelled

if TYPE_CHECKING:
    from infratrack.reconciliation.expression import Expression

TEMPLATE_AT_MOST: Final = 10_000
"""Characters of one text."""
PARTS_AT_MOST: Final = 1_000
"""Texts, lists and mappings of one template together."""
_BRACES_HINT: Final = "write {{ and }} for braces that are meant as they stand"

Render = Callable[[Any], Any]
Path = tuple[str | int, ...]


class TemplateProblem(InputError):
    """A template that is none; `path` leads to it from the value that was given."""

    def __init__(self, message: str, hint: str, path: Path) -> None:
        super().__init__(message, hint)
        self.path = path


class Template:
    """A template, parsed once. Raises TemplateProblem (an InputError) where it is none."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401 -- JSON with templates in it
        compiler = _Compiler()
        self._render: Final = compiler.compiled(value, ())
        self.is_constant: Final = not compiler.expressions
        """Whether it is the same for every item."""

    def render(self, item: Any, origin: str = "the item") -> Any:  # noqa: ANN401 -- JSON in, JSON out
        """What it comes to for one item: a plain value. InputError names the item by its `origin`, and no value."""
        try:
            return self._render(item)
        except _Unrendered as problem:
            raise InputError(f"{origin}{problem.sentence}", problem.hint) from None


class _Unrendered(Exception):
    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.hint = hint


class _Compiler:
    """Makes functions out of one template."""

    def __init__(self) -> None:
        self.expressions = 0
        self._parts = 0

    def compiled(self, value: Any, path: Path) -> Render:  # noqa: ANN401 -- JSON with templates in it
        self._parts += 1
        if self._parts > PARTS_AT_MOST or len(path) > NESTED_AT_MOST:
            what = f"it has more than {PARTS_AT_MOST:,} parts or {NESTED_AT_MOST} levels"
            raise TemplateProblem(what, "write something smaller", path[:NESTED_AT_MOST])
        if isinstance(value, str):
            return self._text(value, path)
        before = self.expressions
        if isinstance(value, dict):
            render = self._mapping(value, path)
        elif isinstance(value, list):
            render = self._list(value, path)
        else:
            render = _constant(value, path)
        return render if self.expressions > before else _constant(render(None), path)

    def _mapping(self, value: dict[Any, Any], path: Path) -> Render:
        members = [(str(name), self.compiled(inner, (*path, str(name)))) for name, inner in value.items()]
        return lambda item: {name: render(item) for name, render in members}

    def _list(self, value: list[Any], path: Path) -> Render:
        entries = [self.compiled(inner, (*path, number)) for number, inner in enumerate(value)]
        return lambda item: [found for render in entries if (found := render(item)) is not None]

    def _text(self, text: str, path: Path) -> Render:
        if "{" not in text and "}" not in text:
            return _constant(text, path)
        if len(text) > TEMPLATE_AT_MOST:
            raise TemplateProblem(
                f"a template of {len(text):,} characters", f"write at most {TEMPLATE_AT_MOST:,}", path
            )
        pieces = [self._piece(piece, is_expression, path) for piece, is_expression in _pieces(text, path)]
        if len(pieces) == 1 and not isinstance(pieces[0], str):
            return _of_expression(pieces[0])
        if all(isinstance(piece, str) for piece in pieces):
            return _constant("".join(map(str, pieces)), path)
        return _joined([piece if isinstance(piece, str) else _in_text(piece) for piece in pieces])

    def _piece(self, piece: str, is_expression: bool, path: Path) -> str | Expression:  # noqa: FBT001 -- what `_pieces` says
        if not is_expression:
            return piece
        from infratrack.reconciliation.expression import Expression  # noqa: PLC0415 -- JMESPath, only where it is used

        self.expressions += 1
        try:
            return Expression(piece)
        except Refused as refused:
            raise TemplateProblem(f"{{{piece.strip()[:80]}}} {refused.reason}", refused.hint, path) from None


def _constant(value: Any, path: Path) -> Render:  # noqa: ANN401 -- JSON
    try:
        plain(value)
    except Refused as refused:
        raise TemplateProblem(f"it {refused.reason}", "write a plain value", path) from None
    return lambda _item: value


def _of_expression(expression: Expression) -> Render:
    value = expression.value

    def render(item: Any) -> Any:  # noqa: ANN401 -- JSON in, JSON out
        try:
            return value(item)
        except Refused as refused:
            raise _unrendered(expression, refused) from None

    return render


def _in_text(expression: Expression) -> Render:
    value = expression.value

    def render(item: Any) -> str:  # noqa: ANN401 -- JSON
        try:
            return spelled(value(item))
        except Refused as refused:
            raise _unrendered(expression, refused) from None

    return render


def _joined(pieces: list[str | Render]) -> Render:
    def render(item: Any) -> str:  # noqa: ANN401 -- JSON
        text = "".join([piece if isinstance(piece, str) else piece(item) for piece in pieces])
        try:
            return plain_text(text)
        except Refused as refused:
            raise _Unrendered(f": the template {refused.reason}", "let it come to something shorter") from None

    return render


def _unrendered(expression: Expression, refused: Refused) -> _Unrendered:
    from infratrack.reconciliation.expression import is_about_item  # noqa: PLC0415 -- JMESPath, only where it is used

    said = "" if is_about_item(refused) else f": {{{expression.text[:80]}}}"
    return _Unrendered(f"{said} {refused.reason}", refused.hint)


def _pieces(text: str, path: Path) -> Iterator[tuple[str, bool]]:
    """The text in pieces: literal ones, and expressions (True) without their braces."""
    literal = ""
    position = 0
    while position < len(text):
        two = text[position : position + 2]
        if two in ("{{", "}}"):
            literal += two[0]
            position += 2
        elif two[0] == "}":
            raise TemplateProblem(f"a }} without its {{ at character {position + 1}", _BRACES_HINT, path)
        elif two[0] == "{":
            if literal:
                yield literal, False
                literal = ""
            end = _end(text, position + 1)
            if end is None:
                raise TemplateProblem(f"a {{ without its }} at character {position + 1}", _BRACES_HINT, path)
            yield text[position + 1 : end], True
            position = end + 1
        else:
            literal += two[0]
            position += 1
    if literal:
        yield literal, False


def _end(text: str, position: int) -> int | None:
    """Where the expression that begins at `position` has its closing brace; braces in quotes do not count."""
    depth, quote = 1, ""
    while position < len(text):
        char = text[position]
        if quote:
            if char == "\\":
                position += 1
            elif char == quote:
                quote = ""
        elif char in "'\"`":
            quote = char
        elif char in "{}":
            depth += 1 if char == "{" else -1
            if not depth:
                return position
        position += 1
    return None
