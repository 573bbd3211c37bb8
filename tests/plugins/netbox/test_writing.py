"""Writing, with every answer lost in turn: nothing is doubled, nothing is claimed that is not so."""

from __future__ import annotations

import itertools
from collections.abc import Generator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infratrack.api import Unreachable, Write, WriteContext, Written
from infratrack_netbox.settings import Mark
from infratrack_netbox.writing import write
from tests.plugins.netbox.scripted_netbox import ADDRESSES, DEVICES, INTERFACES, SITES, Killed, ScriptedNetBox

CONTEXT = WriteContext("run-7", "leaves of ams1")


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that would have been waited."""
    slept: list[float] = []
    ticks = itertools.count()
    # Every request takes the same time, however busy this machine is: the size of batches depends on it.
    monkeypatch.setattr(
        "infratrack_netbox.delivery.time", SimpleNamespace(sleep=slept.append, monotonic=lambda: next(ticks) / 100)
    )
    return slept


def carried(server: ScriptedNetBox, writes: Sequence[Write]) -> dict[int, Written]:
    """What came of each write in the end."""
    return {one.number: one for one in stream(server, writes)}


def stream(
    server: Any, writes: Sequence[Write], context: WriteContext = CONTEXT, asked: Sequence[int] = ()
) -> Generator[Written]:
    running = write(server, writes, context, lambda: bool(asked), Mark("infratrack"))
    assert isinstance(running, Generator)
    return running


def with_site(faults: Sequence[str] = (), **more: Any) -> ScriptedNetBox:
    server = ScriptedNetBox(faults, **more)
    server.add(SITES, slug="ams1", name="AMS1")
    return server


def device(name: str, **fields: Any) -> Write:
    values = {"name": name, "site": {"slug": "ams1"}, "status": "active", "tags": ["infratrack"], **fields}
    return Write("create", "dcim.device", {"name": name}, fields=values)


def devices(count: int) -> list[Write]:
    return [device(f"leaf-{number}") for number in range(count)]


def names(server: ScriptedNetBox) -> list[str]:
    return sorted(row["name"] for row in server.rows[DEVICES].values())


def test_records_are_created_in_growing_batches_and_read_again() -> None:
    server = with_site()
    came = carried(server, devices(100))
    assert [one.outcome for one in came.values()] == ["written"] * 100
    assert [count for _, _, count in server.sent] == [8, 32, 60]
    assert came[0].after == {"name": "leaf-0", "site": {"slug": "ams1"}, "status": "active", "tags": ["infratrack"]}
    assert came[0].requests == ("request-1",)
    assert came[0].version == 'W/"2026-01-05T00:00:00.000002+00:00"'


def test_every_write_carries_the_run_in_the_change_log_cut_at_the_limit() -> None:
    server = with_site()
    context = WriteContext("run-7", "x" * 500)
    list(stream(server, devices(1), context))
    (change,) = server.changes
    assert change["message"].startswith("run-7 xxx")
    assert len(change["message"]) == 200


def test_a_server_that_cannot_carry_large_batches_gets_smaller_ones() -> None:
    server = with_site(most=3)
    came = carried(server, devices(20))
    assert {one.outcome for one in came.values()} == {"written"}
    assert len(names(server)) == len(set(names(server))) == 20
    assert max(count for _, _, count in server.sent[2:]) <= 4


def test_a_server_error_for_one_record_alone_is_that_records_error() -> None:
    came = carried(with_site(["500"]), devices(1))
    assert came[0].outcome == "failed"
    assert came[0].reason == "NetBox did not carry it out: it answered 500: no"


def test_one_bad_record_among_fifty_is_singled_out_and_the_others_are_written() -> None:
    server = with_site()
    writes = devices(50)
    writes[20] = device("bad")
    came = carried(server, writes)
    assert [number for number, one in came.items() if one.outcome != "written"] == [20]
    assert came[20].reason == "name: this name is bad"
    assert len(names(server)) == 49


def test_a_refusal_that_names_nobody_is_traced_by_halving() -> None:
    class Silent(ScriptedNetBox):
        def send(self, *args: Any, **more: Any) -> Any:
            answer = super().send(*args, **more)
            blaming = answer.status == 400 and "errors" in answer.body
            return type(answer)(400, {"detail": "something is wrong"}) if blaming else answer

    server = Silent()
    server.add(SITES, slug="ams1", name="AMS1")
    writes = devices(8)
    writes[5] = device("bad")
    came = carried(server, writes)
    assert [number for number, one in came.items() if one.outcome == "failed"] == [5]
    assert len(names(server)) == 7


@settings(max_examples=150, deadline=None)
@given(faults=st.lists(st.sampled_from(["lost before", "lost after", "500", "503", "429", "none"]), max_size=5))
def test_whatever_answers_get_lost_nothing_is_doubled_and_nothing_is_claimed_falsely(faults: list[str]) -> None:
    server = with_site(faults)
    came = carried(server, devices(12))
    there = names(server)
    assert len(there) == len(set(there))
    assert sorted(came) == list(range(12))
    for number, one in came.items():
        assert one.outcome == ("written" if f"leaf-{number}" in there else "failed")
    assert len(there) == 12 or "500" in faults


def test_the_request_that_wrote_is_found_in_the_change_log_when_its_answer_was_lost() -> None:
    came = carried(with_site(["lost after"]), devices(3))
    assert {one.requests for one in came.values()} == {("request-1",)}


def test_a_server_that_asks_to_wait_is_given_its_time(waits: list[float]) -> None:
    came = carried(with_site(["429"]), devices(3))
    assert {one.outcome for one in came.values()} == {"written"}
    assert waits == [1.0]


def test_a_server_that_never_has_time_is_out_of_reach_at_last(waits: list[float]) -> None:
    with pytest.raises(Unreachable, match="takes no more writes"):
        carried(with_site(["429"] * 50), devices(3))
    assert len(waits) == 6


def test_what_cannot_be_known_is_told_before_giving_up() -> None:
    class Gone(ScriptedNetBox):
        def list(self, *args: Any, **more: Any) -> Any:
            if self.sent:
                raise Unreachable("it is down", "try again")
            return super().list(*args, **more)

    server = Gone(["lost after"])
    server.add(SITES, slug="ams1", name="AMS1")
    came: list[Written] = []
    running = stream(server, devices(3))
    came += [next(running) for _ in range(3)]
    with pytest.raises(Unreachable):
        next(running)
    assert [one.outcome for one in came] == ["unknown"] * 3


def update(row: Mapping[str, Any], server: ScriptedNetBox, **more: Any) -> Write:
    parts = {"fields": {"status": "planned"}, "expected": {"status": "active"}, **more}
    return Write("update", "dcim.device", {"name": row["name"]}, str(row["id"]), server._etag(row), **parts)


def with_devices(count: int) -> tuple[ScriptedNetBox, list[dict[str, Any]]]:
    server = with_site()
    rows = [server.add(DEVICES, name=f"leaf-{one}", site=1, status="active", primary_ip4=None) for one in range(count)]
    return server, rows


def test_a_field_that_somebody_changed_meanwhile_is_not_overwritten() -> None:
    server, rows = with_devices(3)
    writes = [update(row, server) for row in rows]
    server.touch(DEVICES, rows[1]["id"], status="offline")
    first = next(stream(server, writes))
    assert (first.number, first.outcome) == (1, "moved")
    assert first.reason == "somebody changed it since the plan was made: status was active and is offline now"
    came = carried(server, writes)
    assert [one.outcome for _, one in sorted(came.items())] == ["written", "moved", "written"]


def test_another_field_that_somebody_changed_does_not_stand_in_the_way() -> None:
    server, rows = with_devices(3)
    writes = [update(row, server) for row in rows]
    server.touch(DEVICES, rows[1]["id"], comments="hello")
    came = carried(server, writes)
    assert {one.outcome for one in came.values()} == {"written"}
    assert came[1].before == {"status": "active"}
    assert came[1].after == {"status": "planned"}


def test_tags_of_others_stay() -> None:
    server, rows = with_devices(1)
    server.touch(DEVICES, rows[0]["id"], tags=[{"slug": "theirs"}, {"slug": "old"}])
    tags: dict[str, Any] = {"fields": {}, "add": {"tags": ["new"]}, "remove": {"tags": ["old"]}, "expected": {}}
    carried(server, [update(rows[0], server, **tags)])
    assert [one["slug"] for one in server.rows[DEVICES][rows[0]["id"]]["tags"]] == ["theirs", "new"]


@pytest.mark.parametrize("fault", ["lost before", "lost after", "503", "429"])
def test_an_update_and_a_delete_whose_answers_get_lost_are_carried_out_once(fault: str) -> None:
    server, rows = with_devices(4)
    server.faults = [fault]
    came = carried(server, [update(row, server) for row in rows])
    assert {one.outcome for one in came.values()} == {"written"}
    assert len(server.changes) == 4
    server.faults = [fault]
    came = carried(server, [Write("delete", "dcim.device", {"name": row["name"]}, str(row["id"])) for row in rows])
    assert {one.outcome for one in came.values()} == {"written"}
    assert not names(server)


def test_what_is_gone_already_counts_as_deleted_and_a_delete_keeps_what_was_there() -> None:
    server, rows = with_devices(2)
    ids = [str(row["id"]) for row in rows]
    del server.rows[DEVICES][rows[0]["id"]]
    came = carried(server, [Write("delete", "dcim.device", {"name": "x"}, one) for one in ids])
    assert came[0].outcome == "written"
    assert came[0].reason == "it was gone already"
    assert came[1].prior == {"name": "leaf-1", "status": "active", "site": {"slug": "ams1"}}


def test_a_record_to_delete_that_somebody_changed_stays() -> None:
    server, rows = with_devices(1)
    server.touch(DEVICES, rows[0]["id"], status="offline")
    delete = Write("delete", "dcim.device", {"name": "leaf-0"}, str(rows[0]["id"]), expected={"status": "active"})
    came = carried(server, [delete])
    assert came[0].outcome == "moved"
    assert names(server) == ["leaf-0"]


def whole() -> list[Write]:
    """A device, an interface that comes with it, its address, and that as the device's primary one: a circle."""
    interface = {"device": {"name": "leaf-0"}, "name": "eth0"}
    address = {"assigned_object": {"type": "dcim.interface", **interface}, "tags": ["infratrack"]}
    return [
        device("leaf-0", primary_ip4={"address": "10.0.0.1/24"}),
        Write("create", "dcim.interface", interface, fields={**interface, "type": "fibre", "tags": ["infratrack"]}),
        Write("create", "ipam.ipaddress", {"address": "10.0.0.1/24"}, fields={"address": "10.0.0.1/24", **address}),
    ]


