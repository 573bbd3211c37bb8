"""The pipeline step `command`: runs a command line without a shell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from infratrack.api import Collected, InputError, StepContext, StepEnd, run_process
from infratrack_command.evidence import COMMAND

SCHEMA: Final[Mapping[str, Any]] = {
    "description": "Run a command. No shell is involved: every argument is passed as it stands.",
    "type": "object",
    "properties": {
        "argv": {
            "description": "The program and its arguments.",
            "type": "array",
            "items": {"type": "string"},
            "minItems": 1,
        },
        "directory": {
            "description": "Where to run it, relative to the project folder and inside it; default: that folder.",
            "type": "string",
            "minLength": 1,
        },
        "environment": {
            "description": "Variables to add. Secrets do not belong here: the project file is in Git.",
            "type": "object",
            "propertyNames": {"pattern": "^[A-Za-z_][A-Za-z0-9_]*$"},
            "additionalProperties": {"type": "string"},
        },
    },
    "required": ["argv"],
    "additionalProperties": False,
    "examples": [
        {"argv": ["make", "smoke-test"]},
        {"argv": ["./cutover.sh", "--site", "west"], "directory": "scripts", "environment": {"WAVE": "2"}},
    ],
}

_MESSAGES: Final = {
    "succeeded": "",
    "canceled": "{command} was canceled",
    "indeterminate": "{command} had to be killed: nobody knows how far it came",
}


class CommandStep:
    """Runs any command as one step of a pipeline and streams what it says."""

    name: Final = "command"
    schema: Final = SCHEMA

    def run(self, context: StepContext) -> StepEnd:
        """Run it to its end. A folder outside the project is an InputError; a missing program ends with 127."""
        argv = tuple(context.parameters["argv"])
        end = run_process(
            argv,
            cwd=_directory(context.folder, context.parameters.get("directory", ".")),
            environment={**context.environment, **context.parameters.get("environment", {})},
            on_line=lambda _stream, line: context.report(line),
            canceled=context.canceled,
        )
        sentence = _MESSAGES.get(end.outcome, "{command} ended with exit code {code}")
        message = sentence.format(command=shlex.quote(argv[0]), code=end.exit_code)
        return StepEnd(end.exit_code, end.outcome, argv, Collected(COMMAND, {}), message)


def _directory(folder: Path, directory: str) -> Path:
    """The step's folder; it must exist inside the project folder, links followed."""
    root = folder.resolve()
    try:
        found = (root / directory).resolve()
        inside, exists = found.is_relative_to(root), found.is_dir()
    except (OSError, RuntimeError, ValueError) as error:  # a link loop, an over-long name, a NUL
        raise InputError(f"step directory {directory[:80]!r} cannot be looked up", "name a folder inside it") from error
    if not inside:
        raise InputError(f"step directory {directory!r} is outside the project folder", "name a folder inside it")
    if not exists:
        raise InputError(f"step directory {directory!r} is not a folder of the project", f"looked in {root}")
    return found
