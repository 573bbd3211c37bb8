"""Reads the sources that `netbox.matches` compares records with, and makes records of their items."""

from __future__ import annotations

from collections.abc import Mapping

from infratrack.api import InputError, ObserveContext, Source, SourceContext, SourceReading, Template, Unreachable
from infratrack_netbox.findings import line
from infratrack_netbox.matching import Item, Items
from infratrack_netbox.questions import Asked
from infratrack_netbox.reads import Unanswerable


class ItemSources:
    """Each source is read once a look, however many criteria compare with it."""

    def __init__(self, context: ObserveContext) -> None:
        self._context = context
        self._readings: dict[tuple[str, str], SourceReading | Unanswerable] = {}
        self.secrets: frozenset[str] = frozenset()
        """What the sources hold that must appear nowhere."""

    def of(self, asked: Asked) -> Items | Unanswerable:
        """The items as records. InputError for a source that there is not, or a template that does not fit."""
        parameters = asked.parameters
        each = parameters["each"]
        reading = self._read(each, parameters.get("from", {}))
        if isinstance(reading, Unanswerable):
            return reading
        key, fields = Template(parameters["key"]), Template(parameters["fields"])
        origins = [f"{each}[{number}]" for number in range(len(reading.items))]
        items = tuple(
            Item(key.render(item, origin), fields.render(item, origin), origin)
            for origin, item in zip(origins, reading.items, strict=True)
        )
        return Items(items, line(reading.origin or each), reading.complete, reading.reason, reading.secrets)

    def _read(self, each: str, parameters: Mapping[str, object]) -> SourceReading | Unanswerable:
        place = each, repr(sorted(parameters.items()))
        if place not in self._readings:
            source, name = _source(self._context.sources, each)
            context = SourceContext(name, parameters, self._context.folder, self._context.environment)
            try:
                reading = source.read(context)
            except (InputError, Unreachable) as error:
                self._readings[place] = Unanswerable(line(error.message))
            else:
                self._readings[place] = reading
                self.secrets |= reading.secrets
        return self._readings[place]


def _source(sources: Mapping[str, Source], each: str) -> tuple[Source, str]:
    """The source that `each` names, and what it is asked for."""
    for name in sorted(sources, key=len, reverse=True):
        if each.startswith(f"{name}."):
            return sources[name], each.removeprefix(f"{name}.")
    known = ", ".join(sorted(sources)) or "none"
    raise InputError(f"netbox.matches: there is no source for {each!r}", f"`each` begins with one of: {known}")
