"""`netbox.matches`: the items of a source and NetBox's records, side by side and field by field. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack_netbox.agreement import Agreement
from infratrack_netbox.findings import (
    Failing,
    Finding,
    disagreeing,
    id_of,
    line,
    name_of,
    not_there,
    record_of,
    records,
    shown,
)
from infratrack_netbox.hosts import canaries, proven
from infratrack_netbox.reads import Question, Read, Rows, Unanswerable, filters_of, read

FINDING_BY: Final = ("name", "slug", "asset_tag", "serial", "cid", "vid", "prefix", "address")
"""Fields that NetBox can be asked for by several values at once, the best first."""
_HIDDEN: Final = "another value"

Candidates = Sequence[Mapping[str, Any]]


class Item(Struct, frozen=True):
    """What one item of a source says of its record."""

    key: Mapping[str, Any]
    fields: Mapping[str, Any]
    origin: str = ""


class Items(Struct, frozen=True):
    """What a source says. `secrets` are values that must not be shown."""

    items: tuple[Item, ...]
    origin: str
    complete: bool = True
    reason: str = ""
    secrets: frozenset[str] = frozenset()


def matches(parameters: Mapping[str, Any], source: Items | Unanswerable, agreement: Agreement) -> Question:
    """`netbox.matches`: does a record agree with every item? Raises the source's Unanswerable."""
    if isinstance(source, Unanswerable):
        raise source
    if not source.complete:
        raise Unanswerable(line(f"{source.origin} is not whole: {source.reason}"))
    if not source.items:
        raise Unanswerable(line(f"{source.origin} holds nothing that could be compared"))
    type_name: str = parameters["type"]
    rows, *canary = yield from read(_asked(parameters, source, agreement), *canaries(type_name, parameters))
    return _compared(type_name, source, proven(rows, canary), agreement)


def _asked(parameters: Mapping[str, Any], source: Items, agreement: Agreement) -> Read:
    """All records within the filter; without one, those that the keys tell, as far as NetBox can be asked for them."""
    type_name: str = parameters["type"]
    names = dict.fromkeys(name for item in source.items for name in (*item.key, *item.fields))
    fields = agreement.shown(type_name, names)
    if "filter" in parameters:
        return Read(type_name, filters_of(parameters["filter"]), fields=fields)
    for name in FINDING_BY:
        values = [item.key.get(name) for item in source.items]
        if name in agreement.finds(type_name) and all(
            isinstance(value, str | int) and not isinstance(value, bool) for value in values
        ):
            wanted = tuple(sorted({str(value) for value in values}))
            return Read(type_name, keys=((name, wanted),), fields=fields)
    return Read(type_name, fields=fields)


def _compared(type_name: str, source: Items, rows: Rows, agreement: Agreement) -> Finding:
    failing: list[Failing] = []
    absent: list[str] = []
    found: list[Mapping[str, Any]] = []
    candidates = _candidates(source.items, rows.rows)
    for item in source.items:
        name = _key_text(item)
        matching = [row for row in candidates(item) if not agreement.differ(type_name, item.key, row)]
        if not matching:
            absent.append(name)
            continue
        found.append(matching[0])
        if len(matching) > 1:
            failing.append(Failing(id_of(matching[0]), name, f"{len(matching)} records have this key"))
            continue
        different = agreement.differ(type_name, item.fields, matching[0])
        if different:
            failing.append(Failing(id_of(matching[0]), name_of(matching[0]), _differences(item, different, source)))
    facts: dict[str, Any] = {
        "found": len(found),
        "agreeing": len(found) - len(failing),
        "failing": (*failing, *(Failing("", name, "there is no such record") for name in absent)),
        "records": tuple(record_of(type_name, row) for row in found),
    }
    if failing:
        return Finding("no", disagreeing(failing, len(source.items)), **facts)
    if absent:
        return not_there(
            rows, line(f"{len(absent)} of {records(len(source.items))} not there: {told_names(absent)}"), **facts
        )
    return Finding("yes", line(f"{records(len(found))} agree with {source.origin}"), **facts)


def _candidates(items: Sequence[Item], rows: Sequence[Mapping[str, Any]]) -> Callable[[Item], Candidates]:
    """For an item the records that may be its own: those with an equal plain text in the key, else all."""
    name = next((one for one in FINDING_BY[:2] if all(isinstance(item.key.get(one), str) for item in items)), None)
    if name is None:
        return lambda _: rows
    by_text: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        by_text.setdefault(str(row.get(name)), []).append(row)
    return lambda item: by_text.get(item.key[name], [])


def told_names(names: Sequence[str]) -> str:
    """The first three, and how many more."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""  # noqa: PLR2004 -- as many as are told
    return ", ".join(names[:3]) + more


def _key_text(item: Item) -> str:
    return shown(item.key) if len(item.key) > 1 else shown(next(iter(item.key.values())))


def _differences(item: Item, different: Sequence[tuple[str, Any]], source: Items) -> str:
    """`status is planned, not active`; a value that holds a secret is not shown."""
    texts = []
    for name, live in different:
        values = [shown(live), shown(item.fields.get(name))]
        if any(secret in value for secret in source.secrets if secret for value in values):
            values = [_HIDDEN, "what is sensitive"]
        texts.append(f"{line(name, 80)} is {values[0]}, not {values[1]}")
    return "; ".join(texts)
