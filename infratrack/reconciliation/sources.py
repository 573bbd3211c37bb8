"""Reads the sources that the mappings of a CMDB name, each once, and makes the desired records of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from infratrack.errors import InfratrackError, InputError
from infratrack.reconciliation.file_source import read_file
from infratrack.reconciliation.interface import Report, Source, SourceContext, SourceReading
from infratrack.reconciliation.mapping import RecordMapping, parse_mapping, records_of, source_of
from infratrack.reconciliation.records import RecordSet
from infratrack.reconciliation.template import TemplateProblem
from infratrack.values import Instant


class ReadSet(Struct, frozen=True):
    """One mapping with its records, and the reading of its source, which other mappings may share."""

    records: RecordSet
    reading: SourceReading
    name: str
    """The source as the project file names it, with its parameters; the same for all who share the reading."""


def _say_nothing(what: str, done: int, total: int) -> None:
    pass


def read_sets(  # noqa: PLR0913 -- what is read, from what, and the world around it
    configuration: Mapping[str, Any],
    sources: Mapping[str, Source],
    folder: Path,
    environment: Mapping[str, str],
    report: Report = _say_nothing,
    *,
    now: Instant | None = None,
) -> list[ReadSet]:
    """The desired records of one CMDB, in the order of its mappings.

    `configuration` is what stands under `cmdb: {NAME: …}` (only `records` is looked at), `sources` the plugins' by
    name, `folder` the project folder, `now` the moment (None: no age is known). A source that fails is not `complete`;
    what is wrong in the project file, or in an item, is an InputError.
    """
    mappings = [_mapping(number, written) for number, written in enumerate(configuration.get("records", ()))]
    reader = _Reader(sources, folder, environment, now)
    found = []
    for number, mapping in enumerate(mappings):
        label = _label(mapping.each, number)
        report(f"reading {label}", number, len(mappings))
        name, reading = reader.read(mapping, label)
        found.append(ReadSet(records_of(mapping, reading, label), reading, name))
    report("the sources are read", len(mappings), len(mappings))
    return found


def _mapping(number: int, written: Mapping[str, Any]) -> RecordMapping:
    try:
        return parse_mapping(written)
    except TemplateProblem as problem:
        place = " › ".join(["records", f"#{number + 1}", *map(str, problem.path)])
        raise InputError(f"{place}: {problem.message}", problem.hint) from None


class _Reader:
    """Reads each source once."""

    def __init__(
        self, sources: Mapping[str, Source], folder: Path, environment: Mapping[str, str], now: Instant | None
    ) -> None:
        self._sources = sources
        self._folder = folder
        self._environment = environment
        self._now = now
        self._readings: dict[str, SourceReading] = {}

    def read(self, mapping: RecordMapping, label: str) -> tuple[str, SourceReading]:
        if isinstance(mapping.each, list):
            return label, SourceReading(tuple(mapping.each), "a list in the project file")
        parameters = msgspec.json.encode(mapping.parameters, order="sorted").decode()
        name = f"{label} from {parameters}" if mapping.parameters else label
        if name not in self._readings:
            self._readings[name] = self._fresh(mapping)
        return name, self._readings[name]

    def _fresh(self, mapping: RecordMapping) -> SourceReading:
        each = mapping.each
        if isinstance(each, dict):
            return read_file(self._folder, each["file"], each.get("list"))
        source, wanted = source_of(each, self._sources)
        context = SourceContext(wanted, mapping.parameters, self._folder, self._environment, self._now)
        try:
            return self._sources[source].read(context)
        except InfratrackError:
            raise
        except Exception as error:  # noqa: BLE001 -- a plugin that fails must not pass for a source that is empty
            return SourceReading((), each, complete=False, reason=f"its plugin failed ({type(error).__name__})")


def _label(each: Any, number: int) -> str:  # noqa: ANN401 -- as the schema allows
    """A source as people name it; `number` is the mapping's."""
    if isinstance(each, str):
        return each
    if isinstance(each, list):
        return f"records[{number}].each"
    return f"{each['file']} › {each['list']}" if "list" in each else str(each["file"])
