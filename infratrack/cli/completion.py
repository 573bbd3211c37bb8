"""`infratrack completion`: click's own shell completion."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

EPILOG = """\b
Examples:
  eval "$(infratrack completion bash)"
  eval "$(infratrack completion zsh)"
  infratrack completion fish > ~/.config/fish/completions/infratrack.fish

Exit codes: 0 printed, 2 an unknown shell."""


@click.command("completion", epilog=EPILOG)
@click.argument("shell", type=click.Choice(("bash", "zsh", "fish")))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print the completion script for SHELL: bash, zsh or fish."""
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"this version of click has no completion for {shell}")
    root = context.find_root().command
    click.echo(kind(root, {}, "infratrack", "_INFRATRACK_COMPLETE").source())
