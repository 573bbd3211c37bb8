"""Parents before children: in which order sets of records are written. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack.api import RecordSet
from infratrack_netbox.server_schema import FieldSchema, ServerSchema

_WEAK: Final = 1
"""A reference that may be set later: the primary address of a device."""
_USUAL: Final = 2
"""A generic one, which may be empty, but whose record makes little sense without it."""
_STRONG: Final = 3
"""One that the server requires."""


def parents_first(schema: ServerSchema, sets: Sequence[RecordSet]) -> list[RecordSet]:
    """The sets in an order in which each refers to earlier ones; otherwise as they were.

    Where they refer to each other in a circle, those come first whose open references are the easiest to set later.
    """
    needs = {place: _needed(schema, one) for place, one in enumerate(sets)}
    left = list(range(len(sets)))
    ordered: list[RecordSet] = []
    while left:
        types = {place: sets[place].type for place in left}
        chosen = min(left, key=lambda place: (_open(needs[place], types, place), place))
        left.remove(chosen)
        ordered.append(sets[chosen])
    return ordered


def _open(needs: Mapping[str, int], types: Mapping[int, str], place: int) -> int:
    """The strength of the strongest reference to a set that is not yet in the order."""
    own = types[place]
    return max((needs.get(name, 0) for other, name in types.items() if other != place and name != own), default=0)


def _needed(schema: ServerSchema, one: RecordSet) -> dict[str, int]:
    """Type → how strongly records of the set need one of it to exist."""
    fields = schema.endpoint(one.type).fields
    found: dict[str, int] = {}
    for record in one.desired:
        for name, value in (*record.key.items(), *record.fields.items()):
            for type_name, strength in _references(schema, fields.get(name), value):
                found[type_name] = max(found.get(type_name, 0), strength)
    return found


def _references(schema: ServerSchema, field: FieldSchema | None, value: Any) -> Iterator[tuple[str, int]]:  # noqa: ANN401 -- any JSON value
    """Types that a value refers to, also those by which the referred record is found."""
    if field is None or value is None:
        return
    if field.kind == "tags":
        yield "extras.tag", _STRONG
    for item in value if isinstance(value, list) else [value]:
        if not isinstance(item, dict):
            continue
        if field.kind in {"generic", "generics"}:
            type_name, strength = str(item.get("type")), _STRONG if field.kind == "generics" else _USUAL
        elif field.kind in {"reference", "references"}:
            type_name, strength = field.type, _STRONG if field.required else _WEAK
        else:
            continue
        yield type_name, strength
        endpoint = schema.endpoints.get(type_name)
        for name, inner in item.items() if endpoint else ():
            nested = endpoint.fields.get(name) if endpoint else None
            yield from ((deeper, strength) for deeper, _ in _references(schema, nested, inner))
