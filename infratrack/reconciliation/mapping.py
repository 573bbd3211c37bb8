"""Mappings: how the items of a source become the records that a CMDB should hold. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct

from infratrack.errors import InputError
from infratrack.project.nearest import NearestNames
from infratrack.project.problems import shown, spoken_list
from infratrack.reconciliation.interface import SourceReading
from infratrack.reconciliation.plain_values import kind_of
from infratrack.reconciliation.records import DesiredRecord, Fields, RecordSet
from infratrack.reconciliation.template import Path, Template, TemplateProblem

ITEMS_AT_MOST: Final = 100_000
"""Items of one source."""
_PARTS_AT_MOST: Final = 12
Templates = tuple[tuple[str, Template], ...]
"""The name of each field, and its template."""


class RecordMapping(Struct, frozen=True):
    """One entry of `records`, with its templates parsed. `each` and `parameters` (`from`) are as written."""

    type: str
    each: Any
    parameters: Mapping[str, Any]
    key: Templates
    fields: Templates = ()
    where: Template | None = None
    within: Fields = {}


def parse_mapping(written: Mapping[str, Any]) -> RecordMapping:
    """A mapping from an entry that fits the schema. Raises the first TemplateProblem; its path begins at the entry."""
    parser = _Parser()
    found = parser.mapping(written)
    if parser.problems:
        raise parser.problems[0]
    return found


def mapping_problems(configuration: Mapping[str, Any], sources: Collection[str]) -> list[TemplateProblem]:
    """Everything wrong with the mappings of one CMDB that no schema can say; paths begin at the CMDB's settings.

    `sources` are the names of those that there are.
    """
    found = []
    for number, written in enumerate(configuration.get("records", ())):
        parser = _Parser()
        each = parser.mapping(written).each
        if isinstance(each, str):
            try:
                source_of(each, sources)
            except InputError as error:
                parser.problems.append(TemplateProblem(error.message, error.hint, ("each",)))
        found += [TemplateProblem(one.message, one.hint, ("records", number, *one.path)) for one in parser.problems]
    return found


def source_of(each: str, sources: Collection[str]) -> tuple[str, str]:
    """The source that `each` names, and what is wanted of it: (`terraform.output`, `devices`). InputError."""
    parts = each.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name in sources:
            return name, ".".join(parts[length:])
    lengths = {name.count(".") + 1 for name in sources}
    nearest = NearestNames()
    asked = next((one for length in sorted(lengths) if (one := nearest.to(".".join(parts[:length]), sources))), None)
    hint = f"did you mean {asked!r}? " if asked else ""
    there = spoken_list(sorted(sources), most=_PARTS_AT_MOST) or "none"
    ending = "a file is written {file: racks.csv}"
    raise InputError(f"there is no source {shown(each)}", f"{hint}Sources that plugins offer: {there}; {ending}")


def records_of(mapping: RecordMapping, reading: SourceReading, label: str = "") -> RecordSet:
    """The records that a mapping makes of the items of its source; `label` names the source in messages.

    InputError (which item, what is wrong with it, for which field) for an item that does not fit.
    """
    place = label or reading.origin
    if len(reading.items) > ITEMS_AT_MOST:
        raise InputError(f"{place} has {len(reading.items):,} items", f"at most {ITEMS_AT_MOST:,} can be mapped")
    desired = tuple(_records(mapping, reading, place))
    reason = reading.reason
    if reading.complete and not desired:
        reason = "no item fits `where`" if reading.items else "the source is empty"
    return RecordSet(
        type=mapping.type,
        desired=desired,
        within=mapping.within,
        complete=reading.complete,
        reason=reason,
        source=reading.origin,
    )


def _records(mapping: RecordMapping, reading: SourceReading, place: str) -> Iterator[DesiredRecord]:
    for number, item in enumerate(reading.items):
        origin = f"{place}[{number}]"
        if type(item) is not dict:
            hint = "a source lists objects; map plain values to some first: [for x in … : { name = x }]"
            raise InputError(f"{origin} is {kind_of(item)} and no object", hint)
        if mapping.where is not None and not _fits(mapping.where, item, origin):
            continue
        key = _rendered(mapping.key, item, origin, mapping.type)
        for name, value in key.items():
            if _is_blank(value):
                what = f"{origin} has nothing for the key's {name!r} of its {mapping.type}"
                raise InputError(what, "give every item a value for it, or leave such items out with `where`")
        yield DesiredRecord(mapping.type, key, _rendered(mapping.fields, item, origin, mapping.type), origin)


def _fits(where: Template, item: Fields, origin: str) -> bool:
    found = where.render(item, origin)
    if not isinstance(found, bool):
        hint = "compare with something: {status == 'active'}, {@.monitored == `true`}"
        raise InputError(f"{origin}: `where` comes to {kind_of(found)}, and not to true or false", hint)
    return found


def _rendered(templates: Templates, item: Fields, origin: str, kind: str) -> dict[str, Any]:
    found = {}
    for name, template in templates:
        try:
            found[name] = template.render(item, origin)
        except InputError as error:
            raise InputError(f"{error.message} (for {name!r} of its {kind})", error.hint) from None
    return found


def _is_blank(value: Any) -> bool:  # noqa: ANN401 -- JSON
    """Whether there is nothing, or nothing somewhere inside, that a record could be found by."""
    if isinstance(value, dict):
        return not value or any(map(_is_blank, value.values()))
    if isinstance(value, list):
        return not value or any(map(_is_blank, value))
    return value is None or value == ""


class _Parser:
    """Parses one entry, and collects what is wrong with it."""

    def __init__(self) -> None:
        self.problems: list[TemplateProblem] = []

    def mapping(self, written: Mapping[str, Any]) -> RecordMapping:
        key = self._templates(written, "key")
        fields = self._templates(written, "fields")
        for name in {name for name, _ in key} & {name for name, _ in fields}:
            what = f"{shown(name)} stands under `key` already"
            self.problems.append(TemplateProblem(what, "name each field once", ("fields", name)))
        where = self._template(written["where"], ("where",)) if "where" in written else None
        if where is not None and where.is_constant:
            what = f"{shown(written['where'])} is the same for every item"
            self.problems.append(TemplateProblem(what, "write {status != 'planned'}, for example", ("where",)))
        return RecordMapping(
            type=written["type"],
            each=written["each"],
            parameters=written.get("from") or {},
            key=key,
            fields=fields,
            where=where,
            within=written.get("within", {}),
        )

    def _templates(self, written: Mapping[str, Any], part: str) -> Templates:
        found = ((name, self._template(value, (part, name))) for name, value in written.get(part, {}).items())
        return tuple((name, template) for name, template in found if template is not None)

    def _template(self, value: Any, path: Path) -> Template | None:  # noqa: ANN401 -- JSON with templates in it
        try:
            return Template(value)
        except TemplateProblem as problem:
            self.problems.append(TemplateProblem(problem.message, problem.hint, (*path, *problem.path)))
            return None
