"""The three kinds of Terraform evidence: their names, their schemas, and one line about each for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from infratrack.api import Foreseen, Word
from infratrack_terraform.evidence_schemas import APPLY_SCHEMA, PLAN_SCHEMA, STATE_SCHEMA
from infratrack_terraform.foreseen import foreseen_apply
from infratrack_terraform.words import apply_words, count, items, member, plan_words, scope_of, state_words, text

PLAN: Final = "urn:infratrack:evidence:terraform-plan:v1"
APPLY: Final = "urn:infratrack:evidence:terraform-apply:v1"
STATE: Final = "urn:infratrack:evidence:terraform-state:v1"


class PlanEvidence:
    """`terraform plan`, or a plan that was recorded."""

    predicate_type: Final = PLAN
    schema: Final = PLAN_SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """What the plan says of each address in it."""
        return plan_words(predicate)

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`terraform plan in infra: succeeded, 2 to create, 1 to replace, 1 drifted`."""
        result = member(predicate, "result")
        counts = member(result, "counts")
        said = [f"{count(counts, action)} {label}" for action, label in _TO_DO.items() if count(counts, action)]
        if count(result, "drifted"):
            said.append(f"{count(result, 'drifted')} drifted")
        if not said and count(result, "changes") == 0:
            said = ["no changes"]
        return _line("plan", predicate, said)

    def foreseen(self, predicate: Mapping[str, Any]) -> Foreseen | None:
        """What evidence of its apply would say, if that went exactly as planned."""
        return foreseen_apply(predicate)


class ApplyEvidence:
    """`terraform apply`, `destroy` or `refresh`."""

    predicate_type: Final = APPLY
    schema: Final = APPLY_SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """What the apply says of each address that it touched."""
        return apply_words(predicate)

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`terraform apply in infra#prod: failed, 1 applied, 1 failed, 1 not reached`."""
        counts = member(member(predicate, "result"), "counts")
        said = [f"{count(counts, name)} {label}" for name, label in _DONE.items() if count(counts, name)]
        return _line("apply", predicate, said)


class StateEvidence:
    """A state that was recorded."""

    predicate_type: Final = STATE
    schema: Final = STATE_SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """Which addresses are there."""
        return state_words(predicate)

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`terraform state in infra: 12 resources, serial 7`."""
        result = member(predicate, "result")
        said = [f"{sum(1 for _ in items(result, 'resources'))} resources"]
        if count(result, "serial") is not None:
            said.append(f"serial {count(result, 'serial')}")
        return f"terraform state in {scope_of(result)}: {', '.join(said)}"


_TO_DO: Final = {
    **{action: f"to {action}" for action in ("create", "update", "replace", "delete", "forget")},
    "unknown": "not known yet",
}
_DONE: Final = {
    "applied": "applied",
    "failed": "failed",
    "notReached": "not reached",
    "unknown": "unknown",
    "unchanged": "unchanged",
}


def _line(what: str, predicate: Mapping[str, Any], said: Sequence[str]) -> str:
    result = member(predicate, "result")
    outcome = text(member(predicate, "run"), "outcome") or "no outcome"
    return ", ".join([f"terraform {what} in {scope_of(result)}: {outcome}", *said])
