"""Narrows a project's state to what was asked about. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from msgspec import Struct, structs

from infratrack.errors import InputError
from infratrack.progress.status import DeliverableState, ProjectState, Status, TaskState
from infratrack.progress.summary import shares
from infratrack.project.nearest import NearestNames

MET = frozenset({Status.COMPLETE, Status.ACCEPTED})
"""What `--check` asks for."""


class Question(Struct, frozen=True):
    """What is asked about: within one kind any of the names will do, every kind that is given has to fit."""

    deliverables: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    phases: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    owners: tuple[str, ...] = ()

    @property
    def everything(self) -> bool:
        """Whether nothing narrows it."""
        return self == Question()


def narrowed(state: ProjectState, question: Question) -> ProjectState:
    """The state with only what was asked about; its progress is that of what remains.

    Of unrecorded changes those remain that concern a deliverable which remains. A deliverable has its task's phase, and
    its task's tags and owner beside its own. Raises InputError for a name that the project does not have.
    """
    if question.everything:
        return state
    tasks = {task.id: task for task in state.tasks}
    phase_of = {task.id: task.phase for task in state.tasks}
    owned: list[DeliverableState | TaskState] = [*state.deliverables, *state.tasks]
    _check("deliverable", question.deliverables, [one.id for one in state.deliverables])
    _check("task", question.tasks, tasks)
    _check("phase", question.phases, [one.id for one in state.phases])
    _check("tag", question.tags, sorted({tag for one in owned for tag in one.tags}))
    _check("owner", question.owners, sorted({one.owner for one in owned if one.owner}))
    deliverables = []
    for one in state.deliverables:
        task = tasks.get(one.task or "")
        tags = {*one.tags, *(task.tags if task else ())}
        owners = {one.owner, task.owner if task else None}
        if (
            _fits(question.deliverables, {one.id})
            and _fits(question.tasks, {one.task})
            and _fits(question.phases, {phase_of.get(one.task or "")})
            and _fits(question.tags, tags)
            and _fits(question.owners, owners)
        ):
            deliverables.append(one)
    kept = {one.task for one in deliverables}
    names = {one.id for one in deliverables}
    asked_tasks = tuple(
        task
        for task in state.tasks
        if task.id in kept
        or (
            not question.deliverables
            and not task.deliverables
            and _fits(question.tasks, {task.id})
            and _fits(question.phases, {task.phase})
            and _fits(question.tags, set(task.tags))
            and _fits(question.owners, {task.owner})
        )
    )
    phases = tuple(one for one in state.phases if one.id in question.phases)
    progress, earned, at_risk = shares(deliverables)
    return structs.replace(
        state,
        progress=progress,
        earned=earned,
        at_risk=at_risk,
        deliverables=tuple(deliverables),
        tasks=asked_tasks,
        phases=phases,
        unrecorded=tuple(change for change in state.unrecorded if not names.isdisjoint(change.deliverables)),
    )


def unmet(state: ProjectState, question: Question) -> list[str]:
    """What keeps everything asked about from being complete, each as `id (status)`; phases asked for by their exits."""
    missing = [f"{one.id} ({one.status.replace('_', ' ')})" for one in state.deliverables if one.status not in MET]
    missing.extend(
        f"exit of phase {phase.id} ({phase.exit.status.replace('_', ' ')})"
        for phase in state.phases
        if phase.id in question.phases and phase.exit is not None and phase.exit.status not in MET
    )
    return missing


def _fits(wanted: tuple[str, ...], has: Collection[str | None]) -> bool:
    return not wanted or any(name in has for name in wanted)


def _check(kind: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            raise unknown_name(kind, name, known)


def unknown_name(kind: str, name: str, known: Collection[str]) -> InputError:
    """The failure for a name that the project does not have, with the nearest one that it has."""
    nearest = NearestNames().to(name, known)
    if nearest is not None:
        hint = f"did you mean {nearest!r}?"
    elif known:
        listed = ", ".join(list(known)[:8])
        hint = f"the project has {listed}" + (" …" if len(known) > 8 else "")  # noqa: PLR2004 -- as many as fit a line
    else:
        hint = f"the project has no {kind}s"
    return InputError(f"the project has no {kind} {name[:80]!r}", hint)
