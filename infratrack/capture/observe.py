"""`infratrack observe`: gather evidence by looking, read-only, through an observer of a plugin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.capture.child_environment import without_signing_key
from infratrack.capture.clock import now
from infratrack.capture.recorded_evidence import recorded_evidence
from infratrack.capture.run_commits import run_commits
from infratrack.capture.workspace import Workspace
from infratrack.errors import InfratrackError, InputError
from infratrack.hookspecs import Collected, ObserveContext
from infratrack.plugin_manager import PluginFailure, guarded
from infratrack.project.nearest import NearestNames
from infratrack.project.wanted import wanted_by_deliverable, wanted_facts
from infratrack.values import Instant

OBSERVE_SECONDS: Final = 600.0
MOST_PIECES: Final = 1_000
"""Of evidence from one look: more is a plugin gone wild."""


class Asked(Struct, frozen=True):
    """What an observer is asked: where to look, and whether for changes that no evidence explains, since when."""

    target: str | None = None
    changelog: bool = False
    since: Instant | None = None


def observe(
    workspace: Workspace, name: str, asked: Asked | None = None, report: Callable[[str], None] | None = None
) -> list[Collected]:
    """Look through the observer of that name; InputError for an unknown one and for one that fails.

    What the observer itself raises for people (InputError, Unreachable) passes through.
    """
    observers = workspace.plugins.observers
    if name not in observers:
        nearest = NearestNames().to(name, observers)
        known = f"did you mean {nearest}?" if nearest else f"known are: {', '.join(sorted(observers)) or 'none'}"
        raise InputError(f"there is no observer {name!r}", known)
    context = observe_context(workspace, asked or Asked(), report)
    try:
        seen = guarded(lambda: _pieces(observers[name].observe(context)), OBSERVE_SECONDS, f"the observer {name}")
    except PluginFailure as failure:
        raise InputError(f"nothing was observed: {failure}", "this is a fault of the plugin") from failure
    if not seen:
        raise InputError(f"the observer {name} handed over no facts", "this is a fault of the plugin")
    return [_with_what_waits(one, workspace) for one in seen]


def observe_context(workspace: Workspace, asked: Asked, report: Callable[[str], None] | None = None) -> ObserveContext:
    """What an observer, or whoever suggests links, may know of the project."""
    project = workspace.project
    context = ObserveContext(
        folder=workspace.folder,
        environment=without_signing_key(workspace.environ),
        wanted=wanted_facts(project),
        target=asked.target,
        changelog=asked.changelog,
        since=asked.since,
        at=now(),
        cmdb=project.cmdb,
        recorded=lambda predicate_type: recorded_evidence(workspace, predicate_type),
        run_commits=lambda: run_commits(workspace),
        cache=_cache(workspace),
        deliverables=wanted_by_deliverable(project),
        pipelines=project.pipelines,
        sources=workspace.plugins.sources,
    )
    return context if report is None else structs.replace(context, report=report)


def _pieces(answer: Any) -> list[Collected]:  # noqa: ANN401 -- whatever the plugin hands over
    """One piece of evidence or several; none at all when it is something else."""
    if isinstance(answer, Collected):
        return [answer]
    pieces = list(answer) if isinstance(answer, Sequence) and not isinstance(answer, str | bytes) else []
    return pieces if len(pieces) <= MOST_PIECES and all(isinstance(one, Collected) for one in pieces) else []


def _with_what_waits(collected: Collected, workspace: Workspace) -> Collected:
    """A look for unrecorded changes that could not see evidence which waits on this machine says so."""
    spots = collected.result.get("blindSpots")
    if not isinstance(spots, list):
        return collected
    try:
        waiting = workspace.spool.count()
    except InfratrackError:
        waiting = 0
    if not waiting:
        return collected
    pieces = "1 piece of evidence waits" if waiting == 1 else f"{waiting} pieces of evidence wait"
    spot = f"{pieces} on this machine and did not reach the ledger: what it explains counts as unrecorded"
    return structs.replace(collected, result={**collected.result, "blindSpots": [*spots, spot]})


def _cache(workspace: Workspace) -> Path | None:
    """A private folder for what may be forgotten; None where there can be none."""
    try:
        folder = workspace.home / "cache"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, InfratrackError):
        return None
    return folder
