"""`infratrack record`: take what other systems left."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infratrack.cli.linking import key_option, linking_options
from infratrack.cli.messages import say
from infratrack.cli.options import format_option, project_option
from infratrack.values import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infratrack.capture.record import Understood
    from infratrack.capture.workspace import Workspace
    from infratrack.values import Digest

NOT_DELIVERED = 4
EPILOG = """\b
Examples:
  infratrack record --deliverable core-vlans report.xml
  terraform show -json tfplan | infratrack record -
  infratrack record --directory infra --workspace prod downloads/plan.json
  infratrack record artifacts/1b4e28ba/
  infratrack record awx 4711

Exit codes: 0 recorded, 2 something cannot be read or is not understood (then nothing is recorded), 4 the system could
not be asked or the evidence could not be kept, or with --require-delivery did not reach the ledger."""


@click.command("record", epilog=EPILOG)
@click.argument("sources", nargs=-1, required=True, metavar="FILE… | SYSTEM JOB…")
@click.option(
    "--directory",
    metavar="DIR",
    help="The Terraform root that plans and states are of, relative to the project folder. Default: the current one. "
    "For a job: the folder that its own project is. Default: the project folder.",
)
@click.option("--workspace", metavar="NAME", help="The Terraform workspace that they are of. Default: `default`.")
@linking_options
@click.option("--require-delivery", is_flag=True, help="Fail (4) when the evidence does not reach the ledger.")
@key_option
@project_option
@format_option("table", "json")
@click.pass_context
def record(  # noqa: PLR0913, PLR0917 -- one parameter an option
    context: click.Context,
    /,
    sources: tuple[str, ...],
    directory: str | None,
    workspace: str | None,
    project: Path,
    key: str | None,
    output_format: str,
    require_delivery: bool,  # noqa: FBT001 -- click passes it by name
    **links: Any,  # noqa: ANN401 -- named and typed by the options above
) -> None:
    """Record what other systems left: plans, states, reports, runs of Ansible.

    What each FILE holds is told by its content; `-` is standard input, and a folder is an ansible-runner artifact
    folder. All files are read before anything is recorded.

    `awx` is asked over its API about JOBs that have ended: AWX, or the controller of Ansible Automation Platform, at
    CONTROLLER_HOST with the token CONTROLLER_OAUTH_TOKEN. (A file of that name is `./awx`.)
    """
    from infratrack.capture.context import Linking  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.leave import leave  # noqa: PLC0415 -- likewise
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- likewise

    opened = Workspace.open(project, environ=dict(os.environ), key_name=key)
    understood = _understood(opened, sources, directory, workspace)
    collected = [one for source in understood for one in source.collected]
    digests = leave(opened, collected, Linking(**links), say)
    delivered = try_to_send(opened, say)
    _show(opened, understood, digests, output_format, delivered=delivered)
    context.exit(NOT_DELIVERED if require_delivery and not delivered else 0)


def _understood(
    opened: Workspace, sources: Sequence[str], directory: str | None, terraform_workspace: str | None
) -> list[Understood]:
    """Everything that the command line names, read."""
    from infratrack.capture.child_environment import without_signing_key  # noqa: PLC0415 -- after the options
    from infratrack.capture.clock import now  # noqa: PLC0415 -- likewise
    from infratrack.capture.preparation import scope_of  # noqa: PLC0415 -- likewise
    from infratrack.capture.record import read_job, read_sources, scope_named  # noqa: PLC0415 -- likewise
    from infratrack.errors import InputError  # noqa: PLC0415 -- likewise
    from infratrack.hookspecs import JobContext  # noqa: PLC0415 -- likewise
    from infratrack.project.wanted import wanted_facts  # noqa: PLC0415 -- likewise

    wanted = wanted_facts(opened.project)
    system = opened.plugins.job_systems.get(sources[0])
    if system is None:
        scope = scope_named(directory, terraform_workspace, scope_of(Path.cwd(), opened.folder))
        paths = [Path(source) for source in sources]
        return read_sources(paths, opened.plugins, wanted=wanted, scope=scope, stdin=sys.stdin.buffer)
    if len(sources) == 1:
        raise InputError(f"which job of {system.name}?", f"name it: infratrack record {system.name} 4711")
    folder = scope_named(directory, terraform_workspace, ".").folder
    environment = without_signing_key(opened.environ)
    return [read_job(system, JobContext(job, environment, wanted, folder, now())) for job in sources[1:]]


def _show(
    workspace: Workspace, understood: list[Understood], digests: list[Digest], output_format: str, *, delivered: bool
) -> None:
    """Print what was recorded, piece by piece."""
    from infratrack.cli.recorded import print_recorded, recorded_piece  # noqa: PLC0415 -- after the work

    pieces = [(str(source.path), source.recorder, one) for source in understood for one in source.collected]
    rows = [
        recorded_piece(printable(path), recorder, one, digest, workspace.plugins.evidence_types)
        for (path, recorder, one), digest in zip(pieces, digests, strict=True)
    ]
    print_recorded(rows, output_format, delivered=delivered)