def test_a_circle_of_new_records_closes_and_what_the_server_made_is_adopted() -> None:
    server = with_site(makes=("eth0", "eth1"))
    told = list(stream(server, whole()))
    assert [(one.number, one.outcome) for one in told] == [(number, "written") for number in (0, 1, 2, 0)]
    assert told[0].after["primary_ip4"] is None
    assert told[-1].after["primary_ip4"] == {"address": "10.0.0.1/24"}
    assert told[-1].requests == ("request-1", "request-4")
    assert [one.display for one in told[0].children] == ["eth0", "eth1"]
    assert len(server.rows[INTERFACES]) == 2
    assert told[1].id == told[0].children[0].id
    assert told[1].before == {"type": "copper", "tags": None}
    assert told[1].after["type"] == "fibre"


def test_a_record_that_somebody_made_under_the_key_meanwhile_is_not_made_twice() -> None:
    server = with_site()
    server.add(DEVICES, name="leaf-0", site=1, status="active", primary_ip4=None)
    came = carried(server, [device("leaf-0")])
    assert came[0].outcome == "moved"
    assert came[0].reason == "NetBox has one with this key since the plan was made: leaf-0 (id 2)"


def test_a_reference_to_nothing_is_that_records_failure() -> None:
    address = whole()[2]
    came = carried(with_site(), [address, *devices(1)])
    assert came[0].outcome == "failed"
    assert came[0].reason.startswith("assigned_object: there is no dcim.interface with")
    assert came[1].outcome == "written"


