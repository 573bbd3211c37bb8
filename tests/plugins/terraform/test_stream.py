"""Terraform's -json stream as progress: allow-listed members only, and nothing makes it raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack_terraform.stream import Progress, read_event

RESOURCE = {"addr": "aws_x.a"}


def hook(kind: str, action: str = "create", seconds: float = 2) -> str:
    inner = {
        "resource": RESOURCE, "action": action, "elapsed_seconds": seconds, "id_value": "secret", "output": "secret",
    }  # fmt: skip
    return json.dumps({"type": kind, "@message": "secret", "hook": inner})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (hook("apply_start"), "aws_x.a: creating"),
        (hook("apply_progress", "update", 10), "aws_x.a: still changing, 10 s"),
        (hook("apply_complete", "delete"), "aws_x.a: destroyed, 2 s"),
        (hook("apply_errored"), "aws_x.a: create failed after 2 s"),
        (hook("provision_start"), "aws_x.a: provisioning"),
        (hook("provision_progress"), ""),
        (hook("refresh_complete"), ""),
        (json.dumps({"type": "planned_change", "change": {"resource": RESOURCE, "action": "update"}}),
         "aws_x.a: to update"),
        (json.dumps({"type": "planned_change"}), ""),
        (json.dumps({"type": "change_summary", "changes": {"add": 1, "change": 2, "remove": 3, "operation": "plan"}}),
         "plan: 1 to add, 2 to change, 3 to destroy"),
        (json.dumps({"type": "change_summary", "changes": {"add": 1, "change": 2, "remove": 3, "operation": "apply"}}),
         "apply: 1 added, 2 changed, 3 destroyed"),
        (json.dumps({"type": "outputs", "outputs": {"pw": {"value": "secret"}}}), ""),
        ("no json", ""),
        ('{"hook": 7}', ""),
        ("[" * 100_000, ""),
    ],
)  # fmt: skip
def test_lines_for_people(text: str, line: str) -> None:
    progress = read_event(text)
    assert progress.line == line
    assert not progress.scrub
    assert "secret" not in repr(progress)


def test_results_name_the_half_of_a_replacement_that_they_are_of() -> None:
    done = read_event(hook("apply_complete", "delete"))
    assert (done.address, done.action, done.result) == ("aws_x.a", "delete", "applied")
    assert read_event(hook("apply_errored")).result == "failed"


def test_a_diagnostic_is_its_summary_and_is_to_be_scrubbed() -> None:
    inner: dict[str, Any] = {
        "severity": "error", "summary": "it\nbroke", "detail": "secret", "address": "aws_x.a",
        "range": {"filename": "main.tf", "start": {"line": 4}}, "snippet": {"code": "secret"},
    }  # fmt: skip
    progress = read_event(json.dumps({"type": "diagnostic", "diagnostic": inner}))
    assert progress == Progress("error: aws_x.a: it broke (main.tf line 4)", scrub=True, error=True)
    bare = read_event(json.dumps({"diagnostic": {"summary": "odd"}}))
    assert bare == Progress("note: odd", scrub=True)


@given(st.text())
def test_no_line_raises(text: str) -> None:
    assert isinstance(read_event(text), Progress)
