"""What the shell offers for `infratrack sync`: names of CMDBs, and runs that can be taken back."""

from __future__ import annotations

import os
from pathlib import Path

from click.shell_completion import CompletionItem

from infratrack.capture.workspace import Workspace
from infratrack.progress.reasons import moment

MOST_RUNS = 20


def complete_names(project: Path, incomplete: str) -> list[CompletionItem]:
    """The CMDBs that the project configures."""
    try:
        names = sorted(Workspace.open(project, environ=dict(os.environ)).project.cmdb)
    except Exception:  # noqa: BLE001 -- a completion that fails offers nothing, and never disturbs the line
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_runs(project: Path, name: str | None, incomplete: str) -> list[CompletionItem]:
    """The newest runs that wrote to the CMDB, newest first, each with its time and what it did."""
    from infratrack.capture.recorded_evidence import recorded_evidence  # noqa: PLC0415 -- only for this option

    try:
        workspace = Workspace.open(project, environ=dict(os.environ))
        kind = workspace.plugins.reconcilers[name or ""].predicate_type
        types = workspace.plugins.evidence_types
        found = [
            CompletionItem(
                one.run, help=f"{moment(one.at)} {types[kind].summary(one.predicate) if kind in types else ''}"
            )
            for one in reversed(recorded_evidence(workspace, kind))
            if one.run.startswith(incomplete)
        ]
    except Exception:  # noqa: BLE001 -- likewise
        return []
    return found[:MOST_RUNS]
