"""Problems that only show when criteria are bound to their parameters, told with their line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path as FilePath
from typing import Any

from infratrack.errors import InputError
from infratrack.project.check import located
from infratrack.project.files import read_sources
from infratrack.project.model import AllOf, AtLeast, Condition, CriterionCall, Not, Project
from infratrack.project.problems import Flaw, Path, Problem, ProjectProblems, shown

Bind = Callable[[CriterionCall, str], None]
"""Binds one criterion of the deliverable (or phase) of that id; raises InputError where the parameters are wrong."""


def check_bound(project: Project, file: FilePath, bind: Bind) -> None:
    """Bind every criterion of the project once; raises ProjectProblems with all that cannot be bound."""
    flaws: list[tuple[str, str, Flaw]] = []
    for deliverable in project.deliverables:
        for path, call in criterion_paths(deliverable.done_when, ("done_when",)):
            _try(bind, call, ("deliverables", deliverable.id), path, flaws)
    for phase in project.phases:
        for path, call in criterion_paths(phase.exit, ("exit",)) if phase.exit else ():
            _try(bind, call, ("phases", phase.id), path, flaws)
    if flaws:
        raise ProjectProblems(_located(file, flaws))


def told_at(error: InputError, file: FilePath, path: Path) -> ProjectProblems:
    """An error about a part of the project file as a problem with that part's line."""
    return told_each_at([(path, error)], file)


def told_each_at(errors: Iterable[tuple[Path, InputError]], file: FilePath) -> ProjectProblems:
    """Errors (at least one) about parts of the project file as problems with their lines."""
    return ProjectProblems(located(read_sources(file)[0], [_flaw(error, path, "") for path, error in errors]))


def _flaw(error: InputError, path: Path, found: str) -> Flaw:
    """An error as a flaw; a hint that says what to do stays one."""
    if error.hint.startswith("expected "):
        return Flaw(path, error.message, found, error.hint.removeprefix("expected "))
    return Flaw(path, f"{error.message}; {error.hint}" if error.hint else error.message, found)


def _try(
    bind: Bind, call: CriterionCall, owner: tuple[str, str], path: Path, flaws: list[tuple[str, str, Flaw]]
) -> None:
    try:
        bind(call, owner[1])
    except InputError as error:
        flaws.append((*owner, _flaw(error, (*path, call.name), shown(call.parameters))))


def criterion_paths(condition: Condition, path: Path) -> Iterator[tuple[Path, CriterionCall]]:
    """Every criterion of a condition that stands at `path`, with the path of the mapping that holds it, in order."""
    if isinstance(condition, CriterionCall):
        yield path, condition
    elif isinstance(condition, Not):
        yield from criterion_paths(condition.condition, (*path, "not"))
    else:
        key = "all" if isinstance(condition, AllOf) else "any"
        here: Path = (*path, "at_least", "of") if isinstance(condition, AtLeast) else (*path, key)
        for number, inner in enumerate(condition.conditions):
            yield from criterion_paths(inner, (*here, number))


def _located(file: FilePath, flaws: list[tuple[str, str, Flaw]]) -> list[Problem]:
    """The flaws with their lines: the files are read once more, because a project remembers no lines."""
    problems: list[Problem] = []
    for source in read_sources(file):
        here = []
        for kind, name, flaw in flaws:
            entries: Any = source.data.get(kind) if isinstance(source.data, dict) else None
            for index, entry in enumerate(entries if isinstance(entries, list) else ()):
                if isinstance(entry, dict) and entry.get("id") == name:
                    here.append(Flaw((kind, index, *flaw.path), flaw.what, flaw.found, flaw.expected, at_key=True))
        problems += located(source, here)
    return problems
