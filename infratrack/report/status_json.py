"""The state as JSON, in the shape of `schemas/v1/status.schema.json`. Pure."""

from __future__ import annotations

from typing import Any

import msgspec

from infratrack.progress.criterion import Decision, Reference, Verdict
from infratrack.progress.status import DeliverableState, PhaseState, ProjectState, TaskState
from infratrack.progress.tree import Leaf, Negation, Node
from infratrack.values import Instant, format_instant

VERDICTS = {
    Decision.SATISFIED: "satisfied",
    Decision.UNSATISFIED: "unsatisfied",
    Decision.UNKNOWN: "unknown",
}


def status_json(state: ProjectState) -> bytes:
    """The whole state as indented JSON with a final line feed; the same state gives the same bytes."""
    return written(status_document(state))


def explanation_json(state: ProjectState) -> bytes:
    """The state's one deliverable with its tree and every subject, as indented JSON."""
    return written(explanation_document(state))


def written(document: dict[str, Any]) -> bytes:
    """JSON as people read it."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def status_document(state: ProjectState) -> dict[str, Any]:
    """The whole state as plain data."""
    return {
        **_head(state),
        "progress": state.progress,
        "earned": state.earned,
        "at_risk": state.at_risk,
        "evidence": msgspec.to_builtins(state.evidence),
        "deliverables": [deliverable_document(one) for one in state.deliverables],
        "tasks": [_task(one) for one in state.tasks],
        "phases": [_phase(one) for one in state.phases],
        "notes": list(state.notes),
        "unrecorded": _unrecorded(state),
    }


def explanation_document(state: ProjectState) -> dict[str, Any]:
    """The state's one deliverable with its tree, and for each criterion every subject's newest word."""
    (deliverable,) = state.deliverables
    document = deliverable_document(deliverable)
    for criterion, found in zip(document["criteria"], deliverable.findings, strict=True):
        criterion["subjects"] = [
            {
                "subject": one.subject,
                "judgement": one.judgement.name.lower(),
                "note": one.note,
                "entry": one.entry,
                "at": format_instant(one.at),
            }
            for one in found
        ]
    return {
        **_head(state),
        "deliverable": document,
        "tree": _tree(deliverable.tree),
        "history": [{"at": format_instant(turn.at), "what": turn.what} for turn in deliverable.turns],
        "unrecorded": _unrecorded(state),
    }


def _head(state: ProjectState) -> dict[str, Any]:
    return {
        "project": state.project,
        "name": state.name,
        "as_of": format_instant(state.as_of),
        "definition": state.definition,
        "policy": {"ref": state.policy.ref, "commit": state.policy.commit},
        "ledger": {"size": state.ledger.size, "root": state.ledger.root},
    }


def deliverable_document(one: DeliverableState) -> dict[str, Any]:
    """One deliverable as plain data."""
    return {
        "id": one.id,
        "name": one.name,
        "task": one.task,
        "weight": one.weight,
        "owner": one.owner,
        "tags": list(one.tags),
        "status": one.status.value,
        "since": _instant(one.since),
        "completed": _instant(one.completed),
        "finished": _instant(one.finished),
        "reason": one.reason,
        "accepted_by": list(one.accepted_by),
        "acceptance": _acceptance(one),
        "criteria": [_criterion(verdict) for verdict in one.criteria],
        "regressions": one.regressions,
        "untrusted": one.untrusted,
        "notes": list(one.notes),
    }


def _acceptance(one: DeliverableState) -> dict[str, Any] | None:
    signed = one.acceptance
    if signed is None:
        return None
    return {
        "person": signed.person,
        "at": format_instant(signed.at),
        "comment": signed.comment,
        "evidence": None if signed.evidence is None else _reference(signed.evidence),
    }


def _criterion(verdict: Verdict) -> dict[str, Any]:
    return {
        "name": verdict.criterion,
        "verdict": VERDICTS[verdict.decision],
        "reason": verdict.reason,
        "wants": verdict.wants,
        "stale_since": _instant(verdict.stale_since),
        "evidence": [_reference(one) for one in verdict.evidence],
    }


def _reference(one: Reference) -> dict[str, Any]:
    return {
        "entry": one.index,
        "digest": one.digest,
        "type": one.predicate_type,
        "run": one.run,
        "at": format_instant(one.at),
        "commit": one.commit,
        "actor": one.actor,
        "signer": one.signer,
        "run_url": one.run_url,
    }


def _task(one: TaskState) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "phase": one.phase,
        "owner": one.owner,
        "tags": list(one.tags),
        "progress": one.progress,
        "status": one.status.value,
        "reason": one.reason,
        "deliverables": list(one.deliverables),
    }


def _phase(one: PhaseState) -> dict[str, Any]:
    exit_ = None
    if one.exit is not None:
        exit_ = {
            "status": one.exit.status.value,
            "since": _instant(one.exit.since),
            "reason": one.exit.reason,
            "criteria": [_criterion(verdict) for verdict in one.exit.criteria],
        }
    return {"id": one.id, "name": one.name, "progress": one.progress, "exit": exit_}


def _unrecorded(state: ProjectState) -> dict[str, Any]:
    """How many changes no evidence explains, and every one of them: nowhere else are all told."""
    return {
        "count": len(state.unrecorded),
        "changes": [
            {
                "id": one.id,
                "source": one.source,
                "at": _instant(one.at),
                "by": one.by,
                "what": one.what,
                "deliverables": list(one.deliverables),
                "entry": one.entry,
            }
            for one in state.unrecorded
        ],
    }


def _tree(node: Node) -> Any:  # noqa: ANN401 -- a tree of plain data
    """The tree with the numbers of the criteria as leaves: `{"all": [0, {"not": 1}]}`."""
    if isinstance(node, Leaf):
        return node.number
    if isinstance(node, Negation):
        return {"not": _tree(node.child)}
    children = [_tree(child) for child in node.children]
    return {node.word: {"n": node.n, "of": children} if node.word == "at_least" else children}


def _instant(instant: Instant | None) -> str | None:
    return None if instant is None else format_instant(instant)
