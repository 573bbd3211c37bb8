"""`infratrack demo`: the whole story in a fresh repository, with real Terraform and real ansible-playbook."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import click


@click.command(epilog="Example: infratrack demo --keep")
@click.option("--keep", is_flag=True, help="Keep the folder afterwards, to look around in it.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Play in this new folder and keep it.  [default: a temporary folder]",
)
def demo(*, keep: bool, folder: Path | None) -> None:
    """Play the whole story with real Terraform and Ansible.

    Plan, apply, configure, accept; then somebody changes the world behind Terraform's back, it is found and repaired;
    at last one byte of the ledger is altered. Every step prints the command that you would type. Nothing outside the
    folder is touched.
    """
    from infratrack.cli.demo_stage import Stage  # noqa: PLC0415 -- keeps `--help` instant
    from infratrack.cli.demo_story import play  # noqa: PLC0415 -- likewise

    if folder is not None and folder.exists() and any(folder.iterdir()):
        raise click.BadParameter(f"{folder} is not empty", param_hint="--folder")
    root = folder or Path(tempfile.mkdtemp(prefix="infratrack-demo-"))
    try:
        play(Stage.prepare(root.resolve()))
        if keep or folder:
            click.echo(f"\nThe project is in {root / 'core-network'}; look around with:")
            click.echo(f"  cd {root / 'core-network'} && export INFRATRACK_HOME={root / 'home' / 'infratrack'}")
    finally:
        if not (keep or folder):
            shutil.rmtree(root, ignore_errors=True)
