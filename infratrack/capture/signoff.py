"""A person's decision on a deliverable becomes signed evidence: accepted, or reopened."""

from __future__ import annotations

from pathlib import Path

from infratrack.capture.assemble import Execution
from infratrack.capture.clock import new_run_id, now
from infratrack.capture.context import Ground, Linking, Say, gather_context
from infratrack.capture.git_state import GitQuestion
from infratrack.capture.recording import Recording
from infratrack.capture.workspace import Workspace
from infratrack.evidence.predicates import SIGNOFF
from infratrack.evidence.redaction import secrets_in_environment
from infratrack.hookspecs import Collected
from infratrack.values import Digest


def sign_off(workspace: Workspace, deliverable: str, decision: str, comment: str, say: Say) -> Digest:
    """Sign a decision and put it into the spool, on disk; returns the envelope's digest.

    Whether the person may is for the caller to check first, and for every reader to check again. Raises Unreachable
    when it cannot be written.
    """
    cwd = Path.cwd()
    project = workspace.project
    ground = Ground(cwd, workspace.folder, project.id, project, workspace.environ)
    context = gather_context(
        ground,
        Linking(deliverables=(deliverable,)),
        run_id=new_run_id(),
        spool=workspace.spool,
        question=GitQuestion(cwd, workspace.environ),
        say=say,
    )
    recording = Recording(
        context=context,
        signer=workspace.signing_key,
        spool=workspace.spool,
        definition=project.definition.document,
        ledger=project.ledger,
        say=say,
        secrets=secrets_in_environment(workspace.environ),
        keep=[project.id, deliverable],
    )
    moment = now()
    execution = Execution(tool="infratrack", outcome="succeeded", started_at=moment, finished_at=moment)
    result = {"deliverable": deliverable, "decision": decision, "comment": comment}
    return recording.end(execution, Collected(SIGNOFF, result))
