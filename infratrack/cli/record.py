"""`infratrack record`: take what other systems left."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infratrack.cli.linking import key_option, linking_options
from infratrack.cli.messages import printable, say
from infratrack.cli.options import format_option, project_option

if TYPE_CHECKING:
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

Exit codes: 0 recorded, 2 something cannot be read or is not understood (then nothing is recorded), 4 the evidence could
not be kept, or with --require-delivery did not reach the ledger."""


@click.command("record", epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, metavar="FILE…", type=click.Path(path_type=Path, allow_dash=True))
@click.option(
    "--directory",
    metavar="DIR",
    help="The Terraform root that plans and states are of, relative to the project folder. Default: the current one.",
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
    files: tuple[Path, ...],
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
    """
    from infratrack.capture.context import Linking  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.leave import leave  # noqa: PLC0415 -- likewise
    from infratrack.capture.preparation import scope_of  # noqa: PLC0415 -- likewise
    from infratrack.capture.record import read_sources, scope_named  # noqa: PLC0415 -- likewise
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- likewise
    from infratrack.project.wanted import wanted_facts  # noqa: PLC0415 -- likewise

    opened = Workspace.open(project, environ=dict(os.environ), key_name=key)
    understood = read_sources(
        files,
        opened.plugins,
        wanted=wanted_facts(opened.project),
        scope=scope_named(directory, workspace, scope_of(Path.cwd(), opened.folder)),
        stdin=sys.stdin.buffer,
    )
    collected = [one for source in understood for one in source.collected]
    digests = leave(opened, collected, Linking(**links), say)
    delivered = try_to_send(opened, say)
    _show(opened, understood, digests, output_format, delivered=delivered)
    context.exit(NOT_DELIVERED if require_delivery and not delivered else 0)


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
