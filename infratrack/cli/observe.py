"""`infratrack observe`: look at the world and leave signed observations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from infratrack.cli.linking import key_option, linking_options
from infratrack.cli.messages import say
from infratrack.cli.options import format_option, project_option

NOT_DELIVERED = 4
EPILOG = """\b
Example:
  infratrack observe git

Exit codes: 0 observed, 2 unknown observer or nothing could be observed, 4 what it looks at or the spool could not be
reached, or with --require-delivery the evidence did not reach the ledger."""


@click.command("observe", epilog=EPILOG)
@click.argument("name")
@linking_options
@click.option("--require-delivery", is_flag=True, help="Fail (4) when the evidence does not reach the ledger.")
@key_option
@project_option
@format_option("table", "json")
@click.pass_context
def observe(  # noqa: PLR0913, PLR0917 -- one parameter an option
    context: click.Context,
    /,
    name: str,
    project: Path,
    key: str | None,
    output_format: str,
    require_delivery: bool,  # noqa: FBT001 -- click passes it by name
    **links: Any,  # noqa: ANN401 -- named and typed by the options above
) -> None:
    """Look through the observer NAME, read-only, and leave what it saw as signed evidence."""
    from infratrack.capture.context import Linking  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.leave import leave  # noqa: PLC0415 -- likewise
    from infratrack.capture.observe import observe as look  # noqa: PLC0415 -- likewise
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.recorded import print_recorded, recorded_piece  # noqa: PLC0415 -- likewise
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- likewise

    workspace = Workspace.open(project, environ=dict(os.environ), key_name=key)
    seen = look(workspace, name)
    (digest,) = leave(workspace, [seen], Linking(**links), say)
    delivered = try_to_send(workspace, say)
    piece = recorded_piece(name, "observation", seen, digest, workspace.plugins.evidence_types)
    print_recorded([piece], output_format, delivered=delivered)
    context.exit(NOT_DELIVERED if require_delivery and not delivered else 0)
