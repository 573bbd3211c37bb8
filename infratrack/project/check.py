"""The files of a project, read already, checked and joined into one: everything wrong is found, not only the first."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import jsonschema_rs
import msgspec
from msgspec import Struct, structs

from infratrack.project.build import Builder, Items, build_calendar, is_day
from infratrack.project.nearest import NearestNames
from infratrack.project.oddities import odd_values
from infratrack.project.positions import find_places
from infratrack.project.problems import Flaw, Path, Problem, ProjectProblems, shown
from infratrack.project.reading import YamlFile, read_yaml
from infratrack.project.reduced import references_of
from infratrack.project.references import References
from infratrack.project.schema import LISTS, PluginSchemas, Schemas, include_schema, project_schema

_NO_SCHEMA: Final = (ValueError, TypeError, AttributeError, RecursionError, jsonschema_rs.ReferencingError)


class Checked(Struct):
    """What the files hold together. Only without problems is it a whole project."""

    data: dict[str, Any]
    items: Items
    problems: list[Problem]


class Checker:
    """Checks file after file, and then what they are together. The first file is the project file itself."""

    def __init__(self, plugins: PluginSchemas, broken: Mapping[str, str]) -> None:
        self._plugins = plugins
        self._broken = broken
        self._nearest = NearestNames()
        self._validators: dict[bool, tuple[dict[str, Any], jsonschema_rs.Draft202012Validator]] = {}
        self._files: list[YamlFile] = []
        self._flaws: list[list[Flaw]] = []

    def take(self, file: YamlFile) -> Mapping[str, Any]:
        """Check one file by its schema; returns its data, as far as it is a mapping."""
        schema, validator = self._validator(main=not self._files)
        flaws: list[Flaw] = []
        if file.looks_odd or not _is_valid(validator, file.data) or not _is_plain(file.data):
            data, flaws = odd_values(file.data)
            file = structs.replace(file, data=data)
            if not _is_valid(validator, data):
                flaws += self._explained(schema, validator, data)
        self._files.append(file)
        self._flaws.append(flaws)
        if not isinstance(file.data, dict):
            return {}
        self._check_days(file.data, flaws)
        return file.data

    def add(self, *flaws: Flaw) -> None:
        """Flaws of the file taken last that somebody else found."""
        self._flaws[-1] += flaws

    def together(self, *, complete: bool) -> Checked:
        """Join the files. `complete` says that every file could be read: else references are not looked into."""
        sound: dict[str, list[Mapping[str, Any]]] = {name: [] for name in LISTS}
        origins: dict[str, list[tuple[int, int]]] = {name: [] for name in LISTS}
        others: dict[str, set[str]] = {name: set() for name in LISTS}
        for number, file in enumerate(self._files):
            bad: dict[Path, list[Path]] = {}
            for flaw in self._flaws[number]:
                bad.setdefault(flaw.path[:2], []).append(flaw.path[2:])
            complete = complete and not any((name,) in bad for name in LISTS) and () not in bad
            for name in LISTS:
                _sort_out(file, number, name, bad, (sound[name], origins[name], others[name]))
        main = self._files[0].data if isinstance(self._files[0].data, dict) else {}
        head_is_bad = {flaw.path[0] for flaw in self._flaws[0] if flaw.path}
        builder = Builder(build_calendar({} if "calendar" in head_is_bad else main.get("calendar", {})))
        items = builder.items(sound)
        found = list(builder.flaws)
        if complete:
            found += References(items, others, self._nearest).check()
        for (name, position), flaw in found:
            number, index = origins[name][position]
            self._flaws[number].append(structs.replace(flaw, path=(name, index, *flaw.path)))
        data = {**main, **{name: entries for name, entries in sound.items() if entries or name in main}}
        return Checked(data, items, self._problems())

    def _validator(self, *, main: bool) -> tuple[dict[str, Any], jsonschema_rs.Draft202012Validator]:
        if main not in self._validators:
            make = project_schema if main else include_schema
            try:
                schema = make(self._plugins)
                validator = _validator_of(schema)
            except _NO_SCHEMA:
                # A plugin's schema is none. What it describes cannot be used; everything else can.
                self._plugins = _all_usable(self._plugins)
                schema = make(self._plugins)
                validator = _validator_of(schema)
            self._validators[main] = schema, validator
        return self._validators[main]

    def _explained(
        self,
        schema: Mapping[str, Any],
        validator: jsonschema_rs.Draft202012Validator,
        data: Any,  # noqa: ANN401 -- whatever YAML holds
    ) -> list[Flaw]:
        from infratrack.project.explain import Explainer  # noqa: PLC0415 -- only a wrong project file needs it

        flaws = Explainer(schema, self._nearest, self._broken).flaws(data)
        if flaws:
            return flaws
        # The two validators differ on rare things (a final newline before `$`): then the first one's words must do.
        return [
            Flaw(tuple(error.instance_path), f"{shown(error.instance)} does not fit the schema ({error.kind.name})")
            for error in validator.iter_errors(data)
        ]

    def _check_days(self, data: Mapping[str, Any], flaws: list[Flaw]) -> None:
        """Days that are written right but are in no calendar, outside the lists."""
        bad = {flaw.path for flaw in flaws}
        calendar, project = data.get("calendar"), data.get("project")
        days: list[tuple[Path, Any]] = []
        if isinstance(calendar, dict) and isinstance(calendar.get("holidays"), list):
            days += [(("calendar", "holidays", n), day) for n, day in enumerate(calendar["holidays"])]
        if isinstance(project, dict) and "start" in project:
            days.append((("project", "start"), project["start"]))
        for path, day in days:
            if path not in bad and isinstance(day, str) and not is_day(day):
                flaws.append(Flaw(path, found=shown(day), expected="a day that the calendar has"))

    def _problems(self) -> list[Problem]:
        problems: list[Problem] = []
        for file, flaws in zip(self._files, self._flaws, strict=True):
            problems += file.problems
            problems += located(file, flaws)
        return problems


def text_is_valid(text: str, plugins: PluginSchemas) -> bool:
    """Whether the text of a project file without includes has no problem."""
    checker = Checker(plugins, {})
    try:
        checker.take(read_yaml(text.encode(), ""))
    except ProjectProblems:
        return False
    return not checker.together(complete=True).problems


def located(file: YamlFile, flaws: Sequence[Flaw]) -> list[Problem]:
    """Flaws of one file as problems with line and column; each said once."""
    if not flaws:
        return []
    places = find_places(file.text, [flaw.path for flaw in flaws])
    found: dict[Problem, None] = {}
    for flaw in flaws:
        place, _ = places.of(flaw.path)
        line, column = (place.key_line, place.key_column) if flaw.at_key else (place.line, place.column)
        found[flaw.at(file.file, line, column, spoken_path(file.data, flaw))] = None
    return list(found)


def spoken_path(data: Any, flaw: Flaw) -> str:  # noqa: ANN401 -- whatever YAML holds
    """The way to a value in words: `tasks › core › duration`; items of lists by their id where they have one."""
    words = []
    for element in flaw.path[:-1] if flaw.at_key else flaw.path:
        if isinstance(data, list) and isinstance(element, int):
            data = data[element] if element < len(data) else None
            name = data.get("id") if isinstance(data, dict) else None
            words.append(name if isinstance(name, str) and len(name) <= 128 else f"#{element + 1}")  # noqa: PLR2004 -- an id's length
        else:
            data = data.get(element) if isinstance(data, dict) else None
            words.append(str(element)[:80])
    return " › ".join(words)


def _is_valid(validator: jsonschema_rs.Draft202012Validator, data: Any) -> bool:  # noqa: ANN401 -- whatever YAML holds
    try:
        return validator.is_valid(data)
    except (ValueError, OverflowError, RecursionError):
        return False  # keys that are no text and values that JSON does not have


def _validator_of(schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(schema, retriever=_nothing_from_elsewhere)


def _nothing_from_elsewhere(uri: str) -> Any:  # noqa: ANN401 -- jsonschema-rs's signature
    """A schema that refers to a web page must not make us fetch it."""
    raise ValueError(uri)


def _all_usable(plugins: PluginSchemas) -> PluginSchemas:
    return PluginSchemas(
        _usable(plugins.criteria), _usable(plugins.steps), _usable(plugins.reconcilers), _usable(plugins.sources)
    )


def _usable(schemas: Schemas) -> Schemas:
    """The schemas that can stand in ours."""
    found: dict[str, Mapping[str, Any]] = {}
    for name, schema in schemas.items():
        try:
            _validator_of(project_schema(PluginSchemas({name: schema})))
        except _NO_SCHEMA:
            continue
        found[name] = schema
    return found


def _is_plain(data: Any) -> bool:  # noqa: ANN401 -- whatever YAML holds
    """Whether JSON has all of it; also the places that no schema looks into."""
    try:
        msgspec.json.encode(data, order="sorted")
    except (TypeError, ValueError, OverflowError, RecursionError):
        return False
    return True


def _sort_out(
    file: YamlFile,
    number: int,
    name: str,
    bad: Mapping[Path, Collection[Path]],
    into: tuple[list[Mapping[str, Any]], list[tuple[int, int]], set[str]],
) -> None:
    """Put the items of a list that have no flaw aside with their origin; of the others, references or at least ids.

    `bad`: the items that have a flaw, and the paths of their flaws inside them.
    """
    sound, origins, others = into
    entries = file.data.get(name) if isinstance(file.data, dict) else None
    if not isinstance(entries, list):
        return
    if not bad:
        sound.extend(entries)
        origins.extend((number, index) for index in range(len(entries)))
        return
    for index, entry in enumerate(entries):
        if (name, index) not in bad:
            sound.append(entry)
            origins.append((number, index))
            continue
        reduced = references_of(name, entry, bad[name, index])
        if reduced is not None:
            sound.append(reduced)
            origins.append((number, index))
        elif isinstance(entry, dict):
            names = [entry.get("id")]
            roles = entry.get("roles") if name == "people" else None
            names += roles if isinstance(roles, list) else []
            others.update(word for word in names if isinstance(word, str))
