"""A real NetBox behind a network that spoils its answers: nothing is doubled, nothing is claimed that is not so."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from infratrack.api import DesiredRecord, ReconcileContext, RecordSet, Unreachable, Write, WriteContext, Written
from infratrack_netbox.inventory import NetBoxInventory
from infratrack_netbox.listing import Pages
from infratrack_netbox.reconciler import NetBoxReconciler
from tests.netbox_server.faults import (
    Fault,
    FaultProxy,
    Rule,
    answers,
    broken_off,
    busy,
    half_json,
    hang,
    html,
    meanwhile,
    overtaken,
    reset,
    slow,
)
from tests.netbox_server.server import NetBoxServer

pytestmark = pytest.mark.slow

TIMEOUT = 3
COUNT = 12
SITES = "/api/dcim/sites/"
READS = (
    answers(500),
    busy(1),
    reset(reached=False),
    hang(reached=False),
    broken_off(),
    half_json(),
    slow(TIMEOUT + 2.0),
    html(200),
    html(502),
)
"""Whatever may befall a request that reads."""
NOT_FOUND = html(404)
"""What a network for guests says too, but no client may take for a passing fault."""
WRITES = (
    *READS,
    answers(503),
    reset(reached=True),
    hang(reached=True),
    html(200, reached=True),
    html(502, reached=True),
    NOT_FOUND,
)
"""Whatever may befall a request that writes: carried out or not, and nobody knows."""
LASTING = (answers(500), busy(1), reset(reached=True), half_json(), html(200, reached=True), NOT_FOUND)
"""Those of them that a server or network may go on with for good."""
EVER = 10_000


@pytest.fixture(scope="module")
def proxy(netbox: NetBoxServer) -> Iterator[FaultProxy]:
    with FaultProxy(netbox.url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def inventory(
    empty_netbox: NetBoxServer, proxy: FaultProxy, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NetBoxInventory]:
    """The server through the proxy, in pages of five, by a client that does not wait long between tries."""
    really = time.sleep
    monkeypatch.setattr("time.sleep", lambda seconds: really(min(seconds, 0.05)))
    monkeypatch.setattr("infratrack_netbox.listing._FIRST_SIZE", 5)
    monkeypatch.setattr("infratrack_netbox.listing._LARGEST_SIZE", 5)
    proxy.spoil()
    empty_netbox.api.extras.tags.create(name="infratrack", slug="infratrack")
    settings = {"url": proxy.url, "timeout": TIMEOUT}
    environment = {"NETBOX_TOKEN": empty_netbox.token}
    opened = NetBoxReconciler().open(ReconcileContext(settings, cache, environment, lambda *_: None, cache))
    assert isinstance(opened, NetBoxInventory)
    opened._client._sleep = lambda seconds: really(min(seconds, 0.05))
    opened.prepare([wanted(0)])
    try:
        yield opened
    finally:
        opened.close()


def wanted(count: int, status: str = "active") -> RecordSet:
    """So many sites."""
    records = [
        DesiredRecord("dcim.site", {"slug": f"s{n}"}, {"name": f"Site {n}", "status": status}) for n in range(count)
    ]
    return RecordSet("dcim.site", tuple(records))


def arranged(server: NetBoxServer, count: int = COUNT) -> None:
    """So many sites that are there and ours."""
    tag = server.api.extras.tags.get(slug="infratrack").id
    server.api.dcim.sites.create([{"name": f"Site {n}", "slug": f"s{n}", "tags": [tag]} for n in range(count)])


def prepared(inventory: NetBoxInventory) -> list[RecordSet]:
    """The sites as they should be, without the own tag."""
    return [one for one in inventory.prepare([wanted(COUNT)]) if one.type == "dcim.site"]


def creates(inventory: NetBoxInventory) -> list[Write]:
    (one,) = prepared(inventory)
    return [Write("create", one.type, r.key, fields={**r.key, **r.fields}) for r in one.desired]


def changes(inventory: NetBoxInventory, action: Any = "update") -> list[Write]:
    """Every site that there is: its status set to `planned`, or itself deleted."""
    sets = prepared(inventory)
    (reading,) = inventory.read(sets, {})
    fields = {"status": "planned"} if action == "update" else {}
    return [
        Write(action, r.type, r.key, r.id, r.version, fields=fields, expected={"status": r.fields["status"]})
        for r in sorted(reading.live, key=lambda record: int(record.id))
    ]


def writes_by(inventory: NetBoxInventory, server: NetBoxServer, method: str) -> list[Write]:
    """Writes of every site that NetBox is asked for by this method."""
    if method == "POST":
        return creates(inventory)
    arranged(server)
    return changes(inventory, "update" if method == "PATCH" else "delete")


def carried(inventory: NetBoxInventory, writes: Sequence[Write]) -> tuple[dict[int, Written], str]:
    """What came of each write, and the sentence in which it ended, if it did not end well."""
    came: dict[int, Written] = {}
    try:
        for one in inventory.write(writes, WriteContext("run-1", "test")):
            came[one.number] = one
    except Unreachable as error:
        return came, f"{error.message} – {error.hint}"
    return came, ""


def states(server: NetBoxServer) -> dict[str, str]:
    """Slug → status of all sites; a site that is there twice would not be taken by the server's own rules."""
    return {site.slug: site.status.value for site in server.api.dcim.sites.all()}


