"""The criteria on resources and roots: applied, converged, free of drift, nothing to delete. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infratrack.api import BindContext, Judged, Judgement, Rule, at_least, every
from infratrack_terraform.criterion_parts import RESOURCES, fresh, schema, select
from infratrack_terraform.words import RESOURCE, ROOT, ROOT_NAME, count

_ALL_ROOTS: Final = "Terraform root module"

_PENDING_NOTES: Final = {
    "create": "planned for creation: it is not there",
    "update": "planned for a change",
    "delete": "planned for destruction",
    "replace": "planned for replacement",
}
_NOBODY_KNOWS: Final = Judged(Judgement.UNKNOWN, "what the newest run did to it is unknown")
_DESTROYED: Final = Judged(Judgement.GONE, "destroyed")
_NOT_THERE: Final = Judged(Judgement.GONE, "it is not there")
_NOT_THERE_PLANNED: Final = Judged(Judgement.GONE, _PENDING_NOTES["create"])
_TAINTED: Final = Judged(Judgement.FAILS, "tainted by a failed apply")
_FAILED: Final = Judged(Judgement.FAILS, "its newest apply failed")
_PRESENCES: Final = {
    "present": Judged(Judgement.MEETS, "it is there"),
    "tainted": _TAINTED,
    "absent": _NOT_THERE,
}
_DRIFTS: Final = {
    "none": Judged(Judgement.MEETS, "no drift"),
    "drifted": Judged(Judgement.FAILS, "changed behind Terraform's back"),
    "unknown": Judged(Judgement.UNKNOWN, "the newest run did not look for drift"),
}
_DELETIONS: Final = {
    "delete": Judged(Judgement.FAILS, _PENDING_NOTES["delete"]),
    "replace": Judged(Judgement.FAILS, _PENDING_NOTES["replace"]),
    "unknown": _NOBODY_KNOWS,
    **dict.fromkeys(("none", "create", "update"), Judged(Judgement.MEETS, "not to be destroyed")),
}
_ENDINGS: Final = {"failed": "failed", "canceled": "was canceled", "indeterminate": "was killed or lost"}


_LOST: Final = Judged(Judgement.UNKNOWN, f"the newest apply {_ENDINGS['indeterminate']}")


def _apply_was_lost(value: Mapping[str, Any]) -> bool:
    """Whether nobody knows what the newest apply did: that is never read as "nothing"."""
    return value.get("of") == "apply" and value.get("outcome") == "indeterminate"


class Applied:
    """`terraform.applied`: the resources are there, and the newest apply of each did not fail.

    A plan that wants to create a resource says that it is not there: so a removal behind Terraform's back shows.
    Without `min` every resource that evidence has ever spoken of must be there; with it, so many are enough, and those
    that are gone no longer count.
    """

    name: Final = "terraform.applied"
    schema: Final = schema(
        "Resources are there as Terraform made them, none of them left half-made by a failed apply.",
        {
            "resources": RESOURCES,
            "min": {
                "description": "How many resources must be there; left out: all that were ever seen, at least one.",
                "type": "integer",
                "minimum": 1,
            },
        },
        [
            {"resources": "terraform_data.vlan[*]", "min": 2},
            {"resources": "module.core.*", "directory": "infra", "workspace": "prod"},
        ],
        required=["resources"],
    )

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one address pattern."""
        pattern: str = parameters["resources"]
        minimum: int | None = parameters.get("min")
        return Rule(
            selectors=select(RESOURCE, pattern, parameters, f"resource {pattern}"),
            judge=judge_applied,
            decide=every if minimum is None else at_least(minimum),
            wants=f"a terraform apply after which {f'at least {minimum} of ' if minimum else ''}{pattern} "
            f"{'are' if minimum else 'is'} there",
            **fresh(parameters),
        )


