"""Values that are no secrets although nothing is known about them, and the texts inside values that are JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from infratrack.evidence.redaction.names import is_secret_name

_PLAIN: Final = re.compile(
    r"(?:[a-z]{1,19}|[0-9]{1,9})(?:[-_.][a-z]{1,19}|[-_.][0-9]{1,9}){0,3}|[0-9.]{1,15}(?:/[0-9]{1,2})?"
)
_LONGEST_PLAIN: Final = 19


def is_plain_value(value: str) -> bool:
    """Whether a value is of the kind `web-1`, `us-east-1`, `10.0.0.0/16`: what variables hold that are no secrets."""
    return len(value) <= _LONGEST_PLAIN and _PLAIN.fullmatch(value) is not None


def texts_in_json(value: str) -> Iterator[str]:
    """The texts inside a value that is JSON (Terraform lists and maps, service account keys).

    Plain ones are left out, unless the name of the member announces a secret.
    """
    if not value.lstrip().startswith(("{", "[")):
        return
    try:
        waiting: list[tuple[str, Any]] = [("", json.loads(value))]
    except (ValueError, RecursionError):
        return
    while waiting:
        name, one = waiting.pop()
        if isinstance(one, dict):
            waiting.extend(one.items())
        elif isinstance(one, list):
            waiting.extend((name, member) for member in one)
        elif isinstance(one, str) and (is_secret_name(name) or not is_plain_value(one)):
            yield one
