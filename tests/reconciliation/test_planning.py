"""Plans over a CMDB in memory: who wins, record by record and field by field."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import pytest
from msgspec import structs

from infratrack.errors import InputError
from infratrack.evidence.redaction import Scrubber
from infratrack.reconciliation.bases import SyncRun
from infratrack.reconciliation.interface import WriteContext
from infratrack.reconciliation.policy import MaxDeletes, Policy
from infratrack.reconciliation.records import DesiredRecord, Fields, Reading, RecordSet
from infratrack.reconciliation.writes import writes_of
from tests.reconciliation.model_cmdb import MARK
from tests.reconciliation.world import ANY_NUMBER, Wanted, World, actions, record, sets_of, verdicts

ONE: Wanted = {"device": {"a": {"status": "active", "serial": "1"}}}
PRUNE = Policy(prune=True, max_deletes=ANY_NUMBER)


def took(*fields: str) -> Policy:
    return Policy(take_ours=frozenset(fields), max_deletes=ANY_NUMBER)


@pytest.fixture
def world() -> World:
    return World()


def test_what_is_not_there_is_created_and_then_it_is_the_same(world: World) -> None:
    plan = world.sync(ONE)
    assert actions(plan) == {"a": "create"}
    again = world.plan(ONE)
    assert (again.records, again.summary.same, again.bindings) == ((), 1, ())


def test_a_changed_wish_is_a_change_and_keeps_its_id(world: World) -> None:
    world.sync(ONE)
    plan = world.sync({"device": {"a": {"status": "planned", "serial": "1"}}})
    assert verdicts(plan, "a") == {"status": "change"}
    assert record(plan, "a").fields[0].base == "active"
    assert len(world.cmdb.records["device"]) == 1


def test_what_somebody_else_changed_is_a_conflict_and_stays(world: World) -> None:
    world.sync(ONE)
    world.cmdb.edit("device", world.the("device", name="a"), status="offline")
    plan = world.sync({"device": {"a": {"status": "active", "serial": "2"}}})
    assert verdicts(plan, "a") == {"status": "conflict", "serial": "change"}
    assert "status" in record(plan, "a").reason
    assert world.cmdb.records["device"][world.the("device", name="a")]["status"] == "offline"
    assert world.cmdb.records["device"][world.the("device", name="a")]["serial"] == "2"
    assert verdicts(world.plan(ONE, took("status")), "a")["status"] == "change"


def test_what_somebody_else_changed_to_what_is_desired_is_agreed(world: World) -> None:
    world.sync(ONE)
    world.cmdb.edit("device", world.the("device", name="a"), status="planned")
    world.sync({"device": {"a": {"status": "planned", "serial": "1"}}})
    plan = world.plan({"device": {"a": {"status": "active", "serial": "1"}}})
    assert verdicts(plan, "a") == {"status": "change"}


def test_first_contact_is_decided_field_by_field_and_marks_the_record(world: World) -> None:
    found = world.cmdb.add("device", name="a", status="offline", serial="1", tags=["theirs"])
    plan = world.sync(ONE)
    assert (actions(plan), verdicts(plan, "a")) == ({"a": "adopt"}, {"status": "adopt", "tags": "change"})
    assert [(write.fields, write.add) for _, write in writes_of(plan)] == [({}, {"tags": [MARK]})]
    assert world.cmdb.records["device"][found]["tags"] == ["theirs", MARK]
    assert world.cmdb.records["device"][found]["status"] == "offline"
    assert (actions(world.plan(ONE)), verdicts(world.plan(ONE), "a")) == ({"a": "adopt"}, {"status": "adopt"})
    plan = world.sync(ONE, took("status"))
    assert (actions(plan), verdicts(plan, "a")) == ({"a": "change"}, {"status": "change"})
    assert world.plan(ONE).summary.same == 1


def test_an_agreeing_record_is_bound_without_a_write(world: World) -> None:
    found = world.cmdb.add("device", name="a", status="active", serial="1", tags=[MARK])
    plan = world.sync(ONE)
    assert (plan.summary.same, plan.records, writes_of(plan)) == (1, (), [])
    assert [one.id for one in plan.bindings] == [found]
    assert world.plan(ONE).bindings == ()


def test_a_field_that_joins_a_mapping_and_agrees_becomes_known(world: World) -> None:
    world.sync(ONE)
    world.cmdb.edit("device", world.the("device", name="a"), role="leaf")
    more = {"device": {"a": {**ONE["device"]["a"], "role": "leaf"}}}
    assert len(world.sync(more).bindings) == 1
    assert world.plan(more).bindings == ()
    changed = {"device": {"a": {**ONE["device"]["a"], "role": "spine"}}}
    assert verdicts(world.plan(changed), "a") == {"role": "change"}


def test_items_of_others_are_left_alone_and_ours_come_and_go(world: World) -> None:
    world.sync({"device": {"a": {"tags": ["x", "y"]}}})
    device = world.the("device", name="a")
    world.cmdb.edit("device", device, tags=[*world.cmdb.records["device"][device]["tags"], "theirs"])
    assert world.plan({"device": {"a": {"tags": ["x", "y"]}}}).records == ()
    world.sync({"device": {"a": {"tags": ["y", "z"]}}})
    assert sorted(world.cmdb.records["device"][device]["tags"]) == sorted([MARK, "y", "z", "theirs"])


def test_an_item_of_ours_that_somebody_took_out_is_a_conflict(world: World) -> None:
    world.sync({"device": {"a": {"tags": ["x"]}}})
    world.cmdb.edit("device", world.the("device", name="a"), tags=[MARK])
    assert verdicts(world.plan({"device": {"a": {"tags": ["x"]}}}), "a") == {"tags": "conflict"}
    world.sync({"device": {"a": {"tags": ["x"]}}}, took("tags"))
    assert world.plan({"device": {"a": {"tags": ["x"]}}}).records == ()


@pytest.mark.parametrize(("there", "wished"), [(1, True), (1, "1"), (0, False), (None, ""), ("", None), ([], "")])
def test_values_of_another_kind_differ(world: World, there: object, wished: object) -> None:
    world.cmdb.add("site", slug="s", x=there, tags=[MARK])
    assert verdicts(world.plan({"site": {"s": {"x": wished}}}), "s") == {"x": "adopt"}


@pytest.mark.parametrize(
    ("there", "wished"),
    [(1, 1.0), (None, []), ([], None), ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1}), ([{"a": 1}, 2], [2, {"a": 1}, 2])],
)
def test_values_that_are_spelled_differently_are_the_same(world: World, there: object, wished: object) -> None:
    world.cmdb.add("site", slug="s", x=there, tags=[MARK])
    assert world.plan({"site": {"s": {"x": wished}}}).summary.same == 1


def test_a_rename_on_their_side_is_a_conflict_of_the_key_and_no_second_record(world: World) -> None:
    wanted: Wanted = {"device": {"a": {}}, "port": {"a/1": {}}}
    world.sync(wanted)
    world.cmdb.edit("device", world.the("device", name="a"), name="theirs")
    plan = world.sync(wanted)
    assert [(one.type, one.action) for one in plan.records if one.action != "unmanaged"] == [("device", "conflict")]
    assert [one.name for one in plan.records[0].fields] == ["name"]
    assert len(world.cmdb.records["device"]) == 1
    world.sync(wanted, took("name"))
    assert world.plan(wanted).summary.same == 2


def test_a_rename_on_our_side_keeps_the_record_and_what_is_inside_it(world: World) -> None:
    def wanted(name: str) -> Wanted:
        ports: Mapping[str, Fields] = {f"{name}/{number}": {} for number in range(4)}
        return {"device": {name: {"serial": "s1"}, "other": {"serial": "s2"}}, "port": ports}

    world.sync(wanted("a"))
    device = world.the("device", name="a")
    plan = world.sync(wanted("b"))
    assert actions(plan) == {"b": "change", "mgmt": "unmanaged"}
    assert record(plan, "b").id == device
    assert "renamed" in record(plan, "b").reason
    assert world.cmdb.records["device"][device]["name"] == "b"
    world.sync(wanted("b"))
    again = world.plan(wanted("b"))
    assert ({one.action for one in again.records}, again.bindings) == ({"unmanaged"}, ())


def test_alike_records_are_not_guessed_to_be_renamed(world: World) -> None:
    world.sync({"device": {"a": {"status": "active"}, "b": {"status": "active"}}})
    plan = world.plan({"device": {"c": {"status": "active"}, "d": {"status": "active"}}})
    assert plan.summary.create == 2
    assert any("tells them apart" in note for note in plan.notes)


def test_a_rename_that_also_changes_a_field_is_told_by_a_value_of_its_own(world: World) -> None:
    def of(**devices: str) -> Wanted:
        fields = {
            name: {"serial": f"s-{text[0]}", "status": text[1:], "role": "leaf"} for name, text in devices.items()
        }
        return {"device": fields}

    world.sync(of(a="1active", b="2active", c="3active"))
    plan = world.plan(of(x="1planned", y="2planned", c="3active"))
    assert actions(plan) == {"x": "change", "y": "change"}
    assert record(plan, "x").id == world.the("device", name="a")


def test_two_wishes_for_one_record_are_a_conflict(world: World) -> None:
    again = DesiredRecord("device", {"name": "a"}, {}, "inventory.csv row 2")
    sets = [*sets_of(ONE), RecordSet("device", (again,))]
    plan = world.plan_sets(sets)
    assert [one.action for one in plan.records] == ["conflict", "conflict"]
    assert "device[a], inventory.csv row 2" in plan.records[0].reason
    assert writes_of(plan) == []


def test_two_records_with_the_key_are_a_conflict(world: World) -> None:
    ids = [world.cmdb.add("device", name="a"), world.cmdb.add("device", name="a")]
    plan = world.plan(ONE)
    assert record(plan, "a").action == "conflict"
    assert all(f"id {one}" in record(plan, "a").reason for one in ids)


def test_a_bound_record_stays_ours_when_somebody_makes_a_second_of_its_key(world: World) -> None:
    world.sync(ONE)
    world.cmdb.add("device", name="a", status="theirs")
    plan = world.plan(ONE)
    assert (plan.summary.same, actions(plan)) == (1, {"a": "unmanaged"})


def test_swapped_names_are_conflicts_and_not_two_adoptions(world: World) -> None:
    wanted = {"device": {"a": {"serial": "1"}, "b": {"serial": "2"}}}
    world.sync(wanted)
    first, second = world.the("device", name="a"), world.the("device", name="b")
    world.cmdb.edit("device", first, name="b")
    world.cmdb.edit("device", second, name="a")
    plan = world.plan(wanted)
    assert {one.id: verdicts(plan, name) for name, one in ((n, record(plan, n)) for n in "ab")} == {
        first: {"name": "conflict"},
        second: {"name": "conflict"},
    }


def test_a_new_wish_for_the_key_of_a_renamed_record_is_a_conflict(world: World) -> None:
    world.sync(ONE)
    world.cmdb.edit("device", world.the("device", name="a"), name="b")
    plan = world.plan({"device": {**ONE["device"], "b": {}}})
    assert actions(plan) == {"a": "conflict", "b": "conflict"}
    assert "belongs to another desired record" in record(plan, "b").reason


def test_a_record_of_ours_that_is_gone_is_created_again_and_says_so(world: World) -> None:
    world.sync(ONE)
    device = world.the("device", name="a")
    world.cmdb.remove("device", device)
    plan = world.plan(ONE)
    assert actions(plan) == {"a": "create"}
    assert record(plan, "a").reason == f"the record that was written before (id {device}) is gone"
    world.cmdb.hidden = frozenset({"device"})
    plan = world.plan(ONE)
    assert actions(plan) == {"a": "conflict"}
    reason = record(plan, "a").reason
    assert "hidden" in reason
    assert Scrubber().text(reason) == reason, "a word after `token:` would be taken for one, and masked"


def test_what_was_made_anew_by_others_is_first_contact(world: World) -> None:
    world.sync(ONE)
    world.cmdb.remove("device", world.the("device", name="a"))
    world.cmdb.add("device", name="a", status="offline")
    assert actions(world.plan(ONE)) == {"a": "adopt"}


def test_taking_a_field_that_no_mapping_names_is_an_input_error(world: World) -> None:
    with pytest.raises(InputError) as told:
        world.plan(ONE, took("statsu"))
    assert "'status'" in told.value.hint
    with pytest.raises(InputError, match="no record has such a field"):
        world.plan({"device": {}}, took("zzz"))
    with pytest.raises(InputError) as told:
        world.plan(ONE, took("zzzzzzzz"))
    assert "serial" in told.value.hint


def test_taking_a_field_takes_all_below_it(world: World) -> None:
    wanted = {"device": {"a": {"custom_fields.owner": "net", "custom_fields.tier": 1}}}
    world.cmdb.add("device", name="a", **{"custom_fields.owner": "dc", "custom_fields.tier": 2})
    fields = record(world.plan(wanted, took("custom_fields")), "a").fields
    assert {one.name: one.verdict for one in fields if one.name != "tags"} == {
        "custom_fields.owner": "change",
        "custom_fields.tier": "change",
    }


def test_others_are_only_counted(world: World) -> None:
    world.sync(ONE)
    world.cmdb.add("device", name="theirs")
    world.cmdb.add("device", name="marked", tags=[MARK])
    plan = world.plan(ONE, PRUNE)
    assert actions(plan) == {"theirs": "unmanaged", "marked": "unmanaged"}
    assert "no evidence" in record(plan, "marked").reason


def test_what_a_set_that_desires_nothing_shows_is_called_as_evidence_knows_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.sync(ONE)
    read = world.cmdb.read

    def keyless(sets: Sequence[RecordSet], bound: Mapping[str, Collection[str]]) -> list[Reading]:
        """As a server is read for a set whose key nobody knows."""
        return [
            structs.replace(one, live=[structs.replace(live, key={}) for live in one.live]) for one in read(sets, bound)
        ]

    monkeypatch.setattr(world.cmdb, "read", keyless)
    plan = world.plan_sets([RecordSet("device", (), source="more.csv")], PRUNE)
    assert [(one.key, one.action, one.carried_out) for one in plan.records] == [({"name": "a"}, "delete", False)]


def test_types_that_left_the_mappings_are_named(world: World) -> None:
    world.sync({"site": {"s": {}}, **ONE})
    assert world.plan(ONE).notes == (
        "1 of site that this project wrote are in no mapping any more, and are left alone",
    )


def test_sources_and_readings_that_are_not_whole_are_named(world: World) -> None:
    sets = [RecordSet("site", (), complete=False, reason="no state", source="terraform")]
    world.cmdb.hidden = frozenset({"site"})
    assert world.plan_sets(sets).notes == (
        "terraform is not known whole: no state",
        "not all records of site can be seen: the token sees only some",
    )
    more = [*sets, RecordSet("device", ()), RecordSet("site", ())]
    world.cmdb.hidden = frozenset({"site", "device"})
    assert world.plan_sets(more).notes[-1] == "not all records of site, device can be seen: the token sees only some"


def test_a_reference_that_somebody_else_changed_is_a_conflict(world: World) -> None:
    wanted: Wanted = {"site": {"s": {}, "t": {}}, "device": {"a": {"site": {"slug": "s"}}}}
    world.sync(wanted)
    world.cmdb.edit("device", world.the("device", name="a"), site={"slug": "t"})
    assert verdicts(world.plan(wanted), "a") == {"site": "conflict"}


def test_two_wishes_for_a_record_of_ours_are_a_conflict_of_both(world: World) -> None:
    wanted: Wanted = {"device": {**ONE["device"], "b": {}}}
    world.sync(wanted)
    again = DesiredRecord("device", {"name": "a"}, {})
    plan = world.plan_sets([*sets_of(wanted), RecordSet("device", (again,))])
    assert [(one.action, one.key) for one in plan.records] == [("conflict", {"name": "a"})] * 2
    assert (plan.summary.same, "a mapping" in plan.records[0].reason) == (1, True)


def test_two_records_of_ours_with_one_key_are_a_conflict(world: World) -> None:
    world.sync({"device": {"a": {}, "b": {}}})
    world.sync({"device": {"a": {}, "c": {}}})
    first, second = world.the("device", name="a"), world.the("device", name="c")
    entry = {"type": "device", "id": second, "key": {"name": "a"}, "action": "bind", "outcome": "written", "fields": []}
    fields = [{"name": "name", "after": "a"}]
    result = {"identity": world.cmdb.identity, "records": [{**entry, "fields": fields}]}
    world.evidence.append(SyncRun("strange", result))
    plan = world.plan({"device": {"a": {"role": "x"}}})
    assert actions(plan) == {"a": "conflict"}
    assert f"id {first}, id {second}" in record(plan, "a").reason


def test_what_a_lost_run_wrote_is_ours_when_something_else_is_desired(world: World) -> None:
    world.sync(ONE)
    lost: Wanted = {"device": {"a": {"status": "planned", "serial": "1", "tags": ["x"]}}}
    world.apply(world.plan(lost), stop_after=1)
    third: Wanted = {"device": {"a": {"status": "staged", "serial": "1", "tags": ["y"]}}}
    plan = world.sync(third)
    assert verdicts(plan, "a") == {"status": "change", "tags": "change"}
    assert world.cmdb.records["device"][world.the("device", name="a")]["tags"] == [MARK, "y"]
    assert world.plan(third).records == ()


def test_what_a_lost_run_may_have_taken_out_is_no_conflict(world: World) -> None:
    wanted: Wanted = {"device": {"a": {"tags": ["x"]}}}
    world.sync(wanted)
    world.apply(world.plan({"device": {"a": {}}}), stop_after=1)
    assert verdicts(world.plan(wanted), "a") == {"tags": "change"}


def test_a_child_that_came_along_in_a_lost_run_is_finished_and_not_first_contact(world: World) -> None:
    wanted: Wanted = {"device": {"a": {}}, "port": {"a/mgmt": {"speed": 10}}}
    world.apply(world.plan(wanted), stop_after=1)
    plan = world.sync(wanted)
    assert verdicts(plan, "mgmt") == {"speed": "change", "tags": "change"}
    assert world.plan(wanted).records == ()


def test_a_child_whose_write_failed_is_finished(world: World) -> None:
    wanted: Wanted = {"device": {"a": {}}, "port": {"a/mgmt": {"speed": 10}}}
    plan = world.plan(wanted)
    writes = [write for _, write in writes_of(plan)]
    done = list(world.cmdb.write(writes[:1], WriteContext("r", "")))
    world.record("r", plan, writes, {0: done[0]}, "not_reached")
    assert verdicts(world.plan(wanted), "mgmt") == {"speed": "change", "tags": "change"}


def test_a_child_that_somebody_else_made_in_time_is_first_contact(world: World) -> None:
    world.sync({"device": {"a": {}}})
    wanted: Wanted = {"device": {"a": {}}, "port": {"a/1": {"speed": 10}}}
    world.apply(world.plan(wanted), stop_after=0)
    world.cmdb.add("port", device={"name": "a"}, name="1", speed=5)
    assert verdicts(world.plan(wanted), "1") == {"speed": "adopt", "tags": "change"}


def test_what_is_inside_something_else_is_not_a_rename_of_what_was_elsewhere(world: World) -> None:
    wanted: Wanted = {"device": {"a": {"x": 1}, "b": {"x": 2}}, "port": {"a/1": {"speed": 1}, "a/2": {"speed": 2}}}
    world.sync(wanted)
    moved: Wanted = {**wanted, "port": {"b/1": {"speed": 1}, "a/2": {"speed": 2}}}
    assert sorted(one.action for one in world.plan(moved).records if one.action != "unmanaged") == ["create", "delete"]


def test_a_value_of_its_own_does_not_make_a_rename_of_an_otherwise_different_record(world: World) -> None:
    world.sync({"device": {"a": {"serial": "1", "x": 1, "y": 1, "z": 1}}})
    plan = world.plan({"device": {"b": {"serial": "1", "x": 2, "y": 2, "z": 2}}})
    assert plan.summary.create == 1


def test_a_key_of_other_fields_is_no_rename(world: World) -> None:
    world.sync({"device": {"a": {"serial": "1"}}})
    other = DesiredRecord("device", {"serial": "2"}, {"serial": "1"})
    assert world.plan_sets([RecordSet("device", (other,))]).summary.create == 1


def test_new_records_come_after_the_new_ones_of_their_type_that_they_refer_to(world: World) -> None:
    def ports(**peers: str) -> Wanted:
        port: Mapping[str, Fields] = {
            f"a/{name[1:]}": {"peer": {"device": {"name": "a"}, "name": peer[1:]}} if peer else {}
            for name, peer in peers.items()
        }
        return {"device": {"a": {}}, "port": port}

    def order(**peers: str) -> list[str]:
        return [write.key["name"] for _, write in writes_of(world.plan(ports(**peers)))]

    assert order(p1="p2", p2="p3", p3="") == ["a", "3", "2", "1"]
    assert sorted(order(p1="p2", p2="p1")) == ["1", "2", "a"], "in a circle there is no first"


@pytest.mark.parametrize(
    ("setting", "bound", "allowed"),
    [
        (None, 0, 10),
        (None, 1000, 50),
        (25, 10_000, 25),
        ("5%", 100, 5),
        ("0%", 9, 0),
        ({"records": 3, "percent": 10}, 100, 10),
        ({"records": 3, "percent": 10}, 10, 3),
        ({"records": 3}, 1000, 3),
        ({"percent": 1.5}, 1000, 15),
    ],
)
def test_max_deletes_is_the_larger_of_a_number_and_a_share(setting: Any, bound: int, allowed: int) -> None:
    assert MaxDeletes.of(setting).allowed(bound) == allowed


@pytest.mark.parametrize("setting", [-1, True, "5", "101%", "x%"])
def test_a_strange_max_deletes_is_an_input_error(setting: int | str) -> None:
    with pytest.raises(InputError, match="max_deletes"):
        MaxDeletes.of(setting)
