"""Reads back whole statements of evidence that counts: what the facts index, made for verdicts, does not keep."""

from __future__ import annotations

from typing import Any

from infratrack.capture.clock import now
from infratrack.capture.workspace import Workspace
from infratrack.evidence.envelope import open_envelope
from infratrack.evidence.statement import read_statement
from infratrack.hookspecs import RecordedEvidence
from infratrack.progress.index.counting import what_counts
from infratrack.progress.index.store import FactsIndex
from infratrack.values import Digest, Instant


def recorded_evidence(workspace: Workspace, predicate_type: str) -> list[RecordedEvidence]:
    """The evidence of one predicate type that counts, ordered as evidence is ordered: oldest first.

    Empty while there is no ledger. Raises what opening and reading the ledger raises.
    """

    def entries(index: FactsIndex) -> list[tuple[Any, ...]]:
        excluded = what_counts(index, workspace.project.id, workspace.trust, index.size, now()).excluded
        rows = index.rows(
            "SELECT e.entry, e.digest, e.instant, e.run, e.outcome, e.commit_id FROM evidence e JOIN name t"
            " ON t.id = e.type WHERE t.text = ? ORDER BY e.instant, e.run, e.payload",
            predicate_type,
        )
        return [row for row in rows if row[0] not in excluded]

    found = workspace.computed(entries)
    if not found:
        return []
    ledger = workspace.ledger(create=False)
    try:
        lines = {number: next(iter(ledger.entries(number, number + 1))).line for number, *_ in found}
    finally:
        ledger.close()
    return [
        RecordedEvidence(
            digest=Digest(digest),
            predicate_type=predicate_type,
            run=run,
            at=Instant(instant),
            outcome=outcome,
            commit=commit,
            predicate=read_statement(open_envelope(lines[number]).payload).predicate,
        )
        for number, digest, instant, run, outcome, commit in found
    ]
