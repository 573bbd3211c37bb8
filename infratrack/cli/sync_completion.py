"""What the shell offers for `infratrack sync`: names of CMDBs, and runs that can be taken back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from click.shell_completion import CompletionItem

from infratrack.capture.workspace import Workspace
from infratrack.progress.reasons import moment

MOST_RUNS: Final = 20


def complete_names(project: Path, incomplete: str) -> list[CompletionItem]:
    """The CMDBs that the project configures."""
    try:
        names = sorted(Workspace.open(project, environ=dict(os.environ)).project.cmdb)
    except Exception:  # noqa: BLE001 -- a completion that fails offers nothing, and never disturbs the line
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def complete_runs(project: Path, name: str | None, incomplete: str) -> list[CompletionItem]:
    """The newest runs that wrote to the CMDB, newest first, each with its time and what it did.

    The shell may not know the name yet (it stands behind the option): then of all CMDBs of the project.
    """
    try:
        workspace = Workspace.open(project, environ=dict(os.environ))
        names = [name] if name else list(workspace.project.cmdb)
        found = [one for cmdb in names for one in _runs(workspace, workspace.plugins.reconcilers[cmdb].predicate_type)]
    except Exception:  # noqa: BLE001 -- likewise
        return []
    newest = sorted((one for one in found if one[1].startswith(incomplete)), reverse=True)[:MOST_RUNS]
    return [CompletionItem(run, help=text) for _, run, text in newest]


def _runs(workspace: Workspace, predicate_type: str) -> list[tuple[int, str, str]]:
    """(instant, run, what to say of it) of the evidence of one kind."""
    from infratrack.capture.recorded_evidence import recorded_evidence  # noqa: PLC0415 -- only for this option

    kind = workspace.plugins.evidence_types[predicate_type]
    return [
        (one.at, one.run, f"{moment(one.at)} {kind.summary(one.predicate)}")
        for one in recorded_evidence(workspace, predicate_type)
    ]
