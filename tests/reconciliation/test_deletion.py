"""What nothing desires any more: deleted, retired, refused, or not ours to touch."""

from __future__ import annotations

import pytest

from infratrack.reconciliation.deletion import rests_on
from infratrack.reconciliation.following import Following
from infratrack.reconciliation.policy import MaxDeletes, Policy
from infratrack.reconciliation.records import Base, Dependent, LiveRecord, RecordSet
from infratrack.reconciliation.writes import writes_of
from tests.reconciliation.model_cmdb import MARK
from tests.reconciliation.world import ANY_NUMBER, Wanted, World, actions, record, sets_of, verdicts

PRUNE = Policy(prune=True, max_deletes=ANY_NUMBER)
BOTH: Wanted = {"device": {"a": {"status": "active", "serial": "1"}, "b": {"status": "active", "serial": "2"}}}
ONE: Wanted = {"device": {"a": {"status": "active", "serial": "1"}}}


@pytest.fixture
def world() -> World:
    found = World()
    found.sync(BOTH)
    return found


def ports(*names: str) -> Wanted:
    return {**BOTH, "port": {f"b/{name}": {} for name in names} | {"a/1": {}}}


def test_without_prune_a_record_is_taken_out_of_service_and_then_left_alone(world: World) -> None:
    plan = world.sync(ONE)
    assert (actions(plan), verdicts(plan, "b")) == ({"b": "change"}, {"status": "change"})
    assert world.cmdb.records["device"][world.the("device", name="b")]["status"] == "decommissioning"
    again = world.plan(ONE)
    assert (again.records, again.summary.same) == ((), 2)


def test_a_record_that_is_desired_again_comes_back_into_service(world: World) -> None:
    world.sync(ONE)
    plan = world.sync(BOTH)
    assert verdicts(plan, "b") == {"status": "change"}
    assert world.plan(BOTH).summary.same == 2


def test_a_record_whose_status_no_mapping_decides_gets_back_the_one_it_had(world: World) -> None:
    one: Wanted = {"site": {"s": {}}, "device": {"x": {"role": "leaf"}, "y": {"role": "spine"}}}
    world = World()
    world.sync(one)
    world.cmdb.edit("device", world.the("device", name="y"), status="staged")
    world.sync({"device": {"x": {"role": "leaf"}}})
    assert world.cmdb.records["device"][world.the("device", name="y")]["status"] == "decommissioning"
    plan = world.sync(one)
    assert verdicts(plan, "y") == {"status": "change"}
    assert world.cmdb.records["device"][world.the("device", name="y")]["status"] == "staged"
    assert world.plan(one).records == ()


def test_who_brought_a_retired_record_back_keeps_it(world: World) -> None:
    wanted: Wanted = {"device": {"x": {"role": "leaf"}, "y": {"role": "spine"}}}
    world = World()
    world.sync(wanted)
    world.sync({"device": {"x": {"role": "leaf"}}})
    world.cmdb.edit("device", world.the("device", name="y"), status="active")
    assert world.plan(wanted).records == ()


def test_only_prune_deletes_what_has_no_such_field() -> None:
    world = World()
    world.sync({"site": {"s": {}, "t": {}}})
    plan = world.plan({"site": {"s": {}}})
    assert (actions(plan), record(plan, "t").carried_out) == ({"t": "delete"}, False)
    assert "--prune" in record(plan, "t").reason
    assert writes_of(plan) == []
    world.sync({"site": {"s": {}}}, PRUNE)
    assert len(world.cmdb.records["site"]) == 1
    assert world.plan({"site": {"s": {}}}).records == ()


def test_a_pruned_record_is_gone_and_forgotten(world: World) -> None:
    plan = world.sync(ONE, PRUNE)
    assert actions(plan) == {"b": "delete"}
    assert [write.expected["serial"] for _, write in writes_of(plan)] == ["2"]
    assert list(world.bases.records["device"]) == [world.the("device", name="a")]