def desired_state(server: ScriptedNetBox) -> list[Write]:
    """What a plan would still ask for: it looks first what there is."""
    the_device, the_interface, the_address = whole()
    writes: list[Write] = []
    for row in server.rows[DEVICES].values():
        if row.get("primary_ip4") is None and server.rows[ADDRESSES]:
            fields: dict[str, Any] = {"primary_ip4": {"address": "10.0.0.1/24"}}
            writes.append(Write("update", "dcim.device", {"name": "leaf-0"}, str(row["id"]), "", fields))
    for row in server.rows[INTERFACES].values():
        if row["type"] != "fibre":
            fields = {"type": "fibre"}
            writes.append(Write("update", "dcim.interface", the_interface.key, str(row["id"]), "", fields))
    missing = ((DEVICES, the_device), (INTERFACES, the_interface), (ADDRESSES, the_address))
    return [*(one for path, one in missing if not server.rows[path]), *writes]


@pytest.mark.parametrize("when", ["killed before", "killed after"])
@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("makes", [(), ("eth0",)])
def test_killed_between_any_two_requests_a_second_run_finishes_the_rest(
    when: str, number: int, makes: tuple[str, ...]
) -> None:
    server = with_site(["none"] * number + [when], makes=makes)
    with pytest.raises(Killed):
        list(stream(server, whole()))
    list(stream(server, desired_state(server)))
    list(stream(server, desired_state(server)))  # the device's primary address, once there is one
    assert desired_state(server) == []
    assert [len(server.rows[path]) for path in (DEVICES, INTERFACES, ADDRESSES)] == [1, 1, 1]
    assert next(iter(server.rows[DEVICES].values()))["primary_ip4"] is not None


