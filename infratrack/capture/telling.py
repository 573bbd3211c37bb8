"""Gathers what a pipeline has to tell: status, plans, what they would turn, and where failing criteria are written."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct, structs

from infratrack.capture.ci import surroundings
from infratrack.capture.clock import now
from infratrack.capture.preparation import scope_of
from infratrack.capture.record import scope_named
from infratrack.capture.told_plans import ReadPlan, read_plan
from infratrack.errors import InfratrackError, IntegrityFailure
from infratrack.pipelines.failing import Line, failing_criteria
from infratrack.pipelines.outlook import Expected, expected
from infratrack.pipelines.telling import Telling
from infratrack.progress.fold import project_state
from infratrack.progress.look_ahead import foreseen_state, touched_deliverables
from infratrack.project.criterion_places import criterion_places
from infratrack.project.problems import ProjectProblems

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.progress.index.store import FactsIndex
    from infratrack.progress.status import ProjectState

MOST_PROBLEMS: Final = 20
"""Problems of a project file that are told."""
_CHECKOUTS: Final = ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY", "WORKSPACE")
"""Where CI systems say that the repository is checked out."""


class Asked(Struct, frozen=True):
    """What to tell about: plans, and the Terraform root and workspace that they are of."""

    plans: tuple[Path, ...] = ()
    directory: str | None = None
    workspace: str | None = None


def gather(workspace: Workspace, asked: Asked) -> Telling:
    """Everything that can be told. What cannot be found out becomes a sentence of the telling.

    Raises IntegrityFailure for a ledger that is damaged or not the one that was read before, and InputError for what
    the caller got wrong.
    """
    scope = scope_named(asked.directory, asked.workspace, scope_of(Path.cwd(), workspace.project_file.parent))
    run_url = _run_url(workspace.environ)
    try:
        project = workspace.project
    except InfratrackError as error:
        return Telling(_project_id(workspace), troubles=_said(error), run_url=run_url)
    plans = [read_plan(workspace, path, scope) for path in asked.plans]
    try:
        state, outlook = _states(workspace, plans)
    except IntegrityFailure:
        raise
    except InfratrackError as error:
        told = tuple(one.told for one in plans)
        troubles = [f"The status is not known: {sentence}" for sentence in _said(error)]
        return Telling(project.id, plans=told, troubles=troubles, run_url=run_url)
    return Telling(
        project=project.id,
        state=state,
        failing=failing_criteria(state, _places(workspace, state)),
        plans=tuple(one.told for one in plans),
        outlook=outlook,
        waiting=_waiting(workspace),
        troubles=[f"the plugin {name} is broken: {why}" for name, why in sorted(workspace.plugins.broken.items())],
        run_url=run_url,
    )


def _states(workspace: Workspace, plans: Sequence[ReadPlan]) -> tuple[ProjectState, tuple[Expected, ...] | None]:
    """The state now and, where plans let one foresee it, what they would turn; both from the same facts."""
    project, criteria, trust = workspace.project, workspace.plugins.criteria, workspace.trust
    foreseen = [one for plan in plans for one in plan.foreseen]
    moment = now()

    def compute(index: FactsIndex) -> tuple[ProjectState, ProjectState | None]:
        state = project_state(project, index, criteria, trust, moment)
        ahead = foreseen_state(project, index, criteria, trust, moment, foreseen) if foreseen else None
        return state, ahead

    state, ahead = workspace.computed(compute)
    state = structs.replace(state, policy=workspace.policy)
    if ahead is None:
        return state, None
    return state, expected(state, ahead, touched_deliverables(project, criteria, trust, foreseen))


def _places(workspace: Workspace, state: ProjectState) -> Mapping[tuple[str, int], Line]:
    """Where failing criteria are written in the files that are checked out; none where those cannot be read."""
    wanted = {one.deliverable for one in failing_criteria(state, {})}
    if not wanted:
        return {}
    try:
        found = criterion_places(workspace.project, workspace.project_file, wanted)
    except InfratrackError:
        return {}
    root = repository_folder(workspace.environ, workspace.folder)
    return {key: Line(_relative(place.file, root), place.line, place.column) for key, place in found.items()}


def repository_folder(environ: Mapping[str, str], folder: Path) -> Path:
    """Where the repository is checked out, as far as it can be told: a folder at or above the project's."""
    for name in _CHECKOUTS:
        told = environ.get(name, "")
        if told and Path(told).is_absolute() and folder.is_relative_to(Path(told).resolve()):
            return Path(told).resolve()
    return next((place for place in (folder, *folder.parents) if (place / ".git").exists()), folder)


def _relative(file: str, root: Path) -> str:
    """A file's path from the repository's folder; as it is where it lies outside."""
    path = Path(os.path.realpath(file))
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


def _run_url(environ: Mapping[str, str]) -> str | None:
    ci = surroundings(environ, login="", host="").ci
    return None if ci is None else ci.run_url


def _project_id(workspace: Workspace) -> str:
    try:
        return workspace.project_id
    except InfratrackError:
        return "infratrack"


def _said(error: InfratrackError) -> list[str]:
    """What went wrong as sentences: every problem of a project file, or the message's first line."""
    if isinstance(error, ProjectProblems):
        told = [str(one) for one in error.problems[:MOST_PROBLEMS]]
        more = len(error.problems) - len(told)
        return [*told, *([f"and {more} more problems; `infratrack validate` lists them"] if more else [])]
    return [error.message.split("\n", 1)[0]]


def _waiting(workspace: Workspace) -> int:
    try:
        return workspace.spool.count()
    except InfratrackError:
        return 0
