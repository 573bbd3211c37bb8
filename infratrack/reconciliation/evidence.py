"""Evidence of a sync, read as words and told to people. Pure: the predicate is hostile input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack.evidence.predicates import short_name
from infratrack.progress.criterion import Word
from infratrack.reconciliation.evidence_schema import result_schema

SYNC_KIND: Final = "cmdb.sync"
"""One word a sync; scope: the reconciler's name, name: which CMDB."""
REQUEST_KIND: Final = "cmdb.request"
"""One word a request that wrote; scope: which CMDB, name: the server's id of the request."""

_OUTCOMES: Final = frozenset({"succeeded", "failed", "canceled", "indeterminate"})
_DONE: Final = {"create": "created", "adopt": "taken over", "change": "changed", "delete": "deleted", "bind": "bound"}
_NOT_DONE: Final = {
    "failed": "failed",
    "moved": "moved meanwhile",
    "unknown": "not known",
    "intended": "not known",
    "not_reached": "not reached",
}
_LONGEST: Final = 300


class SyncEvidence:
    """The kind of evidence that `infratrack sync` leaves for one CMDB. A reconciler's plugin registers one."""

    def __init__(self, predicate_type: str) -> None:
        self._predicate_type = predicate_type
        self._schema = result_schema(predicate_type)

    @property
    def predicate_type(self) -> str:
        """`urn:infratrack:evidence:netbox-sync:v1`."""
        return self._predicate_type

    @property
    def schema(self) -> Mapping[str, Any]:
        """JSON Schema of `result`."""
        return self._schema

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """How the sync ended and how many conflicts it left, and every request that wrote."""
        result = predicate.get("result")
        if not isinstance(result, Mapping) or not isinstance(result.get("identity"), str):
            return []
        identity = _line(result["identity"])
        value = {"outcome": _outcome(predicate), "conflicts": _planned(result, "conflict")}
        requests = result.get("requests")
        ids = [one for one in requests if isinstance(one, str)] if isinstance(requests, list) else []
        return [
            Word(SYNC_KIND, self._cmdb(result), identity, value),
            *(Word(REQUEST_KIND, identity, _line(one), {"written": True}) for one in dict.fromkeys(ids)),
        ]

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`netbox sync: 3 created, 1 changed, 1 conflict left alone`."""
        result = predicate.get("result")
        if not isinstance(result, Mapping):
            result = {}
        parts = [f"{count} {what}" for what, count in _counted(result).items()]
        conflicts = _planned(result, "conflict")
        if conflicts:
            parts.append(f"{conflicts} {'conflict' if conflicts == 1 else 'conflicts'} left alone")
        mode = "undo" if result.get("mode") == "undo" else "sync"
        interrupted = " (nobody saw its end)" if _outcome(predicate) == "indeterminate" else ""
        return f"{self._cmdb(result)} {mode}{interrupted}: {', '.join(parts) or 'nothing to write'}"

    def _cmdb(self, result: Mapping[str, Any]) -> str:
        name = result.get("cmdb")
        return _line(name) if isinstance(name, str) and name else short_name(self._predicate_type).removesuffix("-sync")


def _counted(result: Mapping[str, Any]) -> Mapping[str, int]:
    """What happened to how many records, in a fixed order: what was done first."""
    counts: Counter[str] = Counter()
    for record in _records(result):
        action, outcome = record.get("action"), record.get("outcome")
        if isinstance(action, str) and isinstance(outcome, str):
            counts[_DONE.get(action, "") if outcome == "written" else _NOT_DONE.get(outcome, "")] += 1
    order = dict.fromkeys([*_DONE.values(), *_NOT_DONE.values()])
    return {what: counts[what] for what in order if counts[what]}


def _records(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    records = result.get("records")
    if isinstance(records, list):
        yield from (one for one in records if isinstance(one, Mapping))


def _planned(result: Mapping[str, Any], action: str) -> int:
    summary = result.get("summary")
    count = summary.get(action) if isinstance(summary, Mapping) else None
    return count if isinstance(count, int) and not isinstance(count, bool) and count > 0 else 0


def _outcome(predicate: Mapping[str, Any]) -> str:
    run = predicate.get("run")
    outcome = run.get("outcome") if isinstance(run, Mapping) else None
    return outcome if isinstance(outcome, str) and outcome in _OUTCOMES else "indeterminate"


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
