"""The forms in which a secret can stand in a text.

Escapes can be mixed and nested in any way (JSON in JSON, a URL in JSON, only some characters encoded), so they are
undone in the text rather than foreseen for each secret: a `View` is a text with one layer of escapes undone, which
knows where its characters came from. Base64 depends on what stands before, so there the secret is encoded, in all
three alignments.
"""

from __future__ import annotations

import binascii
import html
import json
import re
import shlex
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Final

from msgspec import Struct

from infratrack.evidence.redaction.patterns import Span

_URL_SAFE: Final = str.maketrans("+/", "-_")
_DROPPED_IN_FRONT: Final = (0, 2, 3)
"""By alignment: base64 characters that also carry bits of what stands before the secret."""

_FILLER: Final = (b"", b"\0", b"\0\0")
_ESCAPED_IN_JSON: Final = re.compile(r"[^ !#-\[\]-~]")
_PERCENT: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_FORM: Final = re.compile(r"(?:%[0-9A-Fa-f]{2})+|\+")
_BACKSLASH: Final = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[\\\"'/bfnrt]"
)
_ENTITY: Final = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,8});")
_SHORT_ESCAPES: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class View(Struct, frozen=True):
    """A text with one layer of escapes undone; `origins` are pieces as (start here, start there, end there)."""

    text: str
    starts: tuple[int, ...]
    origins: tuple[tuple[int, int, bool], ...]
    """By piece: where it starts and ends in the original, and whether it stands there literally."""

    def original(self, start: int, end: int) -> Span:
        """Where a stretch of this view stands in the original; an escape counts as a whole."""
        first = bisect_right(self.starts, start) - 1
        last = bisect_right(self.starts, end - 1) - 1
        begin, _, literal = self.origins[first]
        if literal:
            begin += start - self.starts[first]
        last_begin, finish, literal = self.origins[last]
        if literal:
            finish = last_begin + end - self.starts[last]
        return begin, finish


def views(text: str, *, plus_is_space: bool) -> Iterator[View]:
    """The text with one layer of escapes undone, in each way that makes a difference."""
    if "%" in text:
        yield from _undone(text, _PERCENT, _percent)
    if plus_is_space and "+" in text:
        yield from _undone(text, _FORM, _percent)
    if "\\" in text:
        yield from _undone(text, _BACKSLASH, _backslash)
    if "&" in text:
        yield from _undone(text, _ENTITY, html.unescape)


def plain_forms(secret: str) -> Iterator[str]:
    """The secret as it is, and as a shell or a YAML or SQL string quotes it."""
    yield secret
    if "'" in secret:
        yield shlex.quote(secret)[1:-1]
        yield secret.replace("'", "''")


def base64_forms(secret: str) -> Iterator[str]:
    """The part of the secret's base64 that does not depend on its neighbours, in all three alignments."""
    texts = [secret]
    if _ESCAPED_IN_JSON.search(secret):
        texts += [json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(secret)[1:-1]]
    for text in texts:
        raw = text.encode()
        for alignment, dropped in enumerate(_DROPPED_IN_FRONT):
            whole = binascii.b2a_base64(_FILLER[alignment] + raw).decode()
            fragment = whole[dropped : (alignment + len(raw)) * 8 // 6]
            yield fragment
            if "+" in fragment or "/" in fragment:
                yield fragment.translate(_URL_SAFE)


def _undone(text: str, pattern: re.Pattern[str], undo: Callable[[str], str]) -> Iterator[View]:
    parts: list[str] = []
    starts: list[int] = []
    origins: list[tuple[int, int, bool]] = []
    here = there = 0
    for found in pattern.finditer(text):
        for part, begin, end, literal in (
            (text[there : found.start()], there, found.start(), True),
            (undo(found[0]), found.start(), found.end(), False),
        ):
            if part:
                parts.append(part)
                starts.append(here)
                origins.append((begin, end, literal))
                here += len(part)
        there = found.end()
    if there:
        parts.append(text[there:])
        starts.append(here)
        origins.append((there, len(text), True))
        yield View("".join(parts), tuple(starts), tuple(origins))


def _percent(escape: str) -> str:
    return " " if escape == "+" else bytes.fromhex(escape.replace("%", "")).decode(errors="replace")


def _backslash(escape: str) -> str:
    if escape[1] == "x":
        return chr(int(escape.removeprefix("\\x"), base=16))
    if escape[1] == "u":
        units = b"".join(int(unit, 16).to_bytes(2, "big") for unit in escape.split("\\u")[1:])
        return units.decode("utf-16-be", errors="replace")
    return _SHORT_ESCAPES.get(escape[1], escape[1])
