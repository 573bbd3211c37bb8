"""Where the criteria of deliverables are written: file and line, for annotations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path as FilePath
from typing import Any

from msgspec import Struct

from infratrack.project.bound import criterion_paths
from infratrack.project.files import read_sources
from infratrack.project.model import Project
from infratrack.project.positions import find_places
from infratrack.project.problems import Path
from infratrack.project.reading import YamlFile


class CriterionPlace(Struct, frozen=True):
    """A line of a project file; `file` is relative to the current folder where it is below."""

    file: str
    line: int
    column: int


def criterion_places(
    project: Project, file: FilePath, wanted: Collection[str]
) -> Mapping[tuple[str, int], CriterionPlace]:
    """Where each criterion of the wanted deliverables stands, by deliverable and the criterion's number in its tree.

    A criterion that the file does not have at that place (it is another version of the project) stands where the
    nearest thing around it does; a deliverable that the files do not have is left out. InputError where a file cannot
    be read.
    """
    paths = {
        one.id: [(*path, call.name) for path, call in criterion_paths(one.done_when, ("done_when",))]
        for one in project.deliverables
        if one.id in wanted
    }
    found: dict[tuple[str, int], CriterionPlace] = {}
    for source in read_sources(file):
        found |= _in_file(source, paths)
    return found


def _in_file(source: YamlFile, paths: Mapping[str, list[Path]]) -> dict[tuple[str, int], CriterionPlace]:
    entries: Any = source.data.get("deliverables") if isinstance(source.data, dict) else None
    wanted: dict[tuple[str, int], Path] = {}
    for index, entry in enumerate(entries if isinstance(entries, list) else ()):
        name = str(entry.get("id")) if isinstance(entry, dict) else ""
        for number, path in enumerate(paths.get(name, ())):
            wanted[name, number] = ("deliverables", index, *path)
    if not wanted:
        return {}
    places = find_places(source.text, wanted.values())
    standing = {key: places.of(path)[0] for key, path in wanted.items()}
    return {key: CriterionPlace(source.file, one.key_line, one.key_column) for key, one in standing.items()}
