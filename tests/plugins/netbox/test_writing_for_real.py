"""Writing to a real NetBox: what it makes of our requests, and what it does by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infratrack.api import LiveRecord, Write, WriteContext, Written
from infratrack_netbox.changes_of import last_changes, retirement
from infratrack_netbox.client import NetBoxClient
from infratrack_netbox.dependents import dependents
from infratrack_netbox.exchange import Answer, Disturbed
from infratrack_netbox.settings import Mark
from infratrack_netbox.writing import write
from tests.netbox_server.server import NetBoxServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("netbox-writing")]
MARK = Mark("infratrack")
CONTEXT = WriteContext("run-7", "what the test wants")


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def client(empty_netbox: NetBoxServer, cache: Path) -> Iterator[NetBoxClient]:
    """A client of a NetBox that holds what devices need; a device of the type `sw2` gets two interfaces by itself."""
    api = empty_netbox.api
    api.dcim.sites.create(name="AMS1", slug="ams1")
    api.dcim.manufacturers.create(name="Maker", slug="maker")
    plain = {"manufacturer": {"slug": "maker"}}
    api.dcim.device_types.create([{"model": "SW0", "slug": "sw0", **plain}, {"model": "SW2", "slug": "sw2", **plain}])
    templates = [{"device_type": {"slug": "sw2"}, "name": f"eth{number}", "type": "1000base-t"} for number in (0, 1)]
    api.dcim.interface_templates.create(templates)
    api.dcim.device_roles.create(name="Leaf", slug="leaf", color="00ff00")
    api.extras.tags.create([{"name": name, "slug": name} for name in ("infratrack", "theirs", "old")])
    opened = NetBoxClient.open(empty_netbox.url, empty_netbox.token, cache=cache)
    yield opened
    opened.close()


def carried(
    client: NetBoxClient, writes: Sequence[Write], canceled: Callable[[], bool] = lambda: False
) -> list[Written]:
    """What came of each write in the end, in their order."""
    came = {one.number: one for one in write(client, writes, CONTEXT, canceled, MARK)}
    return [came[number] for number in sorted(came)]


def create(type_name: str, key: dict[str, Any], **fields: Any) -> Write:
    return Write("create", type_name, key, fields={**key, **fields})


def device(name: str, kind: str = "sw0", **more: Any) -> Write:
    parents = {"site": {"slug": "ams1"}, "role": {"slug": "leaf"}, "device_type": {"slug": kind}}
    return create("dcim.device", {"name": name}, **{"status": "active", "tags": ["infratrack"], **parents, **more})


def interface(of: str, name: str) -> dict[str, Any]:
    return {"device": {"name": of}, "name": name}


def outcomes(came: Sequence[Written]) -> set[str]:
    return {one.outcome for one in came}


def reasons(came: Sequence[Written]) -> list[str]:
    return [one.reason for one in came if one.reason]


def fabric() -> list[Write]:
    """One of nearly everything, each resting on what comes before it, and the devices on what comes after."""
    ends = (
        {"type": "dcim.interface", **interface("leaf-1", "eth0")},
        {"type": "dcim.interface", **interface("leaf-2", "eth0")},
    )
    rack = {"name": "R1", "site": {"slug": "ams1"}}
    vm = create("virtualization.virtualmachine", {"name": "vm-1"}, cluster={"name": "c1"}, status="active")
    return [
        create("dcim.rack", rack, status="active", u_height=42),
        create("ipam.vlan", {"vid": 10, "name": "users"}, status="active"),
        device("leaf-1", "sw2", rack=rack, position=3.0, face="front", primary_ip4={"address": "10.0.0.1/24"}),
        device("leaf-2", "sw2"),
        create(
            "dcim.interface", interface("leaf-1", "eth0"), type="10gbase-t", mode="access", untagged_vlan={"vid": 10}
        ),
        create("dcim.interface", interface("leaf-2", "eth9"), type="virtual", tags=["infratrack"]),
        create("ipam.prefix", {"prefix": "10.0.0.0/24"}, status="active", scope={"type": "dcim.site", "slug": "ams1"}),
        create("ipam.ipaddress", {"address": "10.0.0.1/24"}, status="active", assigned_object=ends[0]),
        create("dcim.cable", {"label": "c-1"}, a_terminations=[ends[0]], b_terminations=[ends[1]], status="connected"),
        create("virtualization.clustertype", {"slug": "kvm"}, name="KVM"),
        create("virtualization.cluster", {"name": "c1"}, type={"slug": "kvm"}, status="active"),
        vm,
    ]


def test_a_fabric_is_built_closed_in_its_circles_and_reread(client: NetBoxClient, netbox: NetBoxServer) -> None:
    came = carried(client, fabric())
    assert reasons(came) == []
    assert outcomes(came) == {"written"}
    leaf = came[2]
    assert leaf.after["primary_ip4"] == {"address": "10.0.0.1/24"}
    assert leaf.after["rack"] == {"name": "R1", "site": {"slug": "ams1"}}
    assert [one.display for one in leaf.children] == ["eth0", "eth1"]
    assert came[4].id == leaf.children[0].id
    assert netbox.api.dcim.interfaces.count(device="leaf-1") == 2
    assert netbox.api.dcim.interfaces.get(device="leaf-1", name="eth0").type.value == "10gbase-t"
    assert netbox.api.ipam.prefixes.get(prefix="10.0.0.0/24").scope.slug == "ams1"
    assert {end.device.name for end in netbox.api.dcim.cables.get(label="c-1").b_terminations} == {"leaf-2"}
    written = [row for row in netbox.api.core.object_changes.all() if row.message == "run-7 what the test wants"]
    assert {row.request_id for row in written} == {request for one in came for request in one.requests}


def test_what_was_built_is_changed_and_taken_away_again(client: NetBoxClient, netbox: NetBoxServer) -> None:
    built = carried(client, fabric())
    leaf, vlan, prefix, cable = built[2], built[1], built[6], built[8]
    netbox.api.dcim.devices.get(leaf.id).update({"tags": [{"slug": "infratrack"}, {"slug": "old"}, {"slug": "theirs"}]})
    tags: dict[str, Any] = {"add": {}, "remove": {"tags": ["old"]}, "expected": {"name": "leaf-1", "status": "active"}}
    came = carried(
        client,
        [
            Write(
                "update",
                "dcim.device",
                {"name": "leaf-1"},
                leaf.id,
                leaf.version,
                {"name": "l1", "status": "planned"},
                **tags,
            ),
            Write(
                "update", "ipam.vlan", vlan.after, vlan.id, vlan.version, {"name": "staff"}, expected={"name": "users"}
            ),
            Write("update", "ipam.prefix", {"prefix": "10.0.0.0/24"}, prefix.id, prefix.version, {"scope": None}),
            Write("delete", "dcim.cable", {"label": "c-1"}, cable.id, cable.version),
            Write("delete", "dcim.device", {"name": "leaf-1"}, leaf.id),
        ],
    )
    assert reasons(came) == []
    assert outcomes(came) == {"written"}
    assert came[0].after == {"name": "l1", "status": "planned", "tags": ["infratrack", "theirs"]}
    assert came[2].after == {"scope": None}
    assert came[3].prior["a_terminations"] == [{"type": "dcim.interface", **interface("l1", "eth0")}]
    gone = {(one.type, one.display) for one in came[4].children if one.effect == "deleted"}
    assert gone == {("dcim.interface", "eth0"), ("dcim.interface", "eth1"), ("ipam.ipaddress", "10.0.0.1/24")}
    assert netbox.api.dcim.devices.get(leaf.id) is None
    assert "primary_ip4" not in came[4].prior
    again = carried(client, [create("dcim.device", {"name": "l1"}, **came[4].prior)])
    assert outcomes(again) == {"written"}
    assert again[0].after == came[4].prior


def test_lists_of_references_and_custom_fields_keep_what_others_put_there(
    client: NetBoxClient, netbox: NetBoxServer
) -> None:
    api = netbox.api
    groups = api.ipam.vlan_groups.create([{"name": name, "slug": name} for name in ("ours", "theirs")])
    vlans = [{"vid": vid, "name": f"v{vid}", "group": group.id} for vid in (10, 20, 30) for group in groups]
    theirs = api.ipam.vlans.create([*vlans, {"vid": 10, "name": "in no group"}])[-1]
    api.extras.custom_field_choice_sets.create(
        name="tiers", extra_choices=[["gold", "Gold"], ["silver", "Silver"], ["tin", "Tin"]]
    )
    on: dict[str, Any] = {"object_types": ["dcim.device"]}
    choices = {"name": "tiers"}
    api.extras.custom_fields.create(
        [
            {"name": "tiers", "type": "multiselect", "choice_set": choices, **on},
            {"name": "team", "type": "text", **on},
            {"name": "homes", "type": "multiobject", "related_object_type": "dcim.site", **on},
            {"name": "lan", "type": "object", "related_object_type": "ipam.vlan", **on},
        ]
    )
    ours = [{"vid": vid, "group": {"slug": "ours"}} for vid in (10, 20, 30)]
    custom = {
        "custom_fields.tiers": ["gold"],
        "custom_fields.team": "net",
        "custom_fields.homes": [{"slug": "ams1"}],
        "custom_fields.lan": ours[0],
    }
    port = interface("leaf-1", "eth0")
    came = carried(
        client,
        [
            device("leaf-1", "sw2", **custom),
            create("dcim.interface", port, type="1000base-t", mode="tagged", tagged_vlans=ours[:2]),
        ],
    )
    assert reasons(came) == []
    assert came[0].after.items() >= custom.items()
    assert came[1].after["tagged_vlans"] == ours[:2]
    leaf, eth0 = api.dcim.devices.get(name="leaf-1"), api.dcim.interfaces.get(device="leaf-1", name="eth0")
    eth0.update({"tagged_vlans": [*(one.id for one in eth0.tagged_vlans), theirs.id]})
    leaf.update({"custom_fields": {"tiers": ["gold", "silver"]}})
    expected: dict[str, Any] = {"tagged_vlans": [*ours[:2], {"vid": 10, "group": None}]}
    lists: dict[str, Any] = {"add": {"tagged_vlans": [ours[2]]}, "remove": {"tagged_vlans": [ours[1]]}}
    more = {"add": {"custom_fields.tiers": ["tin"]}, "expected": {"custom_fields.tiers": ["gold", "silver"]}}
    came = carried(
        client,
        [
            Write("update", "dcim.device", {"name": "leaf-1"}, came[0].id, "", {"custom_fields.team": "ops"}, **more),
            Write("update", "dcim.interface", port, came[1].id, "", {"mtu": 9000}, expected=expected, **lists),
        ],
    )
    assert reasons(came) == []
    assert came[0].after == {"custom_fields.team": "ops", "custom_fields.tiers": ["gold", "silver", "tin"]}
    fields = api.dcim.devices.get(name="leaf-1").custom_fields
    assert ([one["value"] for one in fields["tiers"]], fields["team"]) == (["gold", "silver", "tin"], "ops")
    assert fields["lan"]["id"] == api.ipam.vlans.get(vid=10, group="ours").id
    tagged = {one.name: one.id for one in api.dcim.interfaces.get(device="leaf-1", name="eth0").tagged_vlans}
    assert tagged == {
        "v10": api.ipam.vlans.get(vid=10, group="ours").id,
        "v30": api.ipam.vlans.get(vid=30, group="ours").id,
        "in no group": theirs.id,
    }
    gone = Write("delete", "dcim.interface", port, came[1].id, expected={"tagged_vlans": [ours[0], ours[2]]})
    assert "tagged_vlans was" in carried(client, [gone])[0].reason
    whole = {"tagged_vlans": [ours[0], ours[2], {"vid": 10, "group": None}]}
    assert outcomes(carried(client, [Write("delete", "dcim.interface", port, came[1].id, expected=whole)])) == {
        "written"
    }


def test_a_list_that_refers_to_nothing_is_told_in_a_sentence(client: NetBoxClient) -> None:
    of = interface("leaf-1", "eth9")
    came = carried(
        client,
        [device("leaf-1"), create("dcim.interface", of, type="virtual", mode="tagged", tagged_vlans=[{"vid": 4}])],
    )
    assert reasons(came) == ['tagged_vlans: there is no ipam.vlan with {"vid":4}']


def test_a_device_is_deleted_together_with_its_primary_address(client: NetBoxClient, netbox: NetBoxServer) -> None:
    built = carried(client, fabric())
    address, leaf = built[7], built[2]
    came = carried(
        client,
        [
            Write("delete", "dcim.cable", {"label": "c-1"}, built[8].id),
            Write("delete", "ipam.ipaddress", {"address": "10.0.0.1/24"}, address.id, expected=address.after),
            Write("delete", "dcim.device", {"name": "leaf-1"}, leaf.id, expected=leaf.after),
        ],
    )
    assert reasons(came) == []
    assert netbox.api.dcim.devices.get(leaf.id) is None
    assert came[2].prior["rack"] == {"name": "R1", "site": {"slug": "ams1"}}
    assert came[2].prior["primary_ip4"] == {"address": "10.0.0.1/24"}
    eth0 = create("dcim.interface", interface("leaf-1", "eth0"), type="10gbase-t")
    deleted = came[2].prior, came[1].prior
    back = [create("dcim.device", {}, **deleted[0]), eth0, create("ipam.ipaddress", {}, **deleted[1])]
    keys = {"name": "leaf-1"}, eth0.key, {"address": "10.0.0.1/24"}
    again = carried(client, [msgspec.structs.replace(one, key=key) for one, key in zip(back, keys, strict=True)])
    assert reasons(again) == []
    assert netbox.api.dcim.devices.get(name="leaf-1").primary_ip4.address == "10.0.0.1/24"


def test_one_bad_record_among_fifty_is_told_in_netboxs_words(client: NetBoxClient, netbox: NetBoxServer) -> None:
    def vlan(number: int, **more: Any) -> Write:
        return create("ipam.vlan", {"vid": number + 1}, name=f"v{number}", **{"status": "active", **more})

    writes = [vlan(number) for number in range(50)]
    writes[17] = vlan(17, status="nonsense")
    writes[33] = vlan(33, site={"slug": "nowhere"})
    came = carried(client, writes)
    failed = {one.number: one.reason for one in came if one.outcome == "failed"}
    assert failed.keys() == {17, 33}
    assert failed[17] == "status: nonsense is not a valid choice."
    assert "nowhere" in failed[33]
    assert netbox.api.ipam.vlans.count() == 48


def test_somebody_elses_edit_is_respected_and_an_unrelated_one_is_no_obstacle(
    client: NetBoxClient, netbox: NetBoxServer
) -> None:
    built = carried(client, [device(f"leaf-{number}") for number in range(3)])
    netbox.api.dcim.devices.get(built[0].id).update({"status": "offline"})
    netbox.api.dcim.devices.get(built[1].id).update({"serial": "SN-1"})
    changes = {"fields": {"status": "planned"}, "expected": {"status": "active"}}
    writes = [Write("update", "dcim.device", one.after, one.id, one.version, **changes) for one in built]
    came = carried(client, writes)
    assert [one.outcome for one in came] == ["moved", "written", "written"]
    assert came[0].reason == "somebody changed it since the plan was made: status was active and is offline now"
    assert netbox.api.dcim.devices.get(built[0].id).status.value == "offline"
    assert netbox.api.dcim.devices.get(built[1].id).serial == "SN-1"


def test_a_record_that_others_rest_on_is_not_deleted_and_the_others_of_its_batch_are(
    client: NetBoxClient, netbox: NetBoxServer
) -> None:
    carried(client, [device("leaf-1")])
    netbox.api.dcim.sites.create([{"name": name, "slug": name} for name in ("a", "b")])
    sites = {site.slug: str(site.id) for site in netbox.api.dcim.sites.all()}
    writes = [Write("delete", "dcim.site", {"slug": slug}, sites[slug]) for slug in ("a", "ams1", "b")]
    came = carried(client, writes)
    assert [one.outcome for one in came] == ["written", "failed", "written"]
    assert came[1].reason.startswith("Unable to delete object. 1 dependent objects were found: leaf-1")
    assert [site.slug for site in netbox.api.dcim.sites.all()] == ["ams1"]


class Losing:
    """A client whose answers to some of its writes get lost on the way back."""

    def __init__(self, client: NetBoxClient, lost: set[int]) -> None:
        self._client = client
        self._lost = lost
        self._sent = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def send(self, *args: Any, **more: Any) -> Answer:
        self._sent += 1
        answer = self._client.send(*args, **more)
        if self._sent in self._lost:
            raise Disturbed("the connection failed", maybe_done=True)
        return answer


def test_answers_that_get_lost_are_looked_up_and_nothing_is_doubled(client: NetBoxClient, netbox: NetBoxServer) -> None:
    addresses = [create("ipam.ipaddress", {"address": f"10.0.0.{one}/24"}, status="active") for one in range(1, 21)]
    losing: Any = Losing(client, {1, 2, 4})
    came = carried(losing, [*(device(f"leaf-{number}") for number in range(12)), *addresses])
    assert outcomes(came) == {"written"}
    assert all(one.requests for one in came)
    assert (netbox.api.dcim.devices.count(), netbox.api.ipam.ip_addresses.count()) == (12, 20)
    deletes = [Write("delete", "ipam.ipaddress", one.after, one.id) for one in came[12:]]
    losing = Losing(client, {1})
    assert outcomes(carried(losing, deletes)) == {"written"}
    assert netbox.api.ipam.ip_addresses.count() == 0


def test_a_token_that_may_only_read_is_told_so_for_each_record(
    client: NetBoxClient, netbox: NetBoxServer, cache: Path
) -> None:
    reader = NetBoxClient.open(client.url, netbox.read_only_token, cache=cache)
    came = carried(reader, [device("leaf-1"), device("leaf-2")])
    reader.close()
    assert outcomes(came) == {"failed"}
    assert "permission" in came[0].reason
    assert netbox.read_only_token not in str(came)


def test_a_cascade_is_told_before_anything_is_deleted(client: NetBoxClient) -> None:
    built = carried(client, fabric())
    site = str(next(client.list("/api/dcim/sites/"))["id"])
    leaf = LiveRecord("dcim.device", str(built[2].id), {}, {})
    found = dependents(client, MARK, [leaf, LiveRecord("dcim.site", site, {}, {})])
    below = {(one.type, one.display, one.owned, one.effect) for one in found["dcim.device", leaf.id]}
    assert below == {
        ("dcim.interface", "eth0", False, "deleted"),
        ("dcim.interface", "eth1", False, "deleted"),
        ("ipam.ipaddress", "10.0.0.1/24", False, "deleted"),
        ("dcim.cable", "c-1", False, "unlinked"),
    }
    in_site = {(one.type, one.display) for one in found["dcim.site", site] if one.effect == "deleted"}
    assert {("ipam.prefix", "10.0.0.0/24"), ("dcim.device", "leaf-1"), ("dcim.rack", "R1")} <= in_site
    assert dependents(client, MARK, []) == {}


def test_a_cascade_tells_which_requests_wrote_what_the_server_made(client: NetBoxClient, netbox: NetBoxServer) -> None:
    built = carried(client, fabric())
    leaf = LiveRecord("dcim.device", str(built[2].id), {}, {})

    def written() -> dict[str, tuple[str, ...]]:
        found = dependents(client, MARK, [leaf])["dcim.device", leaf.id]
        return {one.display: one.changed_by for one in found if one.type == "dcim.interface"}

    ours = {request for one in built for request in one.requests}
    before = written()
    assert {request for requests in before.values() for request in requests} <= ours
    time.sleep(1.1)  # nearer to the making a change counts as part of it
    netbox.api.dcim.interfaces.get(device="leaf-1", name="eth1").update({"description": "uplink"})
    after = written()
    assert after["eth0"] == before["eth0"]
    assert not ours.issuperset(after["eth1"])


def test_the_change_log_tells_who_changed_a_record_last(client: NetBoxClient) -> None:
    built = carried(client, [device("leaf-1")])
    record = ("dcim.device", str(built[0].id))
    found = last_changes(client, [record, ("dcim.device", "999999")])
    assert found.keys() == {record}
    assert found[record].request == built[0].requests[0]
    assert found[record].by
    assert last_changes(client, [record], {found[record].request}) == {}


def test_each_type_has_its_own_word_for_retired(client: NetBoxClient) -> None:
    assert retirement(client, "dcim.device") == ("status", "decommissioning")
    assert retirement(client, "ipam.prefix") == ("status", "deprecated")
    assert retirement(client, "dcim.interface") is None
    assert retirement(client, "no.such") is None


def test_fifty_devices_take_few_requests(client: NetBoxClient) -> None:
    before = client.requests_made
    carried(client, [device(f"leaf-{number}") for number in range(50)])
    assert client.requests_made - before <= 3 + 3 * 3  # three references; three batches, each looked for, sent, re-read
