"""What an apply did to each address, from the plan and the states around it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from infratrack_terraform.apply_facts import ApplyJoin, apply_facts
from infratrack_terraform.plan import PlanFacts, read_plan
from infratrack_terraform.state import NO_STATE, Instance, StateFacts
from infratrack_terraform.wanted import WantedValues
from tests.plugins.terraform.plan_documents import change, plan

HERE = Instance("aws_x", "aws", tainted=False, deposed=False, fingerprint=b"1")
MOVED = msgspec.structs.replace(HERE, fingerprint=b"2")
TAINTED = msgspec.structs.replace(HERE, tainted=True, fingerprint=b"3")
TAINTED_ANEW = msgspec.structs.replace(TAINTED, fingerprint=b"9")
DEPOSED = msgspec.structs.replace(HERE, deposed=True, fingerprint=b"4")


def planned(*actions: str, **more: Any) -> PlanFacts:
    document = plan(change("aws_x.a", *actions, **more), change("data.http.x", "read", mode="data"))
    return read_plan(json.dumps(document).encode(), "plan", WantedValues())


def state(instance: Instance | None, address: str = "aws_x.a") -> StateFacts:
    return msgspec.structs.replace(NO_STATE, instances={} if instance is None else {address: instance})


@pytest.mark.parametrize(
    ("actions", "before", "after", "outcome", "expected"),
    [
        (["create"], None, HERE, "succeeded", ("applied", "present")),
        (["create"], None, HERE, "failed", ("applied", "present")),
        (["create"], None, None, "failed", ("notReached", "absent")),
        (["create"], None, None, "indeterminate", ("unknown", "absent")),
        (["create"], None, None, "succeeded", ("unknown", "absent")),
        (["create"], None, TAINTED, "failed", ("failed", "tainted")),
        (["create"], TAINTED, TAINTED, "failed", ("notReached", "tainted")),
        (["update"], HERE, MOVED, "failed", ("applied", "present")),
        (["update"], HERE, HERE, "failed", ("notReached", "present")),
        (["update"], HERE, HERE, "canceled", ("notReached", "present")),
        (["update"], HERE, HERE, "indeterminate", ("unknown", "present")),
        (["update"], HERE, HERE, "succeeded", ("applied", "present")),
        (["update"], HERE, None, "failed", ("failed", "absent")),
        (["delete", "create"], HERE, MOVED, "succeeded", ("applied", "present")),
        (["delete", "create"], HERE, None, "failed", ("failed", "absent")),
        (["delete", "create"], TAINTED, TAINTED_ANEW, "failed", ("failed", "tainted")),
        (["delete", "create"], HERE, DEPOSED, "failed", ("failed", "tainted")),
        (["delete"], HERE, None, "succeeded", ("applied", "absent")),
        (["delete"], HERE, HERE, "failed", ("notReached", "present")),
        (["forget"], HERE, None, "succeeded", ("applied", "unknown")),
        (["no-op"], HERE, HERE, "succeeded", ("unchanged", "present")),
        (["no-op"], HERE, None, "succeeded", ("unknown", "absent")),
        (["open"], HERE, None, "succeeded", ("unknown", "unknown")),
    ],
)  # fmt: skip
def test_plan_and_states_are_joined(
    actions: list[str], before: Instance | None, after: Instance | None, outcome: Any, expected: tuple[str, str]
) -> None:
    (fact,) = apply_facts(ApplyJoin(outcome, planned(*actions), state(before), state(after)))
    assert (fact.result, fact.presence) == expected


@pytest.mark.parametrize(
    ("actions", "outcome", "expected"),
    [
        (["create"], "succeeded", ("applied", "present")),
        (["delete"], "succeeded", ("applied", "absent")),
        (["forget"], "succeeded", ("applied", "unknown")),
        (["no-op"], "succeeded", ("unchanged", "present")),
        (["open"], "succeeded", ("unknown", "unknown")),
        (["create"], "failed", ("unknown", "unknown")),
        (["no-op"], "failed", ("unchanged", "present")),
        (["no-op"], "indeterminate", ("unknown", "unknown")),
    ],
)
def test_without_the_state_only_success_says_something(
    actions: list[str], outcome: Any, expected: tuple[str, str]
) -> None:
    (fact,) = apply_facts(ApplyJoin(outcome, planned(*actions)))
    assert (fact.result, fact.presence) == expected


@pytest.mark.parametrize(
    ("actions", "after", "outcome", "expected"),
    [
        (["update"], HERE, "failed", "unknown"),
        (["update"], TAINTED, "failed", "failed"),
        (["update"], None, "failed", "unknown"),
        (["update"], HERE, "succeeded", "applied"),
        (["create"], HERE, "failed", "applied"),
        (["create"], None, "failed", "notReached"),
        (["create"], TAINTED, "failed", "failed"),
        (["delete"], None, "failed", "applied"),
    ],
)
def test_without_the_state_before_less_is_known(
    actions: list[str], after: Instance | None, outcome: Any, expected: str
) -> None:
    (fact,) = apply_facts(ApplyJoin(outcome, planned(*actions), None, state(after)))
    assert fact.result == expected


def test_a_stale_plan_did_nothing() -> None:
    for actions, expected in ((["create"], "notReached"), (["no-op"], "unchanged")):
        (fact,) = apply_facts(ApplyJoin("failed", planned(*actions), state(HERE), state(HERE), stale=True))
        assert fact.result == expected


def test_what_terraform_reported_counts_more_than_what_states_look_like() -> None:
    join = ApplyJoin("failed", planned("update"), state(HERE), state(MOVED), reported={"aws_x.a": "failed"})
    assert apply_facts(join)[0].result == "failed"


def test_a_move_is_compared_with_the_old_address() -> None:
    join = ApplyJoin("failed", planned("update", previous_address="aws_x.old"), state(HERE, "aws_x.old"), state(HERE))
    assert apply_facts(join)[0].result == "notReached"
    assert apply_facts(join)[0].previous_address == "aws_x.old"


def test_deferred_and_deposed_objects() -> None:
    document = plan(
        change("aws_x.a", "delete", deposed="1"), deferred_changes=[{"resource_change": change("aws_x.b", "create")}]
    )
    facts = read_plan(json.dumps(document).encode(), "plan", WantedValues())
    (fact,) = apply_facts(ApplyJoin("succeeded", facts, state(None), state(None)))
    assert (fact.address, fact.action, fact.result) == ("aws_x.b", "unknown", "unknown")


def test_without_a_plan_what_moved_was_touched() -> None:
    before = {"same": HERE, "gone": HERE, "moved": HERE, "broken": HERE}
    after = {"same": HERE, "moved": MOVED, "broken": TAINTED, "new": HERE, "odd": DEPOSED}
    join = ApplyJoin(
        "failed",
        before=msgspec.structs.replace(NO_STATE, instances=before),
        after=msgspec.structs.replace(NO_STATE, instances=after),
    )
    assert [(fact.address, fact.action, fact.result, fact.presence) for fact in apply_facts(join)] == [
        ("broken", "update", "failed", "tainted"),
        ("gone", "delete", "applied", "absent"),
        ("moved", "update", "applied", "present"),
        ("new", "create", "applied", "present"),
        ("odd", "create", "failed", "tainted"),
    ]


def test_with_nothing_read_nothing_is_said() -> None:
    assert apply_facts(ApplyJoin("succeeded")) == ()
    assert apply_facts(ApplyJoin("succeeded", before=NO_STATE)) == ()
