"""Reads the sources that `netbox.matches` compares records with, and makes records of their items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from infratrack.api import InputError, ObserveContext, Source, SourceContext, SourceReading, Unreachable, read_sets
from infratrack_netbox.findings import line
from infratrack_netbox.matching import Item, Items
from infratrack_netbox.questions import Asked
from infratrack_netbox.reads import Unanswerable

_OF_A_MAPPING: Final = ("type", "each", "from", "key", "fields", "where")


class ItemSources:
    """Each source is read once a look, however many criteria compare with it."""

    def __init__(self, context: ObserveContext) -> None:
        self._context = context
        self._sources = {name: _Once(source) for name, source in context.sources.items()}

    @property
    def secrets(self) -> frozenset[str]:
        """What the sources hold that must appear nowhere."""
        return frozenset(secret for source in self._sources.values() for secret in source.secrets)

    def of(self, asked: Asked) -> Items | Unanswerable:
        """The items as records; the reason where there is no such source, or its items do not fit the templates."""
        mapping = {name: asked.parameters[name] for name in _OF_A_MAPPING if name in asked.parameters}
        context = self._context
        try:
            (found,) = read_sets(
                {"records": [mapping]}, self._sources, context.folder, context.environment, now=context.at
            )
        except (InputError, Unreachable) as error:
            return Unanswerable(line(error.message))
        records = found.records
        items = tuple(Item(one.key, one.fields, one.origin) for one in records.desired)
        return Items(items, line(records.source or found.name), records.complete, records.reason, found.reading.secrets)


class _Once:
    """A source that is asked the same only once."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._known: dict[bytes, SourceReading] = {}

    @property
    def name(self) -> str:
        """The source's own."""
        return self._source.name

    @property
    def schema(self) -> Mapping[str, Any]:
        """The source's own."""
        return self._source.schema

    @property
    def secrets(self) -> frozenset[str]:
        """Of everything that was read."""
        return frozenset(secret for reading in self._known.values() for secret in reading.secrets)

    def read(self, context: SourceContext) -> SourceReading:
        """The reading; the same as before where the same was asked before."""
        place = msgspec.json.encode([context.name, context.parameters], order="sorted")
        if place not in self._known:
            self._known[place] = self._source.read(context)
        return self._known[place]
