"""`infratrack links suggest`: asks everybody who knows relationships, and lets nobody's failure stop the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from infratrack.capture.observe import Asked, observe_context
from infratrack.capture.workspace import Workspace
from infratrack.errors import InfratrackError
from infratrack.hookspecs import LinkSuggestion
from infratrack.plugin_manager import PluginFailure, guarded

SUGGEST_SECONDS: Final = 300.0


def suggested_links(
    workspace: Workspace, report: Callable[[str], None]
) -> tuple[list[tuple[str, LinkSuggestion]], dict[str, str]]:
    """Who suggests which link, and who could not look with the reason. Changes nothing."""
    project, context = workspace.project, observe_context(workspace, Asked(), report)
    found: list[tuple[str, LinkSuggestion]] = []
    silent: dict[str, str] = {}
    for name, suggester in sorted(workspace.plugins.link_suggesters.items()):
        try:
            answers = guarded(
                lambda one=suggester: list(one.suggest(context, project)),  # type: ignore[misc] # bound per round
                SUGGEST_SECONDS,
                f"asking {name} for links",
            )
        except (PluginFailure, InfratrackError) as failure:
            silent[name] = str(failure)
            continue
        found.extend((name, one) for one in answers if isinstance(one, LinkSuggestion))
    return found, silent
