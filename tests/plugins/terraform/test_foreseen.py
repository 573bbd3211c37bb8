"""A plan read as if it had been applied: what evidence of exactly that apply would say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infratrack.api import Decision, PlannedChange
from infratrack.testing.builders import predicate, verdict
from infratrack_terraform.criteria import Applied, Converged
from infratrack_terraform.evidence import PlanEvidence
from infratrack_terraform.foreseen import foreseen_apply
from tests.plugins.terraform.plan_documents import change, plan
from tests.plugins.terraform.test_words import FULL, planned


def foreseen(document: Any = FULL, **more: Any) -> Any:
    return foreseen_apply(predicate(planned(document, **more)))


def value(found: Any, name: str, kind: str = "terraform.resource") -> dict[str, Any]:
    (word,) = (word for word in found.words if (word.kind, word.name) == (kind, name))
    return dict(word.value)


def test_each_action_leaves_what_such_an_apply_leaves() -> None:
    found = foreseen()
    assert found.scope == "infra"
    for name in ("aws_x.a", "aws_x.b", "aws_x.c", "aws_x.e", "aws_x.f", "aws_x.j"):
        assert value(found, name)["presence"] == "present", name
        assert value(found, name)["pending"] == "none", name
    assert value(found, "aws_x.d") == {"presence": "absent", "pending": "none", "drift": "none", "deleted": True}
    assert value(found, "aws_x.g")["presence"] == "unknown"
    assert value(found, "aws_x.n")["presence"] == "unknown"
    assert "data.http.k" not in {word.name for word in found.words}
    assert PlannedChange("delete", "aws_x.d") in found.changes
    assert "aws_x.a" not in {one.name for one in found.changes}


def test_outputs_and_attributes_are_as_planned_or_not_known_yet() -> None:
    found = foreseen()
    assert value(found, "size", "terraform.output") == {"present": True, "value": 1}
    assert value(found, "pw", "terraform.output") == {"present": True, "sensitive": True}
    assert "omitted" in value(found, "new", "terraform.output")
    assert value(found, "aws_x.a\x1fsize", "terraform.attribute")["present"] is True
    gone = plan(
        change("aws_x.a", "delete", before={"size": 1}, after=None, before_sensitive=False),
        output_changes={"old": {"actions": ["delete"]}},
    )
    assert value(foreseen(gone), "aws_x.a\x1fsize", "terraform.attribute") == {"present": False}
    assert value(foreseen(gone), "old", "terraform.output")["present"] is False
    updated = plan(change("aws_x.a", "update", before={"size": 1}, after={"size": 2}, before_sensitive=False))
    assert "omitted" in value(foreseen(updated), "aws_x.a\x1fsize", "terraform.attribute")


def test_a_move_leaves_nothing_at_the_old_address() -> None:
    moved = foreseen(plan(change("aws_x.new", "no-op", previous_address="aws_x.old")))
    assert value(moved, "aws_x.old")["presence"] == "absent"


def test_criteria_judge_it_as_they_judge_an_apply() -> None:
    words = foreseen(plan(change("aws_x.b", "create"))).words
    assert verdict(Applied(), {"resources": "aws_x.*"}, words) == Decision.SATISFIED
    assert verdict(Converged(), {}, words) == Decision.SATISFIED
    destroyed = foreseen(plan(change("aws_x.b", "delete"))).words
    assert verdict(Applied(), {"resources": "aws_x.*"}, destroyed) == Decision.UNSATISFIED


def test_a_plan_that_failed_or_only_refreshes_foresees_nothing() -> None:
    good = predicate(planned())
    assert foreseen_apply(predicate(planned(), outcome="failed")) is None
    assert foreseen_apply({**good, "result": {**good["result"], "errored": True}}) is None
    assert foreseen_apply({**good, "result": {**good["result"], "mode": "refresh-only"}}) is None


@pytest.mark.parametrize("odd", [None, 7, "x", [], [None, 3, {"address": 4}], {"a": 1}])
def test_nothing_in_a_predicate_makes_it_raise(odd: Any) -> None:
    good = predicate(planned())
    for member in good["result"]:
        hostile = json.loads(json.dumps({**good, "result": {**good["result"], member: odd}}))
        PlanEvidence().foreseen(hostile)
    for name in ("resources", "outputs", "attributes"):
        for number, one in enumerate(good["result"][name]):
            for key in one:
                hostile = json.loads(json.dumps(good))
                hostile["result"][name][number][key] = odd
                PlanEvidence().foreseen(hostile)
