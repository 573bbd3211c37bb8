"""What earlier syncs left, as far as it may be believed: the ground that the next one compares from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.capture.recorded_evidence import read_back
from infratrack.capture.sync_masking import holds_mask
from infratrack.capture.workspace import Workspace
from infratrack.errors import InfratrackError, InputError
from infratrack.evidence.envelope import open_envelope
from infratrack.evidence.predicates import RUN_START
from infratrack.evidence.statement import read_statement
from infratrack.hookspecs import RecordedEvidence
from infratrack.progress.notes import not_counted
from infratrack.progress.status import TWICE
from infratrack.reconciliation.bases import SyncRun

_VALUES: Final = ("before", "after", "add", "remove")
_SHORTEST_RUN: Final = 8
MASKED: Final = "maskedFields"
"""Member of a result, as handed on here: the names of fields whose values are not known because of redaction."""


class EarlierSyncs(Struct, frozen=True):
    """Evidence of earlier syncs of one CMDB, oldest first, and sentences about what is missing from it."""

    evidence: Sequence[RecordedEvidence] = ()
    notes: tuple[str, ...] = ()


def earlier_syncs(workspace: Workspace, predicate_type: str, identity: str) -> EarlierSyncs:
    """What counts of the evidence about that CMDB. Raises what opening and reading the ledger raises."""
    found = read_back(workspace, predicate_type, with_unended=True)
    mine = [usable(one) for one in found.counted if _identity(one) == identity]
    doubt = not_counted({reason: count for reason, count in found.left_out.items() if reason != TWICE})
    notes = [f"of earlier syncs: {sentence}: what they wrote looks like other people's work" for sentence in doubt]
    waiting = _waiting(workspace, predicate_type)
    if waiting:
        pieces = "1 piece" if waiting == 1 else f"{waiting} pieces"
        notes.append(f"{pieces} of evidence of earlier syncs did not reach the ledger yet and cannot be considered")
    return EarlierSyncs(mine, tuple(notes))


def runs_of(syncs: EarlierSyncs) -> list[SyncRun]:
    """The evidence as it is folded."""
    return [_run(one) for one in syncs.evidence]


def named_run(syncs: EarlierSyncs, run: str, cmdb: str) -> SyncRun:
    """The evidence of one run, by its id or the beginning of it; InputError when there is none, or more than one."""
    found = [one for one in syncs.evidence if one.run == run]
    if not found and len(run) >= _SHORTEST_RUN:
        found = [one for one in syncs.evidence if one.run.startswith(run)]
    if len({one.run for one in found}) == 1:
        return _run(found[-1])
    newest = ", ".join(one.run for one in reversed(syncs.evidence[-3:])) or "there is none yet"
    several = "several runs begin with" if found else "no trusted evidence in the ledger is of a run"
    raise InputError(f"{several} {run[:80]!r} that wrote to {cmdb}", f"the newest are: {newest}")


def _run(evidence: RecordedEvidence) -> SyncRun:
    return SyncRun(evidence.run, evidence.predicate.get("result"))


def usable(evidence: RecordedEvidence) -> RecordedEvidence:
    """The evidence without values that redaction took something out of: they are not what was written."""
    result = evidence.predicate.get("result")
    records = result.get("records") if isinstance(result, Mapping) else None
    if not isinstance(result, Mapping) or not isinstance(records, list):
        return evidence
    masked = [name for one in records if isinstance(one, Mapping) for name in _masked(one)]
    kept = {**result, "records": [_unmasked(one) if isinstance(one, Mapping) else one for one in records]}
    kept[MASKED] = list(dict.fromkeys(masked))
    return structs.replace(evidence, predicate={**evidence.predicate, "result": kept})


def _masked(record: Mapping[str, Any]) -> Iterator[str]:
    """The names of fields whose values are not known because of redaction."""
    fields, prior = record.get("fields"), record.get("prior")
    for field in fields if isinstance(fields, list) else ():
        if isinstance(field, Mapping) and any(holds_mask(field.get(one)) for one in _VALUES):
            yield str(field.get("name"))
    if isinstance(prior, Mapping):
        yield from (str(name) for name, value in prior.items() if holds_mask(value))


def _unmasked(record: Mapping[str, Any]) -> Mapping[str, Any]:
    fields, prior = record.get("fields"), record.get("prior")
    kept: dict[str, Any] = {**record, "fields": list(_fields(fields)) if isinstance(fields, list) else []}
    if isinstance(prior, Mapping):
        kept["prior"] = {name: value for name, value in prior.items() if not holds_mask(value)}
    return kept


def _fields(fields: Sequence[Any]) -> Iterator[Any]:
    for field in fields:
        if isinstance(field, Mapping):
            yield {name: one for name, one in field.items() if name not in _VALUES or not holds_mask(one)}


def _identity(evidence: RecordedEvidence) -> Any:  # noqa: ANN401 -- whatever stands there
    result = evidence.predicate.get("result")
    return result.get("identity") if isinstance(result, Mapping) else None


def _waiting(workspace: Workspace, predicate_type: str) -> int:
    """How much evidence of the type waits in the spool; what cannot be read there is not counted."""
    count = 0
    try:
        for one in workspace.spool.pending() if workspace.spool.folder.is_dir() else ():
            statement = read_statement(open_envelope(one.line).payload)
            count += statement.predicate_type == predicate_type and statement.predicate_type != RUN_START
    except InfratrackError:
        return count
    return count
