"""Leaves evidence that no wrapped command makes: recorded files, observations, sign-offs.

Unlike `run`, these commands exist to record: what is wrong with project, key or spool ends them with a sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from infratrack.capture.assemble import Execution
from infratrack.capture.clock import new_run_id, now
from infratrack.capture.context import Ground, Linking, Say, gather_context, known_ids
from infratrack.capture.git_state import GitQuestion
from infratrack.capture.recording import Recording
from infratrack.capture.workspace import Workspace
from infratrack.evidence.redaction import secrets_in_environment
from infratrack.hookspecs import Collected
from infratrack.values import Digest


class Desk:
    """Where evidence about one project is written: asks git once, then makes a recording for each piece."""

    def __init__(self, workspace: Workspace, linking: Linking, say: Say, *, cwd: Path | None = None) -> None:
        self._workspace = workspace
        self._linking = linking
        self._say = self._say_always = say
        project = workspace.project
        if workspace.policy.note:
            say(workspace.policy.note)
        self._ground = Ground(cwd or Path.cwd(), workspace.folder, project.id, project, workspace.environ)
        self._signer = workspace.signing_key_or_new(say)
        workspace.end_lost_runs(self._signer)
        self._question = GitQuestion(self._ground.cwd, workspace.environ)
        self._secrets = secrets_in_environment(workspace.environ)

    def recording(self) -> Recording:
        """A recording of a run of its own."""
        project = self._workspace.project
        context = gather_context(
            self._ground,
            self._linking,
            run_id=new_run_id(),
            spool=self._workspace.spool,
            question=self._question,
            say=self._say,
        )
        self._say = _quiet  # what is unknown is said once, not for every piece
        return Recording(
            context=context,
            signer=self._signer,
            spool=self._workspace.spool,
            definition=project.definition.document,
            ledger=project.ledger,
            say=self._say_always,
            secrets=self._secrets,
            keep=[project.id, *known_ids(project, self._linking)],
        )

    def leave(self, collected: Collected) -> Digest:
        """Sign and spool one piece of evidence; its envelope's digest."""
        execution = Execution(
            outcome=collected.outcome or "succeeded",
            started_at=collected.started_at,
            finished_at=collected.finished_at or now(),
        )
        return self.recording().end(execution, collected)


def leave(workspace: Workspace, collected: Sequence[Collected], linking: Linking, say: Say) -> list[Digest]:
    """Sign and spool pieces of evidence, in order; their envelopes' digests."""
    desk = Desk(workspace, linking, say)
    return [desk.leave(one) for one in collected]


def _quiet(text: str) -> None:
    """Said before."""
