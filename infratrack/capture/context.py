"""Gathers what is true around a run: who, where, in which checkout, for which deliverables, under which definition.

This is the edge: it asks git, the environment and the spool, and hands over values.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from infratrack.capture.assemble import RunContext
from infratrack.capture.ci import surroundings
from infratrack.capture.git_state import Checkout, GitQuestion, with_told_branch
from infratrack.errors import InfratrackError
from infratrack.evidence.predicates import UNCLASSIFIED, DefinitionPin, GitState, Links, Seen
from infratrack.evidence.redaction import strip_credentials
from infratrack.evidence.spool import Spool
from infratrack.project.model import Environment, Project

Say = Callable[[str], None]


class Linking(Struct, frozen=True):
    """What the caller says that a run belongs to. Ids are not checked before anything runs."""

    deliverables: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    change: str | None = None
    system: str | None = None
    labels: Mapping[str, str] = {}


def links_of(linking: Linking, project_id: str, project: Project | None) -> tuple[Links, list[str]]:
    """The links as they are recorded, and a line for each id that the project does not know. Pure."""
    environment: Environment | Literal["unclassified"] = UNCLASSIFIED
    unknown = []
    if project is not None:
        systems = {system.id: system.environment for system in project.systems}
        environment = systems.get(linking.system or "", UNCLASSIFIED)
        known = (
            ("deliverable", linking.deliverables, {one.id for one in project.deliverables}),
            ("task", linking.tasks, {one.id for one in project.tasks}),
            ("system", (linking.system,) if linking.system else (), set(systems)),
        )
        unknown = [
            f"the project has no {kind} {name!r}; the link is recorded as it is"
            for kind, names, ids in known
            for name in names
            if name not in ids
        ]
    links = Links(
        project=project_id,
        deliverables=linking.deliverables,
        tasks=linking.tasks,
        change=linking.change,
        system=linking.system or UNCLASSIFIED,
        environment=environment,
    )
    return links, unknown


def known_ids(project: Project | None, linking: Linking) -> list[str]:
    """The ids among a run's links that the project knows: they are names, whatever they look like."""
    if project is None:
        return []
    known = {one.id for some in (project.deliverables, project.tasks, project.systems) for one in some}
    return [name for name in (*linking.deliverables, *linking.tasks, linking.system) if name in known]


class Ground(Struct, frozen=True):
    """The folders and the project that a run stands on. `project` is None when its file is invalid."""

    cwd: Path
    folder: Path
    """The project folder."""
    project_id: str
    project: Project | None
    environ: Mapping[str, str]


def gather_context(  # noqa: PLR0913 -- what a context is made of
    ground: Ground, linking: Linking, *, run_id: str, spool: Spool, question: GitQuestion, say: Say
) -> RunContext:
    """Everything a statement says besides facts. Unknown ids and unknown surroundings are said, never fatal."""
    around = surroundings(ground.environ, login=login_name(ground.environ), host=socket.gethostname())
    checkout = with_told_branch(question.answer(), around.branch)
    links, unknown = links_of(linking, ground.project_id, ground.project)
    for line in unknown:
        say(line)
    return RunContext(
        run_id=run_id,
        links=links,
        actor=around.actor,
        ci=around.ci,
        git=_without_credentials(checkout.state),
        definition=DefinitionPin(
            commit=_definition_commit(ground, checkout),
            digest=ground.project.definition.digest if ground.project else None,
        ),
        seen=last_seen(spool),
        labels=linking.labels,
        missing=checkout.missing,
    )


def last_seen(spool: Spool) -> Seen | None:
    """The newest checkpoint that this machine knows; None when there is none or it cannot be read."""
    note = spool.read_seen()
    if note is None:
        return None
    from infratrack.ledger.checkpoint import encode_base64, read_note  # noqa: PLC0415 -- only where there is one

    try:
        checkpoint = read_note(note).checkpoint
    except InfratrackError:
        return None
    return Seen(checkpoint.origin, checkpoint.size, encode_base64(checkpoint.root))


def login_name(environ: Mapping[str, str]) -> str:
    """The user's login name, or the number where there is no name (as in many containers)."""
    for variable in ("LOGNAME", "USER"):
        if environ.get(variable):
            return environ[variable]
    import pwd  # noqa: PLC0415 -- the environment nearly always says it

    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _without_credentials(state: GitState | None) -> GitState | None:
    if state is None or state.remote is None:
        return state
    return GitState(state.commit, state.branch, state.dirty, strip_credentials(state.remote))


def _definition_commit(ground: Ground, checkout: Checkout) -> str | None:
    """The commit of the project folder: the checkout's own where both lie in one repository, else asked for."""
    if ground.cwd == ground.folder or ground.folder in ground.cwd.parents:
        between = [ground.cwd, *ground.cwd.parents]
        if not any((folder / ".git").exists() for folder in between[: between.index(ground.folder)]):
            return checkout.state.commit if checkout.state else None
    answer = GitQuestion(ground.folder, ground.environ).answer()
    return answer.state.commit if answer.state else None
