"""Reads back whole statements of evidence that counts: what the facts index, made for verdicts, does not keep.

Only the entries asked for are read from the ledger. Which of them count (right project, trusted key, verified
signature) the index knows already; that the ledger still holds the very bytes that were verified is checked here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from infratrack.capture.assemble import UNSEEN
from infratrack.capture.clock import now
from infratrack.errors import IntegrityFailure
from infratrack.evidence.envelope import open_envelope
from infratrack.evidence.predicates import RUN_START
from infratrack.evidence.statement import read_statement
from infratrack.hookspecs import RecordedEvidence
from infratrack.progress.index.counting import what_counts
from infratrack.values import Digest, Instant, sha256_digest

if TYPE_CHECKING:
    from infratrack.capture.workspace import Workspace
    from infratrack.ledger.log import Ledger
    from infratrack.progress.index.store import FactsIndex

_GAP: Final = 16
"""Entries that lie this close are read in one go: asking anew costs about as much as reading so many."""
_COLUMNS: Final = "e.entry, e.digest, e.instant, e.run, e.outcome, e.commit_id"
_OF_TYPE: Final = (
    f"SELECT {_COLUMNS} FROM evidence e JOIN name t ON t.id = e.type WHERE t.text = ?"  # noqa: S608 -- our own columns
    " ORDER BY e.instant, e.run, e.payload"
)
_UNENDED: Final = (
    f"SELECT {_COLUMNS} FROM evidence e JOIN name t ON t.id = e.type WHERE t.text = ? AND e.run NOT IN"  # noqa: S608 -- likewise
    " (SELECT o.run FROM evidence o WHERE o.type <> e.type) ORDER BY e.instant, e.run, e.payload"
)


class ReadBack(Struct, frozen=True):
    """What the ledger holds of one kind of evidence."""

    counted: Sequence[RecordedEvidence] = ()
    """What counts, oldest first."""
    left_out: Mapping[str, int] = {}
    """How much does not count, by reason: another project, unreadable, or the id of a key that is not trusted."""


class _Found(Struct, frozen=True):
    rows: list[tuple[Any, ...]]
    unended: list[tuple[Any, ...]]
    left_out: Mapping[str, int]


def recorded_evidence(workspace: Workspace, predicate_type: str) -> Sequence[RecordedEvidence]:
    """The evidence of one predicate type that counts, ordered as evidence is ordered: oldest first.

    Empty while there is no ledger. Raises what opening and reading the ledger raises.
    """
    return read_back(workspace, predicate_type).counted


def read_back(workspace: Workspace, predicate_type: str, *, with_unended: bool = False) -> ReadBack:
    """The evidence of one predicate type that counts, and how much does not.

    `with_unended`: also what runs of which the ledger has only the start foretold for this case, with no outcome. That
    is all there is when a run's machine was lost.
    """

    def look(index: FactsIndex) -> _Found:
        excluded = what_counts(index, workspace.project.id, workspace.trust, index.size, now()).excluded
        rows = index.rows(_OF_TYPE, predicate_type)
        starts = index.rows(_UNENDED, RUN_START) if with_unended else []
        return _Found(
            rows=[row for row in rows if row[0] not in excluded],
            unended=[row for row in starts if row[0] not in excluded],
            left_out=Counter(excluded[row[0]] for row in rows if row[0] in excluded),
        )

    found = workspace.computed(look)
    if not found.rows and not found.unended:
        return ReadBack((), found.left_out)
    ledger = workspace.ledger(create=False)
    try:
        counted = [_ended(row, predicate, predicate_type) for row, predicate in _predicates(ledger, found.rows)]
        for row, predicate in _predicates(ledger, found.unended):
            counted.extend(_foretold(row, predicate, predicate_type))
    finally:
        ledger.close()
    return ReadBack(sorted(counted, key=lambda one: one.at), found.left_out)


def _ended(row: tuple[Any, ...], predicate: Mapping[str, Any], predicate_type: str) -> RecordedEvidence:
    _, digest, instant, run, outcome, commit = row
    return RecordedEvidence(Digest(digest), predicate_type, run, Instant(instant), outcome, commit, predicate)


def _foretold(row: tuple[Any, ...], predicate: Mapping[str, Any], predicate_type: str) -> Iterator[RecordedEvidence]:
    """What a run's start says about an end that nobody saw, where it is of the type asked for."""
    result = predicate.get("result")
    unseen = result.get(UNSEEN) if isinstance(result, Mapping) else None
    if isinstance(unseen, Mapping) and unseen.get("predicateType") == predicate_type:
        yield _ended(row, {**predicate, "result": unseen.get("result")}, predicate_type)


def _predicates(ledger: Ledger, rows: Sequence[tuple[Any, ...]]) -> Iterator[tuple[tuple[Any, ...], Mapping[str, Any]]]:
    """Each row with the predicate of its entry, in the rows' order."""
    wanted = {row[0]: row[1] for row in rows}
    read = {
        entry.index: _predicate(entry.index, entry.line, wanted[entry.index])
        for first, last in _spans(sorted(wanted))
        for entry in ledger.entries(first, last + 1)
        if entry.index in wanted
    }
    return ((row, read[row[0]]) for row in rows)


def _predicate(index: int, line: bytes, digest: str) -> Mapping[str, Any]:
    if sha256_digest(line) != digest:
        raise IntegrityFailure(f"entry {index} is not what was signed", "run `infratrack ledger verify`")
    return read_statement(open_envelope(line).payload).predicate


def _spans(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of runs of numbers without larger gaps."""
    first = last = None
    for number in numbers:
        if last is None or first is None:
            first = number
        elif number - last > _GAP:
            yield first, last
            first = number
        last = number
    if first is not None and last is not None:
        yield first, last
