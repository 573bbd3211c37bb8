"""`infratrack observe`: look at the world and leave signed observations."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from infratrack.cli.linking import key_option, linking_options
from infratrack.cli.messages import say
from infratrack.cli.options import format_option, instant_since, policy_ref_option, project_option

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.hookspecs import Collected

FOUND = 1
NOT_REACHED = 4
EPILOG = """\b
Examples:
  infratrack observe git
  infratrack observe terraform infra
  infratrack observe netbox --changelog --since 7d --check

Exit codes: 0 observed, 1 with --check when there are changes that no evidence explains, 2 unknown observer, bad input
or nothing could be observed, 4 what it looks at (or part of it) or the spool could not be reached, or with
--require-delivery the evidence did not reach the ledger."""


@click.command("observe", epilog=EPILOG)
@click.argument("name")
@click.argument("target", required=False)
@click.option("--changelog", is_flag=True, help="Look for changes that no evidence explains: who, when, what.")
@click.option(
    "--since",
    metavar="TIME",
    help="Only changes since (2026-01-05, 2026-01-05T09:30Z or 7d ago).  "
    "[default: where the last look ended; at first, from the beginning]",
)
@click.option("--check", is_flag=True, help="Exit 1 when there are changes that no evidence explains.")
@linking_options
@click.option("--require-delivery", is_flag=True, help="Fail (4) when the evidence does not reach the ledger.")
@key_option
@policy_ref_option
@project_option
@format_option("table", "json")
@click.pass_context
def observe(  # noqa: PLR0913, PLR0917 -- one parameter an option
    context: click.Context,
    /,
    name: str,
    target: str | None,
    since: str | None,
    project: Path,
    key: str | None,
    policy_ref: str | None,
    output_format: str,
    changelog: bool,  # noqa: FBT001 -- click passes it by name
    check: bool,  # noqa: FBT001 -- likewise
    require_delivery: bool,  # noqa: FBT001 -- likewise
    **links: Any,  # noqa: ANN401 -- named and typed by the options above
) -> None:
    """Look through the observer NAME, read-only, and leave what it saw as signed evidence.

    TARGET is what to look at, where the observer asks for it: the folder of a Terraform root. What the ledger does not
    know of counts as unrecorded, so evidence that waits on this machine is sent first.
    """
    from infratrack.capture.clock import now  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.context import Linking  # noqa: PLC0415 -- likewise
    from infratrack.capture.leave import leave  # noqa: PLC0415 -- likewise
    from infratrack.capture.observe import Asked  # noqa: PLC0415 -- likewise
    from infratrack.capture.observe import observe as look  # noqa: PLC0415 -- likewise
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- likewise
    from infratrack.errors import InputError  # noqa: PLC0415 -- likewise

    if since is not None and not changelog:
        raise InputError("--since is about changes", "add --changelog")
    asked = Asked(target, changelog, instant_since(since))
    if asked.since is not None and asked.since > now():
        raise InputError(f"--since {since!r} is still to come", "name a time that has passed, such as 7d")
    workspace = Workspace.open(project, environ=dict(os.environ), key_name=key, policy_ref=policy_ref)
    if workspace.spool.folder.is_dir():
        try_to_send(workspace, None)
    seen = look(workspace, name, asked, say)
    digests = leave(workspace, seen, Linking(**links), say)
    delivered = try_to_send(workspace, say)
    found = _show(workspace, name, seen, digests, output_format, delivered=delivered)
    unreached = [one.unreached for one in seen if one.unreached]
    for reason in dict.fromkeys(unreached):
        say(f"not everything could be reached: {reason}")
    if unreached or (require_delivery and not delivered):
        context.exit(NOT_REACHED)
    context.exit(FOUND if check and found else 0)


def _show(  # noqa: PLR0913 -- what was seen and how to show it
    workspace: Workspace,
    name: str,
    seen: Sequence[Collected],
    digests: Sequence[str],
    output_format: str,
    *,
    delivered: bool,
) -> int:
    """Print the evidence, and what it says of changes that no evidence explains: how many there are."""
    from infratrack.cli.recorded import print_recorded, recorded_piece  # noqa: PLC0415 -- after the work
    from infratrack.evidence.redaction import Scrubber, secrets_in_environment  # noqa: PLC0415 -- likewise
    from infratrack.progress.unrecorded import unrecorded_in  # noqa: PLC0415 -- likewise
    from infratrack.values import Digest  # noqa: PLC0415 -- likewise

    types = workspace.plugins.evidence_types
    rows = [
        recorded_piece(name, "observation", one, Digest(digest), types)
        for one, digest in zip(seen, digests, strict=True)
    ]
    looks = [one for one in seen if isinstance(one.result.get("blindSpots"), list)]
    changes, blind_spots = [], []
    for one in looks:
        # Shown as it was signed: without secrets.
        scrubber = Scrubber(secrets_in_environment(workspace.environ) | one.secrets)
        result = scrubber.json({"changes": unrecorded_in(one.result), "blindSpots": one.result["blindSpots"]})
        changes += result["changes"]
        blind_spots += [spot for spot in result["blindSpots"] if spot not in blind_spots]
    more = {"unrecorded": changes, "blindSpots": blind_spots} if looks else {}
    print_recorded(rows, output_format, delivered=delivered, more=more)
    if output_format != "json":
        from infratrack.report.unrecorded import told_changes  # noqa: PLC0415 -- one format is printed

        newest_first = sorted(changes, key=lambda one: one["at"] or "", reverse=True)
        for text in told_changes(newest_first, blind_spots):
            click.echo(text)
    return len(changes)
