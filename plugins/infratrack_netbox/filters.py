"""Filters, checked against the server's own OpenAPI document: NetBox ignores one that it does not know. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from infratrack.api import InputError
from infratrack_netbox.server_schema import PAGING, Endpoint, nearest

_CUSTOM: Final = "cf_"
_LONGEST_VALUE: Final = 500
"""Characters: what is longer is no filter, and may not fit into an address."""


def checked_filters(
    endpoint: Endpoint, within: Mapping[str, Any], custom: Collection[str], origin: str
) -> tuple[tuple[str, str], ...]:
    """Filter names and values as they are sent, in a fixed order. `custom`: names of the type's custom fields.

    InputError for a filter that the server does not know, and for values that it would ignore.
    """
    known = endpoint.filters - PAGING
    found: list[tuple[str, str]] = []
    for name, value in sorted(within.items()):
        if name not in known and not _is_custom(name, custom):
            raise InputError(
                f"{origin}: NetBox has no filter {name!r} for {endpoint.type}; it would answer everything",
                nearest(name, [*known, *(f"{_CUSTOM}{one}" for one in custom)]),
            )
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        if not values:
            raise InputError(f"{origin}: the filter {name!r} has no value", "leave it out, or name a value")
        found += [(name, text) for text in _texts(values, f"{origin}: the filter {name!r}")]
    return tuple(found)


def _is_custom(name: str, custom: Collection[str]) -> bool:
    """`cf_NAME`, or one with a lookup: `cf_NAME__ic`. The document does not list them."""
    inner = name.removeprefix(_CUSTOM)
    return inner != name and (inner in custom or inner.rpartition("__")[0] in custom)


def _texts(values: list[Any], place: str) -> Iterator[str]:
    for value in values:
        if isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, (int, float)):
            yield str(value)
        elif isinstance(value, str) and value.strip() and value.isprintable() and len(value) <= _LONGEST_VALUE:
            yield value.strip()
        else:
            raise InputError(
                f"{place} has a value that NetBox would ignore",
                'name a text, a number, true or false; for "not set" write "null" in quotation marks',
            )
