"""Whatever is desired, whoever else writes, wherever it is interrupted: syncs converge and spoil nothing of others'."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infratrack.reconciliation.canonical import items_of, same_value
from infratrack.reconciliation.policy import Policy
from infratrack.reconciliation.records import Fields, RecordPlan, SyncPlan
from infratrack.reconciliation.writes import writes_of
from tests.reconciliation.model_cmdb import ModelCmdb
from tests.reconciliation.world import ANY_NUMBER, Wanted, World

quickly = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
PRUNE = Policy(prune=True, max_deletes=ANY_NUMBER)
KEEP = Policy(max_deletes=ANY_NUMBER)

NAMES = "abc"
tags = st.lists(st.sampled_from("xyz"), unique=True, max_size=2).map(sorted)
statuses = st.sampled_from(["active", "planned", "offline", None, 1, True])
device_fields: st.SearchStrategy[Fields] = st.fixed_dictionaries(
    {"site": st.sampled_from(["s", "t"]).map(lambda slug: {"slug": slug})},
    optional={"status": statuses, "serial": st.sampled_from(["1", "2"]), "tags": tags},
)
port_fields: st.SearchStrategy[Fields] = st.fixed_dictionaries(
    {}, optional={"speed": st.sampled_from([1, 10]), "tags": tags}
)


@st.composite
def wishes(draw: st.DrawFn) -> Wanted:
    devices = draw(st.dictionaries(st.sampled_from(NAMES), device_fields, min_size=1, max_size=3))
    ports = {
        f"{name}/{port}": draw(port_fields)
        for name in devices
        for port in draw(st.lists(st.sampled_from(["mgmt", "1"]), unique=True, max_size=2))
    }
    # An anchor of each type, for nothing is deleted while a source is empty.
    anchors: Wanted = {"device": {"anchor": {"site": {"slug": "s"}}}, "port": {"anchor/1": {}}}
    return {
        "site": {"s": {}, "t": {}},
        "device": {**devices, **anchors["device"]},
        "port": {**ports, **anchors["port"]},
    }


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str, Mapping[str, Any]]:
    """Somebody else's change: which device or port, and to what."""
    kind = draw(st.sampled_from(["device", "port"]))
    fields: dict[str, dict[str, st.SearchStrategy[Any]]] = {
        "device": {"status": statuses, "serial": st.sampled_from(["1", "2", "9"])},
        "port": {"speed": st.just(7)},
    }
    values = draw(st.fixed_dictionaries({}, optional={**fields[kind], "tags": st.just(["theirs"])}))
    return kind, draw(st.sampled_from(NAMES)), values


def carry_out(world: World, edit: tuple[str, str, Mapping[str, Any]]) -> None:
    """Let somebody else write; items of ours in lists stay."""
    kind, name, values = edit
    for record_id, record in world.cmdb.records[kind].items():
        if record["name"] == name or (kind == "port" and record["name"] == "1"):
            tags = [*(record.get("tags") or []), *values.get("tags", [])]
            world.cmdb.edit(kind, record_id, **{**values, **({"tags": tags} if "tags" in values else {})})
            return


def settled(world: World, wanted: Wanted, policy: Policy = KEEP, runs: int = 4) -> SyncPlan:
    """Sync until nothing is written any more; that must be soon."""
    for _ in range(runs):
        plan = world.sync(wanted, policy)
        if not writes_of(plan):
            return plan
    raise AssertionError([(one.key, one.action, one.fields) for one in plan.records])


def left_of(plan: SyncPlan) -> list[RecordPlan]:
    """What is still to be done; first contact (a new field, a port that the server made) is for people to decide."""
    return [one for one in plan.records if one.action not in {"unmanaged", "adopt"} and not reaches_children(one)]


def reaches_children(one: RecordPlan) -> bool:
    """Whether a delete is a conflict for the ports that the server made in a run of which nobody saw the end."""
    return one.action == "conflict" and any(reached.type == "port" and not reached.owned for reached in one.cascade)


def assert_as_desired(world: World, wanted: Wanted) -> None:
    """Every desired record is there as desired, once."""
    plan = world.plan(wanted, PRUNE)
    undecided = sum(one.action == "adopt" for one in plan.records)
    assert plan.summary.same + undecided == sum(len(of_type) for of_type in wanted.values())


def names_of(cmdb: ModelCmdb, kind: str) -> list[Any]:
    return [(record["name"], record.get("device")) for record in cmdb.records[kind].values()]


@quickly
@given(wishes(), wishes())
def test_nobody_else_writes_and_one_sync_is_enough(first: Wanted, second: Wanted) -> None:
    world = World()
    for wanted in (first, second):
        world.sync(wanted, PRUNE)
        plan = world.plan(wanted, PRUNE)
        assert left_of(plan) == []
        world.apply(plan)  # what was renamed along with something else is only known now
        assert world.plan(wanted, PRUNE).bindings == ()
        for kind in ("device", "port"):
            assert len(set(names_of(world.cmdb, kind))) == len(names_of(world.cmdb, kind))


@quickly
@given(wishes(), wishes(), st.integers(1, 8), st.integers(1, 8))
def test_interrupted_anywhere_later_syncs_finish_and_make_nothing_twice(
    first: Wanted, second: Wanted, stop_first: int, stop_second: int
) -> None:
    world = World()
    for wanted, stop_after in ((first, stop_first), (second, stop_second)):
        world.apply(world.plan(wanted, PRUNE), stop_after=stop_after)
        settled(world, wanted, PRUNE)
        plan = world.plan(wanted, PRUNE)
        assert left_of(plan) == []
        for kind in ("site", "device", "port"):
            keys = [
                (record.get("slug"), record.get("name"), record.get("device"))
                for record in world.cmdb.records[kind].values()
            ]
            assert len(set(keys)) == len(keys)
        assert_as_desired(world, wanted)


