"""The criteria on values: outputs, attributes and checks. Pure.

Values are compared only where this very criterion stood in the project when the evidence was made: no other value is
ever kept, and sensitive ones never are.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infratrack.api import SUBJECT_SEPARATOR, BindContext, Judged, Judgement, Rule, every
from infratrack_terraform.criterion_parts import COMPARISONS, RESOURCES, comparer, fresh, judge_value, schema, select
from infratrack_terraform.words import ATTRIBUTE, CHECK, OUTPUT


class Output:
    """`terraform.output`: an output of the root module is set, and holds what it should.

    Without `equals`, `matches` or `in` it is enough that it is set. A sensitive output's value is never kept, so
    comparing it stays unknown.
    """

    name: Final = "terraform.output"
    schema: Final = schema(
        "An output of the root module is set, and holds what it should.",
        {
            "name": {"description": "The output's name.", "type": "string", "minLength": 1, "maxLength": 256},
            **COMPARISONS,
        },
        [{"name": "vlan_ids", "equals": [10, 20]}, {"name": "endpoint", "matches": "https://*.example.net"}],
        required=["name"],
    )

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one output."""
        name: str = parameters["name"]
        compare = comparer(parameters)

        def judge(kind: str, value: Mapping[str, Any]) -> Judged | None:
            return judge_value(value, compare, "output")

        return Rule(
            selectors=select(OUTPUT, name.replace("*", ""), parameters, f"output {name}"),
            judge=judge,
            decide=every,
            wants=f"a terraform apply after which the output {name} {_asked(parameters)}",
            **fresh(parameters),
        )


class Resource:
    """`terraform.resource`: an attribute of a resource holds what it should.

    `attribute` is a path: `input.vlan`, `tags.owner`, `rules.0.port`. Without a comparison it is enough that it is set;
    `exists: false` wants it unset.
    """

    name: Final = "terraform.resource"
    schema: Final = schema(
        "An attribute of a resource holds what it should.",
        {
            "address": RESOURCES,
            "attribute": {
                "description": "Path of the attribute, parts joined by dots: tags.owner, rules.0.port.",
                "type": "string",
                "minLength": 1,
                "maxLength": 512,
            },
            "exists": {"description": "Whether the attribute must be set at all.", "type": "boolean"},
            **COMPARISONS,
        },
        [
            {"address": "terraform_data.vlan[0]", "attribute": "input.id", "equals": 10},
            {"address": "module.core.*", "attribute": "tags.owner", "in": ["net", "ops"]},
            {"address": "terraform_data.legacy", "attribute": "input.public_ip", "exists": False},
        ],
        required=["address", "attribute"],
    )

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one attribute of the resources that match."""
        address: str = parameters["address"]
        attribute: str = parameters["attribute"]
        compare = comparer(parameters)
        wants_presence: bool = parameters.get("exists", True)

        def judge(kind: str, value: Mapping[str, Any]) -> Judged | None:
            return judge_value(value, compare, "attribute", wants_presence=wants_presence)

        asked = _asked(parameters) if wants_presence else "is not set"
        return Rule(
            selectors=select(
                ATTRIBUTE, address + SUBJECT_SEPARATOR + attribute, parameters, f"{attribute} of {address}"
            ),
            judge=judge,
            decide=every,
            wants=f"a terraform plan or apply after which {attribute} of {address} {asked}",
            **fresh(parameters),
        )


def _asked(parameters: Mapping[str, Any]) -> str:
    asked = []
    if "equals" in parameters:
        asked.append(f"is {parameters['equals']!r}")
    if "matches" in parameters:
        asked.append(f"matches {parameters['matches']!r}")
    if "in" in parameters:
        asked.append(f"is one of {parameters['in']!r}")
    return " and ".join(asked) or "is set"


_STATUSES: Final = {
    "pass": Judged(Judgement.MEETS, "passes"),
    "fail": Judged(Judgement.FAILS, "fails"),
    "error": Judged(Judgement.FAILS, "could not be evaluated: it ended in an error"),
    "unknown": Judged(Judgement.UNKNOWN, "was not evaluated"),
}


def _judge_check(kind: str, value: Mapping[str, Any]) -> Judged | None:
    return _STATUSES.get(str(value.get("status")))


class Checks:
    """`terraform.checks`: `check` blocks, preconditions, postconditions and variable validations pass."""

    name: Final = "terraform.checks"
    schema: Final = schema(
        "Terraform's own checks pass: check blocks, preconditions, postconditions, validations.",
        {
            "check": {
                "description": "Address of the check, as Terraform shows it; `*` stands for anything. Left out: all.",
                "type": "string",
                "minLength": 1,
                "maxLength": 1024,
            }
        },
        [{"check": "check.gateway_answers"}, {"directory": "infra", "within": "1d"}],
    )

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one check, or for all."""
        check: str = parameters.get("check", "*")
        every_check = check == "*"
        return Rule(
            selectors=select(CHECK, check, parameters, "any check" if every_check else f"check {check}"),
            judge=_judge_check,
            decide=every,
            wants=f"a terraform plan or apply in which {'every check' if every_check else check} passes",
            **fresh(parameters),
        )
