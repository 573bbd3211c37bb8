"""The CLI reference as Markdown, made from the commands themselves: `python -m infratrack.cli.reference`."""

from __future__ import annotations

from collections.abc import Iterator

import click

from infratrack.cli.commands import infratrack

_HEAD = """# Command line

Made from the commands themselves by `python -m infratrack.cli.reference`; a test holds the two together.

Results go to standard output, messages to standard error. Exit codes are the same everywhere: 0 fine · 1 the answer is
no · 2 bad usage or bad input · 3 a bug in infratrack · 4 something could not be reached · 5 not allowed · 6 integrity
failure, also when nothing was verified · 130 interrupted. `infratrack run` returns the wrapped command's own code.
"""


def reference() -> str:
    """The whole reference as Markdown."""
    parent = click.Context(infratrack, info_name="infratrack", max_content_width=100, terminal_width=100)
    return _HEAD + "".join(_sections(infratrack, parent))


def _sections(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        own = click.Context(command, info_name=name, parent=context, max_content_width=100, terminal_width=100)
        yield f"\n## `{own.command_path}`\n\n```text\n{command.get_help(own)}\n```\n"
        if isinstance(command, click.Group):
            yield from _sections(command, own)


if __name__ == "__main__":
    click.echo(reference(), nl=False)
