"""`infratrack spool`: show, send, pack and unpack evidence that waits on this machine."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from infratrack.cli.linking import key_option
from infratrack.cli.messages import say
from infratrack.cli.options import format_option, project_option
from infratrack.values import printable

WIDEST: Final = 1_000

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infratrack.capture.workspace import Workspace
    from infratrack.evidence.keys import PublicKey
    from infratrack.evidence.spool import SpooledEvidence
    from infratrack.evidence.statement import Statement
    from infratrack.values import Digest


@click.group(epilog="Example: infratrack spool send")
def spool() -> None:
    """Show, send, pack and unpack evidence that waits on this machine.

    Evidence is signed and safe in the spool before any network is touched. Every command that writes sends what waits;
    these show it, and send it without doing anything else. From a machine that may not reach the ledger it travels as a
    file: `pack` there, `unpack` where it may.
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
        _print_json({"evidence": rows, "damaged": damaged})
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
        kept = [{"evidence": digest, "reason": reason} for digest, reason in sent.kept.items()]
        _print_json({"new": sent.new, "kept": kept})
    else:
        click.echo(f"{sent.new} new {'entry' if sent.new == 1 else 'entries'} in the ledger, {len(sent.kept)} waiting")
    for digest, reason in sent.kept.items():
        say(f"{digest} stays: {reason}")
    context.exit(IntegrityFailure.exit_code if sent.kept else 0)


PACK_EPILOG: Final = """\b
Example, a job that may not push:
  infratrack run -- terraform plan
  infratrack spool pack evidence.tar
and a job that may, with evidence.tar as its artifact:
  infratrack spool unpack evidence.tar"""


@spool.command(epilog=PACK_EPILOG)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--remove", is_flag=True, help="Take what was packed out of the spool: FILE is then the only copy.")
@key_option
@project_option
@format_option("table", "json")
@click.pass_context
def pack(  # noqa: PLR0913, PLR0917 -- one parameter an option
    context: click.Context,
    file: Path,
    key: str | None,
    project: Path,
    output_format: str,
    remove: bool,  # noqa: FBT001 -- click passes it by name
) -> None:
    """Write what waits into the new FILE, a tar, for another machine to deliver.

    Runs whose process died without an end get one first: indeterminate. Nothing waiting makes an empty pack. What is
    both packed and sent arrives once. Exit codes: 0 packed, 2 no project, or FILE is there already, 4 FILE or
    the spool could not be reached, 6 what waits is damaged, and was not packed.
    """
    from infratrack.capture.pack import write_pack  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.errors import IntegrityFailure  # noqa: PLC0415 -- likewise

    workspace = Workspace.open(project, environ=dict(os.environ), key_name=key)
    _end_lost_runs(workspace)
    packed = write_pack(file, workspace.project_id, workspace.spool, _keys_at_hand(workspace))
    if remove:
        for one in packed.evidence:
            workspace.spool.remove(one.digest)
    if output_format == "json":
        left_out = [{"evidence": digest, "reason": reason} for digest, reason in packed.left_out.items()]
        _print_json({"file": str(file), "evidence": [_row(one) for one in packed.evidence], "leftOut": left_out})
    else:
        click.echo(f"{_pieces(len(packed.evidence))} packed into {printable(str(file))}")
    for digest, reason in packed.left_out.items():
        say(f"{digest} was not packed: {reason}")
    context.exit(IntegrityFailure.exit_code if packed.left_out else 0)


@spool.command(epilog="Example: infratrack spool unpack --require-delivery evidence.tar")
@click.argument("files", metavar="FILE…", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--require-delivery", is_flag=True, help="Fail (4) when the evidence does not reach the ledger.")
@key_option
@project_option
@format_option("table", "json")
@click.pass_context
def unpack(  # noqa: PLR0913, PLR0917 -- one parameter an option
    context: click.Context,
    files: tuple[Path, ...],
    key: str | None,
    project: Path,
    output_format: str,
    require_delivery: bool,  # noqa: FBT001 -- click passes it by name
) -> None:
    """Take in packs that other machines wrote, and send what waits.

    Every FILE is checked to its last byte before anything is taken in: each piece of evidence must be about this
    project and signed by a key that the project trusts. Doing it again changes nothing. Exit codes: 0 taken in, 2 not
    a file, or the pack of another project, 4 the spool could not be reached, or with --require-delivery the ledger, 6
    a FILE is damaged, or signed by somebody who is not trusted.
    """
    from infratrack.capture.unpack import check_pack, take_in  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- likewise
    from infratrack.errors import Unreachable  # noqa: PLC0415 -- likewise

    workspace = Workspace.open(project, environ=dict(os.environ), key_name=key)
    packs = [check_pack(file, workspace.project_id, workspace.trust, workspace.known_keys) for file in files]
    for one in packs:
        take_in(one, workspace.spool)
    delivered = try_to_send(workspace, say)
    taken = {piece.digest: piece.statement for one in packs for piece in one.pieces}
    if output_format == "json":
        rows = [_told(digest, statement) for digest, statement in taken.items()]
        _print_json({"evidence": rows, "delivered": delivered})
    else:
        click.echo(f"{_pieces(len(taken))} taken in")
    context.exit(Unreachable.exit_code if require_delivery and not delivered else 0)


def _end_lost_runs(workspace: Workspace) -> None:
    """Give runs that nobody saw ending an end; without a key to sign it they stay as they are, and that is said."""
    from infratrack.evidence.key_store import NoSigningKey  # noqa: PLC0415 -- see above

    if not workspace.spool.folder.is_dir():
        return
    try:
        workspace.end_lost_runs(workspace.signing_key)
    except NoSigningKey as error:
        say(f"runs that nobody saw ending were given no end: {error.message}")


def _keys_at_hand(workspace: Workspace) -> Mapping[str, PublicKey]:
    """Public keys that may travel along; none where the project file is broken, for evidence travels all the same."""
    from infratrack.errors import InputError  # noqa: PLC0415 -- see above

    try:
        return workspace.known_keys
    except InputError as error:
        say("no public keys were packed: " + error.message.split("\n", 1)[0])
        return {}


def _pieces(count: int) -> str:
    return "1 piece of evidence" if count == 1 else f"{count} pieces of evidence"


def _print_json(document: dict[str, Any]) -> None:
    import msgspec  # noqa: PLC0415 -- only needed for this format

    click.echo(msgspec.json.format(msgspec.json.encode(document)).decode())


def _row(evidence: SpooledEvidence) -> dict[str, str | None]:
    """What there is to say about one piece; a piece that cannot be read is listed by its digest alone."""
    from infratrack.errors import InfratrackError  # noqa: PLC0415 -- see above
    from infratrack.evidence.envelope import open_envelope  # noqa: PLC0415 -- likewise
    from infratrack.evidence.statement import read_statement  # noqa: PLC0415 -- likewise

    try:
        return _told(evidence.digest, read_statement(open_envelope(evidence.line).payload))
    except InfratrackError as error:
        nothing = dict.fromkeys(("at", "tool", "outcome", "run"))
        return {"evidence": evidence.digest, **nothing, "predicateType": error.message}


def _told(digest: Digest, statement: Statement) -> dict[str, str | None]:
    """What one statement says, in short."""
    from infratrack.values import format_instant  # noqa: PLC0415 -- see above

    at = statement.finished_at or statement.started_at
    return {
        "evidence": digest,
        "at": None if at is None else format_instant(at),
        "tool": statement.tool,
        "outcome": statement.outcome,
        "predicateType": statement.predicate_type,
        "run": statement.run_id,
    }
