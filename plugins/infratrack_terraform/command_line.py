"""Terraform command lines, read as Terraform reads them: global options, subcommand, options from the environment.

`TF_CLI_ARGS_plan` and `TF_CLI_ARGS` are put right behind the subcommand, before what was typed; the last one wins.
Options may have one dash or two, and a value behind `=` or as the next argument; the first argument that is no option
ends them (Go's flag rules).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

TOOLS: Final = frozenset({"terraform", "tofu"})
SUBCOMMANDS: Final = frozenset({"plan", "apply", "destroy", "refresh"})
# Every other option of these subcommands is followed by a value.
_SWITCHES: Final = frozenset(
    {
        "allow-deferral", "auto-approve", "compact-warnings", "concise", "consolidate-errors", "consolidate-warnings",
        "deprecation", "destroy", "detailed-exitcode", "force", "h", "help", "input", "json", "lock", "no-color",
        "refresh", "refresh-only", "show-sensitive",
    }
)  # fmt: skip
_FALSE: Final = frozenset({"0", "f", "F", "false", "FALSE", "False"})
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')


class CommandLine(Struct, frozen=True):
    """What a Terraform command line asks for. Paths are as typed: relative to `chdir`."""

    tool: str
    subcommand: str | None
    chdir: str | None = None
    options: Mapping[str, tuple[str, ...]] = {}
    arguments: tuple[str, ...] = ()
    help: bool = False

    def value(self, name: str) -> str | None:
        """The value of an option that counts: its last one."""
        given = self.options.get(name)
        return given[-1] if given else None

    def switched(self, name: str, *, default: bool = False) -> bool:
        """Whether a switch is on."""
        given = self.value(name)
        return default if given is None else given not in _FALSE

    @property
    def plan_file(self) -> str | None:
        """The saved plan that `apply` is given."""
        return self.arguments[0] if self.subcommand == "apply" and self.arguments else None

    @property
    def targeted(self) -> bool:
        """Whether only a part of the configuration is looked at."""
        return any(self.options.get(name) for name in ("target", "target-file", "exclude", "exclude-file"))

    @property
    def destroys(self) -> bool:
        """Whether everything is to be destroyed."""
        return self.subcommand == "destroy" or self.switched("destroy")

    @property
    def refresh_only(self) -> bool:
        """Whether only the state is brought up to date."""
        return self.subcommand == "refresh" or self.switched("refresh-only")


def parse_command_line(argv: Sequence[str], environment: Mapping[str, str]) -> CommandLine:
    """Read a command line; `subcommand` is None where there is none to be found."""
    tool = argv[0].rpartition("/")[2] if argv else ""
    chdir: str | None = None
    wants_help = False
    position = 1
    while position < len(argv) and argv[position].startswith("-"):
        name, _, value = argv[position].lstrip("-").partition("=")
        if name == "chdir":
            chdir = value
        wants_help = wants_help or name in {"help", "h", "version", "v"}
        position += 1
    if position >= len(argv):
        return CommandLine(tool, None, chdir, help=wants_help)
    subcommand = argv[position]
    given = [*_from_environment(f"TF_CLI_ARGS_{subcommand}", environment)]
    given += _from_environment("TF_CLI_ARGS", environment)
    given += argv[position + 1 :]
    options: dict[str, list[str]] = {}
    rest = iter(given)
    arguments: list[str] = []
    for argument in rest:
        if not argument.startswith("-") or argument == "-":
            arguments = [argument, *rest]
        elif argument == "--":
            arguments = [*rest]
        else:
            name, value = _option(argument, rest)
            options.setdefault(name, []).append(value)
    wants_help = wants_help or "help" in options or "h" in options
    frozen = {name: tuple(values) for name, values in options.items()}
    return CommandLine(tool, subcommand, chdir, frozen, tuple(arguments), wants_help)


def _option(argument: str, rest: Iterator[str]) -> tuple[str, str]:
    name, equals, value = argument[2 if argument.startswith("--") else 1 :].partition("=")
    if not equals:
        value = "true" if name in _SWITCHES else next(rest, "")
    return name, value


def _from_environment(variable: str, environment: Mapping[str, str]) -> list[str]:
    try:
        return shlex.split(environment.get(variable, ""))
    except ValueError:
        return []  # Terraform refuses it too


def given_values(line: CommandLine) -> set[str]:
    """Every value given with `-var`, and every quoted part of it: all are taken for secrets."""
    values: set[str] = set()
    for assignment in line.options.get("var", ()):
        text = assignment.partition("=")[2]
        values.add(text)
        values.update(_QUOTED.findall(text))
    return values


def values_in_environment(environment: Mapping[str, str], sensitive: frozenset[str] | None) -> set[str]:
    """Values of `TF_VAR_*` whose variable is declared sensitive; of all, where that is not known (None)."""
    values: set[str] = set()
    for name, value in environment.items():
        variable = name.removeprefix("TF_VAR_")
        if variable != name and (sensitive is None or variable in sensitive):
            values.add(value)
            values.update(_QUOTED.findall(value))
    return values


def helper_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """The environment for our own read-only calls: the command's, without what would change their output."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith(("TF_CLI_ARGS", "TF_LOG")) and name != "INFRATRACK_SIGNING_KEY"
    }
    return {**kept, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1", "NO_COLOR": "1"}