def test_what_somebody_else_changed_is_not_deleted(world: World) -> None:
    world.cmdb.edit("device", world.the("device", name="b"), serial="changed")
    plan = world.plan(ONE, PRUNE)
    assert (actions(plan), verdicts(plan, "b")["serial"]) == ({"b": "conflict"}, "conflict")
    taken = Policy(prune=True, take_ours=frozenset({"serial"}), max_deletes=ANY_NUMBER)
    assert actions(world.plan(ONE, taken)) == {"b": "delete"}


def test_an_item_of_others_keeps_a_record(world: World) -> None:
    world.cmdb.edit("device", world.the("device", name="b"), tags=[MARK, "keep"])
    assert actions(world.plan(ONE, PRUNE)) == {"b": "conflict"}


def test_what_somebody_else_changed_is_not_retired_over_their_value(world: World) -> None:
    world.cmdb.edit("device", world.the("device", name="b"), status="offline")
    plan = world.plan(ONE)
    assert (actions(plan), verdicts(plan, "b")) == ({"b": "conflict"}, {"status": "conflict"})
    taken = Policy(take_ours=frozenset({"status"}), max_deletes=ANY_NUMBER)
    assert actions(world.plan(ONE, taken)) == {"b": "change"}


def test_who_takes_the_mark_away_takes_the_record(world: World) -> None:
    world.cmdb.edit("device", world.the("device", name="b"), tags=[])
    plan = world.plan(ONE, PRUNE)
    assert actions(plan) == {"b": "conflict"}
    assert "mark" in record(plan, "b").reason


def test_a_record_that_only_ever_agreed_is_let_go() -> None:
    world = World()
    world.cmdb.add("device", name="a", status="active")
    first = world.plan({"device": {"a": {"status": "active"}, "b": {"status": "active"}}})
    world.record("nothing-reached", first, [], {})
    plan = world.plan({"device": {"b": {"status": "active"}}}, PRUNE)
    assert actions(plan) == {"a": "unmanaged", "b": "create"}
    assert "never carried" in record(plan, "a").reason


@pytest.mark.parametrize(
    ("sets", "sentence"),
    [
        (sets_of({"device": {}}), "list of device is empty"),
        ([RecordSet("device", (), complete=False, reason="no state")], "a source is not known whole (no state)"),
        ([RecordSet("device", (), complete=False, source="x")], "x is not known whole"),
        ([*sets_of(ONE), RecordSet("device", (), source="more.csv")], "more.csv is empty"),
    ],
)
@pytest.mark.parametrize("policy", [PRUNE, Policy(max_deletes=ANY_NUMBER)])
def test_an_empty_or_partial_source_deletes_and_retires_nothing(
    world: World, sets: list[RecordSet], sentence: str, policy: Policy
) -> None:
    plan = world.plan_sets(sets, policy)
    assert [refusal for refusal in plan.refused if sentence in refusal] == list(plan.refused)
    assert len(plan.refused) == 1
    assert sentence in record(plan, "b").reason
    assert writes_of(plan) == []


def test_what_cannot_be_seen_whole_deletes_nothing(world: World) -> None:
    world.cmdb.hidden = frozenset({"device"})
    plan = world.plan(ONE, PRUNE)
    assert plan.refused == (
        "nothing of device is deleted or taken out of service: not all records can be seen (the token sees only some)",
    )


@pytest.mark.parametrize("prune", [True, False])
def test_too_many_deletes_are_refused_all_together(prune: bool) -> None:  # noqa: FBT001 -- a parameter
    world = World()
    world.sync({"device": {f"d{number}": {"serial": str(number)} for number in range(4)}})
    keep: Wanted = {"device": {"d0": {"serial": "0"}}}
    plan = world.plan(keep, Policy(prune=prune, max_deletes=MaxDeletes(2, 0)))
    assert plan.refused == (
        "3 records would be deleted or taken out of service, and max_deletes allows 2 of the 4 that this project wrote",
    )
    assert writes_of(plan) == []
    assert {one.carried_out for one in plan.records if one.action in {"delete", "change"}} == {False}
    assert len(writes_of(world.plan(keep, Policy(prune=prune, max_deletes=MaxDeletes(3, 0))))) == 3


