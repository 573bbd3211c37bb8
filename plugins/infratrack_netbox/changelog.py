"""Changes in NetBox's change log that no evidence explains. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import structs

from infratrack.api import Change, ChangedThing, InputError, Instant, RecordedEvidence, format_instant, parse_instant
from infratrack_netbox.findings import line
from infratrack_netbox.id_spans import ids_in

OVERLAP: Final = 15 * 60 * 1_000_000
"""Microseconds that a look goes back before the end of the last: changes commit out of order, and clocks differ."""
CHANGE_FIELDS: Final = (
    "time", "user_name", "request_id", "action", "changed_object_type", "changed_object_id", "object_repr",
    "prechange_data", "postchange_data",
)  # fmt: skip
LARGEST_PART: Final = 8 << 20
"""Bytes of changes in one piece of evidence: a first look may find hundreds of thousands."""
BLIND_SPOTS: Final = (
    "changes made by direct SQL, by nbshell, or with the change log switched off leave no entry",
    "changes to records that no criterion matches and no sync has bound are not looked at",
)

_MEMBERS: Final = 30
_LONGEST_VALUE: Final = 200
_LONGEST_WHAT: Final = 300
_MASK: Final = "(masked)"
_SECRET: Final = re.compile(
    r"pass(word|phrase|wd)|secret|token|psk|private_?key|api_?key|credential|community", re.IGNORECASE
)
_NOISE: Final = frozenset({"created", "last_updated"})
_ACTIONS: Final = {"create": "created", "update": "updated", "delete": "deleted"}

_MOMENT: Final = len("2026-01-05T09:30")

Subjects = Mapping[tuple[str, str], frozenset[str]]
"""(type, id) of the records that count → the deliverables that rest on them."""


def recorded_requests(evidence: Iterable[RecordedEvidence]) -> dict[str, str]:
    """Request → digest of the evidence in which it stands."""
    found: dict[str, str] = {}
    for one in evidence:
        result = one.predicate.get("result")
        requests = result.get("requests") if isinstance(result, Mapping) else None
        for request in requests if isinstance(requests, list) else ():
            if isinstance(request, str):
                found.setdefault(request, one.digest)
    return found


def bound_records(evidence: Iterable[RecordedEvidence], identity: str) -> dict[tuple[str, str], frozenset[str]]:
    """Records that syncs with this NetBox wrote or bound → the deliverables that those runs were linked to."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for one in evidence:
        result = _mapping(one.predicate.get("result"))
        if result.get("identity") != identity:
            continue
        linked = _mapping(one.predicate.get("links")).get("deliverables")
        deliverables = (
            frozenset(name for name in linked if isinstance(name, str)) if isinstance(linked, list) else frozenset()
        )
        for record in _mappings(result.get("records")):
            for part in (record, *_mappings(record.get("children"))):
                if isinstance(part.get("type"), str) and isinstance(part.get("id"), str | int):
                    subject = part["type"], str(part["id"])
                    found[subject] = found.get(subject, frozenset()) | deliverables
    return found


def seen_records(
    evidence: Iterable[RecordedEvidence], identity: str, deliverables: Mapping[str, frozenset[str]]
) -> dict[tuple[str, str], frozenset[str]]:
    """Records that earlier looks found → the deliverables that asked (`deliverables`: by the question's digest)."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for one in evidence:
        result = _mapping(one.predicate.get("result"))
        if result.get("identity") != identity:
            continue
        for answer in _mappings(result.get("answers")):
            asking = deliverables.get(str(answer.get("question")))
            for subject in _rested_on(answer) if asking is not None else ():
                found[subject] = found.get(subject, frozenset()) | (asking or frozenset())
    return found


def _rested_on(answer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(type, id) of the records that an answer names, each by itself or among many."""
    yield from ((str(record.get("type")), str(record.get("id"))) for record in _mappings(answer.get("records")))
    for type_name, ids in _mapping(answer.get("ids")).items():
        yield from ((str(type_name), id_) for id_ in ids_in(ids))


def unrecorded(
    rows: Iterable[Mapping[str, Any]],
    subjects: Subjects,
    recorded: Mapping[str, str],
    earlier: Mapping[str, Change],
) -> list[Change]:
    """The changes to the subjects that no evidence explains, and those of which `earlier` looks said otherwise.

    Evidence comes late, and it stops counting when its key is no longer trusted. In the order in which they were made.
    """
    found: dict[str, Change] = {}
    for row in rows:
        subject = str(row.get("changed_object_type")), str(row.get("changed_object_id"))
        if subject in subjects and str(row.get("request_id")) not in recorded:
            change = _change(row, subjects[subject])
            found[change.id] = change
    for name, change in earlier.items():
        digest = recorded.get(change.request or "")
        if (digest is not None) != change.recorded:
            found[name] = structs.replace(change, recorded=digest is not None, evidence=digest)
    return sorted(found.values(), key=lambda one: (one.at or 0, one.id))


