"""Finds the project file and loads the project: the only way from the disk to a `Project`."""

from __future__ import annotations

import contextlib
import gc
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from infratrack.errors import InputError
from infratrack.project.check import Checked, Checker
from infratrack.project.definition import assemble, definition_of
from infratrack.project.include_files import read_at_most
from infratrack.project.key_files import key_paths, key_text
from infratrack.project.model import Project
from infratrack.project.problems import Flaw, Problem, ProjectProblems, shown
from infratrack.project.project_files import FolderFiles, ProjectFiles
from infratrack.project.reading import YamlFile, read_yaml
from infratrack.project.schema import PluginSchemas
from infratrack.project.text import FILE_AT_MOST
from infratrack.values import IDENTIFIER_PATTERN

PROJECT_FILE: Final = "infratrack.yaml"
TOGETHER_AT_MOST: Final = 4 * FILE_AT_MOST

_ID: Final = re.compile(IDENTIFIER_PATTERN.removeprefix("^").removesuffix("$"))
_ID_IN_FLOW: Final = re.compile(r"^project:\s*\{[^}\n]*?\bid:\s*[\"']?([^\s,}\"']+)", re.MULTILINE)
_ID_IN_BLOCK: Final = re.compile(
    r"^project:[ \t]*(?:#.*)?\n(?:(?:[ \t]+\S.*)?\n)*?[ \t]+id:[ \t]*[\"']?([^\s\"']+)", re.MULTILINE
)


def find_project_file(start: Path) -> Path:
    """The project file: `start` itself, or `infratrack.yaml` in it or in the nearest folder above; else InputError."""
    try:
        if start.is_file():
            return start
        folder = start.resolve()
        for place in (folder, *folder.parents):
            if (place / PROJECT_FILE).is_file():
                return place / PROJECT_FILE
        other = (folder / "infratrack.yml").is_file()
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"{shown(str(start))} cannot be looked up", "name a project file or a folder") from error
    hint = f"rename infratrack.yml to {PROJECT_FILE}" if other else "`infratrack init` writes one"
    raise InputError(f"no {PROJECT_FILE} in {folder} or above", hint)


def load_project(path: Path, plugins: PluginSchemas, broken: Mapping[str, str] | None = None) -> Project:
    """Load the project of a project file.

    `broken` maps the names of plugins that could not be loaded to the reason. Raises ProjectProblems with everything
    that is wrong, InputError where there is no file.
    """
    return load_files(FolderFiles(path), plugins, broken)


def load_files(files: ProjectFiles, plugins: PluginSchemas, broken: Mapping[str, str] | None = None) -> Project:
    """Load a project from wherever its files are read; see `load_project`."""
    with _no_garbage_to_collect():
        return _load(files, plugins, broken or {})


def _load(files: ProjectFiles, plugins: PluginSchemas, broken: Mapping[str, str]) -> Project:
    file = read_yaml(files.read(files.main), files.label(files.main))
    checker = Checker(plugins, broken)
    main = checker.take(file)
    key_files = _read_key_files(files, main, checker)
    problems: list[Problem] = []
    includes, flaws = _included(files, main)
    checker.add(*flaws)
    for included in includes:
        label = files.label(included)
        try:
            data = checker.take(read_yaml(files.read(included), label))
            key_files |= _read_key_files(files, data, checker)
        except ProjectProblems as unreadable:
            problems += unreadable.problems
        except InputError as error:
            problems.append(Problem(label, 1, 1, f"{error.message}; expected {error.hint}", error.message))
    checked = checker.together(complete=not problems)
    problems += checked.problems
    if problems:
        raise ProjectProblems(problems)
    return _assembled(checked, key_files)


def read_project_id(path: Path) -> str | None:
    """The project's id, as far as it can be made out even from a broken file; never raises."""
    try:
        content = read_at_most(path, FILE_AT_MOST)
    except (InputError, ValueError):
        return None
    try:
        project = read_yaml(content, "").data["project"]
        found = project["id"]
    except (InputError, TypeError, KeyError, IndexError):
        text = content.decode("utf-8", "replace").removeprefix("\ufeff").replace("\r\n", "\n")
        guess = _ID_IN_FLOW.search(text) or _ID_IN_BLOCK.search(text)
        found = guess[1] if guess else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


@contextlib.contextmanager
def _no_garbage_to_collect() -> Iterator[None]:
    """Loading makes many small values that all stay: the collector would look at them again and again for nothing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def read_sources(path: Path) -> list[YamlFile]:
    """The files of a project that was loaded without problems, read once more (to find places in them)."""
    files = FolderFiles(path)
    main = read_yaml(files.read(files.main), files.label(files.main))
    included, _ = _included(files, main.data)
    return [main, *(read_yaml(files.read(name), files.label(name)) for name in included)]


def _included(files: ProjectFiles, main: Mapping[str, Any]) -> tuple[list[str], list[Flaw]]:
    """The files that the project file includes, in the order of their paths, each once; and what is wrong with them."""
    flaws: list[Flaw] = []
    patterns = main.get("include")
    found: set[str] = set()
    for number, pattern in enumerate(patterns if isinstance(patterns, list) else ()):
        if not isinstance(pattern, str) or not pattern:
            continue
        try:
            found.update(files.included(pattern))
        except InputError as error:
            flaws.append(Flaw(("include", number), error.message, shown(pattern), error.hint))
    names = sorted(found, key=lambda name: name.split("/"))
    size = files.size(names)
    if size > TOGETHER_AT_MOST:
        what = f"the included files have {size:,} bytes together"
        flaws.append(Flaw(("include",), what, f"{size:,}", f"at most {TOGETHER_AT_MOST:,}"))
        return [], flaws
    return names, flaws


def _read_key_files(files: ProjectFiles, data: Mapping[str, Any], checker: Checker) -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, place in key_paths(data):
        if name not in texts:
            try:
                texts[name] = key_text(name, files.key(name))
            except InputError as error:
                checker.add(Flaw(place, error.message, shown(name), error.hint))
    return texts


def _assembled(checked: Checked, key_files: Mapping[str, str]) -> Project:
    definition = definition_of(checked.data, key_files)
    return assemble(checked.data, checked.items, definition, key_files)
