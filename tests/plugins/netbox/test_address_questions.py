"""`netbox.primary_ip`: three values, each for its own reason."""

from __future__ import annotations

from typing import Any

import pytest

from infratrack.api import InputError
from infratrack.testing.criteria import SOME_PROJECT
from infratrack_netbox.criteria import PrimaryIP

from .asked_of_netbox import find, some, whole


def core(number: int = 1, **fields: Any) -> dict[str, Any]:
    ip = {"id": 7, "address": "10.0.0.1/24", "display": "10.0.0.1/24"}
    row = {"id": number, "display": f"core-{number}", "name": f"core-{number}", "site": {"slug": "ams1"}}
    return {**row, "primary_ip4": ip, "primary_ip6": None, **fields}


V6 = {"id": 8, "address": "2001:db8::1/64", "display": "2001:db8::1/64"}
OWN = {"id": 7, "assigned_object": {"id": 3, "device": {"id": 1}}}
OWN6 = {"id": 8, "assigned_object": {"id": 3, "device": {"id": 1}}}


@pytest.mark.parametrize(
    ("asked", "device", "said", "note"),
    [
        ({}, core(), "yes", "the primary address is 10.0.0.1/24"),
        ({"family": 4}, core(), "yes", "10.0.0.1/24"),
        ({"family": 6}, core(), "no", "core-1: it has no primary IPv6 address"),
        ({}, core(primary_ip4=None), "no", "core-1: it has no primary address"),
        ({"address": "10.0.0.1"}, core(), "yes", ""),
        ({"address": "10.0.0.1/24"}, core(), "yes", ""),
        ({"address": "10.0.0.1/25"}, core(), "no", "its primary address is 10.0.0.1/24"),
        ({"address": "10.0.0.2"}, core(), "no", "its primary address is 10.0.0.1/24"),
        ({"address": "2001:DB8:0:0::1"}, core(primary_ip6=V6), "yes", ""),
        ({"prefix": "10.0.0.0/8"}, core(), "yes", ""),
        ({"prefix": "10.1.0.0/16"}, core(), "no", "its primary address 10.0.0.1/24 is not in 10.1.0.0/16"),
        ({"prefix": "2001:db8::/32"}, core(), "no", "is not in 2001:db8::/32"),
        ({"prefix": "2001:db8::/32"}, core(primary_ip6=V6), "yes", ""),
        ({}, core(primary_ip4={"id": 7, "address": "\x1b[31m"}), "no", "is no address"),
        ({"site": "ams1"}, core(), "yes", ""),
        ({"site": "fra1"}, core(), "no", "there is no device core-1 at fra1"),
    ],
)
def test_the_primary_address_of_a_device(asked: dict[str, Any], device: Any, said: str, note: str) -> None:
    tables = {"dcim.device": whole(device), "ipam.ipaddress": whole(OWN, OWN6)}
    finding = find("netbox.primary_ip", {"device": "core-1"} | asked, tables)
    assert finding.said == said
    assert note in finding.note


@pytest.mark.parametrize("assigned", [None, {"id": 3, "device": {"id": 2}}, {"id": 3, "virtual_machine": {"id": 1}}])
def test_an_address_that_is_assigned_elsewhere_is_not_its_own(assigned: Any) -> None:
    tables = {"dcim.device": whole(core()), "ipam.ipaddress": whole({"id": 7, "assigned_object": assigned})}
    finding = find("netbox.primary_ip", {"device": "core-1"}, tables)
    assert finding.said == "no"
    assert "is not assigned to an interface of its own" in finding.note


def test_a_device_that_is_not_seen_is_unknown_and_one_that_is_not_there_is_a_no() -> None:
    assert find("netbox.primary_ip", {"device": "core-1"}, {"dcim.device": some()}).said == "unknown"
    assert find("netbox.primary_ip", {"device": "core-1"}, {"dcim.device": whole()}).note == "there is no device core-1"


def test_two_devices_of_one_name_are_told_apart_by_their_site() -> None:
    there = core(2, name="core-1", site={"slug": "fra1"})
    tables = {"dcim.device": whole(core(), there), "ipam.ipaddress": whole(OWN)}
    assert find("netbox.primary_ip", {"device": "core-1", "site": "ams1"}, tables).said == "yes"
    both = find("netbox.primary_ip", {"device": "core-1"}, tables)
    assert both.said == "unknown"
    assert both.note == "2 records are device core-1: say more about which one is meant, such as its site"


def test_a_virtual_machine_has_one_too() -> None:
    machine = {
        "virtualization.virtualmachine": whole(core()),
        "ipam.ipaddress": whole({"id": 7, "assigned_object": {"virtual_machine": {"id": 1}}}),
    }
    assert find("netbox.primary_ip", {"vm": "core-1"}, machine).said == "yes"
    assert find("netbox.primary_ip", {"vm": "ns1"}, machine).note == "there is no virtual machine ns1"


def test_of_a_filter_every_record_must_have_one() -> None:
    asked = {"filter": {"role": "leaf"}}
    addresses = whole(OWN, {"id": 7, "assigned_object": {"device": {"id": 2}}})
    assert find("netbox.primary_ip", asked, {"dcim.device": whole()}).said == "no"
    one = {"dcim.device": whole(core()), "ipam.ipaddress": whole(OWN)}
    assert find("netbox.primary_ip", asked, one).said == "yes"
    partly = {"dcim.device": some(core()), "ipam.ipaddress": whole(OWN)}
    assert find("netbox.primary_ip", asked, partly).said == "unknown"
    lacking = {"dcim.device": some(core(), core(2, primary_ip4=None)), "ipam.ipaddress": addresses}
    assert find("netbox.primary_ip", asked, lacking).said == "no"


def test_of_many_addresses_three_are_told() -> None:
    rows = [core(number, primary_ip4={"id": number, "address": f"10.0.0.{number}/24"}) for number in range(1, 6)]
    owners = whole(*({"id": number, "assigned_object": {"device": {"id": number}}} for number in range(1, 6)))
    finding = find(
        "netbox.primary_ip", {"filter": {"role": "leaf"}}, {"dcim.device": whole(*rows), "ipam.ipaddress": owners}
    )
    assert finding.note == "the primary address is 10.0.0.1/24, 10.0.0.2/24, 10.0.0.3/24 and 2 more"


@pytest.mark.parametrize("wrong", [{"address": "10.0.0.300"}, {"prefix": "10.0.0.0/33"}])
def test_what_is_no_address_is_refused_when_the_project_is_read(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError):
        PrimaryIP().bind({"device": "core-1"} | wrong, SOME_PROJECT)
