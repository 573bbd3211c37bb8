"""NetBox's OpenAPI document (15 MB) read into its compact form. Pure; the document is hostile input."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from infratrack_netbox.server_schema import Endpoint, FieldSchema, Kind, ServerSchema

_LIST: Final = re.compile(r"Paginated(\w+)List")
_LABEL: Final = re.compile(r"^\* `([^`]*)` - (.+)$", re.MULTILINE)
_REFERENCE: Final = "#/components/schemas/"
_DEEPEST: Final = 3
"""Levels of nesting that a brief record in an answer is read to."""
_SIMPLE: Final[Mapping[str, Kind]] = {"boolean": "boolean", "integer": "integer", "number": "number", "string": "text"}
_FORMATS: Final[Mapping[str, Kind]] = {"date": "date", "date-time": "datetime"}


def read_openapi(document: object, types: Mapping[str, str] | None = None) -> ServerSchema:
    """All endpoints that list records. `types`: path → type, where the server says so itself (plugins)."""
    root = _mapping(document)
    reader = _Reader(_mapping(_mapping(root.get("components")).get("schemas")))
    listed = {path: (item, name) for path, item, name in _listed(_mapping(root.get("paths")))}
    given = types or {}
    named = {path: given.get(path) or _type_of(path, name) for path, (_, name) in listed.items()}
    reader.types = {name: named[path] for path, (_, name) in listed.items()}
    endpoints = {named[path]: reader.endpoint(path, named[path], item, name) for path, (item, name) in listed.items()}
    return ServerSchema(endpoints)


def _listed(paths: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any], str]]:
    """Path, item and component name of every list."""
    found = []
    for path, item in paths.items():
        answers = _mapping(_mapping(_mapping(item).get("get")).get("responses"))
        match = _LIST.fullmatch(_component(_json_schema(answers.get("200"))))
        if match and "{" not in path:
            found.append((path, _mapping(item), match[1]))
    return found


def _type_of(path: str, component: str) -> str:
    """`/api/ipam/ip-addresses/` and `IPAddress` are `ipam.ipaddress`; `/api/plugins/x/y/` belongs to the app x."""
    parts = [part for part in path.split("/") if part and part not in {"api", "plugins"}]
    return f"{parts[0] if parts else ''}.{component.lower()}"


class _Reader:
    """Reads fields, following references between the document's components."""

    def __init__(self, components: Mapping[str, Any]) -> None:
        self._components = components
        self.types: Mapping[str, str] = {}
        """Component of a list → type."""

    def endpoint(self, path: str, type_name: str, item: Mapping[str, Any], component: str) -> Endpoint:
        """One endpoint with filters and fields."""
        parameters = _mapping(item.get("get")).get("parameters")
        names = [_mapping(one).get("name") for one in parameters] if isinstance(parameters, list) else []
        read = self._properties(component)
        body = _json_schema(_mapping(item.get("post")).get("requestBody"))
        written = next((name for part in _parts(body) if (name := _component(part))), "")
        fields = self._fields(read, written)
        filters = frozenset(name for name in names if isinstance(name, str))
        return Endpoint(type_name, path, filters, fields, writable=bool(written))

    def _fields(self, read: Mapping[str, Any], written: str) -> dict[str, FieldSchema]:
        write = self._properties(written)
        required = _mapping(self._components.get(written)).get("required")
        needed = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
        fields: dict[str, FieldSchema] = {}
        for name in dict.fromkeys([*read, *write]):
            fields[name] = self._field(name, read.get(name), write.get(name), required=name in needed)
        for name in read:  # a generic reference is written as a pair, and shown as a record
            for pair in (name, f"{name}_object"):
                if name not in write and f"{pair}_type" in write and f"{pair}_id" in write:
                    fields[name] = FieldSchema("generic", required=f"{pair}_id" in needed, nullable=True, pair=pair)
        return fields

    def _field(self, name: str, read: object, write: object, *, required: bool) -> FieldSchema:
        shown, taken = _mapping(read), _mapping(write)
        source = taken or shown
        component = self._reference(shown) or self._reference(taken)
        kind = self._kind(name, source, component)
        values, labels = self._choices(shown, taken) if kind == "choice" else ((), {})
        reference = kind in {"reference", "references"}
        return FieldSchema(
            kind=kind,
            writable=bool(taken) and taken.get("readOnly") is not True,
            required=required,
            nullable=source.get("nullable") is True,
            choices=values,
            labels=labels,
            type=self._related(component) if reference else "",
            brief=self._brief(self._reference(shown), _DEEPEST) if reference else {},
        )

    def _kind(self, name: str, source: Mapping[str, Any], component: str) -> Kind:
        if name == "custom_fields":
            return "custom_fields"
        if source.get("type") == "array":
            core = _core(component)
            if core == "Tag":
                return "tags"
            return "generics" if core == "GenericObject" else "references" if component else "list"
        if component:
            return "reference"
        if _enum(source):
            return "choice"
        return self._plain_kind(source)

    def _plain_kind(self, source: Mapping[str, Any]) -> Kind:
        format_name = source.get("format")
        if isinstance(format_name, str) and format_name in _FORMATS:
            return _FORMATS[format_name]
        kinds = {str(_mapping(part).get("type")) for part in _parts(source)}
        found = {_SIMPLE[kind] for kind in kinds if kind in _SIMPLE}
        return found.pop() if len(found) == 1 else "json"

    def _reference(self, schema: Mapping[str, Any]) -> str:
        """The component of a record that the field refers to; empty where it refers to none."""
        if schema.get("type") == "array":
            schema = _mapping(schema.get("items"))
        names = [name for part in _parts(schema) if (name := _component(part))]
        return names[0] if names else ""

    def _related(self, component: str) -> str:
        """The type of a component such as `BriefSite`; `ASNSite` ends with the name of the type that it stands for."""
        core = _core(component)
        if core in self.types:
            return self.types[core]
        ends = [name for name in self.types if core.endswith(name)]
        return self.types[max(ends, key=len)] if ends else ""

    def _brief(self, component: str, levels: int) -> dict[str, Any]:
        if not levels or not component:
            return {}
        properties = self._properties(component).items()
        return {name: self._brief(self._reference(_mapping(schema)), levels - 1) for name, schema in properties}

    def _choices(
        self, shown: Mapping[str, Any], taken: Mapping[str, Any]
    ) -> tuple[tuple[str | int, ...], dict[str, str | int]]:
        values = tuple(value for value in _enum(taken) or _enum(shown) if value != "")
        labels: dict[str, str | int] = {}
        by_text = {str(value): value for value in values}
        for source in (taken, shown, _mapping(_mapping(shown.get("properties")).get("value"))):
            text = source.get("description")
            for value, label in _LABEL.findall(text) if isinstance(text, str) else ():
                if value in by_text:
                    labels.setdefault(label.strip(), by_text[value])
        return values, labels

    def _properties(self, component: str) -> Mapping[str, Any]:
        return _mapping(_mapping(self._components.get(component)).get("properties"))