def judge_applied(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """Is the resource there, and whole?"""
    presence, pending = value.get("presence"), value.get("pending")
    if presence == "unknown" or (presence == "present" and pending == "unknown"):
        return _NOBODY_KNOWS
    if value.get("failed") is True:
        return _TAINTED if presence == "tainted" else _FAILED
    if presence == "absent" and value.get("deleted") is True:
        return _DESTROYED
    if presence == "absent" and pending == "create":
        return _NOT_THERE_PLANNED
    return _PRESENCES.get(str(presence))


class Converged:
    """`terraform.converged`: nothing is left to change.

    With `resources`, the newest plan or apply of each leaves nothing pending. Without, the newest plan of the whole
    root has no changes, or its newest apply succeeded. A plan or apply with `-target` cannot prove that for the root; a
    plan with `-destroy` says nothing until it is applied.
    """

    name: Final = "terraform.converged"
    schema: Final = schema(
        "Terraform has nothing left to change: the world is as the configuration says.",
        {"resources": RESOURCES},
        [{"within": "7d"}, {"resources": "module.core.*", "directory": "infra"}],
    )

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one address pattern, or for whole roots."""
        pattern = parameters.get("resources")
        if pattern is None:
            selectors = select(ROOT, ROOT_NAME, parameters, _ALL_ROOTS)
            wants = "a terraform plan without changes or a successful terraform apply, without -target"
        else:
            selectors = select(RESOURCE, pattern, parameters, f"resource {pattern}")
            wants = f"a terraform plan without changes to {pattern}, or a successful apply of it"
        return Rule(selectors, judge_converged, every, wants, **fresh(parameters))


def judge_converged(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """Is anything left to change?"""
    return _root_converged(value) if kind == ROOT else _resource_converged(value)


def _resource_converged(value: Mapping[str, Any]) -> Judged | None:
    pending = value.get("pending")
    if value.get("presence") == "absent" and pending in {None, "none"}:
        return _DESTROYED if value.get("deleted") is True else _NOT_THERE
    if pending == "none":
        return Judged(Judgement.MEETS, "nothing to change")
    if pending == "unknown":
        return _NOBODY_KNOWS
    if value.get("asked") == "destroy":
        return None
    note = _PENDING_NOTES.get(str(pending))
    return Judged(Judgement.FAILS, note) if note else None


def _root_converged(value: Mapping[str, Any]) -> Judged | None:
    applied = value.get("of") == "apply"
    if value.get("converged") is True:
        return Judged(Judgement.MEETS, "the apply succeeded" if applied else "the plan has no changes")
    if value.get("converged") is False:
        return Judged(Judgement.FAILS, _why_not_converged(value, applied=applied))
    ending = _ENDINGS.get(str(value.get("outcome")))
    return Judged(Judgement.UNKNOWN, f"the newest {'apply' if applied else 'plan'} {ending}") if ending else None


def _why_not_converged(value: Mapping[str, Any], *, applied: bool) -> str:
    changes = count(value, "changes")
    if not applied:
        return f"the plan has {_things(changes)} to make" if changes else "the plan has changes"
    if value.get("mode") == "destroy" and value.get("outcome") == "succeeded":
        return "everything was destroyed"
    return f"the apply ended early, {_things(changes)} left to do" if changes else "the apply ended early"


def _things(number: int | None) -> str:
    return "1 change" if number == 1 else f"{number} changes"


class NoDrift:
    """`terraform.no_drift`: nothing was changed behind Terraform's back.

    With `resources`, by what the newest plan or apply says of each; without, by the newest plan or apply of the whole
    root. Plans with `-refresh=false` do not look at the world and say nothing of drift.
    """

    name: Final = "terraform.no_drift"
    schema: Final = schema(
        "Nothing was changed behind Terraform's back.",
        {"resources": RESOURCES},
        [{"within": "1d"}, {"resources": "terraform_data.vlan[*]", "directory": "infra"}],
    )

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one address pattern, or for whole roots."""
        pattern = parameters.get("resources")
        if pattern is None:
            selectors = select(ROOT, ROOT_NAME, parameters, _ALL_ROOTS)
        else:
            selectors = select(RESOURCE, pattern, parameters, f"resource {pattern}")
        wants = f"a terraform plan -out=… that finds no drift{'' if pattern is None else f' in {pattern}'}"
        return Rule(selectors, judge_no_drift, every, wants, **fresh(parameters))


def judge_no_drift(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """Was anything changed behind Terraform's back?"""
    if kind == ROOT:
        return _LOST if _apply_was_lost(value) else _root_drift(value)
    if value.get("presence") == "absent" and value.get("deleted") is True:
        return _DESTROYED
    if value.get("drift") == "none" and value.get("pending") == "create":
        # Terraform finds nothing in its state to compare with; what evidence once spoke of is not there.
        return _NOT_THERE_PLANNED
    return _DRIFTS.get(str(value.get("drift")))


def _root_drift(value: Mapping[str, Any]) -> Judged | None:
    drifted = count(value, "drifted")
    if drifted:
        return Judged(Judgement.FAILS, f"{_things(drifted)} behind Terraform's back")
    return Judged(Judgement.MEETS, "no drift") if drifted == 0 and value.get("complete") is True else None


class NoDeletes:
    """`terraform.no_deletes`: nothing is planned for destruction or replacement, and nothing was destroyed.

    With `resources`, by the newest word on each; without, by the newest plan or apply of the whole root.
    """

    name: Final = "terraform.no_deletes"
    schema: Final = schema(
        "Nothing is planned for destruction or replacement, and the newest apply destroyed nothing.",
        {"resources": RESOURCES},
        [{}, {"resources": "module.database.*", "directory": "infra"}],
    )

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one address pattern, or for whole roots."""
        pattern = parameters.get("resources")
        if pattern is None:
            selectors = select(ROOT, ROOT_NAME, parameters, _ALL_ROOTS)
        else:
            selectors = select(RESOURCE, pattern, parameters, f"resource {pattern}")
        wants = f"a terraform plan -out=… that destroys nothing{'' if pattern is None else f' of {pattern}'}"
        return Rule(selectors, judge_no_deletes, every, wants, **fresh(parameters))


def judge_no_deletes(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """Is anything (to be) destroyed?"""
    if kind == ROOT:
        if _apply_was_lost(value):
            return _LOST
        deletes = count(value, "deletes")
        if deletes:
            done = "destroyed" if value.get("of") == "apply" else "planned for destruction or replacement"
            return Judged(Judgement.FAILS, f"{deletes} {done}")
        if deletes == 0 and value.get("complete") is True and value.get("outcome") == "succeeded":
            return Judged(Judgement.MEETS, "nothing to destroy")
        return None
    if value.get("deleted") is True:
        return Judged(Judgement.FAILS, "destroyed" if value.get("presence") == "absent" else "replaced")
    return _DELETIONS.get(str(value.get("pending")))
