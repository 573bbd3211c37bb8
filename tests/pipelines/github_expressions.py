"""GitHub's expressions, as far as our workflows use them: names, texts, operators, brackets and always()."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<name>[A-Za-z_][\w.-]*(?:\(\))?)|(?P<sign>==|!=|&&|\|\||[!()]))"
)
_HOLE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)

Contexts = Mapping[str, Any]


def filled(text: str, contexts: Contexts) -> str:
    """A text with the value of every `${{ … }}` in it."""
    return _HOLE.sub(lambda hole: as_text(evaluate(hole[1], contexts)), text)


def holds(condition: object, contexts: Contexts, *, success: bool = True) -> bool:
    """What an `if:` says; without always() in it, it also wants that nothing has failed."""
    text = str(condition).strip()
    whole = text[3:-2] if text.startswith("${{") else text
    return (success or "always()" in whole) and bool(evaluate(whole, contexts))


def as_text(value: object) -> str:
    """How a value is written into a text."""
    return {None: "", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)


def evaluate(expression: str, contexts: Contexts) -> Any:
    """The value of an expression; a name that is nowhere is None. ValueError for what is not played here."""
    tokens = _tokens(expression)
    value = _either(tokens, contexts)
    if tokens:
        raise ValueError(f"not understood: {tokens} in {expression!r}")
    return value


def _tokens(expression: str) -> list[str]:
    tokens, at = [], 0
    text = expression.strip()
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(f"not understood: {text[at:]!r}")
        tokens.append(found[0].strip())
        at = found.end()
    return tokens


def _either(tokens: list[str], contexts: Contexts) -> Any:
    value = _both(tokens, contexts)
    while tokens[:1] == ["||"]:
        tokens.pop(0)
        other = _both(tokens, contexts)
        value = value or other
    return value


def _both(tokens: list[str], contexts: Contexts) -> Any:
    value = _compared(tokens, contexts)
    while tokens[:1] == ["&&"]:
        tokens.pop(0)
        other = _compared(tokens, contexts)
        value = value and other
    return value


def _compared(tokens: list[str], contexts: Contexts) -> Any:
    value = _single(tokens, contexts)
    if tokens[:1] in (["=="], ["!="]):
        sign = tokens.pop(0)
        same = as_text(value) == as_text(_single(tokens, contexts))
        return same if sign == "==" else not same
    return value


def _single(tokens: list[str], contexts: Contexts) -> Any:
    word = tokens.pop(0)
    if word == "!":
        return not _single(tokens, contexts)
    if word == "(":
        value = _either(tokens, contexts)
        assert tokens.pop(0) == ")"
        return value
    if word.startswith("'"):
        return word[1:-1].replace("''", "'")
    if word == "always()":
        return True
    if word.endswith("()"):
        raise ValueError(f"not played here: {word}")
    found: Any = contexts
    for part in word.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
