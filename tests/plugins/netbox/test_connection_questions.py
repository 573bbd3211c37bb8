"""`netbox.cabled` and `netbox.rack`: three values, each for its own reason."""

from __future__ import annotations

from typing import Any

import pytest

from .asked_of_netbox import find, some, whole

CORE = {"id": 1, "display": "core-1", "name": "core-1", "rack": {"id": 5, "name": "R1"}, "position": "40.0",
        "face": {"value": "front", "label": "Front"}}  # fmt: skip
FAR = {"id": 22, "name": "eth0", "display": "eth0", "device": {"id": 2, "name": "core-2"}}


def port(number: int = 11, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "name": "eth0",
        "display": "eth0",
        "device": {"id": 1, "name": "core-1"},
        "cable": {"id": 3, "display": "#3"},
        "connected_endpoints": [FAR],
        "connected_endpoints_type": "dcim.interface",
        "connected_endpoints_reachable": True,
        **fields,
    }


ETH0 = {"device": "core-1", "interface": "eth0"}


@pytest.mark.parametrize(
    ("asked", "row", "said", "note"),
    [
        ({}, port(), "yes", "connected to core-2 eth0"),
        ({"to": {"device": "core-2"}}, port(), "yes", "connected to core-2 eth0"),
        ({"to": {"device": "core-2", "interface": "eth0"}}, port(), "yes", ""),
        ({"to": {"device": "core-2", "interface": "eth1"}}, port(), "no", "it is connected to core-2 eth0"),
        ({"to": {"device": "core-3"}}, port(), "no", "it is connected to core-2 eth0"),
        ({}, port(cable=None), "no", "core-1 eth0: it has no cable"),
        ({}, port(cable=None, mark_connected=True), "no", "it is marked as connected, but has no cable"),
        ({}, port(connected_endpoints=None), "no", "its cable leads to nothing that ends a connection"),
        ({}, port(connected_endpoints_reachable=False), "no", "does not have the status connected"),
        ({}, port(device={"id": 2}), "no", "core-1 has no interface eth0"),
    ],
)
def test_a_path_of_connected_cables_leads_to_the_far_end(
    asked: dict[str, Any], row: dict[str, Any], said: str, note: str
) -> None:
    finding = find("netbox.cabled", ETH0 | asked, {"dcim.device": whole(CORE), "dcim.interface": whole(row)})
    assert finding.said == said
    assert note in finding.note


def test_an_interface_or_device_that_is_not_seen_is_unknown() -> None:
    hidden = find("netbox.cabled", ETH0, {"dcim.device": whole(CORE), "dcim.interface": some()})
    assert hidden.said == "unknown"
    assert hidden.note.startswith("core-1 has no interface eth0 that the token can see, but")
    assert find("netbox.cabled", ETH0, {"dcim.device": some()}).said == "unknown"
    assert find("netbox.cabled", ETH0, {"dcim.device": whole()}).said == "no"


def test_several_interfaces_must_all_be_connected_and_all_that_it_rests_on_is_named() -> None:
    asked = {"device": "core-1", "interfaces": ["eth0", "eth1"]}
    rows = whole(port(), port(12, name="eth1", display="eth1", cable={"id": 4, "display": "#4"}))
    finding = find("netbox.cabled", asked, {"dcim.device": whole(CORE), "dcim.interface": rows})
    assert finding.said == "yes"
    assert finding.records == (
        ("dcim.device", "1", "core-1"),
        ("dcim.interface", "11", "eth0"),
        ("dcim.interface", "12", "eth1"),
        ("dcim.cable", "3", "#3"),
        ("dcim.cable", "4", "#4"),
    )
    one = find("netbox.cabled", asked, {"dcim.device": whole(CORE), "dcim.interface": whole(port())})
    assert (one.said, one.note) == ("no", "core-1 has no interface eth1")


