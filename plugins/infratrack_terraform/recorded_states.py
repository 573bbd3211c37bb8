"""Recorded applies and looks as links of the chain, and breaks of the chain as unrecorded changes. Pure.

The predicates are signed, but still read with care: what is not of the expected shape says nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack.api import (
    Change,
    ChangedThing,
    InputError,
    Instant,
    Pipeline,
    RecordedEvidence,
    Wanted,
    format_instant,
    parse_instant,
)
from infratrack_terraform.criterion_parts import normal_directory
from infratrack_terraform.state_chain import EMPTY, Break, Chain, Look, Run, State
from infratrack_terraform.words import count, items, member, scope_of, text

MOST_NAMED: Final = 20
_THERE: Final = frozenset({"present", "tainted"})
_TOLD: Final = {
    "moved": "was changed",
    "replaced": "was replaced by one of another lineage",
    "restored": "was set back",
    "rewritten": "was rewritten under the same serial",
    "removed": "was removed",
}
_ACTIONS: Final = {"moved": "update", "replaced": "replace", "restored": "restore", "rewritten": "update"}


def recorded_runs(evidence: Iterable[RecordedEvidence], scope: str) -> list[Run]:
    """The applies of one root and workspace."""
    return [_run(one) for one in evidence if scope_of(member(one.predicate, "result")) == scope]


def recorded_looks(evidence: Iterable[RecordedEvidence], scope: str) -> list[Look]:
    """The looks at one root and workspace in which the state was read."""
    looks = []
    for one in evidence:
        result = member(one.predicate, "result")
        if scope_of(result) == scope and isinstance(result.get("resources"), list | tuple):
            looks.append(Look(one.at, _state(result, "serial", "stateDigest"), _there(result), one.digest))
    return looks


def _run(one: RecordedEvidence) -> Run:
    result, run = member(one.predicate, "result"), member(one.predicate, "run")
    lost = one.outcome == "indeterminate"
    started = _instant(text(run, "startedAt")) or one.at
    before = _state(result, "serialBefore", "stateDigestBefore") if count(result, "serialBefore") is not None else None
    after = _state(result, "serialAfter", "stateDigest") if count(result, "serialAfter") is not None else None
    return Run(
        id=one.run,
        evidence=one.digest,
        started=min(started, Instant(one.at - 1)),
        ended=one.at,
        before=before,
        after=None if lost else after,
        lost=lost,
        addresses=_left(result, before),
        made=_there(result),
        removed=frozenset(
            text(one, "address") for one in items(result, "resources") if text(one, "presence") == "absent"
        ),
    )


def _state(result: Mapping[str, Any], serial: str, digest: str) -> State:
    """A state without a digest is none: nothing was ever written."""
    if not text(result, digest):
        return EMPTY
    return State(text(result, "lineage") or None, count(result, serial) or 0, text(result, digest))


def _left(result: Mapping[str, Any], before: State | None) -> frozenset[str] | None:
    """Every object that an apply left, where it looked at the whole root: by its plan, or from nothing."""
    planned = bool(text(result, "formatVersion")) and text(result, "mode") in {"normal", "destroy"}
    whole = planned and result.get("targeted") is not True
    if not whole and before != EMPTY:
        return None
    return _there(result)


def _there(result: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(text(one, "address") for one in items(result, "resources") if text(one, "presence") in _THERE)


def _instant(written: str) -> Instant | None:
    try:
        return parse_instant(written) if written else None
    except InputError:
        return None


def changes_of(chain: Chain, scope: str, deliverables: Sequence[str]) -> list[Change]:
    """Every break as a change. Its id holds the states and where the first of them came from, so it stays the same."""
    return [_change(one, scope, tuple(deliverables)) for one in chain.breaks]


def _change(one: Break, scope: str, deliverables: tuple[str, ...]) -> Change:
    named = msgspec.json.encode([scope, one.origin, *map(msgspec.to_builtins, (one.before, one.after))])
    return Change(
        id=f"state-{hashlib.sha256(named).hexdigest()[:20]}",
        at=one.latest,
        by=None,
        what=_what(one, scope),
        subject=ChangedThing("terraform.root", scope, scope),
        action=_ACTIONS.get(one.kind, "delete"),
        before=_shown(one.before, one.gone),
        after=_shown(one.after, one.appeared),
        deliverables=deliverables,
        evidence=one.lost.evidence if one.lost is not None else None,
    )


def _what(one: Break, scope: str) -> str:
    if one.lost is not None:
        why = f"a run whose end nobody saw ({one.lost.id}) may have done it"
    else:
        why = "no run recorded it"
    serials = "" if one.kind in {"removed", "rewritten"} else f" from serial {one.before.serial} to {one.after.serial}"
    parts = [f"the state of {scope} {_TOLD[one.kind]}{serials} after {moment(one.earliest)}; {why}"]
    parts += [f"new: {_listed(one.appeared)}"] if one.appeared else []
    parts += [f"gone: {_listed(one.gone)}"] if one.gone else []
    return "; ".join(parts)


def moment(instant: Instant) -> str:
    """An instant for people, to the minute."""
    return format_instant(instant)[:16].replace("T", " ") + " UTC"


def _listed(addresses: Sequence[str]) -> str:
    shown = ", ".join(addresses[:3])
    return shown if len(addresses) <= 3 else f"{shown} and {len(addresses) - 3} more"  # noqa: PLR2004 -- fit a line


def _shown(state: State, addresses: Collection[str] | None) -> dict[str, Any] | None:
    if state == EMPTY:
        return None
    shown: dict[str, Any] = {"serial": state.serial, "lineage": state.lineage, "stateDigest": state.digest}
    if addresses:
        shown["resources"] = sorted(addresses)[:MOST_NAMED]
    return shown


def concerned(
    root: str, workspace: str, deliverables: Mapping[str, Wanted], pipelines: Sequence[Pipeline]
) -> list[str]:
    """The deliverables that rest on a root: by a criterion on it, or by a pipeline that applies it."""
    found = {name for name, wanted in deliverables.items() if _asks(wanted, root, workspace)}
    for pipeline in pipelines:
        for step in pipeline.steps:
            if step.type.startswith("terraform.") and _about(step.parameters, root, workspace):
                found.update(pipeline.deliverables)
    return sorted(found)


def _asks(wanted: Wanted, root: str, workspace: str) -> bool:
    uses = (one for name, uses in wanted.items() if name.startswith("terraform.") for one in uses)
    return any(_about(one, root, workspace) for one in uses)


def _about(parameters: Mapping[str, Any], root: str, workspace: str) -> bool:
    """Whether criterion or step is about the root; one that names no folder is about any."""
    directory = parameters.get("directory")
    try:
        if isinstance(directory, str) and normal_directory(directory) != root:
            return False
    except InputError:
        return False
    return parameters.get("workspace") in {None, workspace}


def blind_spots(chain: Chain, scope: str, first: str) -> list[str]:
    """What the chain cannot show, a sentence each; `first` is when it begins, for people."""
    spots = [
        "what changed inside a resource is not known: states are compared by their addresses, not by values",
        "an apply without evidence while a recorded run was going on cannot be told from that run",
    ]
    if chain.begins is None or not first:
        spots.insert(0, f"no apply of {scope} is recorded yet: today's state is the beginning of the chain")
    elif not chain.from_nothing:
        spots.insert(0, f"what happened to {scope} before {first} is not known")
    if chain.unread:
        told = "1 run" if chain.unread == 1 else f"{chain.unread} runs"
        spots.append(f"{told} left no word on the state, so a change until the next one is taken for theirs")
    return spots
