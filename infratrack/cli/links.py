"""`infratrack links`: what the plan could say about what depends on what."""

from __future__ import annotations

import os
from pathlib import Path

import click

from infratrack.cli.messages import say
from infratrack.cli.options import format_option, project_option
from infratrack.values import printable


@click.group(epilog="Example: infratrack links suggest")
def links() -> None:
    """Find links between tasks and deliverables that the project file does not have yet."""


@links.command(epilog="Example: infratrack links suggest > links.yaml")
@project_option
@format_option("yaml", "json", "table")
def suggest(project: Path, output_format: str) -> None:
    """Propose links from Terraform's graph and from a CMDB's cables, ready to paste. Changes nothing.

    Who cannot look (no CMDB is given, Terraform is not initialised) is named with the reason; the others are asked all
    the same. Exit codes: 0 asked (also when there is nothing to propose), 2 bad input.
    """
    from infratrack.capture.link_proposals import links_document, links_yaml, missing_links  # noqa: PLC0415 -- likewise
    from infratrack.capture.links import suggested_links  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise

    workspace = Workspace.open(project, environ=dict(os.environ))
    found, silent = suggested_links(workspace, say)
    missing = missing_links(found, workspace.project)
    for name, reason in silent.items():
        say(f"{name} was not asked: {reason}")
    if output_format == "json":
        import msgspec  # noqa: PLC0415 -- one format is printed

        click.echo(msgspec.json.format(msgspec.json.encode(links_document(missing, silent))).decode())
    elif not missing:
        say("no link to propose")
    elif output_format == "table":
        for one in missing:
            click.echo(
                printable(f"{one.kind.replace('_', ' ')}: {one.source} → {one.target}  ({one.by}: {one.reason})")
            )
    else:
        click.echo(
            "# Proposed by infratrack. Nothing was changed: paste what is right.\n" + links_yaml(missing), nl=False
        )
