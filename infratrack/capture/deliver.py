"""`infratrack deliver`: a declared pipeline's steps in order, one evidence a step, stop at the first that fails."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Protocol

from msgspec import Struct

from infratrack.capture.assemble import Execution
from infratrack.capture.child_environment import without_signing_key
from infratrack.capture.clock import now
from infratrack.capture.context import Linking, Say
from infratrack.capture.facts import usable
from infratrack.capture.leave import Desk
from infratrack.capture.workspace import Workspace
from infratrack.errors import InfratrackError, InputError
from infratrack.evidence.predicates import COMMAND, Outcome
from infratrack.hookspecs import Collected, StepContext, StepEnd, StepType
from infratrack.plugin_manager import described
from infratrack.project.model import Pipeline, Step
from infratrack.project.nearest import NearestNames
from infratrack.project.wanted import wanted_facts
from infratrack.values import Digest

UNEXPLAINED: Final = 1
"""The code for a step that did not succeed although its own code says 0."""


class Watcher(Protocol):
    """Who watches a pipeline run."""

    def begins(self, number: int, count: int, step: Step) -> None:
        """A step begins; `number` counts from 1."""

    def says(self, line: str) -> None:
        """The step says something, free of secrets as far as we know them."""

    def ended(self, result: StepResult) -> None:
        """The step has ended and its evidence is safe on this machine."""


class StepResult(Struct, frozen=True):
    """How one step ended, and the digest of its evidence."""

    name: str
    type: str
    exit_code: int
    outcome: Outcome
    message: str
    evidence: Digest


def find_pipeline(workspace: Workspace, name: str) -> Pipeline:
    """The pipeline of that id; InputError names the nearest one."""
    pipelines = {one.id: one for one in workspace.project.pipelines}
    if name in pipelines:
        return pipelines[name]
    nearest = NearestNames().to(name, pipelines)
    hint = f"did you mean {nearest}?" if nearest else f"declared are: {', '.join(pipelines) or 'none'}"
    raise InputError(f"the project has no pipeline {name!r}", hint)


def deliver(
    workspace: Workspace, pipeline: Pipeline, watcher: Watcher, say: Say, canceled: Callable[[], bool]
) -> Iterator[StepResult]:
    """Run the steps one after the other and yield each one's result, until one does not succeed.

    Raises Unreachable when a step's start cannot be written: a pipeline of ours runs nothing that it cannot record.
    """
    linking = Linking(pipeline.deliverables, pipeline.tasks, system=pipeline.system, labels={"pipeline": pipeline.id})
    desk = Desk(workspace, linking, say, cwd=workspace.folder)
    scratch = Path(tempfile.mkdtemp(prefix="infratrack-"))
    handoff: dict[str, Any] = {}
    try:
        for number, step in enumerate(pipeline.steps, start=1):
            watcher.begins(number, len(pipeline.steps), step)
            result = _recorded(desk, workspace, step, _context(workspace, step, scratch, handoff, watcher, canceled))
            watcher.ended(result)
            yield result
            if result.outcome != "succeeded":
                return
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _context(  # noqa: PLR0913, PLR0917 -- what a step is told
    workspace: Workspace,
    step: Step,
    scratch: Path,
    handoff: dict[str, Any],
    watcher: Watcher,
    canceled: Callable[[], bool],
) -> StepContext:
    return StepContext(
        parameters=step.parameters,
        folder=workspace.folder,
        environment=without_signing_key(workspace.environ),
        scratch=scratch,
        handoff=handoff,
        wanted=wanted_facts(workspace.project),
        report=watcher.says,
        canceled=canceled,
    )


def _recorded(desk: Desk, workspace: Workspace, step: Step, context: StepContext) -> StepResult:
    """Run one step between its signed start and its signed end."""
    recording = desk.recording()
    scrubber = recording.scrubber()
    report = context.report
    context = StepContext(
        **{name: getattr(context, name) for name in StepContext.__struct_fields__ if name != "report"},
        report=lambda line: report(scrubber.text(line)),
    )
    started = Execution(tool=step.type, started_at=now())
    kind = workspace.plugins.steps.get(step.type)
    recording.start(started, _unseen(kind, context))
    end = _run(kind, step, context)
    outcome = end.collected.outcome or end.outcome
    execution = Execution(
        argv=end.argv,
        tool=step.type,
        exit_code=end.exit_code,
        outcome=outcome,
        started_at=started.started_at,
        finished_at=now(),
    )
    digest = recording.end(execution, end.collected)
    code = end.exit_code if end.exit_code or outcome == "succeeded" else UNEXPLAINED
    message = recording.scrubber(end.collected.secrets).text(end.message)
    return StepResult(step.name or step.type, step.type, code, outcome, message, digest)


def _unseen(kind: StepType | None, context: StepContext) -> Collected | None:
    """What the step gives for the case that nobody sees its end; what a plugin raises here shows again when it runs."""
    try:
        foretell = getattr(kind, "unseen", None)
        return usable(foretell(context)) if foretell is not None else None
    except Exception:  # noqa: BLE001 -- the plugin's bug
        return None


def _run(kind: StepType | None, step: Step, context: StepContext) -> StepEnd:
    """The step's own end; what a plugin raises becomes a failed step, so that its evidence is not lost."""
    nothing = Collected(COMMAND, {}, tool=step.type)
    if kind is None:
        return StepEnd(InputError.exit_code, "failed", (), nothing, f"no plugin offers the step {step.type}")
    try:
        end = kind.run(context)
    except InfratrackError as error:
        message = error.message + (f" ({error.hint})" if error.hint else "")
        return StepEnd(error.exit_code, "failed", (), nothing, message)
    except Exception as error:  # noqa: BLE001 -- the plugin's bug; what the step did is not known
        return StepEnd(InfratrackError.exit_code, "indeterminate", (), nothing, f"the plugin raised {described(error)}")
    if not isinstance(end, StepEnd):
        return StepEnd(InfratrackError.exit_code, "indeterminate", (), nothing, "the plugin did not say how it ended")
    return end
