"""Everything around one wrapped command: what is gathered before it starts, and what is made of it after it ended."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from infratrack.capture.assemble import Execution
from infratrack.capture.child_environment import without_signing_key
from infratrack.capture.clock import new_run_id
from infratrack.capture.context import Ground, Say, gather_context, known_ids
from infratrack.capture.facts import FactFinder
from infratrack.capture.git_state import GitQuestion
from infratrack.capture.log import MEDIA_TYPE, NAME, Log
from infratrack.capture.recording import Recording
from infratrack.capture.request import RunRequest
from infratrack.capture.workspace import Workspace
from infratrack.errors import InfratrackError, InputError, Unreachable
from infratrack.evidence.redaction import secrets_in_argv, secrets_in_environment
from infratrack.hookspecs import ArtifactContent, Collected, CommandEnd
from infratrack.project.model import Project
from infratrack.values import Digest


class Preparation:
    """One wrapped command's workspace, collector and recording. Methods raise; the caller fences them."""

    def __init__(self, request: RunRequest, environ: Mapping[str, str], say: Say) -> None:
        self.finder = FactFinder(request.argv)
        self.log: Log | None = None
        self._request = request
        self._environ = environ
        self._say = say
        self._workspace = Workspace.open(
            request.start, environ=environ, key_name=request.key_name, policy_ref=request.policy_ref
        )
        self._project: Project | None = None
        self._recording: Recording | None = None
        self._digest: Digest | None = None

    def prepare(self) -> None:
        """Gather all that a signed start needs, and let the collector begin."""
        workspace, request = self._workspace, self._request
        folder, cwd = workspace.folder, Path.cwd()
        question = GitQuestion(cwd, self._environ)
        for name, reason in workspace.plugins.broken.items():
            self._say(f"the plugin {name} is broken: {reason}")
        try:
            self._project = workspace.project
            if workspace.policy.note:
                self._say(workspace.policy.note)
        except (InputError, Unreachable) as error:
            _ = workspace.project_id  # without one nothing is recorded at all, and that is what has to be said
            self._say(f"recorded without a definition, not delivered yet: {first_line(error.message)}")
        project_id = self._project.id if self._project else workspace.project_id
        signer = workspace.signing_key_or_new(self._say)
        ground = Ground(cwd, folder, project_id, self._project, self._environ)
        self._begin_collecting(ground)
        self._recording = Recording(
            context=gather_context(
                ground,
                request.linking,
                run_id=new_run_id(),
                spool=workspace.spool,
                question=question,
                say=self._say,
            ),
            signer=signer,
            spool=workspace.spool,
            definition=self._project.definition.document if self._project else None,
            ledger=self._project.ledger if self._project else None,
            say=self._say,
            secrets=secrets_in_environment(self._environ) | frozenset(secrets_in_argv(request.argv)),
            keep=[project_id, *known_ids(self._project, request.linking)],
        )
        if request.keep_log:
            self.log = Log()

    def end_lost_runs(self) -> None:
        """Earlier runs that nobody saw ending get an end before this one begins."""
        if self._recording is not None:
            self._workspace.end_lost_runs(self._recording.signer)

    def start(self, execution: Execution) -> None:
        """Put the signed start on the disk."""
        if self._recording is not None:
            self._recording.start(execution, self.finder.unseen)

    def never_began(self) -> None:
        """The command was not started after all."""
        if self._recording is not None:
            self._recording.never_began()

    def collect(self, end: CommandEnd) -> Collected:
        """The collector's facts, or why there are none."""
        return self.finder.finish(end)

    def end(self, execution: Execution, collected: Collected) -> bool:
        """Put the signed end on the disk; whether there is one."""
        if self._recording is None:
            return False
        if self.log is not None:
            scrub = self._recording.scrubber(collected.secrets)
            text = "".join(map(scrub.text, self.log.finish().splitlines(keepends=True)))
            log = ArtifactContent(NAME, MEDIA_TYPE, text.encode(errors="replace"))
            collected = structs.replace(collected, artifacts=(*collected.artifacts, log))
        self._digest = self._recording.end(execution, collected)
        return True

    def send(self) -> bool:
        """Deliver what waits; whether this run's evidence is in the ledger now. What is not is said in one line."""
        from infratrack.capture.delivery import HELD, is_held, what_next  # noqa: PLC0415 -- not needed to start the command

        if self._project is None:
            return False
        if is_held(self._environ):
            self._say(f"the evidence waits in the spool: {HELD}")
            return False
        try:
            kept = self._workspace.send_spool().kept
        except InfratrackError as error:
            self._say(f"the evidence waits in the spool: {first_line(error.message)}; {what_next(error)}")
            return False
        for reason in sorted(set(kept.values())):
            count = sum(1 for one in kept.values() if one == reason)
            self._say(f"{count} piece{'s' * (count > 1)} of evidence stay{'s' * (count == 1)} in the spool: {reason}")
        return self._digest not in kept

    def close(self) -> None:
        """Leave nothing behind."""
        self.finder.close()

    def _begin_collecting(self, ground: Ground) -> None:
        from infratrack.project.wanted import wanted_facts  # noqa: PLC0415 -- only with a valid project

        self.finder.begin(
            self._workspace.plugins,
            argv=self._request.argv,
            cwd=ground.cwd,
            environ=without_signing_key(self._environ),
            level=self._request.facts,
            wanted=wanted_facts(ground.project) if ground.project else {},
            scope_folder=scope_of(ground.cwd, ground.folder),
            tool=self._request.tool,
        )


def scope_of(folder: Path, project_folder: Path) -> str:
    """A folder relative to the project folder, `/`-separated; `.` for itself."""
    return Path(os.path.relpath(folder, project_folder)).as_posix()


def first_line(text: str) -> str:
    """A message's first line, for where there is room for one."""
    return text.split("\n", 1)[0]
