"""A sync taken back."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from infratrack.evidence.redaction.scrubber import MASK
from infratrack.reconciliation.bases import SyncRun
from infratrack.reconciliation.policy import Policy
from infratrack.reconciliation.undo import undo_sets
from infratrack.reconciliation.writes import writes_of
from tests.reconciliation.model_cmdb import MARK
from tests.reconciliation.world import ANY_NUMBER, Wanted, World, actions, record, verdicts

PRUNE = Policy(prune=True, max_deletes=ANY_NUMBER)
TAKE = Policy(take_ours=frozenset({"status", "tags"}), max_deletes=ANY_NUMBER)
ONE: Wanted = {"device": {"a": {"status": "active"}}}
TWO: Wanted = {"device": {"a": {"status": "planned", "tags": ["x"]}, "b": {"status": "active"}}}


@pytest.fixture
def world() -> World:
    found = World()
    found.sync(ONE)
    return found


def last(world: World) -> str:
    return world.evidence[-1].run


def altered(world: World, **members: Any) -> None:
    """Let the last run's evidence say something else of its records."""
    run = world.evidence[-1]
    records = [{**one, **members} for one in run.result["records"]]
    world.evidence[-1] = structs.replace(run, result={**run.result, "records": records})


def test_changes_go_back_and_what_was_created_goes(world: World) -> None:
    before = world.cmdb.look()
    world.sync(TWO)
    plan = world.undo(last(world))
    assert actions(plan) == {"a": "change", "b": "delete"}
    assert world.cmdb.look() == before
    again = world.undoing(world.evidence[-2].run)
    assert (again.summary.same, writes_of(again)) == (1, [])


def test_what_others_changed_since_is_a_conflict(world: World) -> None:
    world.sync(TWO)
    world.cmdb.edit("device", world.the("device", name="a"), status="offline")
    world.cmdb.edit("device", world.the("device", name="b"), status="offline")
    plan = world.undo(last(world))
    assert actions(plan) == {"a": "conflict", "b": "conflict"}
    assert verdicts(plan, "a") == {"status": "conflict", "tags": "change"}
    assert world.cmdb.records["device"][world.the("device", name="a")]["tags"] == [MARK]


def test_what_we_ourselves_changed_since_must_be_taken_back_first(world: World) -> None:
    world.sync(TWO)
    run = last(world)
    world.sync({"device": {"a": {"status": "staged", "tags": ["x"]}, "b": {"status": "staged"}}})
    plan = world.undoing(run)
    assert actions(plan) == {"a": "conflict", "b": "conflict"}


def test_items_of_others_stay_and_ours_go(world: World) -> None:
    world.sync(TWO)
    device = world.the("device", name="a")
    world.cmdb.edit("device", device, tags=["x", "theirs", MARK])
    world.undo(last(world))
    assert sorted(world.cmdb.records["device"][device]["tags"]) == [MARK, "theirs"]


def test_what_lost_the_mark_is_not_deleted(world: World) -> None:
    world.sync(TWO)
    world.cmdb.edit("device", world.the("device", name="b"), tags=[])
    assert "mark" in record(world.undoing(last(world)), "b").reason


def test_what_has_something_of_others_inside_is_not_deleted(world: World) -> None:
    world.sync(TWO)
    world.cmdb.add("port", device={"name": "b"}, name="theirs")
    assert actions(world.undoing(last(world)))["b"] == "conflict"


def test_what_is_gone_already_needs_no_undo_and_what_changed_and_is_gone_is_a_conflict(world: World) -> None:
    world.sync(TWO)
    world.cmdb.remove("device", world.the("device", name="a"))
    world.cmdb.remove("device", world.the("device", name="b"))
    plan = world.undoing(last(world))
    assert actions(plan) == {"a": "conflict"}
    altered(world, outcome="unknown")
    assert world.undoing(last(world)).records == ()