def check_told(
    server: NetBoxServer, writes: Sequence[Write], came: dict[int, Written], done: Callable[[Write], bool]
) -> None:
    """Every outcome is true of what is there, has a sentence where it is not well, and names the request that wrote."""
    logged = {
        change.request_id for change in server.api.core.object_changes.all() if change.message.startswith("run-1")
    }
    told = {request for one in came.values() for request in one.requests}
    assert told <= logged
    for number, write in enumerate(writes):
        one = came.get(number)
        if one is None or one.outcome == "failed":
            assert not done(write), (number, one)
        elif one.outcome == "written":
            assert done(write), (number, one)
            assert one.requests, (number, one)
        if one is not None and one.outcome != "written":
            assert is_sentence(one.reason), one
            assert server.token not in one.reason


def is_done(server: NetBoxServer, method: str, write: Write) -> bool:
    """Whether the site is as a write by this method leaves it."""
    there = states(server).get(write.key["slug"])
    return {"POST": there is not None, "PATCH": there == "planned", "DELETE": there is None}[method]


def is_sentence(text: str) -> bool:
    return len(text.split()) >= 3 and "\n" not in text and "Traceback" not in text and "<" not in text


# Reading


@pytest.mark.parametrize("fault", READS, ids=str)
def test_a_list_is_read_whole_whatever_befalls_one_of_its_pages(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, fault: Fault
) -> None:
    arranged(netbox)
    sets = prepared(inventory)
    (whole,) = inventory.read(sets, {})
    proxy.spoil(Rule(fault, "GET", SITES, skip=1))
    (reading,) = inventory.read(sets, {})
    assert [one.fault for one in proxy.spoiled()] == [fault.name]
    assert list(reading.live) == list(whole.live)
    assert len(reading.live) == COUNT
    assert reading.complete


