"""Changes that no evidence explains: how observers write them down, and how that is read as words. Pure.

Every observer that looks for such changes (in a CMDB's change log, along a chain of states, on a branch) leaves its
evidence in the same shape. A change is named by an id that stays the same however often it is seen, so that the newest
word about it counts: evidence that arrives late turns an unrecorded change into a recorded one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack.errors import InputError
from infratrack.progress.criterion import Word
from infratrack.values import Instant, format_instant, parse_instant

UNRECORDED: Final = "unrecorded"
"""The kind of the words; the scope is where the change was seen, the name is the change's id."""
LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 300
MOST_DELIVERABLES: Final = 20

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", re.ASCII)
_DIGEST: Final = "^sha256:[0-9a-f]{64}$"
_TEXT: Final = {"type": "string"}
_MAYBE_TEXT: Final = {"type": ["string", "null"]}
_MAYBE_INSTANT: Final = {"type": ["string", "null"], "pattern": f"^{_INSTANT.pattern}$"}

_CHANGE_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "id": {**_TEXT, "maxLength": LONGEST_NAME, "description": "The same however often the change is seen."},
        "at": {**_MAYBE_INSTANT, "description": "When, or by when; null: not known."},
        "by": {**_MAYBE_TEXT, "description": "Who, as the source says; null: not known."},
        "what": {"description": "What happened, in a sentence for people.", "type": "string"},
        "subject": {
            "description": "What was changed.",
            "type": "object",
            "properties": {"type": _TEXT, "id": _TEXT, "name": _TEXT},
            "required": ["type", "id", "name"],
            "additionalProperties": False,
        },
        "action": {"description": "create, update, delete, or the source's own word.", "type": "string"},
        "before": {"description": "As it was, as far as known; null: nothing, or not known."},
        "after": {"description": "As it became, likewise."},
        "request": {**_MAYBE_TEXT, "description": "The source's id of the request that made it."},
        "deliverables": {"description": "Ids of the deliverables that it concerns.", "type": "array", "items": _TEXT},
        "recorded": {"description": "Whether evidence explains it.", "type": "boolean"},
        "evidence": {"type": ["string", "null"], "pattern": _DIGEST, "description": "Digest of that evidence."},
    },
    "required": [
        "id", "at", "by", "what", "subject", "action", "before", "after", "request", "deliverables", "recorded",
        "evidence",
    ],
    "additionalProperties": False,
}  # fmt: skip


class ChangedThing(Struct, frozen=True):
    """What was changed: its type, its id in the source, and its name for people."""

    type: str
    id: str
    name: str


class Change(Struct, frozen=True):
    """One change, as an observer found it. `before` and `after` are JSON values, shown member by member."""

    id: str
    at: Instant | None
    by: str | None
    what: str
    subject: ChangedThing
    action: str
    before: Any = None
    after: Any = None
    request: str | None = None
    deliverables: tuple[str, ...] = ()
    recorded: bool = False
    evidence: str | None = None


def changes_result(  # noqa: PLR0913 -- the members of the result, all by keyword
    changes: Iterable[Change],
    *,
    source: str,
    since: Instant | None,
    until: Instant | None,
    complete: bool = True,
    blind_spots: Sequence[str] = (),
) -> dict[str, Any]:
    """The `result` of the evidence: what was looked through, from when to when, what was found, what was not seen."""
    return {
        "source": source,
        "since": None if since is None else format_instant(since),
        "until": None if until is None else format_instant(until),
        "complete": complete,
        "blindSpots": list(blind_spots),
        "changes": [
            {
                "id": one.id,
                "at": None if one.at is None else format_instant(one.at),
                "by": one.by,
                "what": one.what,
                "subject": {"type": one.subject.type, "id": one.subject.id, "name": one.subject.name},
                "action": one.action,
                "before": one.before,
                "after": one.after,
                "request": one.request,
                "deliverables": list(one.deliverables),
                "recorded": one.recorded,
                "evidence": one.evidence,
            }
            for one in changes
        ],
    }


