"""Follows a Terraform command that somebody typed: reads facts before and after it, and never changes what it does."""

from __future__ import annotations

import os.path
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from infratrack.api import Collected, CommandContext, CommandEnd, Outcome, Watch
from infratrack_terraform.client import Terraform, find_tool
from infratrack_terraform.command_line import SUBCOMMANDS, TOOLS, parse_command_line
from infratrack_terraform.gathering import AFTER_SECONDS, BEFORE_SECONDS, NO_OUT, Gathering
from infratrack_terraform.results import Setting
from infratrack_terraform.wanted import wanted_values

_CHANGES: Final = 2
"""Exit code of `plan -detailed-exitcode`: it succeeded, and there are changes."""


class TerraformCollector:
    """`terraform` and `tofu`: plan, apply, destroy and refresh leave typed evidence."""

    name: Final = "terraform"

    def recognises(self, argv: Sequence[str]) -> bool:
        """Whether this is a Terraform command that plans or changes something."""
        line = parse_command_line(argv, {})
        return line.tool in TOOLS and line.subcommand in SUBCOMMANDS and not line.help

    def begin(self, context: CommandContext) -> Watch:
        """Look at the plan file and the state that are there before the command starts."""
        line = parse_command_line(context.argv, context.environment)
        tool = find_tool(context.environment, context.cwd, context.argv[0] if context.argv else None)
        terraform = None
        workspace = context.environment.get("TF_WORKSPACE") or "default"
        if tool is not None:
            terraform = Terraform(tool, context.cwd, context.environment, line.chdir)
            workspace = terraform.workspace()
        gathering = Gathering(
            terraform=terraform,
            line=line,
            setting=Setting(
                root=root_folder(context.scope_folder, context.cwd, line.chdir),
                workspace=workspace,
                mode="refresh-only" if line.refresh_only else "destroy" if line.destroys else "normal",
                targeted=line.targeted,
                refreshed=line.switched("refresh", default=True),
            ),
            facts=context.facts,
            wanted=wanted_values(context.wanted),
            tool=line.tool if line.tool in TOOLS else "terraform",
        )
        return PlanWatch(gathering) if line.subcommand == "plan" else ApplyWatch(gathering)


def root_folder(scope_folder: str, folder: Path, chdir: str | None) -> str:
    """The root module's folder relative to the project folder, `/`-separated."""
    if not chdir:
        return scope_folder
    if Path(chdir).is_absolute():
        chdir = Path(os.path.relpath(chdir, folder)).as_posix()
    return posixpath.normpath(posixpath.join(scope_folder, chdir))


class PlanWatch:
    """Follows `terraform plan`."""

    environment: Mapping[str, str] = {}
    unseen: Collected | None = None
    """A plan whose end nobody saw changed nothing and told nothing."""

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._out = gathering.line.value("out")
        self._there_before = self._file_stamp()

    def finish(self, end: CommandEnd) -> Collected:
        """The plan's facts, if it was saved to a file."""
        self._gathering.allow(AFTER_SECONDS)
        gathering, line = self._gathering, self._gathering.line
        detailed = line.switched("detailed-exitcode")
        outcome: Outcome | None = "succeeded" if detailed and end.exit_code == _CHANGES else None
        pending = end.exit_code == _CHANGES if detailed and end.exit_code in {0, _CHANGES} else None
        if self._out is None:
            gathering.missing["plan"] = NO_OUT
        elif self._file_stamp() == self._there_before:
            gathering.missing["plan"] = "the command wrote no plan file"
        else:
            gathering.look_at_plan_file(self._out)
            gathering.read_plan(self._out)
        return gathering.plan_collected(outcome, pending=pending)

    def _file_stamp(self) -> tuple[int, int, int] | None:
        """What tells a file that was just written from the one that was there before."""
        terraform = self._gathering.terraform
        if self._out is None or terraform is None:
            return None
        try:
            found = (terraform.root / self._out).stat()
        except (OSError, ValueError):
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size


class ApplyWatch:
    """Follows `terraform apply`, `destroy`, `refresh`, and whatever else is said to be Terraform."""

    environment: Mapping[str, str] = {}

    def __init__(self, gathering: Gathering) -> None:
        self._gathering = gathering
        self._plan = gathering.line.plan_file
        if gathering.facts != "none":
            if self._plan is not None:
                gathering.look_at_plan_file(self._plan)
            gathering.allow(BEFORE_SECONDS)
            gathering.read_state_before()
            if self._plan is not None:
                # Not any later: should nobody see the end, these are the addresses of which nothing is known.
                gathering.read_plan(self._plan)
        self.unseen: Collected | None = gathering.unseen_apply()

    def finish(self, end: CommandEnd) -> Collected:
        """What became of every address that the command touched."""
        self._gathering.allow(AFTER_SECONDS)
        if self._plan is not None:
            self._gathering.read_plan(self._plan)
        self._gathering.read_state_after()
        return self._gathering.apply_collected(end.outcome, reported={})
