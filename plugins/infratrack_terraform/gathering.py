"""Gathers the facts of one run: calls Terraform, reads what it answers, and says what could not be read and why."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from infratrack.api import Collected, FactsLevel, InputError, Outcome, Subject
from infratrack_terraform.addresses import names_in
from infratrack_terraform.apply_facts import ApplyJoin, Result
from infratrack_terraform.client import BINARY_HINT, Terraform, Unread
from infratrack_terraform.command_line import CommandLine, given_values, values_in_environment
from infratrack_terraform.evidence import APPLY, PLAN
from infratrack_terraform.masking import worth_hiding
from infratrack_terraform.plan import DROPPED, PlanFacts, read_plan
from infratrack_terraform.plan_file import PlanFile
from infratrack_terraform.results import Setting, apply_result, plan_result, unread, unseen_apply_result
from infratrack_terraform.state import StateFacts, read_raw_state, read_shown_state
from infratrack_terraform.wanted import WantedValues

NO_OUT: Final = "terraform plan was run without -out=FILE; with it, what is planned for each address is recorded"
BEFORE_SECONDS: Final = 15.0
"""Somebody's own command waits for what is read before it."""
AFTER_SECONDS: Final = 110.0
"""For everything that is read after the command, together: whoever follows us gives us two minutes."""
DROPPED_STATE: Final = ("state",)

T = TypeVar("T")


class Gathering:
    """The facts of one command, gathered before and after it. Whatever fails only leaves a reason in `missing`."""

    def __init__(  # noqa: PLR0913 -- one value for each thing that a run is, all by keyword
        self,
        *,
        terraform: Terraform | None,
        line: CommandLine,
        setting: Setting,
        facts: FactsLevel,
        wanted: WantedValues,
        tool: str,
    ) -> None:
        self.terraform = terraform
        self.line = line
        self.setting = setting
        self.facts = facts
        self.wanted = wanted
        self.tool = tool
        self.missing: dict[str, str] = {}
        self.file: PlanFile | None = None
        self.plan: PlanFacts | None = None
        self.before: StateFacts | None = None
        self.after: StateFacts | None = None
        self._shown: StateFacts | None = None
        self._deadline = 0.0
        # Fingerprints are compared within this run only, so nobody else may ever know the key.
        self._key = os.urandom(32)

    def allow(self, seconds: float) -> None:
        """From now on, everything together may take so long."""
        self._deadline = time.monotonic() + seconds

    def _left(self) -> float:
        return max(self._deadline - time.monotonic(), 1.0)

    def look_at_plan_file(self, name: str) -> None:
        """Take down what a saved plan says of itself: quick, no Terraform is started."""
        file = self._try("plan", lambda terraform: terraform.plan_file(name)[0])
        self.file = file

    def read_plan(self, name: str) -> None:
        """Read the plan's facts, if the file is still the one that was looked at. What was read once is kept."""
        file, known = self.file, self.plan
        if file is None or self.facts == "none":
            return

        def read(terraform: Terraform) -> PlanFacts:
            terraform.same_plan(name, file.digest)
            return known or read_plan(terraform.show_plan(name, self._left()), "the plan", self.wanted)

        self.missing.pop("plan", None)
        self.plan = self._try("plan", read)

    def read_state_before(self) -> None:
        """Read the state before the command starts, within a short time."""
        self.before = self._state("stateBefore", self.line.value("state"))

    def read_state_after(self) -> None:
        """Read the state that the command left; attributes only where a criterion wants them."""
        written = self.line.value("state-out") or self.line.value("state")
        self.after = self._state("stateAfter", written)
        if self.wanted.attributes and self.facts == "full" and written is None:
            self._shown = self._try(
                "attributes",
                lambda terraform: read_shown_state(
                    terraform.show_state(self._left()), "the state", self.wanted, self._key
                ),
            )

    def _state(self, fact: str, file: str | None) -> StateFacts | None:
        if self.facts != "full":
            return None

        def read(terraform: Terraform) -> StateFacts:
            content = terraform.pull_state(self._left()) if file is None else terraform.state_file(file)
            return read_raw_state(content, "the state", self.wanted, self._key)

        return self._try(fact, read)

    def _try(self, fact: str, read: Callable[[Terraform], T]) -> T | None:
        if self.terraform is None:
            self.missing[fact] = f"neither terraform nor tofu is on PATH to read it with: {BINARY_HINT}"
            return None
        try:
            return read(self.terraform)
        except (Unread, InputError) as problem:
            self.missing[fact] = str(problem)
        return None

    def plan_collected(self, outcome: Outcome | None, *, pending: bool | None) -> Collected:
        """The evidence of a plan."""
        result = plan_result(self.setting, self.plan, self.file, pending=pending)
        return self._collected(PLAN, result, outcome, DROPPED)

    def apply_collected(
        self, outcome: Outcome, *, reported: Mapping[str, Result], override: Outcome | None = None
    ) -> Collected:
        """The evidence of an apply; `reported` is what Terraform's own stream said of single addresses."""
        join = ApplyJoin(outcome, self.plan, self.before, self.after, stale=self._stale(outcome), reported=reported)
        result = apply_result(self.setting, join, self.file, self.wanted, self._shown)
        return self._collected(APPLY, result, override, (*DROPPED, *DROPPED_STATE))

    def unseen_apply(self) -> Collected:
        """The evidence of an apply whose end nobody will see, as far as it is known before it starts."""
        join = ApplyJoin("indeterminate", self.plan, self.before)
        result = unseen_apply_result(self.setting, join, self.file)
        return self._collected(APPLY, result, None, (*DROPPED, *DROPPED_STATE))

    def _stale(self, outcome: Outcome) -> bool:
        """Whether Terraform must have refused the plan because the state had moved since."""
        file, before = self.file, self.before
        if outcome == "succeeded" or file is None or file.serial is None or before is None:
            return False
        other = bool(file.lineage and before.lineage and file.lineage != before.lineage)
        return other or (before.serial or 0) != file.serial

    def secrets(self) -> frozenset[str]:
        """Every string that this run is known to hide."""
        read = [one for one in (self.plan, self.before, self.after, self._shown) if one is not None]
        given = given_values(self.line)
        if self.terraform is not None:
            known = self.plan.sensitive_variables if self.plan is not None else None
            given |= values_in_environment(self.terraform.environment, known)
        addresses = {address for state in (self.before, self.after) if state for address in state.instances}
        if self.plan is not None:
            addresses.update(fact.address for fact in self.plan.resources)
        return worth_hiding(given, names_in(addresses)).union(*(one.secrets for one in read))

    def _collected(
        self, predicate_type: str, result: dict[str, Any], outcome: Outcome | None, dropped: tuple[str, ...]
    ) -> Collected:
        read = [one for one in (self.plan, self.before, self.after, self._shown) if one is not None]
        subjects: tuple[Subject, ...] = ()
        if self.file is not None:
            subjects = (Subject("terraform-plan", {"sha256": self.file.digest.removeprefix("sha256:")}),)
        reasons = dict(self.missing)
        if self.facts != "full":
            skipped = ("state",) if self.facts == "plan" and predicate_type == APPLY else ()
            for fact in ("plan", "state") if self.facts == "none" else skipped:
                reasons[fact] = f"not read: --facts {self.facts}"
        return Collected(
            predicate_type=predicate_type,
            result=result,
            tool=self.tool,
            tool_version=next((one.terraform_version for one in read if one.terraform_version), None),
            subjects=subjects,
            secrets=self.secrets(),
            missing=unread(reasons),
            outcome=outcome,
            masked=sum(one.masked for one in read),
            dropped=dropped,
        )
