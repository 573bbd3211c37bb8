"""What is written when: fields that must wait for a later record, and where one batch must end. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from infratrack.api import Write
from infratrack_netbox.server_schema import Endpoint, ServerSchema

_MAY_WAIT = frozenset({"reference", "generic"})


class Item(Struct, frozen=True):
    """One write, or the rest of one: the fields that had to wait for records written after it."""

    number: int
    """Of the write in what was asked for."""
    write: Write
    waiting: frozenset[str] = frozenset()
    """Fields left out now: they refer to records that are written later."""
    late: bool = False
    """The write's own fields were written before; this one holds those that waited."""


class _Known:
    """Which creates and updates a reference can mean."""

    def __init__(self, writes: Sequence[Write]) -> None:
        self._by_item: dict[tuple[str, str, bytes], set[int]] = {}
        for number, write in enumerate(writes):
            if write.action != "delete":
                for name, value in {**write.fields, **write.key}.items():
                    self._by_item.setdefault((write.type, name, spelled(value)), set()).add(number)

    def meant(self, type_name: str, reference: Mapping[str, Any]) -> set[int]:
        """Numbers of the writes whose records have all that the reference says."""
        found = [self._by_item.get((type_name, name, spelled(value)), set()) for name, value in reference.items()]
        return set.intersection(*found) if found else set()


def arranged(writes: Sequence[Write], schema: ServerSchema) -> list[Item]:
    """The writes in their order; what refers to a later one waits, and comes as an update before the deletes.

    A device's primary address is the address of an interface of that device: none of the three can be first.
    """
    known = _Known(writes)
    items: list[Item] = []
    late: list[Item] = []
    for number, write in enumerate(writes):
        waiting = frozenset(_waiting(number, write, schema, known)) if write.action != "delete" else frozenset()
        items.append(Item(number, write, waiting))
        if waiting:
            late.append(Item(number, _rest(write, waiting), late=True))
    late.sort(key=lambda item: item.write.type)
    cut = next((place for place in range(len(items), 0, -1) if items[place - 1].write.action != "delete"), 0)
    return [*items[:cut], *late, *items[cut:]]


def _waiting(number: int, write: Write, schema: ServerSchema, known: _Known) -> Iterator[str]:
    endpoint = schema.endpoint(write.type)
    for name, value in write.fields.items():
        field = endpoint.fields.get(name)
        if name in write.key or field is None or field.kind not in _MAY_WAIT or not isinstance(value, Mapping):
            continue
        if field.required and write.action == "create":
            continue
        type_name, reference = referred(endpoint, name, value)
        if any(later > number for later in known.meant(type_name, reference)):
            yield name


def _rest(write: Write, waiting: frozenset[str]) -> Write:
    fields = {name: value for name, value in write.fields.items() if name in waiting}
    expected = {name: value for name, value in write.expected.items() if name in waiting}
    if write.action == "create":
        expected = dict.fromkeys(waiting)
    return Write("update", write.type, write.key, write.id, "", fields, expected=expected)


def referred(endpoint: Endpoint, name: str, value: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The type that a reference means, and what it says of the record: a generic one says its `type` itself."""
    field = endpoint.fields.get(name)
    if field is not None and field.kind in {"generic", "generics"}:
        return str(value.get("type", "")), {key: one for key, one in value.items() if key != "type"}
    return field.type if field is not None else "", value


def together(items: Sequence[Item], start: int, most: int) -> int:
    """How many items from `start` on may go into one batch: the same kind of write, none resting on another of them."""
    first = items[start]
    said: set[tuple[str, bytes]] = set()
    for place in range(start, min(len(items), start + most)):
        item = items[place]
        same = (item.write.action, item.write.type, item.late) == (first.write.action, first.write.type, first.late)
        if not same or any(_rests_on(one, said) for one in _references(item.write)):
            return place - start
        said |= {(name, spelled(value)) for name, value in item.write.key.items()}
    return min(len(items), start + most) - start


def _rests_on(reference: Mapping[str, Any], said: set[tuple[str, bytes]]) -> bool:
    items = [(name, spelled(value)) for name, value in reference.items() if name != "type"]
    return bool(items) and all(item in said for item in items)


def _references(write: Write) -> Iterator[Mapping[str, Any]]:
    for values in (write.fields.values(), *(write.add.values(),)):
        for value in values:
            yield from _mappings(value)


def _mappings(value: Any) -> Iterator[Mapping[str, Any]]:  # noqa: ANN401 -- canonical JSON
    """Every mapping in a value, those inside other mappings too."""
    if isinstance(value, Mapping):
        yield value
        for inner in value.values():
            yield from _mappings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _mappings(inner)


def spelled(value: Any) -> bytes:  # noqa: ANN401 -- canonical JSON
    """One spelling of a canonical value, to compare and to look up by."""
    return msgspec.json.encode(value, order="deterministic")
