"""Questions about the records within a filter: what they say, and who changed them last. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from infratrack_netbox.agreement import Agreement
from infratrack_netbox.findings import (
    Failing,
    Finding,
    disagreeing,
    id_of,
    line,
    moment,
    name_of,
    not_there,
    objects,
    record_of,
    records,
    shown,
    there_may_be_more,
    told,
)
from infratrack_netbox.hosts import canaries, proven
from infratrack_netbox.reads import Question, Read, Rows, filters_of, read

CHANGE: Final = "core.objectchange"


def record(parameters: Mapping[str, Any], agreement: Agreement) -> Question:
    """`netbox.record`: how many are there, and what do they say?"""
    type_name: str = parameters["type"]
    wanted: Mapping[str, Any] = parameters.get("fields", {})
    fields = agreement.shown(type_name, [*wanted, *(["tags"] if "tags" in parameters else [])])
    asked = Read(type_name, filters_of(parameters.get("filter", {})), fields=fields)
    rows, *canary = yield from read(asked, *canaries(type_name, parameters))
    rows = proven(rows, canary)
    failing = [
        Failing(id_of(row), name_of(row), "; ".join(why))
        for row in rows.rows
        if (why := [*said_otherwise(agreement.differ(type_name, wanted, row)), *_tags_missing(parameters, row)])
    ]
    return _counted(parameters, rows, failing)


def said_otherwise(different: Sequence[tuple[str, Any]]) -> list[str]:
    """`status is planned`, a text for each field."""
    return [f"{line(name, 80)} is {shown(value)}" for name, value in different]


def _tags_missing(parameters: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
    carried = {one.get("slug") for one in objects(row.get("tags"))}
    missing = [tag for tag in parameters.get("tags", ()) if tag not in carried]
    return [f"it does not carry the tag {', '.join(missing)}"] if missing else []


def _counted(parameters: Mapping[str, Any], rows: Rows, failing: Sequence[Failing]) -> Finding:
    found, count = len(rows.rows), parameters.get("count")
    least = count if count is not None else parameters.get("min", 1)
    facts: dict[str, Any] = {
        "found": found,
        "agreeing": found - len(failing),
        "failing": tuple(failing),
        "records": tuple(record_of(parameters["type"], row) for row in rows.rows),
    }
    if failing:
        return Finding("no", disagreeing(failing, found), **facts)
    if count is not None and found > count:
        return Finding("no", f"{records(found)} found where {count} should be", **facts)
    if found < least:
        wanted = f"{'' if count is not None else 'at least '}{least} should be"
        note = f"only {records(found)} found where {wanted}" if found else f"there is no such record where {wanted}"
        return not_there(rows, note, **facts)
    if count is not None and not rows.whole:
        return there_may_be_more(rows, **facts)
    agree = " and all agree" if parameters.get("fields") or "tags" in parameters else ""
    return Finding("yes", f"{records(found)} found{agree}", **facts)


def changed_by_run(parameters: Mapping[str, Any], recorded: Mapping[str, str]) -> Question:
    """`netbox.changed_by_run`: is each record's last change in evidence? `recorded`: request → digest."""
    type_name: str = parameters["type"]
    asked = Read(type_name, filters_of(parameters["filter"]))
    rows, *canary = yield from read(asked, *canaries(type_name, parameters))
    rows = proven(rows, canary)
    if not rows.rows:
        return not_there(rows, "there is no such record")
    changes_read = Read(
        CHANGE,
        (("changed_object_type", (type_name,)),),
        (("changed_object_id", tuple(sorted(map(id_of, rows.rows)))),),
        frozenset({"time", "user_name", "request_id", "changed_object_id"}),
    )
    (changes,) = yield from read(changes_read)
    return _by_runs(type_name, rows, changes, recorded)


def _by_runs(type_name: str, rows: Rows, changes: Rows, recorded: Mapping[str, str]) -> Finding:
    last = last_by_object(changes.rows)
    failing: list[Failing] = []
    unknown: list[Failing] = []
    joined: dict[str, str] = {}
    for row in rows.rows:
        change = last.get(id_of(row))
        if change is None:
            unknown.append(Failing(id_of(row), name_of(row), "no change of it is in the change log"))
        elif (request := str(change.get("request_id"))) in recorded:
            joined[request] = recorded[request]
        else:
            who, when = line(change.get("user_name"), 60), moment(change.get("time"))
            why = f"last changed by {who} {when}, which no evidence explains"
            failing.append(Failing(id_of(row), name_of(row), why))
    facts: dict[str, Any] = {
        "found": len(rows.rows),
        "agreeing": len(rows.rows) - len(failing) - len(unknown),
        "failing": (*failing, *unknown),
        "records": tuple(record_of(type_name, row) for row in rows.rows),
        "evidence": tuple(joined.items()),
    }
    if not changes.whole:
        return Finding("unknown", line(f"the change log may say more than the token can see: {changes.why}"), **facts)
    if failing:
        return Finding("no", told(failing), **facts)
    if unknown:
        return Finding("unknown", told(unknown), **facts)
    if not rows.whole:
        return there_may_be_more(rows, **facts)
    evidence = ", ".join(sorted({digest.removeprefix("sha256:")[:12] for digest in joined.values()}))
    return Finding("yes", line(f"the last change of {records(len(rows.rows))} stands in evidence {evidence}"), **facts)


def last_by_object(changes: Collection[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The newest change of each object of one type, by the object's id."""
    last: dict[str, Mapping[str, Any]] = {}
    for change in changes:
        key = str(change.get("changed_object_id"))
        if key not in last or _order(change) > _order(last[key]):
            last[key] = change
    return last


def _order(change: Mapping[str, Any]) -> tuple[str, int]:
    number = change.get("id")
    return str(change.get("time")), number if isinstance(number, int) else -1
