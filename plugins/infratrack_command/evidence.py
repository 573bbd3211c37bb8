"""Command evidence: how a command of no known tool ended, read as words. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from infratrack.api import SUBJECT_SEPARATOR, Word

COMMAND: Final = "urn:infratrack:evidence:command:v1"
KIND: Final = "command"
OUTCOMES: Final = ("succeeded", "failed", "canceled", "indeterminate")

RESULT_SCHEMA: Final[Mapping[str, Any]] = {
    "description": "A bare command has no facts beyond its run: argv, exit code and outcome stand in `run`.",
    "type": "object",
    "additionalProperties": False,
    "examples": [{}],
}


class CommandEvidence:
    """`urn:infratrack:evidence:command:v1`: one word a run, named by the command line."""

    predicate_type: Final = COMMAND
    schema: Final = RESULT_SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """The command line's outcome and labels; nothing where the predicate is not what it has to be."""
        name = command_line(predicate)
        outcome = _member(predicate, "run").get("outcome")
        if not name or outcome not in OUTCOMES:
            return []
        return [Word(KIND, "", name, {"outcome": outcome, "labels": _labels(predicate)})]

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`make smoke-test: failed, exit code 2`."""
        run = _member(predicate, "run")
        code = run.get("exitCode")
        ending = f", exit code {code}" if isinstance(code, int) and code else ""
        return f"{command_line(predicate) or 'a command'}: {run.get('outcome') or 'no outcome'}{ending}"


def command_line(predicate: Mapping[str, Any]) -> str:
    """The command as a shell would take it, on one line; empty when the predicate holds none."""
    argv = _member(predicate, "run").get("argv")
    if not isinstance(argv, Sequence) or isinstance(argv, str) or not all(isinstance(part, str) for part in argv):
        return ""
    line = " ".join(shlex.join(argv).split("\n"))
    return line.replace(SUBJECT_SEPARATOR, " ")


def _labels(predicate: Mapping[str, Any]) -> dict[str, str]:
    """Labels given with `run --label`, sorted so that equal labels are equal values."""
    labels = {**_member(_member(predicate, "links"), "labels"), **_member(predicate, "labels")}
    return {key: labels[key] for key in sorted(labels) if isinstance(labels[key], str)}


def _member(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    member = value.get(name)
    return member if isinstance(member, Mapping) else {}
