"""Desired fields as NetBox's API takes them: references by id where they are known, custom fields in one object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from infratrack_netbox.arrangement import referred, spelled
from infratrack_netbox.references import Finder, Nobody
from infratrack_netbox.server_schema import Endpoint

LONGEST_MESSAGE: Final = 200
"""Characters of `changelog_message`; NetBox answers a longer one with 500."""
_CUSTOM: Final = "custom_fields."
_BLANK: Final = frozenset({"text", "choice"})
"""Kinds whose empty value NetBox writes as an empty text where it takes no null."""
_REFERRING: Final = frozenset({"reference", "references", "generic", "generics"})


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
            field = endpoint.fields.get(name)
            if field is None or field.kind not in _REFERRING:
                continue
            for one in mappings(value):
                type_name, reference = referred(endpoint, name, one)
                mark = type_name, spelled(reference)
                wanted.setdefault(type_name, {})[mark[1]] = reference
                uses[mark] += 1
                if field.kind in {"generic", "generics"}:
                    needed.add(mark)
    for type_name, references in wanted.items():
        asked = [one for text, one in references.items() if uses[type_name, text] > 1 or (type_name, text) in needed]
        finder.resolve(type_name, asked)


def mappings(value: Any) -> Iterable[Mapping[str, Any]]:  # noqa: ANN401 -- canonical JSON
    """A reference, or the references in a list."""
    several = value if isinstance(value, list | tuple) else [value]
    return [one for one in several if isinstance(one, Mapping)]


def body_of(endpoint: Endpoint, finder: Finder, fields: Mapping[str, Any]) -> dict[str, Any] | Nobody:
    """The fields as the API takes them; Nobody where a generic reference means no record or several."""
    body: dict[str, Any] = {}
    for name, value in fields.items():
        if name.startswith(_CUSTOM):
            body.setdefault("custom_fields", {})[name.removeprefix(_CUSTOM)] = value
            continue
        field = endpoint.fields.get(name)
        kind = field.kind if field is not None else "json"
        if field is not None and kind == "generic":
            written = _generic(endpoint, finder, name, value)
            if isinstance(written, Nobody):
                return Nobody(f"{name}: {written.reason}")
            body[f"{field.pair or name}_type"], body[f"{field.pair or name}_id"] = written
        elif kind == "generics":
            ends = [_generic(endpoint, finder, name, one) for one in mappings(value)]
            missing = next((one for one in ends if isinstance(one, Nobody)), None)
            if missing is not None:
                return Nobody(f"{name}: {missing.reason}")
            body[name] = [{"object_type": one[0], "object_id": one[1]} for one in ends if not isinstance(one, Nobody)]
        elif kind == "tags":
            body[name] = tag_references(value or ())
        elif kind in {"reference", "references"}:
            body[name] = _plain(endpoint, finder, name, value)
        else:
            empty = value is None and field is not None and not field.nullable and kind in _BLANK
            body[name] = "" if empty else value
    return body


def tag_references(slugs: Iterable[Any]) -> list[dict[str, Any]]:
    """Tags as the API takes them."""
    return [{"slug": slug} for slug in slugs]


def _generic(
    endpoint: Endpoint, finder: Finder, name: str, value: object
) -> tuple[str | None, int | None] | Nobody:  # fmt: skip
    if not isinstance(value, Mapping):
        return None, None
    type_name, reference = referred(endpoint, name, value)
    record = finder.meant(type_name, reference)
    return record if isinstance(record, Nobody) else (type_name, int(record))


def _plain(endpoint: Endpoint, finder: Finder, name: str, value: object) -> object:
    if isinstance(value, list | tuple):
        return [_plain(endpoint, finder, name, one) for one in value]
    if not isinstance(value, Mapping):
        return value
    type_name, reference = referred(endpoint, name, value)
    record = finder.known(type_name, reference)
    return reference if record is None else int(record)
