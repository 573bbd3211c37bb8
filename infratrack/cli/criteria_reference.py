"""The reference of criteria and pipeline steps as Markdown: `python -m infratrack.cli.criteria_reference`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from infratrack.plugin_manager import load_plugins

_HEAD = """# Criteria and steps

Made from the plugins themselves by `python -m infratrack.cli.criteria_reference`; a test holds the two together.

A criterion stands under `done_when` as `name: {parameters}`. Every criterion also takes `within:` (a freshness limit
such as `7d`: older evidence makes a deliverable *stale*) and `keep: true` (the limit goes on counting once accepted). A
criterion looks at the newest word about each subject that it selects; without evidence it is `unknown`.
"""


def criteria_reference() -> str:
    """All criteria, then all step types, as Markdown."""
    plugins = load_plugins()
    parts = [_HEAD]
    for name, criterion in sorted(plugins.criteria.items()):
        parts.append(f"\n## `{name}`\n\n{_docstring(criterion)}\n{''.join(_schema(name, criterion.schema))}")
    parts.append("\n# Pipeline steps\n")
    for name, step in sorted(plugins.steps.items()):
        parts.append(f"\n## `{name}` (step)\n\n{_docstring(step)}\n{''.join(_schema(name, step.schema))}")
    return "".join(parts)


def _docstring(thing: object) -> str:
    lines = (type(thing).__doc__ or "").strip().splitlines()
    return "\n".join(line.strip() for line in lines) + "\n"


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    required = schema.get("required", ())
    properties = {key: value for key, value in schema.get("properties", {}).items() if key not in ("within", "keep")}
    if properties:
        yield "\n| parameter | needed | meaning |\n| --- | --- | --- |\n"
        for key, value in properties.items():
            text = str(value.get("description", "")).replace("|", "\\|").replace("\n", " ")
            yield f"| `{key}` | {'yes' if key in required else ''} | {text} |\n"
    yield "\n```yaml\n"
    for example in schema.get("examples", ()):
        yield f"- {name}: {json.dumps(example, ensure_ascii=False)}\n"
    yield "```\n"


if __name__ == "__main__":
    click.echo(criteria_reference(), nl=False)
