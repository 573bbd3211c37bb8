from __future__ import annotations

from typing import Any

import pytest

from infratrack.reconciliation.bases import Bases
from infratrack.reconciliation.planning import make_plan
from infratrack.reconciliation.policy import Policy
from infratrack.reconciliation.records import DesiredRecord, LiveRecord, Reading, RecordPlan, RecordSet
from infratrack.reconciliation.writes import writes_of


def first_contact(live_mark: Any, mark: Any, **more: Any) -> tuple[RecordPlan, list[Any]]:
    """One record that was there before us, and what would be written to it."""
    desired = DesiredRecord("device", {"name": "a"}, {"mark": mark, "serial": "2"}, "list[0]")
    live = LiveRecord("device", "7", {"name": "a"}, {"mark": live_mark, "serial": "1"}, **more)
    plan = make_plan(
        "model",
        "model x",
        [RecordSet("device", (desired,), mark="mark")],
        [Reading([live])],
        Bases(),
        Policy(),
        lambda _type: None,
        lambda _records: {},
    )
    (record,) = plan.records
    return record, [(write.fields, write.add) for _, write in writes_of(plan)]


@pytest.mark.parametrize("empty", [None, ""])
def test_a_record_without_a_mark_is_marked_on_first_contact_and_nothing_else_is_written(empty: Any) -> None:
    record, written = first_contact(empty, "dc-west")
    assert record.action == "adopt"
    assert {field.name: field.verdict for field in record.fields} == {"mark": "change", "serial": "adopt"}
    assert written == [({"mark": "dc-west"}, {})]


def test_the_mark_is_added_to_the_items_of_others() -> None:
    record, written = first_contact(["theirs"], ["dc-west"])
    assert record.action == "adopt"
    assert written == [({}, {"mark": ["dc-west"]})]


def test_somebody_elses_mark_is_a_conflict() -> None:
    record, written = first_contact("dc-east", "dc-west")
    assert record.action == "conflict"
    assert record.reason == "mark: it is somebody else's"
    assert written == []
