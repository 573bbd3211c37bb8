"""What evidence knows of many records, held small: most of it is only ever compared as a whole.

A record of which nothing but the last values is known is kept as their spelling, and becomes a `Base` when it is asked
for. Whoever only wants to know whether these are the desired values compares spellings.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from infratrack.reconciliation.canonical import raw_spelling
from infratrack.reconciliation.records import Base, Fields

_BETWEEN: Final = b"\0"
"""Never part of JSON."""


class KnownRecords(Mapping[str, Base]):
    """Id → what was written last, of one type."""

    def __init__(self, bases: Iterable[Base] = ()) -> None:
        self._spelled: dict[str, bytes] = {}
        """Run, key and fields."""
        self._whole: dict[str, Base] = {}
        """Those of which more is known."""
        self._type = ""
        for base in bases:
            self._type = base.type
            spelling = _spelled(base)
            if spelling is None:
                self._whole[base.id] = base
            else:
                self._spelled[base.id] = spelling

    def __getitem__(self, record_id: str) -> Base:
        """What was written last; KeyError."""
        whole = self._whole.get(record_id)
        if whole is not None:
            return whole
        run, key, fields = self._spelled[record_id].split(_BETWEEN)
        return Base(self._type, record_id, _fields(key), _fields(fields), run=run.decode())

    def __iter__(self) -> Iterator[str]:
        """The ids."""
        yield from self._spelled
        yield from self._whole

    def __len__(self) -> int:
        """How many records are known."""
        return len(self._spelled) + len(self._whole)

    def __contains__(self, record_id: object) -> bool:
        """Whether a record is known."""
        return record_id in self._spelled or record_id in self._whole

    def holds_exactly(self, record_id: str, key: bytes, fields: bytes) -> bool:
        """Whether a key and fields, as `raw_spelling` spells them, are all that is known; quick, never wrongly yes."""
        known = self._spelled.get(record_id)
        return known is not None and known.endswith(_BETWEEN + key + _BETWEEN + fields)


def _spelled(base: Base) -> bytes | None:
    """A base in one piece; None where it holds more than key and fields, or what cannot be spelled so."""
    if base.intended or base.before or not base.owned:
        return None
    try:
        return _BETWEEN.join((base.run.encode(), raw_spelling(base.key), raw_spelling(base.fields)))
    except (UnicodeEncodeError, RecursionError):
        return None


def _fields(spelling: bytes) -> Fields:
    found: dict[str, Any] = msgspec.json.decode(spelling)
    return found