def test_a_conflict_does_not_count_as_a_delete(world: World) -> None:
    world.cmdb.edit("device", world.the("device", name="b"), serial="changed")
    assert world.plan(ONE, Policy(prune=True, max_deletes=MaxDeletes(0, 0))).refused == ()


def test_children_go_first_and_what_the_server_made_goes_along() -> None:
    world = World()
    world.sync(ports("1", "2"))
    plan = world.plan({**ONE, "port": {"a/1": {}}}, PRUNE)
    assert [write.type for _, write in writes_of(plan)] == ["port", "port", "device"]
    assert len(record(plan, "b").cascade) == 3
    world.apply(plan)
    assert len(world.cmdb.records["port"]) == 2


def test_a_cascade_that_reaches_what_is_not_ours_is_a_conflict(world: World) -> None:
    world.cmdb.add("port", device={"name": "b"}, name="theirs")
    plan = world.plan(ONE, PRUNE)
    assert actions(plan) == {"b": "conflict"}
    assert "to delete it would delete what is not ours to lose: port" in record(plan, "b").reason


def test_what_the_server_made_and_somebody_wrote_since_is_not_ours_to_lose(world: World) -> None:
    below = [
        one
        for one, values in world.cmdb.records["port"].items()
        if values["device"].id == world.the("device", name="b")
    ]
    world.cmdb.edit("port", below[0], description="uplink to the carrier")
    plan = world.plan(ONE, PRUNE)
    assert actions(plan) == {"b": "conflict"}
    assert f"port {below[0]} (id {below[0]}, written since it was made)" in record(plan, "b").reason


def test_a_cascade_that_cuts_loose_what_is_not_ours_is_a_conflict() -> None:
    world = World()
    world.sync(ports("1"))
    world.cmdb.add("port", device={"name": "a"}, name="theirs", peer={"device": {"name": "b"}, "name": "1"})
    plan = world.plan({**BOTH, "port": {"a/1": {}}}, PRUNE)
    assert actions(plan)["1"] == "conflict"
    assert "cut loose" in record(plan, "1").reason


def test_a_conflict_below_holds_what_is_above(world: World) -> None:
    world.sync(ports("1"))
    found = [one for one, values in world.cmdb.records["port"].items() if values["name"] == "1"]
    world.cmdb.add("port", device={"name": "a"}, name="theirs", peer={"device": {"name": "b"}, "name": "1"})
    plan = world.plan({**ONE, "port": {"a/1": {}}}, PRUNE)
    assert {(one.type, one.action) for one in plan.records if one.action != "unmanaged"} == {
        ("port", "conflict"),
        ("device", "conflict"),
    }
    assert len(found) == 2


def test_what_was_changed_below_holds_what_is_above() -> None:
    world = World()
    world.sync({**BOTH, "port": {"b/1": {"speed": 1}, "a/1": {"speed": 1}}})
    (port,) = [
        one
        for one, values in world.cmdb.records["port"].items()
        if values["name"] == "1" and values["device"].id == world.the("device", name="b")
    ]
    world.cmdb.edit("port", port, speed=7)
    plan = world.plan({**ONE, "port": {"a/1": {"speed": 1}}}, PRUNE)
    assert [(one.type, one.action) for one in plan.records if one.action != "unmanaged"] == [
        ("port", "conflict"),
        ("device", "conflict"),
    ]


def test_what_is_still_desired_holds_what_is_above_unless_it_moves_away() -> None:
    world = World()
    world.sync(ports("1"))
    plan = world.plan({**ONE, "port": {"b/1": {}, "a/1": {}}}, PRUNE)
    assert [(one.type, one.action) for one in plan.records if one.action != "unmanaged"] == [("device", "conflict")]


