"""`infratrack key`: make, list and export signing keys."""

from __future__ import annotations

import os

import click

from infratrack.cli.options import format_option


@click.group(epilog="Example: infratrack key new ci")
def key() -> None:
    """Make, list and export the keys that sign evidence.

    Private keys lie in INFRATRACK_HOME/keys (by default in your configuration folder) and never leave it. The project
    file says whose evidence counts.
    """


@key.command(epilog="Example: infratrack key new ci && infratrack key export ci > keys/ci.pub")
@click.argument("name")
def new(name: str) -> None:
    """Make a signing key (Ed25519) named NAME; print its key id.

    An existing key is never overwritten. Exit codes: 0 made, 2 the name is taken or not usable, 4 it could not be
    written.
    """
    from infratrack.evidence.key_store import KeyStore, home_folder  # noqa: PLC0415 -- `--help` loads no cryptography

    store = KeyStore(home_folder(os.environ))
    made = store.create(name)
    click.echo(made.key.keyid)
    click.echo(f"infratrack: the private key is {made.source}; keep it on this machine", err=True)
    click.echo("  → to let its evidence count, export the public key into the project:", err=True)
    click.echo(f"      infratrack key export {name} > keys/{name}.pub", err=True)
    click.echo("    and name it in infratrack.yaml (for a person's key, under `people` instead):", err=True)
    click.echo(f"      trust: {{signers: [{{name: {name}, key: keys/{name}.pub}}]}}", err=True)
    if len(store.names()) > 1:
        click.echo("  → this machine has several keys now: where a project trusts more than one of them, say", err=True)
        click.echo(f"    which is to sign with --key {name} or INFRATRACK_KEY={name}", err=True)


@key.command("list", epilog="Example: infratrack key list --format json")
@format_option("table", "json")
def list_(output_format: str) -> None:
    """List the signing keys on this machine: name, key id and where the private key lies.

    Exit codes: 0 listed, 2 a key file cannot be used (damaged, or readable by others).
    """
    from infratrack.evidence.key_store import (  # noqa: PLC0415 -- `--help` loads no cryptography
        KeyStore,
        home_folder,
        key_from_environment,
    )

    given = key_from_environment(os.environ)
    store = KeyStore(home_folder(os.environ))
    found = [*([given] if given else []), *store.list()]
    if output_format == "json":
        import json  # noqa: PLC0415 -- only needed here

        keys = [{"name": one.name, "keyid": one.key.keyid, "source": one.source} for one in found]
        click.echo(json.dumps({"keys": keys}, indent=2))
        return
    if not found:
        click.echo(f"infratrack: there is no key in {store.folder}; make one with `infratrack key new NAME`", err=True)
        return
    from rich.console import Console  # noqa: PLC0415 -- heavy, only for a table
    from rich.table import Table  # noqa: PLC0415 -- likewise

    table = Table(box=None, pad_edge=False)
    for title in ("name", "key id", "private key"):
        table.add_column(title, no_wrap=True)
    for one in found:
        table.add_row(one.name, one.key.keyid, one.source)
    # A key id and a path are of use only whole: rather a long line than one cut short.
    Console(width=1000).print(table, crop=False)


@key.command(epilog="Example: infratrack key export ci > keys/ci.pub")
@click.argument("name")
def export(name: str) -> None:
    """Print the public half of key NAME as PEM, for `trust` or `people` in the project file.

    Exit codes: 0 printed, 2 there is no such key or it cannot be used.
    """
    from infratrack.evidence.key_store import KeyStore, home_folder  # noqa: PLC0415 -- `--help` loads no cryptography

    click.echo(KeyStore(home_folder(os.environ)).export(name), nl=False)
