"""`infratrack ledger`: show, verify, prove, export and import the ledger."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infratrack.cli.options import format_option, instant_since, policy_ref_option, project_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infratrack.capture.workspace import Workspace
    from infratrack.evidence.trust import Trust
    from infratrack.ledger.log import Ledger

_FOLDER = click.Path(path_type=Path)


def _trust_option(command: click.decorators.FC) -> click.decorators.FC:
    return click.option(
        "--trust",
        "trust_files",
        metavar="KEY.pem",
        type=click.Path(path_type=Path),
        multiple=True,
        help="Trust this public key (repeatable) instead of the keys in the project file.",
    )(command)


@click.group(epilog="Example: infratrack ledger verify")
def ledger() -> None:
    """Show, verify, prove, export and import the ledger: every piece of evidence, in a log nobody can rewrite."""


@ledger.command(epilog="Example: infratrack ledger show --type terraform-apply --since 7d")
@project_option
@click.option("--type", "kind", metavar="TYPE", help="Only this predicate type (whole, or its name: terraform-apply).")
@click.option("--deliverable", metavar="ID", help="Only evidence linked to this deliverable.")
@click.option("--since", metavar="TIME", help="Only entries recorded since (2026-01-05, 2026-01-05T09:30Z or 7d ago).")
@click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N of them.")
@policy_ref_option
@format_option("table", "json")
def show(  # noqa: PLR0913, PLR0917 -- one parameter an option
    project: Path,
    kind: str | None,
    deliverable: str | None,
    since: str | None,
    limit: int | None,
    policy_ref: str | None,
    output_format: str,
) -> None:
    """List entries, oldest first.

    Nothing is verified here: see `infratrack ledger verify`. Exit codes: 0 listed (also when nothing matches), 2 bad
    input or no ledger, 4 the ledger could not be reached, 6 an entry cannot be read.
    """
    from infratrack.cli.ledger_listing import Filter, listed, print_table  # noqa: PLC0415 -- not for --help

    workspace = _workspace(project, policy_ref)
    wanted = Filter(kind, deliverable, instant_since(since), limit)
    opened = workspace.ledger(create=False)
    try:
        rows = listed(opened, _project_trust(workspace, opened), wanted)
    finally:
        opened.close()
    if output_format == "json":
        _print_json({"entries": rows})
    else:
        print_table(rows)


@ledger.command(epilog="Example: infratrack ledger verify --bundle evidence/ --trust keys/ci.pub")
@project_option
@click.option("--bundle", metavar="DIR", type=_FOLDER, help="Verify this exported bundle; needs no ledger.")
@_trust_option
@policy_ref_option
@format_option("table", "json")
def verify(
    project: Path, bundle: Path | None, trust_files: tuple[Path, ...], policy_ref: str | None, output_format: str
) -> None:
    """Check every envelope, leaf, tree hash, key, checkpoint and blob, and say what was verified.

    Whom to trust is told from outside: by `trust` and `people` in the project file, or by --trust. The facts index of
    this machine is rebuilt and compared too. Exit codes: 0 everything is sound, 2 bad input, 4 something could not be
    reached, 6 damage, nothing to verify, or nobody to trust.
    """
    from infratrack.cli.ledger_verification import verify_and_tell  # noqa: PLC0415 -- not for --help

    verify_and_tell(_workspace(project, policy_ref), bundle, trust_files, output_format)


@ledger.command(epilog="Example: infratrack ledger proof 12 --out entry-12.tlog-proof")
@project_option
@click.argument("index", type=click.IntRange(min=0))
@click.option("--out", metavar="FILE", type=_FOLDER, help="Write the proof to this file.  [default: standard output]")
def proof(project: Path, index: int, out: Path | None) -> None:
    """Print the proof that entry INDEX stands in the ledger (a C2SP tlog-proof file).

    Anyone who has the entry and the signer's public key can check it offline. Exit codes: 0 printed, 2 no such entry,
    4 the ledger could not be reached or the file not written, 6 the ledger is damaged.
    """
    from infratrack.errors import Unreachable  # noqa: PLC0415 -- not for --help
    from infratrack.ledger.proof import write_proof  # noqa: PLC0415 -- likewise

    opened = _workspace(project).ledger(create=False)
    try:
        text = write_proof(opened.proof(index))
    finally:
        opened.close()
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise Unreachable(f"{out} could not be written: {error.strerror or error}", "check the path") from error


@ledger.command(epilog="Example: infratrack ledger checkpoint > checkpoint.txt")
@project_option
def checkpoint(project: Path) -> None:
    """Print the newest signed checkpoint (a C2SP tlog-checkpoint): origin, size, root and signature.

    Exit codes: 0 printed, 2 there is no ledger or it is empty, 4 the ledger could not be reached, 6 it is damaged.
    """
    from infratrack.errors import InputError  # noqa: PLC0415 -- not for --help

    opened = _workspace(project).ledger(create=False)
    try:
        note = opened.checkpoint()
    finally:
        opened.close()
    if note is None:
        raise InputError("the ledger is empty: it has no checkpoint yet", "the first evidence makes one")
    click.echo(note, nl=False)


@ledger.command(epilog="Example: infratrack ledger export evidence/")
@project_option
@click.argument("folder", metavar="DIR", type=_FOLDER)
def export(project: Path, folder: Path) -> None:
    """Write the whole ledger as plain files into DIR, which must be new or empty.

    envelopes.intoto.jsonl, entries.jsonl, checkpoint, keys.json and blobs/sha256/… can be verified by anyone, with
    this program or another. Exit codes: 0 written, 2 DIR is in use or the ledger is empty, 4 it could not be written,
    6 the ledger is damaged.
    """
    from infratrack.cli.messages import say  # noqa: PLC0415 -- not for --help
    from infratrack.ledger.bundle import export_bundle  # noqa: PLC0415 -- likewise
    from infratrack.report.words import counted  # noqa: PLC0415 -- likewise

    opened = _workspace(project).ledger(create=False)
    try:
        exported = export_bundle(opened, folder)
    finally:
        opened.close()
    entries, blobs = counted(exported.entries, "entry", "entries"), counted(exported.blobs, "blob", "blobs")
    say(f"exported {entries} and {blobs} to {folder}")
    for digest in exported.absent:
        say(f"the blob {digest} is not in the ledger; only a tombstone excuses that")


@ledger.command("import", epilog="Example: infratrack ledger import evidence/ --trust keys/ci.pub")
@project_option
@click.argument("folder", metavar="DIR", type=_FOLDER)
@_trust_option
@policy_ref_option
def import_(project: Path, folder: Path, trust_files: tuple[Path, ...], policy_ref: str | None) -> None:
    """Verify the bundle in DIR, then bring its evidence into the ledger. Doing it again adds nothing.

    An empty ledger becomes the bundle's log as it is; in any other, what is missing is appended and recorded as of
    now. Exit codes: 0 imported, 2 bad input, 4 something could not be reached, 6 the bundle does not verify.
    """
    from infratrack.capture.clock import now  # noqa: PLC0415 -- not for --help
    from infratrack.cli.messages import say  # noqa: PLC0415 -- likewise
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- likewise
    from infratrack.ledger.bundle import import_bundle, verify_bundle  # noqa: PLC0415 -- likewise
    from infratrack.ledger.log import Appended, Incoming  # noqa: PLC0415 -- likewise

    workspace = _workspace(project, policy_ref)
    trust = _trust(workspace, trust_files)
    # A bundle that is damaged must not even make a ledger.
    verify_bundle(folder, trust)
    opened = workspace.ledger(create=True)

    def append(items: Sequence[Incoming]) -> Sequence[Appended]:
        signer = workspace.signing_key
        return opened.append(items, signer=signer.key, signer_name=signer.name, clock=now)

    try:
        imported = import_bundle(folder, opened, trust, append)
    finally:
        opened.close()
    how = "as the log it was" if imported.restored else "to the entries that were here"
    # Afterwards, since what is sent first would keep an empty ledger from becoming the bundle's log.
    try_to_send(workspace, say)
    say(f"verified {imported.verified.entries} entries and added {imported.added} {how}")


def _workspace(project: Path, policy_ref: str | None = None) -> Workspace:
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- not for --help

    return Workspace.open(project, environ=os.environ, policy_ref=policy_ref)


def _trust(workspace: Workspace, files: tuple[Path, ...]) -> Trust:
    from infratrack.cli.ledger_verification import trust_of_files  # noqa: PLC0415 -- not for --help

    return trust_of_files(files) if files else workspace.trust


def _project_trust(workspace: Workspace, opened: Ledger) -> Trust:
    """The project's trust; keys that it names by id only are those that the ledger knows."""
    from infratrack.evidence.trust import trust_of  # noqa: PLC0415 -- not for --help

    return trust_of(workspace.project, opened.known_keys())


def _print_json(document: object) -> None:
    import json  # noqa: PLC0415 -- only needed here

    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
