"""`infratrack run`: one word in front of a command that you already run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from infratrack.cli.linking import key_option, linking_options
from infratrack.cli.messages import say
from infratrack.cli.options import policy_ref_option, project_option

EPILOG = """\b
Examples:
  infratrack run -- terraform apply tfplan
  infratrack run --deliverable core-vlans -- ansible-playbook -i hosts site.yml
  infratrack run --accept-exit 2 -- terraform plan -detailed-exitcode

Exit codes: the command's own (128 + n when signal n ended it, 126 when it cannot be executed, 127 when it is not
found), 2 when the options are wrong, and with --require-delivery 4 when the command succeeded but its evidence was not
delivered."""


@click.command(
    "run",
    context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False},
    epilog=EPILOG,
)
@linking_options
@click.option(
    "--accept-exit",
    "accepted",
    multiple=True,
    type=click.IntRange(0, 255),
    metavar="N",
    help="A code that is success too.",
)
@click.option("--require-delivery", is_flag=True, help="Fail (4) when the evidence does not reach the ledger.")
@click.option(
    "--facts",
    type=click.Choice(("full", "plan", "none")),
    default="full",
    show_default=True,
    help="How much to read: with `plan` no remote state, with `none` only how the command ended.",
)
@click.option(
    "--as", "tool", metavar="TOOL", help="Collect facts as for this tool (a wrapper script around terraform)."
)
@click.option(
    "--log",
    "keep_log",
    is_flag=True,
    help="Keep the output, scrubbed; what only the tool knows as secret (a variable that Ansible prints) stays in it. "
    "It goes through a pipe then.",
)
@key_option
@policy_ref_option
@project_option
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@click.pass_context
def run(
    context: click.Context,
    /,
    command: tuple[str, ...],
    project: Path,
    key: str | None,
    **options: Any,  # noqa: ANN401 -- named and typed by the options above
) -> None:
    """Run a command and leave signed evidence of it.

    The command runs as if nobody stood in front of it: same terminal, same input, same signals, same exit code. It runs
    whatever is wrong with infratrack; one line on standard error says what was not recorded. The evidence is safe on
    this machine first and is then delivered to the project's ledger.
    """
    from infratrack.capture.context import Linking  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.request import RunRequest  # noqa: PLC0415 -- likewise
    from infratrack.capture.run import run_wrapped  # noqa: PLC0415 -- likewise
    from infratrack.cli.bug_report import write_bug_report  # noqa: PLC0415 -- likewise

    linking = Linking(**{name: options.pop(name) for name in ("deliverables", "tasks", "change", "system", "labels")})
    request = RunRequest(argv=command, start=project, linking=linking, key_name=key, **options)
    context.exit(run_wrapped(request, dict(os.environ), say, write_bug_report))
