"""The criterion `signoff`: people, not keys, have signed the deliverable off. Pure.

A sign-off is a word of kind `signoff` named by deliverable and key. People are compared: the rule has one selector a
person, which takes whatever any of that person's keys signed as one, so that each person's newest word counts once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from infratrack.api import (
    SUBJECT_SEPARATOR,
    BindContext,
    Decision,
    InputError,
    Judged,
    Judgement,
    Rule,
    Selector,
    Tally,
    parse_duration,
)

KIND: Final = "signoff"

SCHEMA: Final[Mapping[str, Any]] = {
    "description": "People have signed the deliverable off with `infratrack accept`, and have not reopened it.",
    "type": "object",
    "properties": {
        "by": {
            "description": "A person's id, or several; all of them are needed unless `count` says fewer.",
            "anyOf": [
                {"type": "string", "minLength": 1},
                {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1, "uniqueItems": True},
            ],
        },
        "role": {
            "description": "Anybody who has this role in the project file.",
            "type": "string",
            "minLength": 1,
        },
        "count": {
            "description": "How many different people are needed. Default: all of `by`, else one.",
            "type": "integer",
            "minimum": 1,
        },
        "within": {"description": "How old a sign-off may be: 30d.", "type": "string", "minLength": 1},
        "keep": {"description": "Keep `within` counting after acceptance.", "type": "boolean"},
    },
    "dependentSchemas": {"by": {"properties": {"role": False}}},
    "additionalProperties": False,
    "examples": [{"role": "network-lead"}, {"by": ["ana", "ben"]}, {"role": "approver", "count": 2}, {}],
}

_JUDGED: Final = {
    "accepted": Judged(Judgement.MEETS, "signed off"),
    "reopened": Judged(Judgement.GONE, "reopened"),
}


class Signoff:
    """`signoff`: enough different people signed the deliverable off.

    A key that belongs to no person is a machine and never counts. A role's holders are those of the project file; what
    somebody signs before their `from` or after their `to` date counts for nobody.
    """

    name: Final = "signoff"
    schema: Final = SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for these people. InputError when `by` names nobody of the project, or fewer than `count`."""
        people = _eligible(parameters, context)
        count = parameters.get("count", len(people) if "by" in parameters else 1)
        if "by" in parameters and count > len(people):
            raise InputError(
                f"signoff of {context.deliverable!r} asks for {count} people but names {len(people)}",
                "name more people or lower `count`",
            )
        return Rule(
            selectors=tuple(_selector(person, context) for person in people),
            judge=_judge,
            decide=_at_least_people(count),
            wants=_wants(parameters, people, count),
            within=parse_duration(parameters["within"]) if "within" in parameters else None,
            keep=parameters.get("keep", False),
        )


def _judge(kind: str, value: Mapping[str, Any]) -> Judged | None:
    return _JUDGED.get(str(value.get("decision")))


def _eligible(parameters: Mapping[str, Any], context: BindContext) -> tuple[str, ...]:
    """Ids of those whose sign-off would count, each once."""
    if "role" in parameters:
        return tuple(person.id for person in context.people if parameters["role"] in person.roles)
    known = tuple(person.id for person in context.people)
    if "by" not in parameters:
        return known
    named = (parameters["by"],) if isinstance(parameters["by"], str) else tuple(parameters["by"])
    for person in named:
        if person not in known:
            raise InputError(
                f"signoff of {context.deliverable!r} names {person!r}, who is not under `people`",
                f"people of this project: {', '.join(known) or 'none yet'}",
            )
    return named


def _selector(person: str, context: BindContext) -> Selector:
    """Whatever any key of this person signed about the deliverable."""
    beginning = context.deliverable + SUBJECT_SEPARATOR
    names = frozenset(beginning + keyid for keyid, owner in context.person_of_key.items() if owner == person)
    return Selector(KIND, beginning, scope="", match=names.__contains__, label=f"sign-off by {person}", as_one=True)


def _at_least_people(count: int) -> Callable[[Tally], Decision]:
    """Enough people stand by their sign-off. Too few: no, if somebody took theirs back; else they may still come."""

    def decide(tally: Tally) -> Decision:
        if tally.meets >= count:
            return Decision.SATISFIED
        return Decision.UNSATISFIED if tally.gone else Decision.UNKNOWN

    return decide


def _wants(parameters: Mapping[str, Any], people: tuple[str, ...], count: int) -> str:
    if not people:
        role = parameters.get("role")
        who = f"nobody under `people` has the role {role!r} yet" if role else "nobody stands under `people` yet"
        return f"sign-off by {count}: {who}"
    if len(people) == count:
        return f"`infratrack accept` by {' and '.join(people)}"
    return f"`infratrack accept` by {count} of {', '.join(people)}"