@pytest.mark.parametrize(
    ("asked", "said", "note"),
    [
        ({"rack": "R1"}, "yes", "it stands in R1 unit 40"),
        ({"rack": "R1", "unit": 40, "face": "front"}, "yes", ""),
        ({"rack": "R2"}, "no", "core-1: it stands in rack R1"),
        ({"rack": "R1", "unit": 40.5}, "no", "core-1: it stands at unit 40"),
        ({"rack": "R1", "unit": 41, "face": "rear"}, "no", "core-1: it stands at unit 40; its face is front"),
    ],
)
def test_where_a_device_stands(asked: dict[str, Any], said: str, note: str) -> None:
    finding = find("netbox.rack", {"device": "core-1"} | asked, {"dcim.device": whole(CORE)})
    assert finding.said == said
    assert note in finding.note


@pytest.mark.parametrize("position", [None, "forty", True, []])
def test_a_position_that_is_none_is_not_where_it_should_be(position: Any) -> None:
    loose = CORE | {"position": position}
    finding = find("netbox.rack", {"device": "core-1", "rack": "R1", "unit": 40}, {"dcim.device": whole(loose)})
    assert (finding.said, finding.note) == ("no", "core-1: it stands at unit none")


def test_a_device_in_no_rack_or_that_is_not_there() -> None:
    asked = {"device": "core-1", "rack": "R1"}
    assert find("netbox.rack", asked, {"dcim.device": whole(CORE | {"rack": None})}).note == (
        "core-1: it stands in no rack"
    )
    assert find("netbox.rack", asked, {"dcim.device": whole()}).said == "no"
    assert find("netbox.rack", asked, {"dcim.device": some()}).said == "unknown"
    assert find("netbox.rack", asked, {"dcim.device": whole(CORE | {"position": None})}).note == "it stands in R1"


FEED: dict[str, Any] = {
    "connected_endpoints_type": "dcim.powerfeed",
    "connected_endpoints": [{"id": 9, "name": "feed-a"}],
}
OUTLET: dict[str, Any] = {
    "connected_endpoints_type": "dcim.poweroutlet",
    "connected_endpoints": [{"id": 31, "name": "1"}],
}
FED = {"device": "core-1", "rack": "R1", "power_feed": "feed-a"}


def test_a_power_feed_reaches_a_device_over_its_cables() -> None:
    direct = {"dcim.device": whole(CORE), "dcim.powerport": whole(port(**FEED))}
    assert find("netbox.rack", FED, direct).note == "it stands in R1 unit 40, fed by feed-a"
    both = find("netbox.rack", FED | {"power_feed": ["feed-a", "feed-b"]}, direct)
    assert (both.said, both.note) == ("no", "core-1 is not fed by feed-b")
    unplugged = {"dcim.device": whole(CORE), "dcim.powerport": whole(port(**FEED, connected_endpoints_reachable=False))}
    assert find("netbox.rack", FED, unplugged).said == "no"
    assert find("netbox.rack", FED, {"dcim.device": whole(CORE), "dcim.powerport": some()}).said == "unknown"


def test_a_power_feed_reaches_a_device_through_its_pdu() -> None:
    tables = {
        "dcim.device": whole(CORE),
        ("dcim.powerport", "device_id"): whole(port(**OUTLET)),
        "dcim.poweroutlet": whole({"id": 31, "power_port": {"id": 41}}),
        ("dcim.powerport", "id"): whole(port(41, device={"id": 77}, **FEED)),
    }
    assert find("netbox.rack", FED, tables).said == "yes"
    assert find("netbox.rack", FED, tables | {"dcim.poweroutlet": whole({"id": 31, "power_port": None})}).said == "no"
    assert find("netbox.rack", FED, tables | {"dcim.poweroutlet": some()}).said == "unknown"


def test_a_circle_of_pdus_ends() -> None:
    circle = {
        "dcim.device": whole(CORE),
        ("dcim.powerport", "device_id"): whole(port(**OUTLET)),
        "dcim.poweroutlet": whole({"id": 31, "power_port": {"id": 41}}),
        ("dcim.powerport", "id"): whole(port(41, **OUTLET)),
    }
    assert find("netbox.rack", FED, circle).said == "no"