def _enum(schema: Mapping[str, Any]) -> list[str | int]:
    """The values of a choice: of a plain one, or of one that is shown as value and label."""
    nested = _mapping(_mapping(schema.get("properties")).get("value"))
    for source in (schema, nested):
        values = source.get("enum")
        if isinstance(values, list):
            return [value for value in values if isinstance(value, (str, int)) and not isinstance(value, bool)]
    return []


def _parts(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The schema itself and its alternatives, two levels deep."""
    parts = [schema]
    for depth in (schema, *_alternatives(schema)):
        parts += _alternatives(depth)
    return parts


def _alternatives(schema: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    for word in ("oneOf", "allOf", "anyOf"):
        several = schema.get(word)
        found += [_mapping(one) for one in several] if isinstance(several, list) else []
    return found


def _component(schema: Mapping[str, Any]) -> str:
    name = schema.get("$ref")
    return name.removeprefix(_REFERENCE) if isinstance(name, str) else ""


def _core(component: str) -> str:
    """`PatchedWritableSiteRequest`, `BriefSite` and `NestedSite` are all about `Site`."""
    name = component.removesuffix("Request")
    for prefix in ("Patched", "Bulk", "Writable", "Brief", "Nested"):
        name = name.removeprefix(prefix)
    return name


def _json_schema(content: object) -> Mapping[str, Any]:
    return _mapping(_mapping(_mapping(_mapping(content).get("content")).get("application/json")).get("schema"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
