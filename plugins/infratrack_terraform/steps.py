"""The pipeline steps `terraform.plan` and `terraform.apply`: what is applied is what was planned.

python-terraform builds the command lines and nothing else: it cannot stream, stop or tell success from change. A plan
step pins the SHA-256 of its plan file; the apply step checks the bytes, and applies a private copy of just these bytes.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infratrack.api import Collected, InputError, Outcome, ProcessEnd, StepContext, StepEnd, run_process, sha256_digest
from infratrack_terraform.apply_facts import Result
from infratrack_terraform.client import BINARY_HINT, Terraform, find_tool
from infratrack_terraform.command_line import parse_command_line
from infratrack_terraform.gathering import Gathering
from infratrack_terraform.results import Setting
from infratrack_terraform.stream import read_event
from infratrack_terraform.wanted import wanted_values

READING_SECONDS: Final = 600.0
"""For the facts before, and again after, a command: nobody waits at a prompt here."""
_CHANGES: Final = 2
_NEEDS_INIT: Final = (
    "Backend initialization required",
    "Inconsistent dependency lock file",
    "Module not installed",
    "Module source has changed",
    "Module version requirements have changed",
    "Required plugins are not installed",
    "Missing required provider",
    "Initialization required",
)
_PROPERTIES: Final[Mapping[str, Any]] = {
    "directory": {
        "description": "Folder of the root module, relative to the project folder.",
        "type": "string",
        "minLength": 1,
    },
    "workspace": {"description": "Terraform workspace; it must exist.", "type": "string", "minLength": 1},
    "targets": {
        "description": "Plan only these addresses. Such a plan cannot prove that the whole root is converged.",
        "type": "array",
        "items": {"type": "string", "minLength": 1},
    },
    "var_files": {
        "description": "Variable files, relative to `directory`.",
        "type": "array",
        "items": {"type": "string", "minLength": 1},
    },
    "destroy": {"description": "Plan to destroy everything.", "type": "boolean"},
}


def step_schema(description: str) -> dict[str, Any]:
    """The JSON Schema of a step's parameters."""
    return {
        "description": description,
        "type": "object",
        "properties": dict(_PROPERTIES),
        "required": ["directory"],
        "additionalProperties": False,
        "examples": [{"directory": "infra"}, {"directory": "infra", "workspace": "prod", "var_files": ["prod.tfvars"]}],
    }


class PlanStep:
    """`terraform.plan`: plan into a file whose digest is pinned for the apply step of the same pipeline run."""

    name: Final = "terraform.plan"
    schema: Final = step_schema("Plan, and pin the plan for the terraform.apply step that follows.")

    def run(self, context: StepContext) -> StepEnd:
        """Plan; initialises the folder first when that is needed."""
        return StepRun(context).plan()


class ApplyStep:
    """`terraform.apply`: apply the plan that was pinned before, or plan and apply that."""

    name: Final = "terraform.apply"
    schema: Final = step_schema("Apply the plan that an earlier terraform.plan step made; without one, plan first.")

    def run(self, context: StepContext) -> StepEnd:
        """Apply exactly the bytes that were planned."""
        step = StepRun(context)
        if step.handoff_name not in context.handoff:
            planned = step.plan()
            if planned.outcome != "succeeded" or step.handoff_name not in context.handoff:
                return planned
            step = StepRun(context)
        return step.apply(context.handoff[step.handoff_name])

    def unseen(self, context: StepContext) -> Collected | None:
        """Should nobody see the end: nothing is known of the root, nor of what the pinned plan was to change."""
        step = StepRun(context)
        pinned = context.handoff.get(step.handoff_name)
        return pinned["unseen"] if pinned else step.gathering.unseen_apply()


