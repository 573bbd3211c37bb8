"""Lists of references and custom fields of every kind, written to a real NetBox: by id, and read back as wanted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from infratrack.api import Write, WriteContext, Written
from infratrack_netbox.client import NetBoxClient
from infratrack_netbox.settings import Mark
from infratrack_netbox.writing import write
from tests.netbox_server.server import NetBoxServer

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("netbox-writing")]
SW1 = {"name": "sw1"}
PORT = {"device": SW1, "name": "eth0"}
GROUPED: list[dict[str, Any]] = [{"vid": vid, "group": {"slug": "fabric"}} for vid in (100, 200, 300)]
SITED: list[dict[str, Any]] = [{"vid": vid, "site": {"slug": "ams1"}} for vid in (100, 200)]
ALONE = {"group": None, "vid": 400}
CUSTOM: Mapping[str, Any] = {
    "custom_fields.team": "net, ops",
    "custom_fields.units": 7,
    "custom_fields.price": 10.5,
    "custom_fields.spare": True,
    "custom_fields.since": "2026-01-05",
    "custom_fields.facts": {"value": "x", "of": [{"id": 1}, 2.5]},
    "custom_fields.level": "gold",
    "custom_fields.tiers": ["gold", "tin"],
    "custom_fields.lan": GROUPED[0],
    "custom_fields.lans": GROUPED[:2],
}
OTHERS: Mapping[str, Any] = {
    "custom_fields.team": "dev",
    "custom_fields.units": 8,
    "custom_fields.price": 11,
    "custom_fields.spare": False,
    "custom_fields.since": "2026-02-05",
    "custom_fields.facts": [],
    "custom_fields.level": "tin",
    "custom_fields.lan": GROUPED[1],
}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def client(empty_netbox: NetBoxServer, cache: Path) -> Iterator[NetBoxClient]:
    """A client of a NetBox with VLANs that only their group or site tells apart."""
    api = empty_netbox.api
    site = api.dcim.sites.create(name="AMS1", slug="ams1")
    api.dcim.manufacturers.create(name="Maker", slug="maker")
    api.dcim.device_types.create(model="SW", slug="sw", manufacturer={"slug": "maker"})
    api.dcim.device_roles.create(name="Leaf", slug="leaf", color="00ff00")
    group = api.ipam.vlan_groups.create(name="Fabric", slug="fabric")
    api.ipam.vlans.create([{"vid": vid, "name": f"v{vid}", "group": group.id} for vid in (100, 200, 300)])
    api.ipam.vlans.create([{"vid": vid, "name": f"v{vid}", "site": site.id} for vid in (100, 200)])
    api.ipam.vlans.create([{"vid": vid, "name": f"v{vid}"} for vid in (100, 400)])
    opened = NetBoxClient.open(empty_netbox.url, empty_netbox.token, cache=cache)
    yield opened
    opened.close()


def carried(client: NetBoxClient, *writes: Write) -> list[Written]:
    """What came of each write in the end, in their order."""
    came = {one.number: one for one in write(client, writes, WriteContext("run-7", "lists"), bool, Mark("infratrack"))}
    return [came[number] for number in sorted(came)]


def create(type_name: str, key: Mapping[str, Any], **fields: Any) -> Write:
    return Write("create", type_name, key, fields={**key, **fields})


def device(**fields: Any) -> Write:
    parents = {"site": {"slug": "ams1"}, "role": {"slug": "leaf"}, "device_type": {"slug": "sw"}}
    return create("dcim.device", SW1, status="active", **parents, **fields)


def port(vlans: Sequence[Mapping[str, Any]]) -> Write:
    return create("dcim.interface", PORT, type="1000base-t", mode="tagged", tagged_vlans=[*vlans])


def changed(came: Written, write: Write, **parts: Any) -> Write:
    return Write("update", write.type, write.key, came.id, came.version, **parts)


def listed(value: Any) -> Any:
    """A value; of a list its items in one order."""
    return sorted(map(msgspec.json.Encoder(order="sorted").encode, value)) if isinstance(value, list) else value


def tagged(netbox: NetBoxServer) -> set[int]:
    return {one.id for one in netbox.api.dcim.interfaces.get(name="eth0").tagged_vlans}


def vlan(netbox: NetBoxServer, **found_by: Any) -> int:
    return int(netbox.api.ipam.vlans.get(**found_by).id)


def test_vlans_that_only_their_group_tells_apart_are_tagged_changed_and_given_up(
    client: NetBoxClient, netbox: NetBoxServer
) -> None:
    built = carried(client, device(), port(GROUPED[:2]))
    assert [one.reason for one in built] == ["", ""]
    assert built[1].after["tagged_vlans"] == GROUPED[:2]
    theirs = vlan(netbox, vid=400)
    netbox.api.dcim.interfaces.get(built[1].id).update({"tagged_vlans": [*tagged(netbox), theirs]})
    live = [*GROUPED[:2], ALONE]
    lists = {"add": {"tagged_vlans": [GROUPED[2]]}, "remove": {"tagged_vlans": [GROUPED[0]]}}
    came = carried(client, changed(built[1], port([]), fields={"mtu": 9000}, expected={"tagged_vlans": live}, **lists))
    assert came[0].reason == ""
    after = [ALONE, *GROUPED[1:]]
    assert listed(came[0].after["tagged_vlans"]) == listed(after)
    assert tagged(netbox) == {vlan(netbox, vid=200, group="fabric"), vlan(netbox, vid=300, group="fabric"), theirs}
    stale, fresh = (
        Write("delete", "dcim.interface", PORT, came[0].id, expected={"tagged_vlans": vlans}) for vlans in (live, after)
    )
    (moved,) = carried(client, stale)
    assert moved.outcome == "moved"
    assert '{"group":null,"vid":400},{"group":{"slug":"fabric"},"vid":' in moved.reason
    (gone,) = carried(client, fresh)
    assert gone.outcome == "written"


def test_references_of_several_forms_are_no_obstacle_in_one_list(client: NetBoxClient, netbox: NetBoxServer) -> None:
    mixed: list[dict[str, Any]] = [GROUPED[0], SITED[1], {"vid": 300}, {"id": vlan(netbox, vid=100, site="ams1")}]
    built = carried(client, device(), port(mixed))
    assert [one.reason for one in built] == ["", ""]
    assert listed(built[1].after["tagged_vlans"]) == listed(mixed)
    one_less = {"remove": {"tagged_vlans": [{"vid": 300}, GROUPED[0]]}, "add": {"tagged_vlans": [GROUPED[1]]}}
    came = carried(client, changed(built[1], port([]), expected={"tagged_vlans": mixed}, **one_less))
    assert came[0].reason == ""
    wanted = {vlan(netbox, vid=200, group="fabric"), *(vlan(netbox, vid=vid, site="ams1") for vid in (100, 200))}
    assert tagged(netbox) == wanted
    (nobody,) = carried(client, changed(came[0], port([]), add={"tagged_vlans": [{"vid": 4}, GROUPED[0]]}))
    assert nobody.reason == 'tagged_vlans: there is no ipam.vlan with {"vid":4}'
    assert tagged(netbox) == wanted


def test_what_several_records_could_be_is_taken_out_where_the_list_holds_one_of_them(
    client: NetBoxClient, netbox: NetBoxServer
) -> None:
    built = carried(client, device(), port([GROUPED[0], GROUPED[2]]))
    ambiguous: dict[str, Any] = {"tagged_vlans": [{"vid": 100}]}
    came = carried(client, changed(built[1], port([]), remove=ambiguous))
    assert came[0].reason == ""
    assert tagged(netbox) == {vlan(netbox, vid=300)}
    (refused,) = carried(client, changed(came[0], port([]), add=ambiguous))
    assert refused.outcome == "failed"
    assert refused.reason == 'tagged_vlans: 3 records are ipam.vlan with {"vid":100}: say more about it'


def test_other_lists_of_references_are_written_by_id_too(client: NetBoxClient, netbox: NetBoxServer) -> None:
    rir = netbox.api.ipam.rirs.create(name="RIR", slug="rir")
    netbox.api.ipam.asns.create([{"asn": number, "rir": rir.id} for number in (65001, 65002, 65003)])
    netbox.api.ipam.route_targets.create([{"name": f"65000:{number}"} for number in (1, 2, 3)])
    asns = [{"asn": number} for number in (65001, 65002, 65003)]
    targets = [{"name": f"65000:{number}"} for number in (1, 2, 3)]
    site = create("dcim.site", {"slug": "ams2"}, name="AMS2", status="active", asns=asns[:2])
    vrf = create("ipam.vrf", {"name": "red"}, import_targets=targets[:2], export_targets=targets[1:])
    built = carried(client, site, vrf)
    assert [one.reason for one in built] == ["", ""]
    assert (built[0].after["asns"], built[1].after["export_targets"]) == (asns[:2], targets[1:])
    came = carried(
        client,
        changed(built[0], site, add={"asns": asns[2:]}, remove={"asns": asns[:1]}, expected={"asns": asns[:2]}),
        changed(built[1], vrf, add={"export_targets": targets[:1]}, remove={"import_targets": targets[:1]}),
    )
    assert [one.reason for one in came] == ["", ""]
    assert came[0].after == {"asns": asns[1:]}
    assert came[1].after == {"export_targets": targets, "import_targets": targets[1:2]}


def with_custom_fields(netbox: NetBoxServer) -> None:
    """One of every kind on devices."""
    api = netbox.api
    api.extras.custom_field_choice_sets.create(
        name="tiers", extra_choices=[[one, one.title()] for one in ("gold", "tin", "tar")]
    )
    choices = {"choice_set": {"name": "tiers"}}
    vlans = {"related_object_type": "ipam.vlan"}
    kinds: list[tuple[str, str, dict[str, Any]]] = [
        ("team", "text", {}),
        ("units", "integer", {}),
        ("price", "decimal", {}),
        ("spare", "boolean", {}),
        ("since", "date", {}),
        ("facts", "json", {}),
        ("level", "select", choices),
        ("tiers", "multiselect", choices),
        ("lan", "object", vlans),
        ("lans", "multiobject", vlans),
    ]
    on = {"object_types": ["dcim.device"]}
    api.extras.custom_fields.create([{"name": name, "type": kind, **more, **on} for name, kind, more in kinds])


def test_custom_fields_of_every_kind_are_created_changed_together_and_brought_back(
    client: NetBoxClient, netbox: NetBoxServer
) -> None:
    with_custom_fields(netbox)
    built = carried(client, device(**CUSTOM))
    assert built[0].reason == ""
    assert built[0].after.items() >= CUSTOM.items()
    theirs = vlan(netbox, vid=400)
    lans = [vlan(netbox, vid=vid, group="fabric") for vid in (100, 200)]
    custom = {"tiers": ["gold", "tar", "tin"], "lans": [*lans, theirs]}
    netbox.api.dcim.devices.get(built[0].id).update({"custom_fields": custom})
    live = {**CUSTOM, "custom_fields.tiers": ["gold", "tar", "tin"], "custom_fields.lans": [ALONE, *GROUPED[:2]]}
    lists: dict[str, Any] = {
        "add": {"custom_fields.lans": [GROUPED[2]]},
        "remove": {"custom_fields.tiers": ["gold"], "custom_fields.lans": [GROUPED[0]]},
    }
    came = carried(client, changed(built[0], device(), fields=OTHERS, expected=live, **lists))
    assert came[0].reason == ""
    after = {**OTHERS, "custom_fields.tiers": ["tar", "tin"], "custom_fields.lans": [ALONE, *GROUPED[1:]]}
    assert {name: listed(value) for name, value in came[0].after.items()} == {
        name: listed(value) for name, value in after.items()
    }
    there = netbox.api.dcim.devices.get(built[0].id).custom_fields
    assert {one["id"] for one in there["lans"]} == {theirs, lans[1], vlan(netbox, vid=300)}
    assert there["units"] == 8
    (moved,) = carried(client, Write("delete", "dcim.device", SW1, built[0].id, expected=live))
    assert moved.outcome == "moved"
    (gone,) = carried(client, Write("delete", "dcim.device", SW1, built[0].id, expected=after))
    assert gone.outcome == "written"
    empty = {"custom_fields.facts"}
    assert gone.prior.items() >= {name: after[name] for name in after.keys() - empty}.items()
    (back,) = carried(client, Write("create", "dcim.device", SW1, fields=gone.prior))
    assert back.reason == ""
    assert back.after == gone.prior


def test_custom_fields_that_no_plan_names_are_brought_back_too(client: NetBoxClient, netbox: NetBoxServer) -> None:
    with_custom_fields(netbox)
    alone = {"custom_fields.lan": GROUPED[2], "custom_fields.lans": [GROUPED[2]]}
    built = carried(client, device(**{**CUSTOM, **alone}))
    (gone,) = carried(client, Write("delete", "dcim.device", SW1, built[0].id))
    assert gone.prior["custom_fields.tiers"] == ["gold", "tin"]
    assert gone.prior["custom_fields.facts"] == CUSTOM["custom_fields.facts"]
    (back,) = carried(client, Write("create", "dcim.device", SW1, fields=gone.prior))
    assert back.reason == ""
    custom = netbox.api.dcim.devices.get(back.id).custom_fields
    assert [one["vid"] for one in custom["lans"]] == [300]
    assert custom["facts"] == CUSTOM["custom_fields.facts"]
