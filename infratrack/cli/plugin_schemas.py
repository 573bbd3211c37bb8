"""The JSON Schemas of all plugins' criteria and steps, with those left out that a plugin cannot hand over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infratrack.cli.messages import say
from infratrack.plugin_manager import Plugins


def plugin_schemas(plugins: Plugins) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
    """Criterion name → schema, and step type → schema. Plugins that do not work are named on standard error."""
    criteria, steps = plugins.schemas_of(plugins.criteria), plugins.schemas_of(plugins.steps)
    for name, reason in sorted(plugins.broken.items()):
        say(f"the plugin {name} does not work: {reason}")
    return criteria, steps
