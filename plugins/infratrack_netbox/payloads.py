"""Desired fields as NetBox's API takes them: references by id where they are known, custom fields in one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from infratrack_netbox.arrangement import spelled
from infratrack_netbox.references import Finder, Nobody
from infratrack_netbox.referring import REFERRING, mappings, meaning
from infratrack_netbox.server_schema import Endpoint, FieldSchema

LONGEST_MESSAGE: Final = 200
"""Characters of `changelog_message`; NetBox answers a longer one with 500."""
_CUSTOM: Final = "custom_fields."
_BLANK: Final = frozenset({"text", "choice"})
"""Kinds whose empty value NetBox writes as an empty text where it takes no null."""


def changelog_message(run: str, message: str) -> str:
    """What the server's change log says about every write of a run: the run's id first, cut at the server's limit."""
    printable = "".join(sign if sign.isprintable() else " " for sign in f"{run} {message}")
    return " ".join(printable.split())[:LONGEST_MESSAGE]


def look_up(endpoint: Endpoint, finder: Finder, many: Sequence[Mapping[str, Any]]) -> None:
    """Find out, in few requests, the ids of what these records refer to.

    A plain reference that only one record has is left to the server, which takes natural keys there.
    """
    wanted: dict[str, dict[bytes, Mapping[str, Any]]] = {}
    uses: Counter[tuple[str, bytes]] = Counter()
    needed: set[tuple[str, bytes]] = set()
    for fields in many:
        for name, value in fields.items():
            field = finder.field(endpoint, name)
            if field is None or field.kind not in REFERRING:
                continue
            for one in mappings(value):
                type_name, reference = meaning(field, one)
                mark = type_name, spelled(reference)
                wanted.setdefault(type_name, {})[mark[1]] = reference
                uses[mark] += 1
                if field.kind != "reference":
                    needed.add(mark)
    for type_name, references in wanted.items():
        asked = [one for text, one in references.items() if uses[type_name, text] > 1 or (type_name, text) in needed]
        finder.resolve(type_name, asked)


def body_of(endpoint: Endpoint, finder: Finder, fields: Mapping[str, Any]) -> dict[str, Any] | Nobody:
    """The fields as the API takes them; Nobody where a reference that must be an id means no record or several."""
    body: dict[str, Any] = {}
    for name, value in fields.items():
        field = finder.field(endpoint, name)
        kind = field.kind if field is not None else "json"
        written: Any
        if field is not None and kind == "generic":
            written = _generic(finder, field, value)
        elif field is not None and kind == "generics":
            written = _ends(finder, field, value)
        elif kind == "tags":
            written = tag_references(value or ())
        elif field is not None and kind == "references":
            written = _several(finder, field, value)
        elif field is not None and kind == "reference":
            written = _plain(finder, field, value)
        else:
            empty = value is None and field is not None and not field.nullable and kind in _BLANK
            written = "" if empty else value
        if isinstance(written, Nobody):
            return Nobody(f"{name}: {written.reason}")
        if name.startswith(_CUSTOM):
            body.setdefault("custom_fields", {})[name.removeprefix(_CUSTOM)] = written
        elif field is not None and kind == "generic":
            body[f"{field.pair or name}_type"], body[f"{field.pair or name}_id"] = written
        else:
            body[name] = written
    return body


def tag_references(slugs: Iterable[Any]) -> list[dict[str, Any]]:
    """Tags as the API takes them."""
    return [{"slug": slug} for slug in slugs]


def _generic(finder: Finder, field: FieldSchema, value: object) -> tuple[str | None, int | None] | Nobody:
    if not isinstance(value, Mapping):
        return None, None
    type_name, reference = meaning(field, value)
    record = finder.meant(type_name, reference)
    return record if isinstance(record, Nobody) else (type_name, int(record))


def _ends(finder: Finder, field: FieldSchema, value: object) -> list[dict[str, Any]] | Nobody:
    ends: list[dict[str, Any]] = []
    for one in mappings(value):
        end = _generic(finder, field, one)
        if isinstance(end, Nobody):
            return end
        ends.append({"object_type": end[0], "object_id": end[1]})
    return ends


def _several(finder: Finder, field: FieldSchema, value: object) -> object:
    """A list of references: the server takes only ids there."""
    if not isinstance(value, list | tuple):
        return value
    ids: list[int] = []
    for one in mappings(value):
        record = finder.meant(field.type, one)
        if isinstance(record, Nobody):
            return record
        ids.append(int(record))
    return ids


def _plain(finder: Finder, field: FieldSchema, value: object) -> object:
    if not isinstance(value, Mapping):
        return value
    record = finder.known(field.type, value)
    return value if record is None else int(record)
