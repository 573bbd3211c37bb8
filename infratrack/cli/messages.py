"""Lines for people on standard error. That they cannot be written is never a reason to fail."""

from __future__ import annotations

import contextlib

import click

from infratrack.values import printable


def say(text: str) -> None:
    """One message, with our name in front."""
    with contextlib.suppress(OSError, ValueError):
        click.echo("infratrack: " + printable(text), err=True)
