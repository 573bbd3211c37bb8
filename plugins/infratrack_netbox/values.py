"""Values in one spelling, whichever side they come from. Pure.

The desired side is read strictly: what cannot be meant is told (`BadValue`). The live side is hostile and read
leniently: what has no canonical form stays as it is, and so differs from everything desired.
"""

from __future__ import annotations

import ipaddress
import math
import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

import msgspec

from infratrack.api import InputError, format_instant, parse_instant
from infratrack_netbox.server_schema import FieldSchema, nearest

_LARGEST_INTEGER: Final = 2**63 - 1
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,30}(\.[0-9]{1,30})?")
_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0"})
_HEXADECIMAL: Final = re.compile(r"[0-9A-Fa-f]+")
_SEPARATORS: Final = str.maketrans("", "", ":-. ")


class BadValue(ValueError):
    """A desired value that the field cannot hold."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def canonical(field: FieldSchema, place: str, value: object) -> Any:  # noqa: ANN401 -- any JSON value
    """A desired value of a field that is no reference, in its one spelling. `place`: `ipam.ipaddress.address`."""
    return _BY_KIND.get(field.kind, _as_json)(field, place, value)


def lenient(field: FieldSchema, place: str, value: object) -> Any:  # noqa: ANN401 -- likewise
    """A live value in the same spelling; what the field cannot hold is left as it is."""
    inner = unwrapped(value)
    if field.kind == "choice":
        return None if inner == "" else inner
    try:
        return canonical(field, place, inner)
    except BadValue:
        return inner


def unwrapped(value: object) -> Any:  # noqa: ANN401 -- likewise
    """`{"value": "active", "label": "Active"}` is the value; anything else is itself."""
    if isinstance(value, dict) and "value" in value and value.keys() <= {"value", "label"}:
        return value["value"]
    return value


def in_order(items: list[Any]) -> list[Any]:
    """Items of a set in one order, each once."""
    unique = {msgspec.json.encode(item, order="sorted"): item for item in items}
    return [unique[key] for key in sorted(unique)]


def _as_text(field: FieldSchema, place: str, value: object) -> str | None:
    if value is None:
        return None if field.nullable else ""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise BadValue(f"{_said(value)} is no text", "put it into quotation marks")
    if "\0" in value:
        raise BadValue("a text holds a NUL character", "take it out")
    text = value.strip()  # as the server does
    if not text:
        return None if field.nullable else ""
    return _spelled(place, text)


def _spelled(place: str, text: str) -> str:
    form = _FORMS.get(place) or (_lower if place.endswith(".color") else None)
    return form(text) if form else text


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_interface(text))
    except ValueError as error:
        raise BadValue(f"{_said(text)} is no IP address", "write it like 192.0.2.1/24 or 2001:db8::1/64") from error


def _prefix(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise BadValue(f"{_said(text)} is no prefix", "write it like 192.0.2.0/24 or 2001:db8::/64") from error


def _mac(text: str) -> str:
    return _octets(text, 6, "MAC address")


def _wwn(text: str) -> str:
    return _octets(text, 8, "WWN")


def _octets(text: str, number: int, name: str) -> str:
    digits = text.translate(_SEPARATORS)
    if len(digits) != 2 * number or not _HEXADECIMAL.fullmatch(digits):
        raise BadValue(f"{_said(text)} is no {name}", f"write {number} octets like {':'.join(['AA'] * number)}")
    digits = digits.upper()
    return ":".join(digits[place : place + 2] for place in range(0, len(digits), 2))


def _lower(text: str) -> str:
    return text.lower()


_FORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "ipam.ipaddress.address": _address,
    "ipam.iprange.start_address": _address,
    "ipam.iprange.end_address": _address,
    "ipam.prefix.prefix": _prefix,
    "ipam.aggregate.prefix": _prefix,
    "dcim.macaddress.mac_address": _mac,
    "dcim.interface.mac_address": _mac,
    "virtualization.vminterface.mac_address": _mac,
    "dcim.interface.wwn": _wwn,
    "ipam.ipaddress.dns_name": _lower,
}


def _as_integer(_field: FieldSchema, _place: str, value: object) -> int | None:
    number = _as_number(_field, _place, value)
    if isinstance(number, float):
        raise BadValue(f"{_said(value)} is no whole number", "write it like 42")
    return number


def _as_number(_field: FieldSchema, _place: str, value: object) -> int | float | None:
    """A number; whole ones as integers, so that 10, 10.0 and "10.00" are one value."""
    if value is None or value == "":
        return None
    number: int | float | None = None
    if isinstance(value, str):
        text = value.strip()
        if _INTEGER.fullmatch(text):
            number = int(text)
        elif _NUMBER.fullmatch(text):
            number = float(text)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        number = value
    if number is None or not math.isfinite(number) or abs(number) > _LARGEST_INTEGER:
        raise BadValue(f"{_said(value)} is no number", "write it like 42 or 10.5")
    return int(number) if number == int(number) else number


def _as_boolean(_field: FieldSchema, _place: str, value: object) -> bool | None:
    if value is None or isinstance(value, bool):
        return value
    text = str(value).strip().lower() if isinstance(value, (str, int)) else ""
    if text in _YES or text in _NO:
        return text in _YES
    raise BadValue(f"{_said(value)} is neither true nor false", "write true or false")


def _as_choice(field: FieldSchema, place: str, value: object) -> str | int | None:
    """The value of a choice, which may also be given by its label."""
    if value is None or value == "":
        return None
    if not isinstance(value, (str, int)) or isinstance(value, bool):
        raise BadValue(f"{_said(value)} is no choice", "write the value as text")
    text = str(value).strip()
    by_text = {str(choice): choice for choice in field.choices}
    if text in by_text or not by_text:
        return by_text.get(text, value)
    by_label = {label.casefold(): choice for label, choice in field.labels.items()}
    found = by_label.get(text.casefold(), by_text.get(text.casefold()))
    if found is None:
        raise BadValue(f"{_said(value)} is no choice", nearest(text, by_text))
    return found


def _as_date(_field: FieldSchema, _place: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    try:
        return date.fromisoformat(str(value).strip()).isoformat()
    except ValueError as error:
        raise BadValue(f"{_said(value)} is no date", "write it like 2026-01-05") from error


def _as_datetime(_field: FieldSchema, _place: str, value: object) -> str | None:
    if value is None or value == "":
        return None
    try:
        return format_instant(parse_instant(str(value).strip()))
    except InputError as error:
        raise BadValue(error.message, error.hint) from error


def _as_tags(_field: FieldSchema, _place: str, value: object) -> list[str]:
    """Slugs; a tag may be written as its slug or as `{slug: …}`, which is also how the server shows it."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadValue(f"{_said(value)} is no list of tags", "write slugs in brackets: [leaf, core]")
    slugs = [item.get("slug") if isinstance(item, dict) else item for item in value]
    for slug, item in zip(slugs, value, strict=True):
        if not isinstance(slug, str) or not slug.strip():
            raise BadValue(f"{_said(item)} names no tag", "write its slug")
    return sorted({str(slug).strip() for slug in slugs})


def _as_list(_field: FieldSchema, _place: str, value: object) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise BadValue(f"{_said(value)} is no list", "write it in brackets")
    return in_order([_one_spelling(unwrapped(item)) for item in value])


def _as_json(_field: FieldSchema, _place: str, value: object) -> Any:  # noqa: ANN401 -- any JSON value
    return _one_spelling(value)


def _one_spelling(value: object) -> Any:  # noqa: ANN401 -- likewise
    """Whole numbers as integers, at any depth."""
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and value == int(value) else value
    if isinstance(value, dict):
        return {str(name): _one_spelling(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_one_spelling(item) for item in value]
    return value


def _said(value: object) -> str:
    """A value in a message: short, on one line."""
    return f"{str(value)[:60]!r}"


_BY_KIND: Final[Mapping[str, Callable[[FieldSchema, str, object], Any]]] = {
    "text": _as_text,
    "integer": _as_integer,
    "number": _as_number,
    "boolean": _as_boolean,
    "choice": _as_choice,
    "date": _as_date,
    "datetime": _as_datetime,
    "tags": _as_tags,
    "list": _as_list,
}
