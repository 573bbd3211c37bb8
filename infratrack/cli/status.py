"""`infratrack status`: what is delivered, computed from the evidence."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infratrack.cli.messages import say
from infratrack.cli.options import format_option, policy_ref_option, project_option
from infratrack.errors import AnswerIsNo, InfratrackError

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.progress.status import ProjectState
    from infratrack.report.selection import Question

EPILOG = """\b
Examples:
  infratrack status
  infratrack status --check --phase build
  infratrack status --as-of 2026-02-01 --format json

Exit codes: 0 fine, 1 with --check when not everything asked about is complete, 2 bad input, 4 the ledger could not be
reached, 6 the ledger is damaged, or not the one that was read before."""

AS_OF_HELP = "Show what held at this instant (2026-02-01, 2026-02-01T09:30:00Z).  [default: now]"
AT_SIZE_HELP = "Know only the first N entries of the ledger.  [default: all]"


@click.command("status", epilog=EPILOG)
@click.argument("deliverables", nargs=-1, metavar="[DELIVERABLE]...")
@click.option("--task", "tasks", multiple=True, metavar="ID", help="Only deliverables of this task.")
@click.option("--phase", "phases", multiple=True, metavar="ID", help="Only deliverables of this phase.")
@click.option("--tag", "tags", multiple=True, metavar="TAG", help="Only what carries this tag.")
@click.option("--owner", "owners", multiple=True, metavar="NAME", help="Only what this owner answers for.")
@click.option("--as-of", metavar="T", help=AS_OF_HELP)
@click.option("--at-size", metavar="N", type=click.IntRange(min=0), help=AT_SIZE_HELP)
@click.option("--check", is_flag=True, help="Exit 1 unless everything asked about is complete.")
@format_option("table", "json", "markdown")
@policy_ref_option
@project_option
def status(  # noqa: PLR0913 -- one argument an option
    *,
    deliverables: tuple[str, ...],
    tasks: tuple[str, ...],
    phases: tuple[str, ...],
    tags: tuple[str, ...],
    owners: tuple[str, ...],
    as_of: str | None,
    at_size: int | None,
    check: bool,
    output_format: str,
    policy_ref: str | None,
    project: Path,
) -> None:
    """Show what is delivered, computed from the evidence.

    Nobody types a status in: a deliverable is complete when evidence meets its criteria, and regresses when later
    evidence contradicts it. Filters of one kind add up, those of different kinds narrow each other.
    """
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- after the options were understood
    from infratrack.cli.damaged_evidence import refuse_damage  # noqa: PLC0415 -- likewise
    from infratrack.report.selection import Question, narrowed  # noqa: PLC0415 -- likewise
    from infratrack.values import parse_instant  # noqa: PLC0415 -- likewise

    moment = None if as_of is None else parse_instant(as_of)
    workspace = Workspace.open(project, environ=dict(os.environ), policy_ref=policy_ref)
    question = Question(deliverables, tasks, phases, tags, owners)
    state = narrowed(workspace.state(moment, at_size), question)
    for name, reason in sorted(workspace.plugins.broken.items()):
        say(f"the plugin {name} is broken: {reason}")
    if workspace.policy.note:
        say(workspace.policy.note)
    _print(state, output_format, _waiting(workspace))
    refuse_damage(state)
    if check:
        _check(state, question)


def _print(state: ProjectState, output_format: str, waiting: int) -> None:
    if output_format == "json":
        from infratrack.report.status_json import status_json  # noqa: PLC0415 -- one format is printed

        click.echo(status_json(state), nl=False)
    elif output_format == "markdown":
        from infratrack.report.status_markdown import status_markdown  # noqa: PLC0415 -- likewise

        click.echo(status_markdown(state, waiting), nl=False)
    else:
        from infratrack.report.status_table import print_status  # noqa: PLC0415 -- likewise
        from infratrack.report.terminal import terminal  # noqa: PLC0415 -- brings rich along

        print_status(terminal(), state, waiting)


def _waiting(workspace: Workspace) -> int:
    """How much evidence waits for delivery on this machine; 0 when the spool cannot be read."""
    try:
        return workspace.spool.count()
    except InfratrackError:
        return 0


def _check(state: ProjectState, question: Question) -> None:
    from infratrack.report.selection import unmet  # noqa: PLC0415 -- after the options were understood

    if not state.deliverables and not any(phase.exit for phase in state.phases):
        raise AnswerIsNo("nothing was asked about that has criteria", "ask about a deliverable, a task or a phase")
    missing = unmet(state, question)
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""  # noqa: PLR2004 -- as many as fit a line
        raise AnswerIsNo(
            f"{len(missing)} of {len(state.deliverables)} {verb} not complete: {', '.join(missing[:5])}{more}",
            f"infratrack explain {missing[0].split(' ')[0]}" if state.deliverables else "",
        )
