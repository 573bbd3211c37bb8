"""Desired records checked against the server's schema, in canonical values, with the mark, parents first. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.api import DesiredRecord, InputError, RecordSet
from infratrack_netbox.custom_fields import Definitions
from infratrack_netbox.desired_values import desired_value
from infratrack_netbox.exchange import plain
from infratrack_netbox.filters import checked_filters
from infratrack_netbox.ordering import parents_first
from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema, nearest
from infratrack_netbox.settings import Mark
from infratrack_netbox.shapes import CUSTOM, MixedShapes, shapes_of
from infratrack_netbox.values import BadValue

TAG: Final = "extras.tag"


class Preparation(Struct, frozen=True):
    """What desired records are checked against."""

    schema: ServerSchema
    definitions: Definitions | None
    """Custom fields; None where the token may not read them: then any is taken."""
    mark: Mark

    def prepare(self, sets: Sequence[RecordSet], *, tag_name: str | None = None) -> list[RecordSet]:
        """The sets as they are compared and written. InputError with the origin of what is wrong.

        `tag_name`: what the tag that marks records is called on the server; None where there is none yet.
        """
        prepared = [self._set(one) for one in sets]
        if self.mark.tag and any(one.mark for one in prepared) and not self._desires_tag(prepared):
            prepared.append(own_tag(self.mark.tag, tag_name or self.mark.tag))
        return parents_first(self.schema, prepared)

    def _desires_tag(self, sets: Sequence[RecordSet]) -> bool:
        """Whether a mapping of the project takes care of the tag itself."""
        return any(record.key.get("slug") == self.mark.tag for one in sets if one.type == TAG for record in one.desired)

    def fields_of(self, endpoint: Endpoint) -> dict[str, FieldSchema]:
        """The type's fields and its custom fields, by the names that desired records give them."""
        custom = (self.definitions or {}).get(endpoint.type, {})
        return {**endpoint.fields, **{f"{CUSTOM}{name}": field for name, field in custom.items()}}

    def _set(self, one: RecordSet) -> RecordSet:
        origin = (
            next((record.origin for record in one.desired if record.origin), one.source) or f"records of {one.type}"
        )
        try:
            endpoint = self.schema.endpoint(one.type)
        except InputError as error:
            raise InputError(f"{origin}: {error.message}", error.hint) from error
        if not endpoint.writable:
            raise InputError(f"{origin}: NetBox decides {one.type} by itself", "leave it out of the mappings")
        custom = (self.definitions or {}).get(one.type, {})
        checked_filters(endpoint, one.within, custom, origin)
        fields = self.fields_of(endpoint)
        if self.mark.field and self._mark_of(endpoint):
            self._check_mark(endpoint, custom)
        desired = tuple(self._record(endpoint, fields, record) for record in one.desired)
        _check_shapes(fields, desired)
        return structs.replace(one, desired=desired, mark=self._mark_of(endpoint))

    def _mark_of(self, endpoint: Endpoint) -> str:
        """The field that holds the mark; empty where the type can carry none."""
        if self.mark.tag:
            return "tags" if endpoint.taggable else ""
        return f"{CUSTOM}{self.mark.field}" if "custom_fields" in endpoint.fields else ""

    def _record(self, endpoint: Endpoint, fields: Mapping[str, FieldSchema], record: DesiredRecord) -> DesiredRecord:
        place = record.origin or f"a {endpoint.type}"
        key = self._values(endpoint, fields, record.key, place)
        values = self._values(endpoint, fields, record.fields, place)
        if twice := key.keys() & values.keys():
            raise InputError(f"{place}: {min(twice)} stands in the key and in the fields", "leave it in the key only")
        mark = self._mark_of(endpoint)
        if mark:
            values[mark] = sorted({*values.get("tags", []), self.mark.tag}) if self.mark.tag else self.mark.value
        return structs.replace(record, key=key, fields=values)

    def _values(
        self, endpoint: Endpoint, fields: Mapping[str, FieldSchema], given: Mapping[str, Any], place: str
    ) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, value in _flattened(given, place).items():
            field = self._field(endpoint, fields, name, place)
            try:
                found[name] = desired_value(self.schema, field, f"{endpoint.type}.{name}", value)
            except BadValue as error:
                raise InputError(f"{place}: {name}: {plain(error.message)}", error.hint) from error
        return found

    def _field(self, endpoint: Endpoint, fields: Mapping[str, FieldSchema], name: str, place: str) -> FieldSchema:
        field = fields.get(name)
        if field is None and name.startswith(CUSTOM) and "custom_fields" in endpoint.fields:
            if self.definitions is None:
                return FieldSchema("json", nullable=True)
            custom = name.removeprefix(CUSTOM)
            known = [one.removeprefix(CUSTOM) for one in fields if one.startswith(CUSTOM)]
            raise InputError(
                f"{place}: NetBox has no custom field {plain(custom)!r} for {endpoint.type}",
                f"{nearest(custom, known)}; one that a mapping makes has to be there before it is used",
            )
        if field is None:
            hint = nearest(name, (known for known, one in fields.items() if one.writable))
            raise InputError(f"{place}: NetBox's {endpoint.type} has no field {plain(name)!r}", hint)
        if not field.writable:
            raise InputError(
                f"{place}: NetBox decides {name} of {endpoint.type} by itself", "leave it out of the mapping"
            )
        return field

    def _check_mark(self, endpoint: Endpoint, custom: Mapping[str, FieldSchema]) -> None:
        if self.definitions is not None and self.mark.field not in custom:
            raise InputError(
                f"NetBox has no custom field {self.mark.field!r} for {endpoint.type}, which `own` needs",
                "make it in NetBox for every type that is synchronised, or use own: {tag: …}",
            )


def _check_shapes(fields: Mapping[str, FieldSchema], desired: Sequence[DesiredRecord]) -> None:
    """All records of a mapping name keys and references alike, so that one reading can be compared with all."""
    first = desired[0] if desired else None
    for record in desired:
        if first and record.key.keys() != first.key.keys():
            raise InputError(
                f"{record.origin}: its key has other fields than that of {first.origin}",
                "use one mapping for each way of finding a record",
            )
    try:
        shapes_of(fields, ({**record.key, **record.fields} for record in desired))
    except MixedShapes as error:
        raise InputError(
            f"{first.origin if first else ''}: records of this mapping name {error.name} by different fields",
            "name it by the same fields in all of them, or use two mappings",
        ) from error


def own_tag(slug: str, name: str) -> RecordSet:
    """The tag that marks records: made where the server has none yet, and otherwise taken as it is called."""
    record = DesiredRecord(TAG, {"slug": slug}, {"name": name}, origin="cmdb.netbox.own")
    return RecordSet(TAG, (record,), within={"slug": slug}, source="cmdb.netbox.own")


def _flattened(given: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Each custom field as a field of its own: `custom_fields.NAME`."""
    flat: dict[str, Any] = {}
    for name, value in given.items():
        if name == "custom_fields":
            if not isinstance(value, dict):
                raise InputError(f"{place}: custom_fields is no mapping", "write names and values: {owner: net}")
            flat |= {f"{CUSTOM}{inner}": one for inner, one in value.items()}
        else:
            flat[name] = value
    return flat
