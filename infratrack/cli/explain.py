"""`infratrack explain`: why a deliverable has the status it has."""

from __future__ import annotations

import os
from pathlib import Path

import click

from infratrack.cli.messages import say
from infratrack.cli.options import format_option, policy_ref_option, project_option
from infratrack.cli.status import AS_OF_HELP, AT_SIZE_HELP

EPILOG = """\b
Examples:
  infratrack explain core-vlans
  infratrack explain core-vlans --as-of 2026-02-01 --format json

Exit codes: 0 fine, 2 bad input, 4 the ledger could not be reached, 6 the ledger is damaged, or not the one that was
read before."""


@click.command("explain", epilog=EPILOG)
@click.argument("deliverable")
@click.option("--as-of", metavar="T", help=AS_OF_HELP)
@click.option("--at-size", metavar="N", type=click.IntRange(min=0), help=AT_SIZE_HELP)
@format_option("table", "json")
@policy_ref_option
@project_option
def explain(  # noqa: PLR0913 -- one argument an option
    *,
    deliverable: str,
    as_of: str | None,
    at_size: int | None,
    output_format: str,
    policy_ref: str | None,
    project: Path,
) -> None:
    """Explain a deliverable's status, down to run and person.

    Shows each criterion with its verdict, the reason in plain words, what would satisfy it, and the evidence behind it.
    """
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- after the options were understood
    from infratrack.cli.damaged_evidence import refuse_damage  # noqa: PLC0415 -- likewise
    from infratrack.report.selection import unknown_name  # noqa: PLC0415 -- likewise
    from infratrack.values import parse_instant  # noqa: PLC0415 -- likewise

    moment = None if as_of is None else parse_instant(as_of)
    workspace = Workspace.open(project, environ=dict(os.environ), policy_ref=policy_ref)
    promised = workspace.project
    if workspace.policy.note:
        say(workspace.policy.note)
    known = [one.id for one in promised.deliverables]
    if deliverable not in known:
        raise unknown_name("deliverable", deliverable, known)
    state = workspace.explained(deliverable, moment, at_size)
    if output_format == "json":
        from infratrack.report.status_json import explanation_json  # noqa: PLC0415 -- one format is printed

        click.echo(explanation_json(state), nl=False)
    else:
        from infratrack.report.explanation import print_explanation  # noqa: PLC0415 -- likewise
        from infratrack.report.terminal import terminal  # noqa: PLC0415 -- brings rich along

        explained = state.deliverables[0]
        task = next((one.name for one in promised.tasks if one.id == explained.task), None)
        print_explanation(terminal(), explained, task, state.unrecorded)
    refuse_damage(state)
