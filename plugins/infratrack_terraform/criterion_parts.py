"""What the Terraform criteria have in common: where to look, freshness, comparing values. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from infratrack.api import SUBJECT_SEPARATOR, InputError, Judged, Judgement, Selector, parse_duration
from infratrack_terraform.addresses import literal_beginning, matcher
from infratrack_terraform.masking import Json
from infratrack_terraform.text_pattern import text_matcher
from infratrack_terraform.words import ATTRIBUTE, RESOURCE

LONGEST_SHOWN: Final = 60
MASK: Final = "‹masked"
"""How the scrubber's masks begin: a value that holds one cannot be compared."""

WHERE: Final[Mapping[str, Any]] = {
    "directory": {
        "description": "Folder of the root module, relative to the project folder. Left out: any.",
        "type": "string",
        "minLength": 1,
    },
    "workspace": {
        "description": "Terraform workspace, together with `directory`. Left out: any.",
        "type": "string",
        "minLength": 1,
    },
}
FRESHNESS: Final[Mapping[str, Any]] = {
    "within": {"description": "How old the newest word may be: 12h, 7d.", "type": "string", "minLength": 1},
    "keep": {"description": "Keep `within` counting after acceptance.", "type": "boolean"},
}
RESOURCES: Final[Mapping[str, Any]] = {
    "description": "Address pattern; `*` stands for any name or index, brackets are literal.",
    "type": "string",
    "minLength": 1,
    "maxLength": 1024,
}
COMPARISONS: Final[Mapping[str, Any]] = {
    "equals": {"description": "The value must be exactly this (any JSON value)."},
    "matches": {
        "description": "The text must match this pattern as a whole; `*` stands for anything, `?` for one character.",
        "type": "string",
        "maxLength": 1024,
    },
    "in": {"description": "The value must be one of these.", "type": "array", "minItems": 1},
}


def schema(
    description: str, properties: Mapping[str, Any], examples: list[dict[str, Any]], **more: Json
) -> Mapping[str, Any]:
    """The JSON Schema of a criterion's parameters, with where and freshness added."""
    return {
        "description": description,
        "type": "object",
        "properties": {**properties, **WHERE, **FRESHNESS},
        "dependentRequired": {"workspace": ["directory"]},
        "additionalProperties": False,
        "examples": examples,
        **more,
    }


def fresh(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The rule's `within` and `keep`."""
    return {
        "within": parse_duration(parameters["within"]) if "within" in parameters else None,
        "keep": parameters.get("keep", False),
    }


def select(kind: str, name: str, parameters: Mapping[str, Any], label: str) -> tuple[Selector, ...]:
    """Selectors of one name or pattern in the directory and workspace that the parameters name."""
    match: Callable[[str], bool] | None = None
    if kind in {RESOURCE, ATTRIBUTE} and "*" in name:
        address, separator, attribute = name.partition(SUBJECT_SEPARATOR)
        match = _tailed(matcher(address), separator + attribute)
        name = literal_beginning(address)
    directory = parameters.get("directory")
    if directory is None:
        return (Selector(kind, name, match=match, label=label),)
    root = normal_directory(directory)
    workspace = parameters.get("workspace")
    if workspace is None:
        # Any workspace of this folder; which of the two is there is not known, so neither is required.
        scopes = (root, f"{root}#*")
        return tuple(Selector(kind, name, scope, match, required=False, label=label) for scope in scopes)
    return (Selector(kind, name, root if workspace == "default" else f"{root}#{workspace}", match, label=label),)


def _tailed(matches: Callable[[str], bool], tail: str) -> Callable[[str], bool]:
    if not tail:
        return matches
    return lambda name: name.endswith(tail) and matches(name[: -len(tail)])


def normal_directory(directory: str) -> str:
    """`./infra/` as `infra`; a folder outside the project is an InputError."""
    parts = [part for part in directory.replace("\\", "/").split("/") if part not in {"", "."}]
    if directory.startswith("/"):
        raise InputError(f"directory {directory[:80]!r} is an absolute path", "write it relative to the project folder")
    return "/".join(parts) or "."


def comparer(parameters: Mapping[str, Any]) -> Callable[[Any], bool] | None:
    """Whether a value is what the parameters ask for; None where they compare nothing."""
    tests: list[Callable[[Any], bool]] = []
    if "equals" in parameters:
        wanted = parameters["equals"]
        tests.append(lambda value: same(value, wanted))
    if "matches" in parameters:
        tests.append(text_matcher(parameters["matches"]))
    if "in" in parameters:
        among = parameters["in"]
        tests.append(lambda value: any(same(value, one) for one in among))
    if not tests:
        return None
    return lambda value: all(test(value) for test in tests)


def same(left: Json, right: Json) -> bool:
    """Equal as JSON: 1 equals 1.0, and neither equals true. Deep nesting never equals."""
    waiting = [(left, right)]
    while waiting:
        one, other = waiting.pop()
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            if one.keys() != other.keys():
                return False
            waiting.extend((one[key], other[key]) for key in one)
        elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
            if len(one) != len(other):
                return False
            waiting.extend(zip(one, other, strict=True))
        elif isinstance(one, bool) != isinstance(other, bool) or one != other:
            return False
    return True


def judge_value(
    value: Mapping[str, Any], compare: Callable[[Any], bool] | None, what: str, *, wants_presence: bool = True
) -> Judged:
    """Judge an output's or attribute's word: is it there, may its value be seen, is it what is asked for?"""
    present = value.get("present")
    if not isinstance(present, bool):
        return Judged(Judgement.UNKNOWN, f"nothing is known of the {what}")
    is_set = present and not ("value" in value and value["value"] is None)
    if not wants_presence:
        return Judged(Judgement.FAILS, "it is set") if is_set else Judged(Judgement.MEETS, "it is not set")
    if not present:
        return Judged(Judgement.GONE, f"the {what} is not there")
    if compare is None:
        return Judged(Judgement.MEETS, "it is set") if is_set else Judged(Judgement.FAILS, f"the {what} is null")
    hidden = _why_hidden(value, what)
    if hidden:
        return Judged(Judgement.UNKNOWN, hidden)
    fits = compare(value["value"])
    return Judged(Judgement.MEETS if fits else Judgement.FAILS, f"it is {_shown(value['value'])}")


def _why_hidden(value: Mapping[str, Any], what: str) -> str:
    """Why the value cannot be compared; empty when it can."""
    if value.get("sensitive") is True:
        return f"the {what} is sensitive, so its value is not kept"
    if "value" not in value:
        reason = value.get("omitted")
        no_reason = "no criterion asked for it when this was recorded"
        return f"the value was not kept: {reason if isinstance(reason, str) else no_reason}"
    return "the value holds a secret that was masked" if _masked(value["value"]) else ""


def _masked(value: Json) -> bool:
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            waiting.extend(part)
            waiting.extend(part.values())
        elif isinstance(part, list | tuple):
            waiting.extend(part)
        elif isinstance(part, str) and MASK in part:
            return True
    return False


def _shown(value: Json) -> str:
    """A value as JSON, cut short."""
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"
