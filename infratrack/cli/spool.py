"""`infratrack spool`: show and send evidence that waits on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from infratrack.cli.linking import key_option
from infratrack.cli.messages import printable, say
from infratrack.cli.options import format_option, project_option

WIDEST: Final = 1_000

if TYPE_CHECKING:
    from infratrack.evidence.spool import SpooledEvidence


@click.group(epilog="Example: infratrack spool send")
def spool() -> None:
    """Show and send evidence that waits on this machine.

    Evidence is signed and safe in the spool before any network is touched. Every command that writes sends what waits;
    these show it, and send it without doing anything else.
    """


@spool.command("list", epilog="Example: infratrack spool list --format json")
@project_option
@format_option("table", "json")
def list_(project: Path, output_format: str) -> None:
    """List what waits, oldest first. Works with an invalid project file too.

    Exit codes: 0 listed (also when nothing waits), 2 no project, 4 the spool cannot be read.
    """
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- after the options were understood

    waiting = Workspace.open(project, environ=dict(os.environ)).spool
    rows = [_row(one) for one in waiting.pending()]
    damaged = [str(path) for path in waiting.damaged()]
    if output_format == "json":
        import msgspec  # noqa: PLC0415 -- only needed here

        click.echo(msgspec.json.format(msgspec.json.encode({"evidence": rows, "damaged": damaged})).decode())
        return
    for path in damaged:
        say(f"could not be read and was set aside: {path}")
    if not rows:
        say("nothing waits")
        return
    from rich.console import Console  # noqa: PLC0415 -- only for a table
    from rich.table import Table  # noqa: PLC0415 -- likewise
    from rich.text import Text  # noqa: PLC0415 -- likewise

    from infratrack.evidence.predicates import short_name  # noqa: PLC0415 -- likewise

    table = Table("at", "tool", "outcome", "type", "evidence", box=None, pad_edge=False)
    for row in rows:
        told = row["predicateType"] or ""
        kind = told if row["run"] is None else short_name(told)  # without a run: why it cannot be read
        cells = (row["at"], row["tool"], row["outcome"], kind, row["evidence"])
        table.add_row(*(Text(printable(str(cell or "")), no_wrap=True) for cell in cells))
    console = Console()
    # A digest is of use only whole: rather a long line than one cut short.
    console.width = max(console.width, console.measure(table, options=console.options.update(width=WIDEST)).maximum)
    console.print(table)


@spool.command(epilog="Example: infratrack spool send")
@key_option
@project_option
@format_option("table", "json")
@click.pass_context
def send(context: click.Context, key: str | None, project: Path, output_format: str) -> None:
    """Send what waits to the project's ledger. Sending again changes nothing.

    Runs whose process died without an end get one first: indeterminate. Exit codes: 0 all sent, 2 an invalid project or
    no key, 4 the ledger could not be reached, 6 some evidence was refused and stays.
    """
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- after the options were understood
    from infratrack.errors import IntegrityFailure  # noqa: PLC0415 -- likewise

    sent = Workspace.open(project, environ=dict(os.environ), key_name=key).send_spool()
    if output_format == "json":
        import msgspec  # noqa: PLC0415 -- only needed here

        kept = [{"evidence": digest, "reason": reason} for digest, reason in sent.kept.items()]
        click.echo(msgspec.json.format(msgspec.json.encode({"new": sent.new, "kept": kept})).decode())
    else:
        click.echo(f"{sent.new} new {'entry' if sent.new == 1 else 'entries'} in the ledger, {len(sent.kept)} waiting")
    for digest, reason in sent.kept.items():
        say(f"{digest} stays: {reason}")
    context.exit(IntegrityFailure.exit_code if sent.kept else 0)


def _row(evidence: SpooledEvidence) -> dict[str, str | None]:
    """What there is to say about one piece; a piece that cannot be read is listed by its digest alone."""
    from infratrack.errors import InfratrackError  # noqa: PLC0415 -- see above
    from infratrack.evidence.envelope import open_envelope  # noqa: PLC0415 -- likewise
    from infratrack.evidence.statement import read_statement  # noqa: PLC0415 -- likewise
    from infratrack.values import format_instant  # noqa: PLC0415 -- likewise

    row: dict[str, str | None] = {"evidence": evidence.digest}
    try:
        statement = read_statement(open_envelope(evidence.line).payload)
    except InfratrackError as error:
        return row | dict.fromkeys(("at", "tool", "outcome", "run")) | {"predicateType": error.message}
    at = statement.finished_at or statement.started_at
    return row | {
        "at": None if at is None else format_instant(at),
        "tool": statement.tool,
        "outcome": statement.outcome,
        "predicateType": statement.predicate_type,
        "run": statement.run_id,
    }