def test_nothing_is_sent_after_somebody_asked_to_stop() -> None:
    server = with_site()
    asked: list[int] = []
    for one in stream(server, devices(50), asked=asked):
        asked.append(one.number)  # noqa: PERF401 -- it is looked at meanwhile
    assert len(server.sent) == 1
    assert asked == list(range(8))


def test_a_generator_that_is_closed_sends_nothing_more() -> None:
    server = with_site()
    running = stream(server, devices(50))
    next(running)
    running.close()
    assert len(server.sent) == 1


def test_a_write_without_an_id_that_can_be_one_fails_alone() -> None:
    server, rows = with_devices(1)
    update_one = Write("update", "dcim.device", {"name": "leaf-0"}, "../sites/1", "", {"status": "planned"})
    deletes = [Write("delete", "dcim.device", {"name": "x"}, one) for one in (None, "1/..", str(rows[0]["id"]))]
    came = carried(server, [update_one, *deletes])
    assert [came[number].outcome for number in range(4)] == ["failed", "failed", "failed", "written"]
    assert came[0].reason == came[1].reason == "the write names no id that a record of NetBox can have"


def test_an_update_without_an_id_is_of_the_record_under_its_key() -> None:
    server = with_site()
    server.add(ADDRESSES, address="10.0.0.1/24")
    primary = {"primary_ip4": {"address": "10.0.0.1/24"}}
    later = Write("update", "dcim.device", {"name": "leaf-0"}, None, "", primary, expected={"primary_ip4": None})
    nobody = Write("update", "dcim.device", {"name": "leaf-9"}, None, "", primary)
    came = carried(server, [device("leaf-0"), later, nobody])
    assert [came[number].outcome for number in range(3)] == ["written", "written", "failed"]
    assert came[1].id == came[0].id
    assert came[2].reason.startswith("there is no dcim.device with")
