"""`infratrack observe`: gather evidence by looking, read-only, through an observer of a plugin."""

from __future__ import annotations

from typing import Final

from infratrack.capture.child_environment import without_signing_key
from infratrack.capture.workspace import Workspace
from infratrack.errors import InputError
from infratrack.hookspecs import Collected, ObserveContext
from infratrack.plugin_manager import PluginFailure, guarded
from infratrack.project.nearest import NearestNames
from infratrack.project.wanted import wanted_facts

OBSERVE_SECONDS: Final = 600.0


def observe(workspace: Workspace, name: str) -> Collected:
    """Look through the observer of that name; InputError for an unknown one and for one that fails."""
    observers = workspace.plugins.observers
    if name not in observers:
        nearest = NearestNames().to(name, observers)
        known = f"did you mean {nearest}?" if nearest else f"known are: {', '.join(sorted(observers)) or 'none'}"
        raise InputError(f"there is no observer {name!r}", known)
    context = ObserveContext(workspace.folder, without_signing_key(workspace.environ), wanted_facts(workspace.project))
    try:
        collected = guarded(lambda: observers[name].observe(context), OBSERVE_SECONDS, f"the observer {name}")
    except PluginFailure as failure:
        raise InputError(f"nothing was observed: {failure}", "this is a fault of the plugin") from failure
    if not isinstance(collected, Collected):
        raise InputError(f"the observer {name} handed over no facts", "this is a fault of the plugin")
    return collected
