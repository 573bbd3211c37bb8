"""Finds the evidence of a saved plan file by its digest: what is in the file is known from there, without opening it.

Only who may run a plan's providers can read a saved plan; whoever only has to tell about it never should.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from infratrack.capture.clock import now
from infratrack.errors import InfratrackError
from infratrack.evidence.envelope import open_envelope
from infratrack.evidence.statement import Statement, read_statement
from infratrack.ledger.open import NoLedgerYet
from infratrack.plugin_manager import PluginFailure
from infratrack.progress.index.counting import what_counts
from infratrack.values import Digest, sha256_digest

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.progress.index.store import FactsIndex

NEWEST: Final = 100
"""Pieces of evidence that are looked through: a plan is told about soon after it was made."""


class PlanEvidence(Struct, frozen=True):
    """What evidence says of a plan."""

    predicate_type: str
    predicate: Mapping[str, object]


def plan_evidence(workspace: Workspace, digest: Digest) -> PlanEvidence | None:
    """The newest evidence about a file with this digest, of a kind that foresees something; None where there is none.

    Looks into the spool first, then through the newest evidence of the ledger that counts. Raises what opening and
    reading them raises.
    """
    wanted = digest.removeprefix("sha256:")
    for statement in _statements(workspace):
        about = any(one.digest.get("sha256") == wanted for one in statement.subject)
        if about and _plans(workspace, statement):
            return PlanEvidence(statement.predicate_type, statement.predicate)
    return None


def _plans(workspace: Workspace, statement: Statement) -> bool:
    """Whether it is of a plan: evidence of its apply is about the same file."""
    kind = workspace.plugins.evidence_types.get(statement.predicate_type)
    try:
        return kind is not None and kind.foreseen(statement.predicate) is not None
    except PluginFailure:
        return False


def _statements(workspace: Workspace) -> Iterator[Statement]:
    if workspace.spool.folder.is_dir():
        for waiting in reversed(workspace.spool.pending()):
            yield from _read(waiting.line)
    rows = _newest(workspace)
    if not rows:
        return
    try:
        ledger = workspace.ledger(create=False)
    except NoLedgerYet:
        return
    try:
        for number, digest in rows:
            for entry in ledger.entries(number, number + 1):
                if sha256_digest(entry.line) == digest:
                    yield from _read(entry.line)
    finally:
        ledger.close()


def _newest(workspace: Workspace) -> list[tuple[int, str]]:
    """Number and digest of the newest entries that count, the newest first."""

    def look(index: FactsIndex) -> list[tuple[int, str]]:
        excluded = what_counts(index, workspace.project.id, workspace.trust, index.size, now()).excluded
        rows = index.rows("SELECT entry, digest FROM evidence ORDER BY entry DESC LIMIT ?", NEWEST)
        return [(entry, digest) for entry, digest in rows if entry not in excluded]

    return workspace.computed(look)


def _read(line: bytes) -> Iterator[Statement]:
    try:
        yield read_statement(open_envelope(line).payload)
    except InfratrackError:
        return
