"""The documents say what the commands say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from infratrack.cli.commands import infratrack
from infratrack.cli.criteria_reference import criteria_reference
from infratrack.cli.reference import reference

CHECKOUT = Path(__file__).resolve().parents[2]


def every_command(group: click.Group = infratrack, path: str = "infratrack") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


@pytest.mark.checkout
def test_the_reference_in_docs_is_what_the_commands_say() -> None:
    written = (CHECKOUT / "docs" / "cli.md").read_text(encoding="utf-8")
    assert written == reference(), "regenerate it: python -m infratrack.cli.reference > docs/cli.md"


@pytest.mark.parametrize(
    ("path", "command"), list(every_command()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_explains_itself_with_an_example(path: str, command: click.Command) -> None:
    assert command.help
    assert command.epilog is not None
    assert "Example" in command.epilog
    assert path in command.epilog


@pytest.mark.checkout
def test_the_reference_of_criteria_in_docs_is_what_the_plugins_say() -> None:
    written = (CHECKOUT / "docs" / "criteria.md").read_text(encoding="utf-8")
    assert written == criteria_reference(), (
        "regenerate it: python -m infratrack.cli.criteria_reference > docs/criteria.md"
    )
