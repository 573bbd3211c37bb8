"""What NetBox says when it refuses: which records of a batch are to blame, and its own words in one line. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack_netbox.exchange import plain

_PARTS: Final = 12
"""Messages of one refusal that are told."""
_DEEPEST: Final = 6
_OF_THE_WHOLE: Final = frozenset({"__all__", "non_field_errors", "detail", "errors"})
"""Keys whose messages concern no particular field."""


def sentence(status: int, body: Any) -> str:  # noqa: ANN401 -- whatever a server answered
    """The server's own words: `name: Device name must be unique per site.`; a plain statement where it has none."""
    words = "; ".join(part for _, part in zip(range(_PARTS), _messages(body, "", 0), strict=False))
    return plain(words) or f"NetBox answered {status} and gave no reason"


def _messages(body: Any, name: str, depth: int) -> Iterator[str]:  # noqa: ANN401 -- likewise
    if depth > _DEEPEST:
        return
    if isinstance(body, str):
        if body.strip():
            yield f"{name}: {body}" if name else body
    elif isinstance(body, Mapping):
        for key, value in body.items():
            inner = name if key in _OF_THE_WHOLE else f"{name}.{key}" if name else str(key)
            yield from _messages(value, inner, depth + 1)
    elif isinstance(body, Sequence) and not isinstance(body, bytes | bytearray):
        for value in body:
            yield from _messages(value, name, depth + 1)


def blamed(status: int, body: Any, ids: Sequence[str]) -> Mapping[int, str]:  # noqa: ANN401 -- likewise
    """Position in the batch → why it was refused. Empty where the answer blames nobody in particular.

    `ids` are those of the records in the batch, or empty strings for records that are yet to be created. NetBox names
    them by `index` or `id`; older servers answer a list as long as the batch, with `{}` for whatever is right.
    """
    if isinstance(body, Mapping) and isinstance(body.get("errors"), list):
        return _named(status, body["errors"], ids)
    if isinstance(body, list) and len(body) == len(ids):
        return {position: sentence(status, one) for position, one in enumerate(body) if one}
    return {}


def _named(status: int, errors: Sequence[Any], ids: Sequence[str]) -> Mapping[int, str]:
    found: dict[int, str] = {}
    positions = {one: position for position, one in enumerate(ids) if one}
    for error in errors:
        if not isinstance(error, Mapping):
            continue
        index = error.get("index")
        if not isinstance(index, int) or isinstance(index, bool):
            index = positions.get(str(error.get("id")), -1)
        if 0 <= index < len(ids):
            found[index] = sentence(status, error.get("errors"))
    return found
