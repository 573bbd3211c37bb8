"""The parameters of the step `ansible.playbook`, and the command line that they stand for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

MASK: Final = "‹masked›"
_TEXTS: Final = {"type": "array", "items": {"type": "string", "minLength": 1}, "minItems": 1}
_VARIABLE: Final = "^[A-Za-z_][A-Za-z0-9_]*$"

SCHEMA: Final[Mapping[str, Any]] = {
    "description": "Run a playbook with ansible-runner.",
    "type": "object",
    "properties": {
        "playbook": {
            "description": "The playbook, relative to `directory`.",
            "type": "string",
            "minLength": 1,
            "pattern": "^[^-]",
        },
        "directory": {
            "description": "Where to run it, relative to the project folder and inside it (an ansible.cfg there "
            "counts); default: the project folder.",
            "type": "string",
            "minLength": 1,
        },
        "inventory": {
            "description": "Inventory file or folder, relative to `directory`, or `host,` lists; one or several.",
            "anyOf": [{"type": "string", "minLength": 1}, _TEXTS],
        },
        "limit": {"description": "Only these hosts (a host pattern).", "type": "string", "minLength": 1},
        "tags": {"description": "Only tasks with one of these tags.", **_TEXTS},
        "skip_tags": {"description": "No tasks with one of these tags.", **_TEXTS},
        "check": {"description": "Change nothing; say what would change.", "type": "boolean"},
        "diff": {"description": "Show differences on the screen (evidence never holds them).", "type": "boolean"},
        "extra_vars": {
            "description": "Variables to pass with `-e`. Values never enter evidence; secrets do not belong here all "
            "the same, since the project file is in Git.",
            "type": "object",
            "propertyNames": {"pattern": _VARIABLE},
        },
        "verbosity": {"description": "How many `-v`.", "type": "integer", "minimum": 0, "maximum": 6},
        "timeout": {
            "description": "Stop after this long (30m, 2h): the outcome is then indeterminate.",
            "type": "string",
            "minLength": 1,
        },
    },
    "required": ["playbook"],
    "additionalProperties": False,
    "examples": [
        {"playbook": "site.yml", "inventory": "inventory.ini"},
        {"playbook": "site.yml", "directory": "ansible", "limit": "core-*", "check": True, "timeout": "30m"},
    ],
}


def inventories(parameters: Mapping[str, Any]) -> list[str]:
    """The inventories as a list."""
    given = parameters.get("inventory", [])
    return [given] if isinstance(given, str) else list(given)


def options(parameters: Mapping[str, Any]) -> list[str]:
    """Flags that ansible-runner has no argument of its own for."""
    return [flag for name, flag in (("check", "--check"), ("diff", "--diff")) if parameters.get(name)]


def told_argv(parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """The command line as it is told in evidence: names of extra variables stay, their values do not."""
    argv = ["ansible-playbook", *options(parameters)]
    for inventory in inventories(parameters):
        argv += ["-i", inventory]
    if "limit" in parameters:
        argv += ["--limit", parameters["limit"]]
    for name in sorted(parameters.get("extra_vars", {})):
        argv += ["-e", f"{name}={MASK}"]
    if parameters.get("verbosity"):
        argv.append("-" + "v" * parameters["verbosity"])
    for name, flag in (("tags", "--tags"), ("skip_tags", "--skip-tags")):
        if name in parameters:
            argv += [flag, ",".join(parameters[name])]
    return (*argv, parameters["playbook"])
