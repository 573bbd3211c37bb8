"""What criteria want to read, merged into the fewest requests. Pure.

A question is a generator: it yields the reads that it wants, gets their rows back, perhaps yields more, and returns its
`Answer`. All questions advance together, round by round, so that what they want at the same time is asked for at once.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

Filters = tuple[tuple[str, tuple[str, ...]], ...]
"""Filter name and its values (any of them matches), sorted."""

KEYS_A_REQUEST: Final = 100
"""How many values of a key filter one request asks for: an address of 8 kB is too long for many servers."""


class Read(Struct, frozen=True):
    """Records of a type. Reads that differ only in the values of `keys` are answered together, by all their records."""

    type: str
    filters: Filters = ()
    keys: Filters = ()
    """Filters that take several values and find nothing for a value that no record has (`name`, `id`)."""
    fields: frozenset[str] = frozenset()

    @property
    def group(self) -> tuple[str, Filters, tuple[str, ...]]:
        """Equal for reads that can be merged."""
        return self.type, self.filters, tuple(name for name, _ in self.keys)


class Rows(Struct, frozen=True):
    """The records that were read: those asked for, and perhaps more (of other reads that were merged with it)."""

    rows: Sequence[Mapping[str, Any]] = ()
    whole: bool = False
    """Whether absence is proven: the token can see every record of the type."""
    why: str = ""
    """Why absence proves nothing; where it is proven, what the server says about it."""
    failed: str = ""
    """Why it could not be read at all; nothing follows then."""


class Unanswerable(Exception):
    """The question cannot be answered: `reason` says why. It is then unknown."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


Question = Generator[tuple[Read, ...], tuple[Rows, ...], Any]
"""Yields what it wants to read, is sent the rows in the same order, and returns its answer."""


def filters_of(written: Mapping[str, Any]) -> Filters:
    """Filters as written in a criterion: a value or a list of values each; true and false as NetBox takes them."""
    return tuple(sorted((name, tuple(map(_text, _listed(value)))) for name, value in written.items()))


def _listed(value: Any) -> Sequence[Any]:  # noqa: ANN401 -- JSON
    return value if isinstance(value, list | tuple) else [value]


def _text(value: Any) -> str:  # noqa: ANN401 -- JSON
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def read(*wanted: Read) -> Generator[tuple[Read, ...], tuple[Rows, ...], tuple[Rows, ...]]:
    """Ask for it all at once; raises Unanswerable when one could not be read. For use with `yield from`."""
    answered = yield wanted
    for rows in answered:
        if rows.failed:
            raise Unanswerable(rows.failed)
    return answered


def merged(reads: Sequence[Read]) -> tuple[Read, ...]:
    """The fewest reads, one request each, that answer all of these, in the order of their first ones."""
    groups: dict[tuple[str, Filters, tuple[str, ...]], list[Read]] = {}
    for one in reads:
        groups.setdefault(one.group, []).append(one)
    requests: list[Read] = []
    for (type_name, filters, names), together in groups.items():
        fields = frozenset({"id", "display"}).union(*(one.fields for one in together))
        every = [
            tuple(sorted({value for one in together for value in one.keys[place][1]})) for place in range(len(names))
        ]
        if not names:
            requests.append(Read(type_name, filters, fields=fields))
            continue
        for start in range(0, len(every[0]), KEYS_A_REQUEST):
            values = (every[0][start : start + KEYS_A_REQUEST], *every[1:])
            requests.append(Read(type_name, filters, tuple(zip(names, values, strict=True)), fields))
    return tuple(requests)


def covering(asked: Iterable[Read], wanted: Read) -> list[Read] | None:
    """Those of the requests that hold what is wanted between them; None when they do not hold all of it."""
    fitting = [one for one in asked if one.group == wanted.group and wanted.fields <= one.fields]
    if not wanted.keys:
        return fitting[:1] or None
    (_, first), *others = wanted.keys
    holding = [
        one
        for one in fitting
        if all(set(values) <= set(held) for (_, values), (_, held) in zip(others, one.keys[1:], strict=True))
        and not set(first).isdisjoint(one.keys[0][1])
    ]
    return holding if set(first) <= {value for one in holding for value in one.keys[0][1]} else None


def joined(parts: Sequence[Rows]) -> Rows:
    """Several answers that one read was spread over, as one; where one failed nothing follows."""
    failed = next((one.failed for one in parts if one.failed), "")
    why = next((one.why for one in parts if not one.whole), next((one.why for one in parts), ""))
    rows = {row.get("id"): row for one in parts for row in one.rows}
    return Rows(() if failed else tuple(rows.values()), all(one.whole for one in parts), why, failed)


class Rounds:
    """Questions driven together: what is `wanted` is handed to `answer`, until nothing is wanted any more."""

    def __init__(self, questions: Sequence[Question]) -> None:
        """Take the questions; each is driven to its first reads."""
        self._questions = questions
        self._waiting: dict[int, tuple[Read, ...]] = {}
        self.results: list[Any] = [None] * len(questions)
        """What each question returned; the reason as an Unanswerable where it raised that."""
        for number in range(len(questions)):
            self._advance(number, None)

    @property
    def wanted(self) -> tuple[Read, ...]:
        """What is waited for, each read once."""
        return tuple(dict.fromkeys(one for reads in self._waiting.values() for one in reads))

    def answer(self, rows: Mapping[Read, Rows]) -> None:
        """Hand over what was wanted."""
        for number, wanted in list(self._waiting.items()):
            del self._waiting[number]
            self._advance(number, tuple(rows[one] for one in wanted))

    def _advance(self, number: int, rows: tuple[Rows, ...] | None) -> None:
        question = self._questions[number]
        try:
            self._waiting[number] = next(question) if rows is None else question.send(rows)
        except StopIteration as end:
            self.results[number] = end.value
        except Unanswerable as reason:
            self.results[number] = reason
