"""Takes what other systems left: plan and state JSON of `terraform show -json`, and state files."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Raw, Struct

from infratrack.api import Collected, InputError, RecordSource
from infratrack_terraform.documents import decode, plain_utf8
from infratrack_terraform.evidence import PLAN, STATE
from infratrack_terraform.plan import DROPPED, read_plan
from infratrack_terraform.results import Setting, plan_result, state_result
from infratrack_terraform.state import read_raw_state, read_shown_state
from infratrack_terraform.wanted import wanted_values

_BEGINNING: Final = 4_096
_MARKS: Final = re.compile(rb'"(?:format_version|terraform_version)"\s*:')


class _Head(Struct):
    """Enough to tell the kinds apart; nothing else is decoded."""

    format_version: str | None = None
    terraform_version: str | None = None
    resource_changes: Raw = Raw(b"")
    planned_values: Raw = Raw(b"")
    configuration: Raw = Raw(b"")
    version: int | None = None
    lineage: str | None = None


class TerraformRecorder:
    """Plan or state, told apart by content."""

    name: Final = "Terraform plan or state JSON"

    def detect(self, source: RecordSource) -> bool:
        """Whether it looks like a document of Terraform's, whole or broken."""
        if source.content is None:
            return False
        try:
            content = plain_utf8(source.content)
        except UnicodeError:
            return False
        if not content.lstrip().startswith(b"{"):
            return False
        if _MARKS.search(content[:_BEGINNING]):
            return True
        try:
            head = msgspec.json.decode(content, type=_Head)
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            return False
        return head.format_version is not None and head.terraform_version is not None

    def read(self, source: RecordSource) -> Sequence[Collected]:
        """One piece of evidence: a plan's or a state's."""
        content, name = source.content or b"", str(source.path)
        head = decode(content, _Head, name)
        wanted = wanted_values(source.wanted)
        root, workspace = source.scope_folder, source.workspace
        if head.version is not None and head.lineage is not None:
            state = read_raw_state(content, name, wanted, secrets.token_bytes(32))
        elif head.format_version is None:
            raise InputError(f"{name}: it has no format_version", "expected the output of terraform show -json")
        elif not any(bytes(part) for part in (head.resource_changes, head.planned_values, head.configuration)):
            state = read_shown_state(content, name, wanted, secrets.token_bytes(32))
        else:
            plan = read_plan(content, name, wanted)
            setting = Setting(root, workspace, targeted=plan.complete is False)
            return [
                Collected(
                    predicate_type=PLAN,
                    result=plan_result(setting, plan, None),
                    tool="terraform",
                    tool_version=plan.terraform_version or None,
                    secrets=plan.secrets,
                    # Whoever recorded it read the plan; that it was planned is what counts.
                    outcome="failed" if plan.errored else "succeeded",
                    masked=plan.masked,
                    dropped=DROPPED,
                )
            ]
        return [
            Collected(
                predicate_type=STATE,
                result=state_result(root, workspace, state),
                tool="terraform",
                tool_version=state.terraform_version or None,
                secrets=state.secrets,
                outcome="succeeded",
                masked=state.masked,
                dropped=("attributes",),
            )
        ]
