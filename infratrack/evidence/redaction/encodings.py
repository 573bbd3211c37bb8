"""The forms in which a secret can stand in a text: as it is, escaped, URL-encoded, base64."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_.~-]+")
_ESCAPED_IN_JSON: Final = re.compile(r"[^ !#-\[\]-~]")
_PERCENT: Final = re.compile(r"%[0-9A-F]{2}")
_LEFT_BY_FORMS: Final = (("%20", "+"),)
_LEFT_BY_PATHS: Final = (("%2F", "/"),)
_LEFT_BY_BROWSERS: Final = (("%21", "!"), ("%27", "'"), ("%28", "("), ("%29", ")"), ("%2A", "*"))
_LEFT_BY_WHOLE_URLS: Final = (
    *_LEFT_BY_PATHS, *_LEFT_BY_BROWSERS, ("%23", "#"), ("%24", "$"), ("%26", "&"), ("%2B", "+"), ("%2C", ","),
    ("%3A", ":"), ("%3B", ";"), ("%3D", "="), ("%3F", "?"), ("%40", "@"),
)  # fmt: skip
"""Characters that URL encoders leave alone, by encoder: HTML forms, path quoting, encodeURIComponent, encodeURI."""
_URL_SAFE: Final = str.maketrans("+/", "-_")
_DROPPED_IN_FRONT: Final = (0, 2, 3)
"""By alignment: characters that also carry bits of what stands before the secret."""


def plain_forms(secret: str) -> Iterator[str]:
    """The secret as it is, and JSON-escaped, shell-quoted and URL-encoded where that makes a difference."""
    yield secret
    if _UNRESERVED.fullmatch(secret):
        return
    if _ESCAPED_IN_JSON.search(secret):
        for ascii_only in (False, True):
            escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
            yield escaped
            yield json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
    if "'" in secret:
        yield shlex.quote(secret)[1:-1]
        yield secret.replace("'", "\\'")
        yield secret.replace("'", "''")
    strictest = quote(secret.encode(), safe="")
    for left in ((), _LEFT_BY_FORMS, _LEFT_BY_PATHS, _LEFT_BY_BROWSERS, _LEFT_BY_WHOLE_URLS):
        encoded = strictest
        for code, character in left:
            encoded = encoded.replace(code, character)
        if not left or encoded != strictest:
            yield encoded
            yield _PERCENT.sub(_lower, encoded)


def _lower(found: re.Match[str]) -> str:
    return found[0].lower()


def base64_forms(secret: str) -> Iterator[str]:
    """The part of the secret's base64 that does not depend on its neighbours, in all three alignments."""
    raw = secret.encode()
    for alignment, dropped in enumerate(_DROPPED_IN_FRONT):
        whole = base64.b64encode(b"\0" * alignment + raw).decode()
        fragment = whole[dropped : (alignment + len(raw)) * 8 // 6]
        yield fragment
        if "+" in fragment or "/" in fragment:
            yield fragment.translate(_URL_SAFE)
