"""What `infratrack observe terraform` leaves: the state as it is, and whether the world is still as it says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack.api import Word
from infratrack_terraform.evidence_schemas import PLAN_SCHEMA, STATE_SCHEMA
from infratrack_terraform.plan import PlanFacts, action_of
from infratrack_terraform.results import state_result
from infratrack_terraform.state import StateFacts
from infratrack_terraform.words import RESOURCE, ROOT, ROOT_NAME, count, items, member, scope_of, state_words, text

OBSERVATION: Final = "urn:infratrack:evidence:terraform-observation:v1"
TERRAFORM_CHANGES: Final = "urn:infratrack:evidence:terraform-changes:v1"

OBSERVATION_SCHEMA: Final[dict[str, Any]] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "$id": "urn:infratrack:schema:evidence:terraform-observation:v1",
    "title": "Terraform observation",
    "description": "The state of a root as somebody found it and, where that was looked for, what was changed behind "
    "Terraform's back (plan -refresh-only). Members that were not read are left out.",
    "type": "object",
    "properties": {
        **STATE_SCHEMA["properties"],
        "drift": PLAN_SCHEMA["properties"]["drift"],
        "drifted": PLAN_SCHEMA["properties"]["drifted"],
    },
    "required": ["root", "workspace", "resources"],
    "additionalProperties": False,
    "examples": [{"root": "infra", "workspace": "default", "resources": [], "drift": [], "drifted": 0}],
}


def observation_result(root: str, workspace: str, state: StateFacts, refreshed: PlanFacts | None) -> dict[str, Any]:
    """The `result`; `refreshed` is a plan with -refresh-only, None where none was made."""
    result = state_result(root, workspace, state)
    if refreshed is not None and refreshed.drift_reported:
        result |= {"drift": msgspec.to_builtins(list(refreshed.drift)), "drifted": len(refreshed.drift)}
    return result


class TerraformObservation:
    """`urn:infratrack:evidence:terraform-observation:v1`."""

    predicate_type: Final = OBSERVATION
    schema: Final = OBSERVATION_SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """Which addresses are there and, where that was looked for, whether they drifted; nothing about plans."""
        result = member(predicate, "result")
        words = state_words(predicate)
        if not isinstance(result.get("drift"), list | tuple):
            return words
        drift = {text(one, "address"): action_of(_actions(one)) for one in items(result, "drift")}
        return [*_drifted(words, scope_of(result), drift), _root(result)]

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`terraform state in infra: 12 resources, serial 7, 1 drifted`."""
        result = member(predicate, "result")
        said = [f"{sum(1 for _ in items(result, 'resources'))} resources"]
        if count(result, "serial") is not None:
            said.append(f"serial {count(result, 'serial')}")
        drifted = count(result, "drifted")
        if drifted is not None:
            said.append(f"{drifted or 'none'} drifted")
        return f"terraform state in {scope_of(result)}: {', '.join(said)}"


def _drifted(words: Sequence[Word], scope: str, drift: Mapping[str, str]) -> Iterator[Word]:
    """The words with what is known of drift: what was deleted behind Terraform's back is only in the state."""
    said = set()
    for word in words:
        if word.kind != RESOURCE:
            yield word
            continue
        said.add(word.name)
        if word.name in drift:
            gone = {"presence": "absent"} if drift[word.name] == "delete" else {}
            yield Word(RESOURCE, scope, word.name, {**word.value, **gone, "drift": "drifted"})
        else:
            yield Word(RESOURCE, scope, word.name, {**word.value, "drift": "none"})
    for address, action in drift.items():
        if address and address not in said:
            presence = "absent" if action == "delete" else "present"
            yield Word(RESOURCE, scope, address, {"presence": presence, "drift": "drifted"})


def _root(result: Mapping[str, Any]) -> Word:
    value = {"of": "observation", "complete": True, "drifted": count(result, "drifted")}
    return Word(ROOT, scope_of(result), ROOT_NAME, value)


def _actions(one: Mapping[str, Any]) -> list[str]:
    actions = one.get("actions")
    return [action for action in actions if isinstance(action, str)] if isinstance(actions, list | tuple) else []