class StepRun:
    """One step's run in one root folder and workspace."""

    def __init__(self, context: StepContext) -> None:
        self.context = context
        parameters = context.parameters
        self.directory = str(parameters["directory"])
        self.folder = context.folder / self.directory
        if not self.folder.is_dir():
            raise InputError(f"there is no folder {self.directory}", "directory: names the root module's folder")
        environment = {**context.environment, "TF_IN_AUTOMATION": "1", "TF_INPUT": "0"}
        if "workspace" in parameters:
            environment["TF_WORKSPACE"] = str(parameters["workspace"])
        tool = find_tool(environment, self.folder)
        if tool is None:
            raise InputError("neither terraform nor tofu is on PATH", BINARY_HINT)
        self.terraform = Terraform(tool, self.folder, environment)
        self.setting = Setting(
            root=os.path.normpath(self.directory).replace(os.sep, "/"),
            workspace=self.terraform.workspace(),
            mode="destroy" if parameters.get("destroy") else "normal",
            targeted=bool(parameters.get("targets")),
        )
        self.handoff_name = f"terraform.plan:{self.setting.root}#{self.setting.workspace}"
        self.gathering = Gathering(
            terraform=self.terraform,
            line=parse_command_line(["terraform", "plan"], environment),
            setting=self.setting,
            facts="full",
            wanted=wanted_values(context.wanted),
            tool=Path(tool).name,
        )
        self.reported: dict[str, tuple[str, Result]] = {}
        self.errors: list[str] = []

    def plan(self) -> StepEnd:
        """Plan into the scratch folder, pin the digest, and read the facts."""
        file = self.context.scratch / f"{len(self.context.handoff)}-{os.getpid()}.tfplan"
        file.unlink(missing_ok=True)
        parameters = self.context.parameters
        argv = self._argv(
            "plan",
            out=str(file),
            json=True,
            detailed_exitcode=True,
            input=False,
            target=list(parameters.get("targets", [])),
            var_file=list(parameters.get("var_files", [])),
            destroy=True if parameters.get("destroy") else None,
        )
        if not self.terraform.data_folder.is_dir() and (failed := self._init()) is not None:
            return failed
        end = self._run(argv)
        if end.exit_code == 1 and any(mark in error for error in self.errors for mark in _NEEDS_INIT):
            self.errors.clear()
            if (failed := self._init()) is not None:
                return failed
            end = self._run(argv)
        planned = end.exit_code in {0, _CHANGES} and end.outcome in {"succeeded", "failed"}
        outcome: Outcome = "succeeded" if planned else end.outcome
        self.gathering.allow(READING_SECONDS)
        if file.exists():
            self.gathering.look_at_plan_file(str(file))
            self.gathering.read_plan(str(file))
        else:
            self.gathering.missing["plan"] = "the command wrote no plan file"
        collected = self.gathering.plan_collected(outcome, pending=end.exit_code == _CHANGES if planned else None)
        if planned and self.gathering.file is not None:
            self.context.handoff[self.handoff_name] = {
                "path": str(file),
                "digest": self.gathering.file.digest,
                "secrets": collected.secrets,
                "unseen": self.gathering.unseen_apply(),
            }
        return StepEnd(end.exit_code, outcome, tuple(argv), collected, self._message("plan", outcome))

    def apply(self, pinned: Mapping[str, Any]) -> StepEnd:
        """Apply the pinned plan from a private copy."""
        planned, digest = Path(pinned["path"]), pinned["digest"]
        file = planned.with_suffix(".apply")
        argv = self._argv("apply", str(file), json=True, input=False)
        try:
            content = planned.read_bytes()
        except OSError:
            content = b""
        if sha256_digest(content) != digest:
            message = "the plan file is no longer the one that was planned: nothing was applied"
            collected = self.gathering.apply_collected("failed", reported={}, override="failed")
            return StepEnd(1, "failed", tuple(argv), collected, message)
        file.unlink(missing_ok=True)
        with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:  # noqa: PTH123 -- mode
            copy.write(content)
        self.gathering.allow(READING_SECONDS)
        self.gathering.look_at_plan_file(str(file))
        self.gathering.read_plan(str(file))
        self.gathering.read_state_before()
        end = self._run(argv)
        self.gathering.allow(READING_SECONDS)
        self.gathering.read_state_after()
        del self.context.handoff[self.handoff_name]
        file.unlink(missing_ok=True)
        collected = self.gathering.apply_collected(end.outcome, reported=self._results())
        return StepEnd(end.exit_code, end.outcome, tuple(argv), collected, self._message("apply", end.outcome))

    def _init(self) -> StepEnd | None:
        """Initialise the folder; how that ended, when it did not succeed."""
        argv = self._argv("init", input=False)
        self.context.report("terraform init")
        end = run_process(
            argv,
            cwd=self.folder,
            environment=self.terraform.environment,
            on_line=lambda *_: None,
            canceled=self.context.canceled,
        )
        if end.outcome == "succeeded":
            return None
        self.gathering.missing["plan"] = "terraform init did not succeed"
        collected: Collected = self.gathering.plan_collected(end.outcome, pending=None)
        message = f"terraform init in {self.directory} ended with exit code {end.exit_code}: run it there to see why"
        return StepEnd(end.exit_code, end.outcome, tuple(argv), collected, message)

    def _run(self, argv: Sequence[str]) -> ProcessEnd:
        return run_process(
            argv,
            cwd=self.folder,
            environment=self.terraform.environment,
            on_line=self._on_line,
            canceled=self.context.canceled,
        )

    def _on_line(self, stream: str, text: str) -> None:
        progress = read_event(text)
        line = self._scrubbed(progress.line) if progress.scrub else progress.line
        if progress.error:
            self.errors.append(line)
        if progress.address and progress.result is not None:
            self.reported[progress.address] = (progress.action, progress.result)
        if line:
            self.context.report(line)

    def _scrubbed(self, line: str) -> str:
        """A diagnostic's summary without what this run knows to be secret."""
        for secret in sorted(self.gathering.secrets(), key=len, reverse=True):
            line = line.replace(secret, "‹masked›")
        return line

    def _results(self) -> dict[str, Result]:
        """What the stream says of whole actions; the halves of a replacement are left to the state to tell."""
        planned = {fact.address: fact.action for fact in self.gathering.plan.resources} if self.gathering.plan else {}
        return {
            address: result
            for address, (action, result) in self.reported.items()
            if result == "failed" or planned.get(address) == action
        }

    def _message(self, what: str, outcome: Outcome) -> str:
        if outcome == "succeeded":
            return ""
        ending = {"failed": "failed", "canceled": "was canceled"}.get(outcome, "was killed")
        why = f": {self.errors[0]}" if self.errors else ""
        return f"terraform {what} in {self.directory} {ending}{why}"

    def _argv(self, subcommand: str, *arguments: str, **options: Any) -> list[str]:  # noqa: ANN401 -- its options
        """The command line, built by python-terraform."""
        try:
            import python_terraform  # noqa: PLC0415 -- needed by deliver only
        except ImportError:
            raise InputError("python-terraform is not installed", "pip install 'infratrack[terraform]'") from None
        flagged = python_terraform.IsFlagged
        # It reads `terraform.tfstate` in its working folder: give it one that has none.
        builder = python_terraform.Terraform(
            working_dir=str(self.context.scratch), terraform_bin_path=self.terraform.tool
        )
        given = {name: flagged if value is True else value for name, value in options.items()}
        argv: list[str] = builder.generate_cmd_string(subcommand, *arguments, no_color=flagged, **given)
        return argv