class UnrecordedEvidence:
    """A kind of evidence that names changes; `what` says whose, for people: `changes to NetBox records`."""

    def __init__(self, predicate_type: str, what: str) -> None:
        self._predicate_type = predicate_type
        self._what = what

    @property
    def predicate_type(self) -> str:
        """The URN."""
        return self._predicate_type

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of the result."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": self._predicate_type.replace(":evidence:", ":schema:evidence:", 1),
            "title": self._what[:1].upper() + self._what[1:],
            "description": f"A look for {self._what} that no evidence explains, and what such a look cannot see.",
            "type": "object",
            "properties": {
                "source": {"description": "What was looked through, without credentials.", "type": "string"},
                "since": {**_MAYBE_INSTANT, "description": "From when on; null: from the beginning."},
                "until": {**_MAYBE_INSTANT, "description": "Up to when; null: so that the next look begins anew."},
                "complete": {"description": "false: part of it could not be seen.", "type": "boolean"},
                "blindSpots": {"description": "What cannot be seen, a sentence each.", "type": "array", "items": _TEXT},
                "changes": {"type": "array", "items": _CHANGE_SCHEMA},
            },
            "required": ["source", "since", "until", "complete", "blindSpots", "changes"],
            "additionalProperties": False,
            "examples": [_EXAMPLE],
        }

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """One word a change: whether it is recorded; if not, also when, by whom, what, and whom it concerns."""
        result = predicate.get("result")
        if not isinstance(result, Mapping):
            return []
        scope = line(result.get("source"), LONGEST_NAME)
        return [Word(UNRECORDED, scope, name, _value(one)) for name, one in _named(result)]

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`netbox http://netbox.example: 2 unrecorded changes, 5 recorded since 2026-01-05`."""
        result = predicate.get("result")
        result = result if isinstance(result, Mapping) else {}
        found = dict(_named(result)).values()
        open_ = sum(1 for one in found if one.get("recorded") is not True)
        parts = [f"{open_ or 'no'} unrecorded {'change' if open_ == 1 else 'changes'}"]
        if len(found) > open_:
            parts.append(f"{len(found) - open_} recorded")
        since = result.get("since")
        after = f" since {since[:10]}" if isinstance(since, str) and _INSTANT.fullmatch(since) else ""
        partial = "" if result.get("complete") is True else " (not everything could be seen)"
        return f"{line(result.get('source'), LONGEST_NAME) or self._what}: {', '.join(parts)}{after}{partial}"


def last_look(predicates: Iterable[Mapping[str, Any]], source: str, *, incomplete_too: bool = False) -> Instant | None:
    """Up to where looks through the source (oldest first) have seen everything; None without any.

    A look that began after that left a gap and does not count, so that the next one closes it. Looks that are not
    complete count where whoever looks now would see no more.
    """
    reached: Instant | None = None
    for one in _results(predicates, source):
        since, until = _instant(one.get("since")), _instant(one.get("until"))
        if until is None or not (incomplete_too or one.get("complete") is True):
            continue
        if reached is None or since is None or since <= reached:
            reached = until if reached is None else max(reached, until)
    return reached


def still_unrecorded(predicates: Iterable[Mapping[str, Any]], source: str) -> dict[str, Change]:
    """By id, the changes of the source that earlier evidence (oldest first) calls unrecorded, as it was seen last."""
    return {name: one for name, one in seen_last(predicates, source).items() if not one.recorded}


def seen_last(predicates: Iterable[Mapping[str, Any]], source: str) -> dict[str, Change]:
    """By id, every change of the source that earlier evidence (oldest first) names, as it was seen last."""
    found: dict[str, Change] = {}
    for result in _results(predicates, source):
        for name, one in _named(result):
            found.pop(name, None)
            found[name] = _change(name, one)
    return found


def _results(predicates: Iterable[Mapping[str, Any]], source: str) -> Iterator[Mapping[str, Any]]:
    results = (predicate.get("result") for predicate in predicates)
    return (result for result in results if isinstance(result, Mapping) and result.get("source") == source)


def unrecorded_in(result: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The changes in a result that no evidence explains, as they stand there."""
    return [one for _, one in _named(result) if one.get("recorded") is not True]


def line(value: object, longest: int) -> str:
    """A text on one line that can be shown and kept, cut short; empty for what is no text."""
    if not isinstance(value, str):
        return ""
    shown = "".join(one if one.isprintable() else " " for one in value[: longest * 4])
    text = " ".join(shown.split())
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _named(result: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The changes that have an id, each with it."""
    listed = result.get("changes")
    for one in listed if isinstance(listed, list | tuple) else ():
        name = line(one.get("id"), LONGEST_NAME) if isinstance(one, Mapping) else ""
        if name:
            yield name, one


def _value(one: Mapping[str, Any]) -> dict[str, Any]:
    # Of a recorded change no more is said than that: values are kept once each, so these should be few.
    if one.get("recorded") is True:
        return {"recorded": True}
    at = _instant(one.get("at"))
    return {
        "recorded": False,
        "at": None if at is None else format_instant(at),
        "by": line(one.get("by"), LONGEST_NAME) or None,
        "what": line(one.get("what"), LONGEST_TEXT),
        "deliverables": list(_deliverables(one)),
    }


def _change(name: str, one: Mapping[str, Any]) -> Change:
    subject = one.get("subject")
    subject = subject if isinstance(subject, Mapping) else {}
    return Change(
        id=name,
        at=_instant(one.get("at")),
        by=line(one.get("by"), LONGEST_NAME) or None,
        what=line(one.get("what"), LONGEST_TEXT),
        subject=ChangedThing(*(line(subject.get(key), LONGEST_NAME) for key in ("type", "id", "name"))),
        action=line(one.get("action"), LONGEST_NAME),
        before=one.get("before"),
        after=one.get("after"),
        request=line(one.get("request"), LONGEST_NAME) or None,
        deliverables=_deliverables(one),
        recorded=one.get("recorded") is True,
    )


def _deliverables(one: Mapping[str, Any]) -> tuple[str, ...]:
    listed = one.get("deliverables")
    names = (line(name, LONGEST_NAME) for name in listed) if isinstance(listed, list | tuple) else ()
    return tuple(dict.fromkeys(name for name in names if name))[:MOST_DELIVERABLES]


def _instant(value: object) -> Instant | None:
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        return None
    try:
        return parse_instant(value)
    except InputError:
        return None


_EXAMPLE: Final = changes_result(
    [
        Change(
            id="4711",
            at=Instant(1_767_603_600_000_000),
            by="admin",
            what="updated device core-1: status",
            subject=ChangedThing("dcim.device", "12", "core-1"),
            action="update",
            before={"status": "active"},
            after={"status": "offline"},
            request="5a1e6ab2-92f2-4e3c-a9e2-0d6a9bd4e6a1",
            deliverables=("core-switches",),
        )
    ],
    source="netbox http://netbox.example",
    since=Instant(1_767_520_800_000_000),
    until=Instant(1_767_607_200_000_000),
    blind_spots=("changes made by direct SQL leave no trace in the change log",),
)
