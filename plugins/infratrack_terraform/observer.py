"""The observer `terraform`: looks at today's state and at drift, and follows the chain of recorded states up to today.

Read-only: `state pull`, and `plan -refresh-only -lock=false` into a private folder that is removed. Nothing is
initialised and no lock is taken, so that looking never gets into the way of an apply.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.api import (
    Change,
    Collected,
    InputError,
    ObserveContext,
    RecordedEvidence,
    Unreachable,
    changes_result,
    still_unrecorded,
)
from infratrack_terraform.client import BINARY_HINT, Terraform, Unread, find_tool
from infratrack_terraform.criterion_parts import normal_directory
from infratrack_terraform.evidence import APPLY
from infratrack_terraform.observation import OBSERVATION, TERRAFORM_CHANGES, observation_result
from infratrack_terraform.plan import PlanFacts, read_plan
from infratrack_terraform.recorded_states import (
    blind_spots,
    changes_of,
    concerned,
    moment,
    recorded_looks,
    recorded_runs,
)
from infratrack_terraform.state import StateFacts, read_raw_state
from infratrack_terraform.state_chain import EMPTY, Chain, Look, State, follow
from infratrack_terraform.wanted import wanted_values
from infratrack_terraform.words import scope_of

STATE_SECONDS: Final = 120.0
PLAN_SECONDS: Final = 400.0
ALL_SECONDS: Final = 540.0
"""For all roots together: whoever asks waits for ten minutes."""
MOST_CHANGES: Final = 1_000


class Root(Struct, frozen=True):
    """A root module to look at. `workspace` empty: the one that is chosen there."""

    directory: str
    workspace: str = ""
    var_files: tuple[str, ...] = ()


class TerraformObserver:
    """`infratrack observe terraform [DIR] [--changelog]`."""

    name: Final = "terraform"

    def observe(self, context: ObserveContext) -> Sequence[Collected]:
        """Two pieces of evidence a root: what is there, and which changes of the state no evidence explains.

        With `changelog` drift is not looked for. InputError without a root, Unreachable when no state could be read.
        """
        look = _Look(context)
        found: list[Collected] = []
        problems: list[str] = []
        for root in roots(context):
            try:
                found.extend(look.at(root))
            except Unread as problem:
                problems.append(f"{root.directory}: {problem}")
        if not found:
            raise Unreachable("; ".join(problems), "run terraform init there, then observe again")
        if problems:
            found[-1] = structs.replace(found[-1], unreached="; ".join(problems))
        return found


def roots(context: ObserveContext) -> list[Root]:
    """The root that is asked for, else all that pipelines apply. InputError where there is none."""
    declared = list(_declared(context))
    if context.target is None:
        if not declared:
            raise InputError(
                "no pipeline applies a Terraform root", "name its folder: infratrack observe terraform DIR"
            )
        return declared
    folder = (context.folder / context.target).resolve()
    if not folder.is_dir():
        raise InputError(
            f"there is no folder {context.target[:200]!r} in the project", "name a Terraform root's folder"
        )
    try:
        directory = folder.relative_to(context.folder.resolve()).as_posix()
    except ValueError as error:
        raise InputError(f"{context.target[:200]!r} is outside the project", "name a folder in the project") from error
    asked = [root for root in declared if root.directory == directory]
    return asked or [Root(directory)]


def _declared(context: ObserveContext) -> Iterator[Root]:
    seen: set[tuple[str, str]] = set()
    for pipeline in context.pipelines:
        for step in pipeline.steps:
            directory = step.parameters.get("directory")
            if not step.type.startswith("terraform.") or not isinstance(directory, str):
                continue
            root = Root(
                normal_directory(directory),
                str(step.parameters.get("workspace", "")),
                tuple(map(str, step.parameters.get("var_files", ()))),
            )
            if (root.directory, root.workspace) not in seen:
                seen.add((root.directory, root.workspace))
                yield root


class _Look:
    """One look, at one root after the other, all within the time that there is."""

    def __init__(self, context: ObserveContext) -> None:
        self._context = context
        self._deadline = time.monotonic() + ALL_SECONDS
        self._wanted = wanted_values(context.wanted)
        self._applies: Sequence[RecordedEvidence] = context.recorded(APPLY)
        self._looks: Sequence[RecordedEvidence] = context.recorded(OBSERVATION)
        self._found: Sequence[RecordedEvidence] = context.recorded(TERRAFORM_CHANGES)

    def at(self, root: Root) -> list[Collected]:
        """What is there, and what the chain says. Raises Unread when the state cannot be read."""
        terraform = self._terraform(root)
        setting = {"root": root.directory, "workspace": terraform.workspace()}
        scope = scope_of(setting)
        self._context.report(f"reading the state of {scope}")
        content = terraform.pull_state(self._left(STATE_SECONDS))
        state = read_raw_state(content, "the state", self._wanted, os.urandom(32))
        missing: dict[str, str] = {}
        refreshed = None if self._context.changelog else self._refreshed(terraform, root, scope, missing)
        secrets = state.secrets | (refreshed.secrets if refreshed else frozenset())
        common: dict[str, Any] = {
            "tool": Path(terraform.tool).name,
            "tool_version": state.terraform_version or None,
            "secrets": secrets,
            "outcome": "succeeded",
            "started_at": self._context.at,
            "finished_at": self._context.at,
        }
        seen = Collected(
            predicate_type=OBSERVATION,
            result=observation_result(**setting, state=state, refreshed=refreshed),
            missing=missing,
            masked=state.masked,
            dropped=("state",),
            **common,
        )
        return [seen, Collected(TERRAFORM_CHANGES, self._changes(scope, setting, state), **common)]

    def _changes(self, scope: str, setting: Mapping[str, str], state: StateFacts) -> dict[str, Any]:
        """The chain of what is recorded, up to the state of today, as the `result` of the evidence."""
        context = self._context
        today = Look(context.at, _state(state), frozenset(state.instances))
        runs, looks = recorded_runs(self._applies, scope), recorded_looks(self._looks, scope)
        known = follow(runs, looks)
        chain = follow(runs, [*looks, today])
        deliverables = concerned(setting["root"], setting["workspace"], context.deliverables, context.pipelines)
        source = f"terraform {scope}"
        found = {one.id: one for one in changes_of(chain, scope, deliverables)}
        changes = [one for one in found.values() if context.since is None or (one.at or context.at) >= context.since]
        before = still_unrecorded((one.predicate for one in self._found), source)
        changes += [_explained(one) for name, one in before.items() if name not in found]
        spots = blind_spots(chain, scope, _beginning(known))
        if len(changes) > MOST_CHANGES:
            spots.append(f"only the newest {MOST_CHANGES} of {len(changes)} changes are listed")
        return changes_result(
            changes[-MOST_CHANGES:],
            source=source,
            since=context.since,
            until=context.at,
            complete=len(changes) <= MOST_CHANGES,
            blind_spots=spots,
        )

    def _terraform(self, root: Root) -> Terraform:
        folder = self._context.folder / root.directory
        if not folder.is_dir():
            raise Unread("there is no such folder")
        environment = dict(self._context.environment)
        if root.workspace:
            environment["TF_WORKSPACE"] = root.workspace
        tool = find_tool(environment, folder)
        if tool is None:
            raise Unreachable("neither terraform nor tofu is on PATH", BINARY_HINT)
        return Terraform(tool, folder, environment)

    def _refreshed(self, terraform: Terraform, root: Root, scope: str, missing: dict[str, str]) -> PlanFacts | None:
        """What a plan with -refresh-only finds; a reason in `missing` where it finds out nothing."""
        self._context.report(f"looking for drift in {scope}")
        with tempfile.TemporaryDirectory(prefix="infratrack-") as scratch:
            file = str(Path(scratch) / "refresh.tfplan")
            options = [f"-var-file={name}" for name in root.var_files]
            plan = ["plan", "-refresh-only", "-input=false", "-lock=false", "-no-color", f"-out={file}", *options]
            try:
                terraform.call(plan, "terraform plan -refresh-only", self._left(PLAN_SECONDS))
                content = terraform.show_plan(file, self._left(STATE_SECONDS))
                return read_plan(content, "the plan", self._wanted)
            except (Unread, InputError) as problem:
                missing["drift"] = " ".join(str(problem).split())[:300]
                return None

    def _left(self, seconds: float) -> float:
        return max(1.0, min(seconds, self._deadline - time.monotonic()))


def _state(state: StateFacts) -> State:
    if state.digest is None:
        return EMPTY
    return State(state.lineage or None, state.serial or 0, state.digest)


def _beginning(known: Chain) -> str:
    return "" if known.begins is None else moment(known.begins)


def _explained(change: Change) -> Change:
    """What was a break when seen last is none any more: evidence came late."""
    return structs.replace(change, recorded=True)
