"""At which commits runs were recorded: one query on the facts index, no evidence is opened."""

from __future__ import annotations

from typing import Final

from infratrack.capture.clock import now
from infratrack.capture.workspace import Workspace
from infratrack.evidence.predicates import KEY, SIGNOFF, TOMBSTONE, short_name
from infratrack.progress.index.counting import what_counts
from infratrack.progress.index.store import FactsIndex

_NO_RUNS: Final = frozenset({SIGNOFF, KEY, TOMBSTONE})
_LOOKS: Final = ("-observation", "-changes")
"""How the names of evidence end that is left by looking at something: nothing was run."""


def run_commits(workspace: Workspace) -> frozenset[str]:
    """Ids of the commits that evidence of runs was made at, as far as it counts; empty while there is no ledger."""

    def commits(index: FactsIndex) -> frozenset[str]:
        excluded = what_counts(index, workspace.project.id, workspace.trust, index.size, now()).excluded
        rows = index.rows(
            "SELECT e.entry, t.text, e.commit_id FROM evidence e JOIN name t ON t.id = e.type"
            " WHERE e.commit_id IS NOT NULL"
        )
        return frozenset(commit for entry, kind, commit in rows if _is_run(kind) and entry not in excluded)

    return workspace.computed(commits)


def _is_run(predicate_type: str) -> bool:
    return predicate_type not in _NO_RUNS and not short_name(predicate_type).endswith(_LOOKS)
