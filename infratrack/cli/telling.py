"""What `summary` and `comment` share: the options that say what to tell about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def plan_options(command: Command) -> Command:
    """`--plan`, `--directory`, `--workspace`, handed over as `plans`, `directory` and `workspace`."""
    for option in reversed(
        (
            click.option(
                "--plan",
                "plans",
                multiple=True,
                metavar="FILE",
                type=click.Path(path_type=Path),
                help="A plan to look ahead from: `terraform show -json` output, or a saved plan that was made under"
                " `infratrack run`. Several are taken together.",
            ),
            click.option(
                "--directory", metavar="DIR", help="The Terraform root of plans in JSON.  [default: this folder]"
            ),
            click.option("--workspace", metavar="NAME", help="Their Terraform workspace.  [default: default]"),
        )
    ):
        command = option(command)
    return command
