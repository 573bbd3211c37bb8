"""`infratrack identity`: what this job's CI system says of it, and the public keys of who says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infratrack.cli.options import format_option

if TYPE_CHECKING:
    from infratrack.evidence.identity.issuer_keys import IssuerKey
    from infratrack.evidence.identity.runner import Runner


@click.group(epilog="Example: infratrack identity keys https://token.actions.githubusercontent.com")
def identity() -> None:
    """Trust jobs by what their CI system vouches for, instead of by keys.

    A job that is offered an identity token signs with a key in memory, which the token endorses. `trust.identities` in
    the project file says which jobs count, and pins the public keys of the CI system.
    """


@identity.command(epilog="Example: infratrack identity show --format json")
@format_option("table", "json")
def show(output_format: str) -> None:
    """Show the identity that this job is offered, and how the project file would name it.

    Run it in a job: on GitHub with `permissions: {id-token: write}`, elsewhere with a token in INFRATRACK_ID_TOKEN
    whose audience is infratrack:KEYID (sigstore, with INFRATRACK_IDENTITY=sigstore). Exit codes: 0 shown, 2 nothing is
    offered or it is of no use, 4 nobody answered, 6 the token does not hold.
    """
    from infratrack.capture.endorsing import KEYLESS, endorsement  # noqa: PLC0415 -- not for --help
    from infratrack.capture.oidc import offered  # noqa: PLC0415 -- likewise
    from infratrack.errors import InputError  # noqa: PLC0415 -- likewise
    from infratrack.evidence.key_store import key_from_environment, new_key_in_memory  # noqa: PLC0415 -- likewise

    offer = offered(os.environ)
    if offer is None:
        raise InputError(
            "no CI system offers this job an identity",
            "on GitHub give the job `permissions: {id-token: write}`; elsewhere set INFRATRACK_ID_TOKEN",
        )
    key = key_from_environment(os.environ) or new_key_in_memory(KEYLESS)
    runner = endorsement(offer, key.key.keyid, None).runner
    if output_format == "json":
        import json  # noqa: PLC0415 -- only needed here

        import msgspec  # noqa: PLC0415 -- likewise

        click.echo(json.dumps({"identity": msgspec.to_builtins(runner)}, indent=2, ensure_ascii=False))
        return
    _print_table(runner, through_sigstore=offer.sigstore)


@identity.command(epilog="Example: infratrack identity keys https://gitlab.com --out keys/gitlab.jwks.json")
@click.argument("issuer")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file, and keep the keys that it holds.  [default: standard output]",
)
def keys(issuer: str, out: Path | None) -> None:
    """Fetch the public keys of ISSUER over TLS and print them, for `issuer_keys` under `trust.identities`.

    They prove whatever they sign, so compare them before you commit them. Evidence of old keys needs old keys: --out
    only adds. Exit codes: 0 printed, 2 this is no issuer, 4 it could not be reached or the file not written.
    """
    import re  # noqa: PLC0415 -- not for --help

    from infratrack.capture.oidc import Asking  # noqa: PLC0415 -- likewise
    from infratrack.cli.messages import say  # noqa: PLC0415 -- likewise
    from infratrack.errors import InputError, Unreachable  # noqa: PLC0415 -- likewise
    from infratrack.evidence.identity.issuer_keys import write_key_set  # noqa: PLC0415 -- likewise
    from infratrack.project.identity_schema import ISSUER_PATTERN  # noqa: PLC0415 -- likewise

    if not re.fullmatch(ISSUER_PATTERN, issuer):
        raise InputError(
            f"{issuer[:80]!r} is not an issuer",
            "write its https URL, such as https://token.actions.githubusercontent.com",
        )
    asking = Asking()
    try:
        fetched = asking.issuer_keys(issuer)
    finally:
        asking.close()
    if out is None:
        click.echo(write_key_set(fetched), nl=False)
        return
    known = _known(out)
    new = tuple(key for key in fetched if key.thumbprint not in {one.thumbprint for one in known})
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(write_key_set((*known, *new)), encoding="ascii", newline="\n")
    except OSError as error:
        raise Unreachable(f"{out} could not be written: {error.strerror or error}", "check the path") from error
    count = len(known) + len(new)
    say(f"{out} holds {count} keys of {issuer}, {len(new)} of them new; compare them and commit the file")


@identity.command(epilog="Example: infratrack identity sigstore --out keys/sigstore.json")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write to this file.  [default: standard output]",
)
def sigstore(out: Path | None) -> None:
    """Print the trusted root of a sigstore instance, for `sigstore_root` under `trust.identities`.

    It is the public instance's, fetched and verified by sigstore's own means, or that in the file which
    INFRATRACK_SIGSTORE_CONFIG names. Compare it before you commit it: it proves whatever is signed with its keys.
    Exit codes: 0 printed, 2 this is no instance or the package is missing, 4 it could not be reached or written.
    """
    import json  # noqa: PLC0415 -- not for --help

    from infratrack.capture.oidc import SIGSTORE_CONFIG_VARIABLE  # noqa: PLC0415 -- likewise
    from infratrack.capture.sigstore_signing import present_root  # noqa: PLC0415 -- likewise
    from infratrack.cli.messages import say  # noqa: PLC0415 -- likewise
    from infratrack.errors import Unreachable  # noqa: PLC0415 -- likewise

    root = present_root(os.environ.get(SIGSTORE_CONFIG_VARIABLE, "").strip())
    text = json.dumps(root.document, indent=2) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="ascii", newline="\n")
    except OSError as error:
        raise Unreachable(f"{out} could not be written: {error.strerror or error}", "check the path") from error
    say(f"{out} holds a trusted root of {len(root.parts)} parts; compare it and commit the file")


def _known(path: Path) -> tuple[IssuerKey, ...]:
    """The keys that the file holds; InputError when it holds something else."""
    from infratrack.errors import InputError  # noqa: PLC0415 -- not for --help
    from infratrack.evidence.identity.issuer_keys import KEY_SET_AT_MOST, read_key_set  # noqa: PLC0415 -- likewise

    try:
        with path.open("rb") as file:
            content = file.read(KEY_SET_AT_MOST + 1)
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}", "check who owns it") from error
    try:
        return read_key_set(content)
    except InputError as error:
        raise InputError(f"{path}: {error.message}", "name a new file, or one that this command wrote") from error


def _print_table(runner: Runner, *, through_sigstore: bool) -> None:
    import json  # noqa: PLC0415 -- not for --help

    import msgspec  # noqa: PLC0415 -- likewise
    from rich.console import Console  # noqa: PLC0415 -- heavy, only for a table
    from rich.table import Table  # noqa: PLC0415 -- likewise
    from rich.text import Text  # noqa: PLC0415 -- likewise

    from infratrack.evidence.identity.trusted import USUAL_EVENTS  # noqa: PLC0415 -- likewise
    from infratrack.values import printable  # noqa: PLC0415 -- likewise

    table = Table(box=None, pad_edge=False, show_header=False)
    for word, value in msgspec.structs.asdict(runner).items():
        if value:
            table.add_row(word, Text(printable(value)))
    Console(width=1000).print(table, crop=False)
    if runner.repository and runner.event in USUAL_EVENTS:
        click.echo("  → the project file would name jobs like this one so:", err=True)
        pinned = {"issuer_keys": "keys/issuer.jwks.json"}
        command = f"identity keys {runner.issuer} --out keys/issuer.jwks.json"
        if through_sigstore:
            pinned, command = {"sigstore_root": "keys/sigstore.json"}, "identity sigstore --out keys/sigstore.json"
        lines = {"name": "ci", "issuer": runner.issuer, **pinned}
        lines |= {"repository": runner.repository, "ref": runner.ref}
        text = ", ".join(f"{word}: {json.dumps(value)}" for word, value in lines.items())
        click.echo(f"      trust: {{identities: [{{{text}}}]}}", err=True)
        click.echo(f"      infratrack {command}", err=True)
    elif runner.repository:
        click.echo(f"  → jobs that {printable(runner.event)} sets going can be anybody's: do not trust them", err=True)
