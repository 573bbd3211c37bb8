"""`infratrack accept`: a person signs a deliverable off, or reopens it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infratrack.cli.linking import key_option
from infratrack.cli.messages import say
from infratrack.cli.options import policy_ref_option, project_option
from infratrack.errors import AnswerIsNo, IntegrityFailure, NotAllowed, Unreachable

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.project.model import Deliverable

EPILOG = """\b
Examples:
  infratrack accept core-vlans --comment 'Seen on both switches'
  infratrack accept core-vlans --reopen --comment 'VLAN 20 has the wrong name'

Exit codes: 0 signed and delivered, 1 it is not complete, 2 bad input, 4 signed but not delivered yet, 5 you may not,
6 the ledger is damaged."""


@click.command("accept", epilog=EPILOG)
@click.argument("deliverable")
@click.option("--comment", required=True, metavar="TEXT", help="What you looked at, and what you found.")
@click.option("--reopen", is_flag=True, help="Take the acceptance back: it has to be delivered anew.")
@key_option
@policy_ref_option
@project_option
def accept(  # noqa: PLR0913 -- one argument an option
    *, deliverable: str, comment: str, reopen: bool, key: str | None, policy_ref: str | None, project: Path
) -> None:
    """Sign a deliverable off.

    Only a person whom `accepted_by` names (or who has a role that it names), or whom a `signoff` criterion asks, can do
    it, with a key that the project file lists for that person; a pipeline's key never can.
    """
    from infratrack.capture.signoff import sign_off  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.damaged_evidence import refuse_damage  # noqa: PLC0415 -- likewise
    from infratrack.report.selection import unknown_name  # noqa: PLC0415 -- likewise

    workspace = Workspace.open(project, environ=dict(os.environ), key_name=key, policy_ref=policy_ref)
    promised = {one.id: one for one in workspace.project.deliverables}
    if deliverable not in promised:
        raise unknown_name("deliverable", deliverable, promised)
    person = _person(workspace, promised[deliverable])
    workspace.send_spool()
    explained = workspace.explained(deliverable)
    refuse_damage(explained)
    (state,) = explained.deliverables
    decision = "reopened" if reopen else "accepted"
    if reopen:
        if state.completed is None:
            raise AnswerIsNo(f"{deliverable} was never complete, there is nothing to reopen")
    else:
        if state.acceptance is not None and state.acceptance.person == person:
            click.echo(f"{deliverable} is accepted by {person} already")
            return
        if not state.signable:
            raise AnswerIsNo(
                f"{deliverable} is not complete: {state.reason}",
                f"`infratrack explain {deliverable}` says what is missing",
            )
    digest = sign_off(workspace, deliverable, decision, comment, say)
    try:
        kept = workspace.send_spool().kept
    except Unreachable as error:
        raise Unreachable(
            f"signed, but not delivered: {error.message}", "it waits in the spool; `infratrack spool send` sends it"
        ) from error
    except IntegrityFailure as error:
        raise IntegrityFailure(f"signed, but not delivered: {error.message}", error.hint) from error
    if digest in kept:
        raise Unreachable(f"signed, but not delivered: {kept[digest]}", "it waits in the spool")
    (after,) = workspace.explained(deliverable).deliverables
    click.echo(f"{decision} by {person}: {deliverable} is now {after.status.value.replace('_', ' ')}")


def _person(workspace: Workspace, deliverable: Deliverable) -> str:
    """The person who signs, if they may; NotAllowed if not."""
    from infratrack.capture.clock import now  # noqa: PLC0415 -- after the options were understood
    from infratrack.progress.acceptance import why_not, why_outside  # noqa: PLC0415 -- likewise
    from infratrack.progress.binding import asked_to_sign  # noqa: PLC0415 -- likewise
    from infratrack.project.protected_ref import spoken_ref  # noqa: PLC0415 -- likewise

    signer, trust = workspace.signing_key, workspace.trust
    ref = workspace.policy.ref
    where = f"the project file at {spoken_ref(ref)}" if ref else "the project file"
    person = trust.people.get(signer.key.keyid)
    if person is None:
        raise NotAllowed(
            f"the key {signer.name!r} belongs to no person of this project, and only people accept",
            f"choose yours with --key, or list it under `people` in {where}",
        )
    people = workspace.project.people
    moment = now()
    outside = why_outside(people, person, moment, moment)
    problem = why_not(deliverable, people, person, moment, moment)
    criteria = workspace.plugins.criteria
    if outside or (problem and not asked_to_sign(deliverable, criteria, people, trust.people, signer.key.keyid)):
        raise NotAllowed(problem, f"`accepted_by` in {where} says who may")
    return person
