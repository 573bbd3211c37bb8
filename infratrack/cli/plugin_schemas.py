"""The JSON Schemas of all plugins' criteria and steps, with those left out that a plugin cannot hand over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from infratrack.cli.messages import say
from infratrack.plugin_manager import Plugins, getattr_safely


def plugin_schemas(plugins: Plugins) -> tuple[dict[str, Mapping[str, Any]], dict[str, Mapping[str, Any]]]:
    """Criterion name → schema, and step type → schema. Plugins that do not work are named on standard error."""
    criteria, steps = _schemas(plugins.criteria), _schemas(plugins.steps)
    for name, reason in sorted(plugins.broken.items()):
        say(f"the plugin {name} does not work: {reason}")
    return criteria, steps


def _schemas(things: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {name: getattr_safely(thing, lambda one: one.schema) for name, thing in things.items()}
    return {name: schema for name, schema in found.items() if isinstance(schema, Mapping)}