def test_what_was_deleted_comes_back_with_what_it_had_parents_first() -> None:
    world = World()
    wanted: Wanted = {
        "site": {"s": {}, "t": {}},
        "device": {"a": {"site": {"slug": "s"}, "x": 1}, "b": {"site": {"slug": "t"}, "x": 2}},
        "port": {"a/1": {}, "b/1": {"speed": 5}},
    }
    world.sync(wanted)
    before = world.cmdb.look()
    world.sync({"site": {"s": {}}, "device": {"a": wanted["device"]["a"]}, "port": {"a/1": {}}}, PRUNE)
    plan = world.undo(last(world))
    assert [one.type for one in plan.records] == ["site", "device", "port"]
    assert world.cmdb.look() == before


def test_what_has_the_key_of_a_deleted_record_now_is_a_conflict(world: World) -> None:
    world.sync({"device": {"b": {"status": "staged"}}}, PRUNE)
    world.cmdb.add("device", name="a")
    assert actions(world.undoing(last(world)))["a"] == "conflict"


def test_whether_it_was_deleted_is_not_known_and_nothing_is_created(world: World) -> None:
    world.sync({"device": {"b": {"status": "staged"}}}, PRUNE)
    altered(world, outcome="unknown")
    plan = world.undoing(last(world))
    assert "create" not in actions(plan).values()
    assert plan.notes


def test_a_delete_that_was_not_done_needs_no_undo(world: World) -> None:
    plan = world.plan({"device": {"b": {"status": "staged"}}}, PRUNE)
    world.record("lost", plan, [write for _, write in writes_of(plan)], {}, "intended")
    assert world.undoing("lost").records == ()
    altered(world, outcome="written")
    assert world.undoing("lost").summary.same == 1


def test_a_lost_run_is_taken_back_as_far_as_it_came() -> None:
    world = World()
    world.sync({"site": {"s": {"x": 1}}})
    before = world.cmdb.look()
    run = world.apply(world.plan({"site": {"s": {"x": 2}, "t": {}, "u": {}}}), stop_after=2)
    plan = world.undo(run)
    assert actions(plan) == {"s": "change", "t": "delete"}
    assert world.cmdb.look() == before


def test_what_the_server_made_along_in_a_lost_run_is_not_known_and_holds_the_undo(world: World) -> None:
    run = world.apply(world.plan(TWO), stop_after=2)
    assert actions(world.undoing(run)) == {"a": "change", "b": "conflict"}


def test_a_lost_create_that_carries_no_mark_is_left_alone(world: World) -> None:
    run = world.apply(world.plan(TWO), stop_after=2)
    world.cmdb.edit("device", world.the("device", name="b"), tags=[])
    assert actions(world.undoing(run)) == {"a": "change"}


def test_values_kept_out_of_the_evidence_are_not_brought_back(world: World) -> None:
    world.sync({"device": {"a": {"status": "planned"}}})
    altered(world, fields=[{"name": "status", "before": MASK, "after": "planned"}])
    assert verdicts(world.undoing(last(world)), "a") == {"status": "conflict"}
    world.sync({"device": {"b": {"status": "staged"}}}, PRUNE)
    altered(world, prior={"name": "a", "status": MASK, "x": 1})
    plan = world.undoing(last(world))
    assert [field.name for field in record(plan, "a").fields] == ["x"]
    assert "kept out of the evidence" in record(plan, "a").reason


def test_a_field_of_which_nothing_is_known_stays(world: World) -> None:
    world.sync({"device": {"a": {"status": "planned"}}})
    altered(world, fields=[{"name": "status", "after": "planned"}, {"name": "x"}])
    assert world.undoing(last(world)).records == ()


def test_a_record_that_was_only_bound_stays_as_it_is() -> None:
    world = World()
    world.cmdb.add("device", name="a", status="active", tags=[MARK])
    world.sync(ONE)
    assert world.undoing(last(world)).records == ()
    assert undo_sets(world.evidence[-1]) == ()


def test_fields_that_were_taken_are_given_back_and_not_taken_again() -> None:
    world = World()
    world.cmdb.add("device", name="a", status="offline")
    before = world.cmdb.look()
    world.sync(ONE, TAKE)
    world.undo(last(world))
    assert world.cmdb.look() == before
    assert verdicts(world.plan(ONE), "a") == {"status": "adopt", "tags": "change"}


def test_a_run_of_which_nothing_is_known_has_nothing_to_undo(world: World) -> None:
    world.evidence.append(SyncRun("strange", None))
    assert world.undoing("strange").records == ()
