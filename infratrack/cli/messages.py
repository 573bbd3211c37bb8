"""Lines for people on standard error. That they cannot be written is never a reason to fail."""

from __future__ import annotations

import contextlib

import click


def say(text: str) -> None:
    """One message, with our name in front."""
    with contextlib.suppress(OSError, ValueError):
        click.echo("infratrack: " + printable(text), err=True)


def printable(text: str) -> str:
    """Text without what a terminal would obey (it may quote what others wrote); tabs become a space."""
    return text if text.isprintable() else "".join(one if one.isprintable() else " " for one in text)
