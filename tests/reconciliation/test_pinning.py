"""What is applied is what was shown."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.reconciliation.pinning import SavedPlan, moved_since, pinned, plan_digest, read_plan
from infratrack.reconciliation.policy import Policy
from infratrack.reconciliation.records import SyncPlan
from infratrack.reconciliation.writes import writes_of
from infratrack.report.sync_json import plan_document
from tests.reconciliation.world import ANY_NUMBER, Wanted, World

PRUNE = Policy(prune=True, max_deletes=ANY_NUMBER)
BEFORE: Wanted = {"device": {"a": {"status": "active"}, "b": {"status": "active"}, "gone": {"status": "offline"}}}
AFTER: Wanted = {"device": {"a": {"status": "planned"}, "new": {"status": "active", "x": 1}, "b": {"status": "active"}}}


@pytest.fixture
def world() -> World:
    found = World()
    found.sync(BEFORE)
    return found


def saved(plan: SyncPlan) -> SavedPlan:
    return read_plan(msgspec.json.encode(plan_document(plan, plan_digest(plan))))


def moved(world: World, before: SyncPlan, wanted: Wanted = AFTER) -> list[str]:
    now = world.plan(wanted, PRUNE)
    assert (plan_digest(now) == plan_digest(before)) == (not moved_since(saved(before), now))
    return moved_since(saved(before), now)


def test_nothing_moved_and_what_others_do_elsewhere_does_not_matter(world: World) -> None:
    plan = world.plan(AFTER, PRUNE)
    assert moved(world, plan) == []
    world.cmdb.add("device", name="theirs")
    world.cmdb.edit("device", world.the("device", name="b"), status="offline")
    assert moved(world, plan) == []


def test_each_thing_that_moved_is_told(world: World) -> None:
    plan = world.plan(AFTER, PRUNE)
    device, gone = world.the("device", name="a"), world.the("device", name="gone")
    world.cmdb.edit("device", device, status="planned")
    assert moved(world, plan) == [f"device a (id {device}): the plan was to change it, and now nothing is to be done"]
    world.cmdb.edit("device", device, status="offline")
    world.cmdb.edit("device", gone, status="active")
    world.cmdb.add("device", name="new", status="x")
    assert moved(world, plan) == [
        (
            f"device a (id {device}): the plan was to change it, and now it is a conflict"
            " (status: changed by somebody else since this project wrote it)"
        ),
        "device new: the plan was to create it, and now nothing is to be done",
        (
            f"device gone (id {gone}): the plan was to delete it, and now it is a conflict"
            " (not desired any more, but status: changed by somebody else since this project wrote it)"
        ),
    ]


def test_a_value_that_is_taken_and_moves_is_told(world: World) -> None:
    taken = Policy(take_ours=frozenset({"status"}), max_deletes=ANY_NUMBER)
    device = world.the("device", name="a")
    world.cmdb.edit("device", device, status="offline")
    plan = world.plan(BEFORE, taken)
    world.cmdb.edit("device", device, status="failed")
    assert moved_since(saved(plan), world.plan(BEFORE, taken)) == [
        f"device a (id {device}): status has another value now"
    ]


def test_a_wish_that_moves_is_told(world: World) -> None:
    plan = world.plan(AFTER, PRUNE)
    other: Wanted = {"device": {**AFTER["device"], "a": {"status": "staged"}, "new": {"status": "active", "y": 1}}}
    device = world.the("device", name="a")
    assert moved(world, plan, other) == [
        f"device a (id {device}): another value is desired of status now",
        "device new: x is not to be written any more",
        "device new: y differs now, too",
    ]


def test_another_decision_is_told(world: World) -> None:
    plan = world.plan(AFTER, PRUNE)
    kept = world.plan(AFTER, Policy(max_deletes=ANY_NUMBER))
    gone = world.the("device", name="gone")
    assert moved_since(saved(plan), kept) == [
        f"device gone (id {gone}): the plan was to delete it, and now it is to change"
    ]
    assert moved_since(saved(kept), plan) == [
        f"device gone (id {gone}): the plan was to change it, and now it is to delete"
    ]


def test_a_delete_that_would_reach_more_is_told(world: World) -> None:
    world.sync({**BEFORE, "port": {"a/1": {}}})
    plan = world.plan(AFTER, PRUNE)
    world.sync({**BEFORE, "port": {"a/1": {}, "gone/1": {}}})
    gone = world.the("device", name="gone")
    assert moved(world, plan) == [f"device gone (id {gone}): what its delete reaches is not the same any more"]


def test_a_key_that_moves_is_told(world: World) -> None:
    plan = world.plan(AFTER, PRUNE)
    document = saved(plan)
    records = tuple(
        msgspec.structs.replace(one, key={"name": "z"}) if one.action == "change" else one for one in document.records
    )
    (told,) = moved_since(msgspec.structs.replace(document, records=records), plan)
    assert told.endswith("its key is not the same any more")


def test_a_plan_for_another_cmdb_is_none_for_this(world: World) -> None:
    plan = world.plan(AFTER, PRUNE)
    other = msgspec.structs.replace(plan, identity="model http://elsewhere")
    assert moved_since(saved(other), plan) == [
        "the plan was made for model http://elsewhere, and this is model http://cmdb.example"
    ]


def test_only_what_was_shown_is_written(world: World) -> None:
    plan = world.plan(AFTER, PRUNE)
    more: Wanted = {"device": {**AFTER["device"], "more": {}}}
    fresh = world.plan(more, PRUNE)
    assert len(writes_of(fresh)) == 4
    assert [write.key for _, write in writes_of(pinned(saved(plan), fresh))] == [
        write.key for _, write in writes_of(plan)
    ]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"cmdb": 5}',
        b'{"cmdb":"a","identity":"b","planDigest":"c","records":[{}]}',
    ],
)
def test_what_is_no_plan_is_an_input_error(content: bytes) -> None:
    with pytest.raises(InputError) as told:
        read_plan(content)
    assert told.value.hint


def test_a_plan_that_is_too_large_is_an_input_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack.reconciliation.pinning.LARGEST", 10)
    with pytest.raises(InputError, match="too large"):
        read_plan(b" " * 11)


@given(st.binary(max_size=40), st.integers(0, 10_000))
def test_a_plan_that_was_tampered_with_is_refused_or_changes_nothing(noise: bytes, place: int) -> None:
    world = World()
    world.sync(BEFORE)
    fresh = world.plan(AFTER, PRUNE)
    content = msgspec.json.encode(plan_document(fresh, plan_digest(fresh)))
    place %= len(content)
    try:
        found: Any = read_plan(content[:place] + noise + content[place + len(noise) :])
    except InputError:
        return
    allowed = [write for _, write in writes_of(fresh)]
    assert all(write in allowed for _, write in writes_of(pinned(found, fresh)))