@quickly
@given(wishes(), wishes(), wishes(), st.integers(1, 6))
def test_interrupted_and_then_something_else_is_desired(
    first: Wanted, second: Wanted, third: Wanted, stop_after: int
) -> None:
    world = World()
    settled(world, first, PRUNE)
    world.apply(world.plan(second, PRUNE), stop_after=stop_after)
    settled(world, third, PRUNE)
    left = left_of(world.plan(third, PRUNE))
    # A device that the lost run renamed, and that is to be called as before: whose its ports are is for people to say.
    assert all(one.action == "conflict" and {field.name for field in one.fields} == {"device"} for one in left)


@quickly
@given(wishes(), st.lists(edits(), min_size=1, max_size=3), wishes())
def test_what_others_wrote_is_never_overwritten(first: Wanted, others: list[Any], second: Wanted) -> None:
    world = World()
    settled(world, first, PRUNE)
    ours = {
        kind: {one: dict(record) for one, record in records.items()} for kind, records in world.cmdb.records.items()
    }
    for edit in others:
        carry_out(world, edit)
    theirs = {
        (kind, one, name): value
        for kind, records in world.cmdb.records.items()
        for one, record in records.items()
        for name, value in record.items()
        if not same_value_or_ref(value, ours[kind][one].get(name)) and is_known(world, kind, one, name)
    }
    world.sync(second, PRUNE)
    for (kind, one, name), value in theirs.items():
        assert one in world.cmdb.records[kind], "what somebody else changed was deleted"
        now = world.cmdb.records[kind][one].get(name)
        if name == "tags":
            added = items_of(value).keys() - items_of(ours[kind][one].get("tags")).keys()
            assert added <= items_of(now).keys()
        else:
            assert same_value(now, value)


def is_known(world: World, kind: str, one: str, name: str) -> bool:
    """Whether a field is ours to watch; what others wrote beside goes with a record that is deleted."""
    base = world.bases.records[kind].get(one)
    return base is None or name in base.fields


def same_value_or_ref(left: Any, right: Any) -> bool:
    return (
        left == right and type(left) is type(right)
        if not isinstance(left, (str, int, list))
        else same_value(left, right)
    )


@quickly
@given(wishes(), st.lists(st.sampled_from(NAMES), min_size=1, unique=True), wishes())
def test_a_delete_never_reaches_what_is_not_ours(first: Wanted, theirs: list[str], second: Wanted) -> None:
    world = World()
    world.sync({"site": first["site"]})
    foreign = [world.cmdb.add("device", name=f"their-{name}", site={"slug": "s"}) for name in theirs]
    settled(world, first, PRUNE)
    inside = [
        world.cmdb.add("port", device={"name": name}, name="theirs") for name in theirs if name in first["device"]
    ]
    world.sync(second, PRUNE)
    world.sync({"site": {"s": {}}, "device": second["device"]}, PRUNE)
    assert all(one in world.cmdb.records["device"] for one in foreign)
    assert all(one in world.cmdb.records["port"] for one in inside)


@quickly
@given(wishes(), wishes(), st.booleans())
def test_an_undo_restores_what_there_was(first: Wanted, second: Wanted, prune: bool) -> None:  # noqa: FBT001 -- drawn
    world = World()
    settled(world, first, PRUNE)
    before = world.cmdb.look()
    world.sync(second, PRUNE if prune else KEEP)
    plan = world.undo(world.evidence[-1].run)
    assert [one for one in plan.records if one.action == "conflict"] == []
    assert world.cmdb.look() == before
    again = world.undoing(world.evidence[-2].run)
    assert writes_of(again) == []


@quickly
@given(wishes(), wishes())
def test_after_an_undo_the_same_sync_does_the_same_again(first: Wanted, second: Wanted) -> None:
    world = World()
    settled(world, first, PRUNE)
    world.sync(second, PRUNE)
    after = world.cmdb.look()
    world.undo(world.evidence[-1].run)
    settled(world, second, PRUNE)
    assert world.cmdb.look() == after


@quickly
@given(wishes(), wishes(), edits())
def test_an_undo_leaves_alone_what_others_changed(first: Wanted, second: Wanted, edit: Any) -> None:
    world = World()
    settled(world, first, PRUNE)
    world.sync(second, PRUNE)
    run = world.evidence[-1].run
    after = {
        kind: {one: dict(record) for one, record in records.items()} for kind, records in world.cmdb.records.items()
    }
    carry_out(world, edit)
    edited = {
        kind: {one: dict(record) for one, record in records.items()} for kind, records in world.cmdb.records.items()
    }
    known = {one: base.fields for one, base in world.bases.records[edit[0]].items()}
    plan = world.undo(run)
    kind, _, values = edit
    for one, record in edited[kind].items():
        unlike = [
            name
            for name, value in values.items()
            if name != "tags"
            and name in known.get(one, ())
            and same_value(record.get(name), value)
            and not same_value(after[kind][one].get(name), value)
        ]
        for name in unlike:
            assert world.cmdb.records[kind][one][name] == values[name], plan
