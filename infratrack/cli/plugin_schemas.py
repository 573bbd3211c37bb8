"""The JSON Schemas of what all plugins take, with those left out that a plugin cannot hand over."""

from __future__ import annotations

from infratrack.cli.messages import say
from infratrack.plugin_manager import Plugins
from infratrack.project.schema import PluginSchemas


def plugin_schemas(plugins: Plugins) -> PluginSchemas:
    """What the plugins take. Plugins that do not work are named on standard error."""
    found = plugins.schemas
    for name, reason in sorted(plugins.broken.items()):
        say(f"the plugin {name} does not work: {reason}")
    return found
