"""What is found out about a question: yes, no or unknown, with what it rests on. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from infratrack_netbox.reads import Rows, Unanswerable

_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", re.ASCII)

Said = Literal["yes", "no", "unknown"]
FAILING_TOLD: Final = 3
_LONGEST_NOTE: Final = 400
_LONGEST_NAME: Final = 120
_LONGEST_VALUE: Final = 200


class Failing(Struct, frozen=True):
    """A record that does not say what it should, and why, in a few words."""

    id: str
    name: str
    why: str


class Finding(Struct, frozen=True):
    """The answer to one question; `note` is a sentence for people."""

    said: Said
    note: str
    found: int = 0
    agreeing: int = 0
    failing: tuple[Failing, ...] = ()
    records: tuple[tuple[str, str, str], ...] = ()
    """(type, id, name) of the records that it rests on."""
    evidence: tuple[tuple[str, str], ...] = ()
    """(the server's id of a request, the digest of the evidence in which it stands)."""


def line(text: object, longest: int = _LONGEST_NOTE) -> str:
    """A text from elsewhere as one printable line of bounded length."""
    spaced = " ".join(str(text).split())
    plain = "".join(character if character.isprintable() else "�" for character in spaced)
    return plain if len(plain) <= longest else plain[: longest - 1] + "…"


def shown(value: Any) -> str:  # noqa: ANN401 -- JSON
    """A value for people, cut short."""
    if value is None:
        return "not set"
    if isinstance(value, Mapping):
        text = ", ".join(f"{name} {shown(part)}" for name, part in value.items())
    elif isinstance(value, list | tuple):
        text = f"[{', '.join(map(shown, value))}]"
    else:
        text = str(value).lower() if isinstance(value, bool) else str(value)
    return line(text, _LONGEST_VALUE) or "empty"


def name_of(row: Mapping[str, Any]) -> str:
    """A record's name for people: as NetBox displays it."""
    return line(row.get("display") or row.get("name") or f"#{row.get('id')}", _LONGEST_NAME)


def id_of(row: Mapping[str, Any]) -> str:
    """A record's id as text."""
    return str(row.get("id"))


def record_of(type_name: str, row: Mapping[str, Any]) -> tuple[str, str, str]:
    """What evidence keeps of a record that a finding rests on."""
    return type_name, id_of(row), name_of(row)


def records(number: int) -> str:
    """So many records, for people."""
    return "1 record" if number == 1 else f"{number} records"


def not_there(rows: Rows, note: str, **facts: Any) -> Finding:  # noqa: ANN401 -- a Finding's other members
    """No, because something is not there: only where the token would see it, otherwise unknown."""
    if rows.whole:
        return Finding("no", line(f"{note}: {rows.why}" if rows.why else note), **facts)
    return Finding("unknown", line(f"{note} that the token can see, but {rows.why}"), **facts)


def there_may_be_more(rows: Rows, **facts: Any) -> Finding:  # noqa: ANN401 -- a Finding's other members
    """Unknown, because records that the token cannot see would count too."""
    return Finding("unknown", line(f"{records(len(rows.rows))} found, but there may be more: {rows.why}"), **facts)


def the_one(rows: Rows, matching: Sequence[Mapping[str, Any]], what: str) -> Mapping[str, Any] | Finding:
    """The only record that matches; a finding when there is none. Raises Unanswerable when there are several."""
    if len(matching) > 1:
        raise Unanswerable(f"{len(matching)} records are {what}: say more about which one is meant, such as its site")
    return matching[0] if matching else not_there(rows, f"there is no {what}")


def told(failing: Sequence[Failing]) -> str:
    """`leaf-1: status is planned; leaf-2: … and 3 more`."""
    text = "; ".join(f"{one.name}: {one.why}" for one in failing[:FAILING_TOLD])
    more = len(failing) - FAILING_TOLD
    return line(f"{text} and {more} more" if more > 0 else text)


def moment(time: object) -> str:
    """A time as the server writes it, for people: `2026-01-05 09:30 UTC`."""
    text = line(time, 40)
    return f"{text[:10]} {text[11:16]} UTC" if _TIME.fullmatch(text) else f"at {text}"


def disagreeing(failing: Sequence[Failing], found: int) -> str:
    """`1 of 4 records disagrees: leaf-1: status is planned`."""
    verb = "disagrees" if len(failing) == 1 else "disagree"
    return line(f"{len(failing)} of {records(found)} {verb}: {told(failing)}")


def member(value: Any, *names: str) -> Any:  # noqa: ANN401 -- JSON
    """A value deep in objects; None where one of them is not there or is no object."""
    for name in names:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def objects(value: Any) -> list[Mapping[str, Any]]:  # noqa: ANN401 -- JSON
    """The objects in a list; empty where there is no list."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []
