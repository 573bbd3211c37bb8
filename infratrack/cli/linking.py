"""Options that say what evidence belongs to, shared by `run` and `record`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def key_option(command: Command) -> Command:
    """`--key NAME`, handed over as `key: str | None`."""
    text = "Sign with this key of yours.  [default: INFRATRACK_KEY, the only key, or the only trusted one]"
    return click.option("--key", metavar="NAME", help=text)(command)


def linking_options(command: Command) -> Command:
    """`--deliverable`, `--task`, `--change`, `--label`, `--system`, handed over under their plural or own names."""
    for option in reversed(
        (
            click.option("--deliverable", "deliverables", multiple=True, metavar="ID", help="A deliverable it is for."),
            click.option("--task", "tasks", multiple=True, metavar="ID", help="A task it is for."),
            click.option("--change", metavar="ID", help="The change request it belongs to."),
            click.option("--label", "labels", multiple=True, metavar="K=V", callback=_labels, help="A label of yours."),
            click.option("--system", metavar="ID", help="The system it touches.  [default: unclassified]"),
        )
    ):
        command = option(command)
    return command


def _labels(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    labels = {}
    for text in value:
        name, equals, content = text.partition("=")
        if not name or not equals:
            raise click.BadParameter(f"{text!r} is not of the form K=V", context, parameter)
        labels[name] = content
    return labels