@pytest.mark.parametrize("fault", LASTING, ids=str)
def test_a_server_that_never_answers_well_is_unreachable_in_a_sentence_and_never_empty(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    arranged(netbox)
    monkeypatch.setattr(inventory._client._session.get_adapter(proxy.url), "_timeout", 1)  # enough of waiting
    sets = prepared(inventory)
    proxy.spoil(Rule(fault, "GET", SITES, times=EVER))
    with pytest.raises(Unreachable) as error:
        inventory.read(sets, {})
    assert is_sentence(error.value.message)
    assert error.value.hint
    assert netbox.token not in f"{error.value.message}{error.value.hint}"
    assert len(proxy.spoiled()) <= 6


@pytest.mark.parametrize("cursor", [True, False], ids=["by id", "by offset, as older servers"])
@pytest.mark.parametrize("moment", [0, 1])
def test_pages_that_shift_neither_hide_nor_double_a_record(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, moment: int, *, cursor: bool
) -> None:
    arranged(netbox)
    inventory._client._pages = Pages(cursor=cursor)
    sites = netbox.api.dcim.sites

    def shift() -> None:
        sites.get(slug="s0").delete()  # what was shown moves up
        sites.create(name="Late", slug="late")
        sites.get(slug="s3").update({"name": "A first"})  # by name it would come first now

    sets = prepared(inventory)
    proxy.spoil(Rule(meanwhile(shift), "GET", f"{SITES}.*(start|offset)", skip=moment))
    (reading,) = inventory.read(sets, {})
    assert proxy.spoiled()
    slugs = [record.key["slug"] for record in reading.live]
    assert len(slugs) == len(set(slugs))
    assert {f"s{number}" for number in range(1, COUNT)} <= set(slugs)


def test_a_schema_that_comes_broken_is_read_again(
    inventory: NetBoxInventory, proxy: FaultProxy, netbox: NetBoxServer, tmp_path: Path
) -> None:
    proxy.spoil(Rule(half_json(), "GET", "/api/schema/"))
    context = ReconcileContext({"url": proxy.url}, tmp_path, {"NETBOX_TOKEN": netbox.token}, lambda *_: None, tmp_path)
    opened = NetBoxReconciler().open(context)
    try:
        assert opened.prepare([wanted(1)])
    finally:
        opened.close()


# Writing


@pytest.mark.parametrize("fault", WRITES, ids=str)
def test_creates_happen_once_whatever_befalls_one_of_their_requests(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, fault: Fault
) -> None:
    writes = creates(inventory)
    proxy.spoil(Rule(fault, "POST", SITES))
    came, _ = carried(inventory, writes)
    assert proxy.spoiled()
    check_told(netbox, writes, came, lambda write: write.key["slug"] in states(netbox))
    finish(inventory, writes, came, fault)
    assert states(netbox) == {f"s{n}": "active" for n in range(COUNT)}
    assert netbox.api.core.object_changes.count(action="create", changed_object_type="dcim.site") == COUNT


@pytest.mark.parametrize("fault", [*LASTING, hang(reached=False), slow(TIMEOUT + 2.0)], ids=str)
def test_updates_happen_once_whatever_befalls_one_of_their_requests(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, fault: Fault
) -> None:
    arranged(netbox)
    writes = changes(inventory)
    proxy.spoil(Rule(fault, "PATCH", SITES))
    came, _ = carried(inventory, writes)
    assert proxy.spoiled()
    check_told(netbox, writes, came, lambda write: states(netbox)[write.key["slug"]] == "planned")
    finish(inventory, writes, came, fault)
    assert states(netbox) == {f"s{n}": "planned" for n in range(COUNT)}
    assert netbox.api.core.object_changes.count(action="update") == COUNT


@pytest.mark.parametrize("fault", [*LASTING, hang(reached=False), slow(TIMEOUT + 2.0)], ids=str)
def test_deletes_happen_once_whatever_befalls_one_of_their_requests(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, fault: Fault
) -> None:
    arranged(netbox)
    netbox.api.dcim.sites.create(name="Of others", slug="others")
    writes = changes(inventory, "delete")[:COUNT]
    proxy.spoil(Rule(fault, "DELETE", SITES))
    came, _ = carried(inventory, writes)
    assert proxy.spoiled()
    check_told(netbox, writes, came, lambda write: write.key["slug"] not in states(netbox))
    finish(inventory, writes, came, fault)
    assert states(netbox) == {"others": "active"}


def finish(inventory: NetBoxInventory, writes: Sequence[Write], came: dict[int, Written], fault: Fault) -> None:
    """After a fault that passes all is written; what says 404 is taken at its word, and a second run does the rest."""
    left = [write for number, write in enumerate(writes) if number not in came or came[number].outcome != "written"]
    assert not left or fault.name == NOT_FOUND.name, came
    if left:
        again, _ = carried(inventory, left)
        assert {one.outcome for one in again.values()} == {"written"}


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("fault", LASTING, ids=str)
def test_a_server_that_never_takes_a_write_well_leaves_nothing_unsaid_and_a_later_run_finishes(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, fault: Fault, method: str
) -> None:
    writes = writes_by(inventory, netbox, method)[:3]

    proxy.spoil(Rule(fault, method, SITES, times=EVER))
    came, end = carried(inventory, writes)
    check_told(netbox, writes, came, lambda write: is_done(netbox, method, write))
    assert not end or is_sentence(end)
    assert end or sorted(came) == [0, 1, 2]
    proxy.spoil()
    left = [write for number, write in enumerate(writes) if number not in came or came[number].outcome != "written"]
    again, _ = carried(inventory, left)
    assert {one.outcome for one in again.values()} <= {"written"}
    assert all(is_done(netbox, method, write) for write in writes)


@pytest.mark.parametrize("count", [1, COUNT])
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_request_that_is_overtaken_by_its_repetition_is_ours_all_the_same(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, method: str, count: int
) -> None:
    writes = writes_by(inventory, netbox, method)[:count]
    first, second = overtaken()
    proxy.spoil(Rule(first, method, SITES), Rule(second, method, SITES))
    came, _ = carried(inventory, writes)
    assert [one.fault for one in proxy.spoiled()] == ["late", "after the late one"]
    assert [came[number].outcome for number in range(count)] == ["written"] * count, came
    check_told(netbox, writes, came, lambda write: is_done(netbox, method, write))


@pytest.mark.parametrize("fault", [reset(reached=True), hang(reached=False), html(200, reached=True)], ids=str)
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_when_nothing_can_be_read_after_a_lost_answer_what_may_have_been_written_is_told_as_unknown(
    inventory: NetBoxInventory, netbox: NetBoxServer, proxy: FaultProxy, fault: Fault, method: str
) -> None:
    writes = writes_by(inventory, netbox, method)[:3]

    def cut_off() -> None:
        proxy.spoil(Rule(reset(reached=False), times=EVER))

    def spoil(exchange: Any, reply: Any) -> None:
        cut_off()
        fault.spoil(exchange, reply)

    proxy.spoil(Rule(Fault(fault.name, fault.reached, spoil), method, SITES))
    came, end = carried(inventory, writes)
    assert {one.outcome for one in came.values()} == {"unknown"}
    assert sorted(came) == [0, 1, 2]
    assert all(is_sentence(one.reason) for one in came.values())
    assert is_sentence(end)
    proxy.spoil()
    again, _ = carried(inventory, writes)
    # What was written is no longer as this plan has it; a new plan would find it as it should be.
    assert {one.outcome for one in again.values()} <= ({"moved", "written"} if fault.reached else {"written"})
    assert all(is_done(netbox, method, write) for write in writes)
