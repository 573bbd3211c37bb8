"""Lines for people on standard error. That they cannot be written is never a reason to fail."""

from __future__ import annotations

import contextlib

import click


def say(text: str) -> None:
    """One message, with our name in front; text that a terminal would obey is shown, not sent."""
    with contextlib.suppress(OSError, ValueError):
        click.echo("infratrack: " + "".join(one if one.isprintable() else " " for one in text), err=True)