def test_a_reference_that_the_plan_takes_away_holds_nothing() -> None:
    world = World()

    def wanted(site: str, *sites: str) -> Wanted:
        return {"site": {name: {} for name in sites}, "device": {"a": {"site": {"slug": site}, "role": "x"}}}

    world.sync(wanted("s", "s", "t"))
    assert actions(world.plan(wanted("s", "t"), PRUNE)) == {"s": "conflict"}
    plan = world.sync(wanted("t", "t"), PRUNE)
    assert actions(plan) == {"a": "change", "s": "delete"}
    assert [write.action for _, write in writes_of(plan)] == ["update", "delete"]
    assert len(world.cmdb.records["site"]) == 1


def test_a_change_that_keeps_the_reference_does_not_free_what_is_above() -> None:
    world = World()
    world.sync({"site": {"s": {}, "t": {}}, "device": {"a": {"site": {"slug": "s"}, "role": "x"}}})
    plan = world.plan({"site": {"t": {}}, "device": {"a": {"site": {"slug": "s"}, "role": "y"}}}, PRUNE)
    assert actions(plan) == {"a": "change", "s": "conflict"}


def test_what_another_mapping_wrote_and_none_reads_any_more_is_ours_to_lose() -> None:
    world = World()
    world.sync(ports("1"))
    plan = world.plan(ONE, PRUNE)
    assert actions(plan) == {"b": "delete"}
    reached = record(plan, "b").cascade
    assert [type(one) for one in reached] == [Dependent, Dependent]


def test_what_a_lost_run_created_and_nobody_desires_any_more_is_ours_to_delete() -> None:
    world = World()
    world.sync({"site": {"s": {}}})
    world.apply(world.plan({"site": {"s": {}, "t": {"x": 1}, "u": {"x": 2}}}), stop_after=2)
    world.cmdb.edit("site", world.the("site", slug="u"), x=3)
    plan = world.sync({"site": {"s": {"x": 0}}}, PRUNE)
    assert {name: action for name, action in actions(plan).items() if name != "s"} == {"t": "delete", "u": "unmanaged"}


def test_a_child_of_the_servers_making_that_got_our_mark_is_ours_to_delete() -> None:
    world = World()
    world.sync({**ONE, "port": {"a/1": {}}})
    (mgmt,) = [one for one, values in world.cmdb.records["port"].items() if values["name"] == "mgmt"]
    assert actions(world.plan({**ONE, "port": {"a/1": {}}}, PRUNE)) == {"mgmt": "unmanaged"}
    world.cmdb.edit("port", mgmt, tags=[MARK])
    assert actions(world.plan({**ONE, "port": {"a/1": {}}}, PRUNE)) == {"mgmt": "delete"}


def test_a_field_that_no_mapping_names_any_more_still_guards_a_delete() -> None:
    world = World()
    world.sync({"site": {"s": {"x": 1}, "t": {"x": 1}}})
    world.cmdb.edit("site", world.the("site", slug="t"), x=2)
    plan = world.sync({"site": {"s": {}}}, PRUNE)
    assert actions(plan) == {"t": "delete"}
    assert len(world.cmdb.records["site"]) == 2


def test_a_value_that_a_lost_run_may_have_changed_and_nobody_reads_guards_nothing() -> None:
    base = Base("site", "1", {"slug": "s"}, {"x": 1, "y": 1}, intended={"x": (2,)})
    live = LiveRecord("site", "1", {"slug": "s"}, {})
    assert [one.name for one in rests_on(live, base, Following())] == ["y", "slug"]


def test_what_two_mappings_read_of_a_record_that_is_given_up_is_one_record() -> None:
    world = World()
    both = [*sets_of({"device": {"a": {"role": "x"}, "b": {"role": "y"}}}), *sets_of({"device": {"c": {"role": "z"}}})]
    world.apply(world.plan_sets(both))
    left = [*sets_of({"device": {"a": {"role": "x"}}}), *sets_of({"device": {"c": {"role": "z"}}})]
    assert actions(world.plan_sets(left, PRUNE)) == {"b": "delete"}
