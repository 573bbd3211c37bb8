"""The forms in which a secret can stand in a text: as it is, escaped, URL-encoded, base64."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus

_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_.~-]+")
_PERCENT: Final = re.compile(r"%[0-9A-F]{2}")
_URL_SAFE: Final = str.maketrans("+/", "-_")
_DROPPED_IN_FRONT: Final = (0, 2, 3)
"""By alignment: characters that also carry bits of what stands before the secret."""


def plain_forms(secret: str) -> Iterator[str]:
    """The secret as it is, and JSON-escaped, shell-quoted and URL-encoded where that makes a difference."""
    yield secret
    if _UNRESERVED.fullmatch(secret):
        return
    for ascii_only in (False, True):
        escaped = json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield json.dumps(escaped, ensure_ascii=ascii_only)[1:-1]
    if "'" in secret:
        yield shlex.quote(secret)[1:-1]
        yield secret.replace("'", "\\'")
        yield secret.replace("'", "''")
    raw = secret.encode()
    for encoded in (
        quote(raw, safe=""),
        quote(raw),
        quote_plus(raw),
        quote(raw, safe="!*'()"),
        quote(raw, safe="/:@!$&'()*+,;="),
    ):
        yield encoded
        yield _PERCENT.sub(lambda found: found[0].lower(), encoded)


def base64_forms(secret: str) -> Iterator[str]:
    """The part of the secret's base64 that does not depend on its neighbours, in all three alignments."""
    raw = secret.encode()
    for alignment, dropped in enumerate(_DROPPED_IN_FRONT):
        whole = base64.b64encode(b"\0" * alignment + raw).decode()
        fragment = whole[dropped : (alignment + len(raw)) * 8 // 6]
        yield fragment
        if "+" in fragment or "/" in fragment:
            yield fragment.translate(_URL_SAFE)