def parts(changes: Sequence[Change]) -> list[list[Change]]:
    """The changes in parts of which each fits into a piece of evidence; one empty part where there is none."""
    found: list[list[Change]] = [[]]
    size = 0
    for change in changes:
        length = len(msgspec.json.encode(change))
        if found[-1] and size + length > LARGEST_PART:
            found.append([])
            size = 0
        found[-1].append(change)
        size += length
    return found


def _change(row: Mapping[str, Any], deliverables: frozenset[str]) -> Change:
    before, after = differing(row.get("prechange_data"), row.get("postchange_data"))
    action = _mapping(row.get("action")).get("value")
    type_name = str(row.get("changed_object_type"))
    name = line(row.get("object_repr"), 120)
    names = sorted({*(before or {}), *(after or {})}) if action == "update" else []
    fields = f": {', '.join(names)}" if names else ""
    return Change(
        id=str(row.get("id")),
        at=instant_of(row.get("time")),
        by=line(row.get("user_name"), 100) or None,
        what=line(f"{_ACTIONS.get(str(action), 'changed')} {type_name} {name}{fields}", _LONGEST_WHAT),
        subject=ChangedThing(type_name, str(row.get("changed_object_id")), name),
        action=line(action, 20),
        before=before,
        after=after,
        request=line(row.get("request_id"), 60) or None,
        deliverables=tuple(sorted(deliverables)),
    )


def reach(since: Instant | None, oldest: object) -> tuple[Instant | None, str]:
    """Since when the look really sees the log, given its oldest entry's time, and what that means for people."""
    begins = instant_of(oldest)
    if begins is None:
        return since, "the change log is empty, as far as this token sees: what was before is not seen"
    told = f"{format_instant(begins)[:_MOMENT].replace('T', ' ')} UTC"
    before = f"the change log begins {told}: what was before, or has been removed from it, is not seen"
    return (begins if since is None else max(since, begins)), before


def seen_until(newest: object, at: Instant) -> Instant:
    """Up to when a look that began `at` sees the log: its newest entry's time, as the server's clock may be another."""
    ends = instant_of(newest)
    return at if ends is None else min(at, ends)


def instant_of(text: object) -> Instant | None:
    """The server's time as an instant; None where it is none."""
    try:
        return parse_instant(text) if isinstance(text, str) else None
    except InputError:
        return None


def differing(before: object, after: object) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Only what differs, cut short; what looks like a secret is masked. None where there was, or is, no record.

    Of a record that came or went only what it says is kept, and not what NetBox counts by itself.
    """
    old, new = _flat(_mapping(before)), _flat(_mapping(after))
    names = [name for name in sorted({*old, *new}) if _differs(str(name), old, new)][:_MEMBERS]
    return (
        {line(name, 80): _kept(str(name), old[name]) for name in names if name in old} if old else None,
        {line(name, 80): _kept(str(name), new[name]) for name in names if name in new} if new else None,
    )


def _flat(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """With each custom field as a field of its own: people ask which one it was."""
    custom = record.get("custom_fields")
    if not isinstance(custom, Mapping):
        return record
    others = {name: value for name, value in record.items() if name != "custom_fields"}
    return {**others, **{f"custom_fields.{name}": value for name, value in custom.items()}}


def _differs(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    if name in _NOISE or name.endswith("_count"):
        return False
    if old and new:
        return (name in old, old.get(name)) != (name in new, new.get(name))
    return (old or new)[name] not in (None, "", [], {})


def _kept(name: str, value: object, depth: int = 3) -> Any:  # noqa: ANN401 -- JSON
    if _SECRET.search(name):
        return _MASK if value not in (None, "") else value
    if isinstance(value, str):
        return line(value, _LONGEST_VALUE)
    if isinstance(value, Mapping):
        items = list(value.items())[:_MEMBERS] if depth else []
        return {line(key, 80): _kept(str(key), part, depth - 1) for key, part in items}
    if isinstance(value, list):
        return [_kept("", part, depth - 1) for part in value[:_MEMBERS]] if depth else []
    return value


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _mappings(value: object) -> Sequence[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list | tuple) else []
