"""The criterion on bare commands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from infratrack.api import BindContext, Judged, Judgement, Rule, Selector, every, parse_duration
from infratrack_command.evidence import KIND

SCHEMA: Final[Mapping[str, Any]] = {
    "description": "The newest run of every command line that matches has succeeded.",
    "type": "object",
    "properties": {
        "command": {
            "description": "The command line as typed after `infratrack run --`; `*` stands for anything.",
            "type": "string",
            "minLength": 1,
        },
        "label": {
            "description": "Only runs that carry these labels (`infratrack run --label K=V`) are looked at.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"type": "string"},
        },
        "within": {"description": "How old the run may be: 12h, 7d.", "type": "string", "minLength": 1},
        "keep": {"description": "Keep `within` counting after acceptance.", "type": "boolean"},
    },
    "required": ["command"],
    "additionalProperties": False,
    "examples": [{"command": "make smoke*"}, {"command": "./cutover.sh", "label": {"site": "west"}, "within": "7d"}],
}

_JUDGED: Final = {
    "succeeded": Judged(Judgement.MEETS, "succeeded"),
    "failed": Judged(Judgement.FAILS, "failed"),
    "canceled": Judged(Judgement.FAILS, "was canceled before its end"),
    "indeterminate": Judged(Judgement.UNKNOWN, "was killed or lost: nobody knows how far it came"),
}


class CommandSucceeded:
    """`command.succeeded`: the newest run of a command, by its command line, ended well.

    Where the pattern matches several command lines, the newest run of each must have succeeded. Labels narrow the runs
    that are looked at: a run without the label says nothing.
    """

    name: Final = "command.succeeded"
    schema: Final = SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """The rule for one command pattern."""
        pattern: str = parameters["command"]
        wanted: Mapping[str, str] = parameters.get("label", {})
        labels = ", ".join(f"{key}={value}" for key, value in sorted(wanted.items()))

        def judge(kind: str, value: Mapping[str, Any]) -> Judged | None:
            carried = value.get("labels")
            if not isinstance(carried, Mapping) or any(carried.get(key) != wanted[key] for key in wanted):
                return None
            return _JUDGED.get(str(value.get("outcome")))

        return Rule(
            selectors=(Selector(KIND, pattern, scope="", label=f"command {pattern!r}"),),
            judge=judge,
            decide=every,
            wants=f"a successful `infratrack run -- {pattern}`" + (f" with the label {labels}" if labels else ""),
            within=parse_duration(parameters["within"]) if "within" in parameters else None,
            keep=parameters.get("keep", False),
        )
