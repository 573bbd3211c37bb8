"""Cells and values: what stands in a spreadsheet is text, an empty cell is null, a list is items in one cell. Pure."""

from __future__ import annotations

import math
from typing import Any

from infratrack.api import InputError
from infratrack_csv.table import CELL_AT_MOST


def canonical(value: Any, place: str, separator: str) -> str | list[str] | None:  # noqa: ANN401 -- any JSON value
    """A desired value as cells hold it: text, a sorted list of texts, or None for an empty cell.

    InputError names the place of what no cell can hold.
    """
    if isinstance(value, (list, tuple)):
        texts = sorted({text for item in value if (text := _text(_scalar(item), place))})
        for text in texts:
            if separator in text:
                raise InputError(
                    f"{place}: the item {text!r} holds {separator!r}, which stands between items",
                    "set another `item_separator`",
                )
        return texts
    return _text(_scalar(value), place)


def from_cell(cell: str, separator: str, *, is_list: bool) -> str | list[str] | None:
    """What a cell says, in the same form."""
    if is_list:
        return sorted({item.strip() for item in cell.split(separator)} - {""})
    return cell.strip() or None


def to_cell(value: str | list[str] | None, separator: str) -> str:
    """The text of a cell for a canonical value."""
    return separator.join(value) if isinstance(value, list) else value or ""


def _scalar(value: Any) -> Any:  # noqa: ANN401 -- any JSON value
    return "" if isinstance(value, (dict, list, tuple)) and not value else value


def _text(value: Any, place: str) -> str | None:  # noqa: ANN401 -- any JSON value
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InputError(f"{place}: {value} is no number that a cell can hold", "use a finite number")
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str):
        raise InputError(f"{place}: a cell holds text, not a mapping", "write one value, such as `{site.slug}`")
    text = value.strip()
    if len(text) > CELL_AT_MOST or "\0" in text:
        raise InputError(f"{place}: a cell of {len(text)} characters cannot be kept", "shorten the value")
    return text or None
