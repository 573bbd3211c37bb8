"""`infratrack schema`: the JSON Schema of the project file."""

from __future__ import annotations

import click


@click.command(epilog="Example: infratrack schema > .infratrack/project.schema.json")
def schema() -> None:
    """Print the JSON Schema of infratrack.yaml, the criteria, steps and CMDBs of all plugins included.

    Editors that speak YAML complete and check the project file with it; in VS Code, for example, name the written
    file under `yaml.schemas`. Exit code: 0.
    """
    import json  # noqa: PLC0415 -- `--help` loads nothing

    from infratrack.cli.plugin_schemas import plugin_schemas  # noqa: PLC0415 -- likewise
    from infratrack.plugin_manager import load_plugins  # noqa: PLC0415 -- likewise
    from infratrack.project.schema import project_schema  # noqa: PLC0415 -- likewise

    known = plugin_schemas(load_plugins())
    click.echo(json.dumps(project_schema(known), indent=2, ensure_ascii=False, default=list))
