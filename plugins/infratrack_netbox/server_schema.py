"""What one NetBox server's own OpenAPI document says about its types, in a compact form. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from infratrack.api import InputError

Kind = Literal[
    "text",
    "integer",
    "number",
    "boolean",
    "choice",
    "date",
    "datetime",
    "reference",
    "references",
    "generic",
    "generics",
    "tags",
    "custom_fields",
    "list",
    "json",
]

PAGING: Final = frozenset({"limit", "offset", "start", "ordering", "fields", "omit", "brief", "exclude", "format"})
"""Query parameters that choose what is shown of the result, not what the result is."""
_MOST_NAMES: Final = 12


class FieldSchema(Struct, frozen=True, omit_defaults=True):
    """One field of a type."""

    kind: Kind
    writable: bool = True
    required: bool = False
    nullable: bool = False
    choices: tuple[str | int, ...] = ()
    labels: Mapping[str, str | int] = {}
    """Label as shown to people → value."""
    type: str = ""
    """Of a reference: the related type, `dcim.site`; empty where the document does not say."""
    pair: str = ""
    """Of a generic reference: the beginning of the two fields that it is written by, `scope` of `scope_type` and
    `scope_id`."""
    brief: Mapping[str, Any] = {}
    """Of a reference: the names that a record nested in an answer carries, each with those nested in it."""

    @property
    def read_only(self) -> bool:
        """Whether the server decides it."""
        return not self.writable


class Endpoint(Struct, frozen=True, omit_defaults=True):
    """One type of records and where they are."""

    type: str
    path: str
    """`/api/dcim/devices/`."""
    filters: frozenset[str] = frozenset()
    fields: Mapping[str, FieldSchema] = {}
    writable: bool = True

    def field(self, name: str) -> FieldSchema:
        """The field; `custom_fields.NAME` is one too. InputError names the nearest."""
        if name.startswith("custom_fields.") and "custom_fields" in self.fields:
            return FieldSchema("json", nullable=True)
        if name not in self.fields:
            raise InputError(f"NetBox's {self.type} has no field {name!r}", nearest(name, self.fields))
        return self.fields[name]

    @property
    def taggable(self) -> bool:
        """Whether its records carry tags."""
        return "tags" in self.fields and self.fields["tags"].kind == "tags"


class ServerSchema(Struct, frozen=True):
    """All types of a server."""

    endpoints: Mapping[str, Endpoint]
    """Type → endpoint."""

    def endpoint(self, type_name: str) -> Endpoint:
        """The type's endpoint. InputError names the nearest."""
        found = self.endpoints.get(type_name)
        if found is None:
            raise InputError(f"this NetBox has no type {type_name!r}", nearest(type_name, self.endpoints))
        return found

    def at(self, path: str) -> Endpoint | None:
        """The endpoint with this path, `/api/dcim/devices/`."""
        return next((endpoint for endpoint in self.endpoints.values() if endpoint.path == path), None)

    def referring(self, type_name: str) -> list[tuple[Endpoint, str]]:
        """Endpoints that can be asked for the records that refer to one of this type, with the filter for its id."""
        model = type_name.partition(".")[2]
        found: list[tuple[Endpoint, str]] = []
        for endpoint in self.endpoints.values():
            names = [f"{name}_id" for name, field in endpoint.fields.items() if field.type == type_name]
            found += [(endpoint, name) for name in dict.fromkeys([*names, f"{model}_id"]) if name in endpoint.filters]
        return found


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names what was probably meant, or else what there is."""
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.6)
    if close:
        return f"did you mean {' or '.join(close)}?"
    shown = ", ".join(names[:_MOST_NAMES])
    return f"there are {shown}{' …' if len(names) > _MOST_NAMES else ''}" if names else "there are none"
