"""What brings a deleted record back."""

from __future__ import annotations

from typing import Any

import pytest

from infratrack_netbox.prior import emptied_by, natural_key, prior_fields
from infratrack_netbox.server_schema import Endpoint, FieldSchema, ServerSchema

DEVICE = Endpoint(
    "dcim.device",
    "/api/dcim/devices/",
    fields={
        "id": FieldSchema("integer", writable=False),
        "name": FieldSchema("text"),
        "comments": FieldSchema("text"),
        "status": FieldSchema("choice"),
        "site": FieldSchema("reference", type="dcim.site", brief={"slug": {}, "name": {}}),
        "primary_ip4": FieldSchema("reference", type="ipam.ipaddress", brief={"address": {}}),
        "tags": FieldSchema("tags"),
        "custom_fields": FieldSchema("custom_fields"),
        "scope": FieldSchema("generic", pair="scope", nullable=True),
        "scope_type": FieldSchema("text"),
        "scope_id": FieldSchema("integer"),
        "vlans": FieldSchema("references", type="ipam.vlan", brief={"name": {}}),
        "ends": FieldSchema("generics"),
    },
)
SITE = Endpoint("dcim.site", "/api/dcim/sites/", fields={"slug": FieldSchema("text"), "name": FieldSchema("text")})
ADDRESS = Endpoint("ipam.ipaddress", "/api/ipam/ip-addresses/", fields={"address": FieldSchema("text")})
VLAN = Endpoint("ipam.vlan", "/api/ipam/vlans/", fields={"name": FieldSchema("text")})
INTERFACE = Endpoint(
    "dcim.interface",
    "/api/dcim/interfaces/",
    fields={
        "name": FieldSchema("text"),
        "device": FieldSchema("reference", type="dcim.device", brief={"name": {}}),
    },
)
SCHEMA = ServerSchema({one.type: one for one in (DEVICE, SITE, ADDRESS, VLAN, INTERFACE)})
ETH0 = {"id": 8, "name": "eth0", "device": {"id": 1, "name": "leaf-1"}}


def prior(**row: Any) -> dict[str, Any]:
    return prior_fields(SCHEMA, DEVICE, {"id": 1, **row}, {("ipam.ipaddress", "7")})


def test_references_are_told_as_people_know_records_and_what_is_empty_is_left_out() -> None:
    row = {
        "name": "leaf-1",
        "comments": "",
        "status": {"value": "active", "label": "Active"},
        "site": {"id": 3, "slug": "ams1", "name": "AMS1"},
        "tags": [{"id": 1, "slug": "infratrack", "name": "x"}],
        "scope_type": "dcim.site",
        "scope_id": 3,
        "scope": {"id": 3, "slug": "ams1"},
        "vlans": [{"id": 5, "name": "users"}],
        "ends": [{"object_type": "dcim.interface", "object_id": 8, "object": ETH0}],
    }
    assert prior(**row) == {
        "name": "leaf-1",
        "status": "active",
        "site": {"slug": "ams1"},
        "tags": ["infratrack"],
        "scope": {"type": "dcim.site", "slug": "ams1"},
        "vlans": [{"name": "users"}],
        "ends": [{"type": "dcim.interface", "device": {"name": "leaf-1"}, "name": "eth0"}],
    }


def test_a_reference_to_what_goes_along_cannot_be_restored_with_the_record() -> None:
    assert prior(primary_ip4={"id": 7, "address": "10.0.0.1/24"}) == {}
    assert prior(primary_ip4={"id": 6, "address": "10.0.0.1/24"}) == {"primary_ip4": {"address": "10.0.0.1/24"}}


def test_custom_fields_are_fields_of_their_own() -> None:
    custom: dict[str, Any] = {
        "serial": "x1",
        "none": None,
        "owner": {"id": 3, "slug": "ops"},
        "list": ["a"],
        "many": [ETH0],
    }
    custom["choices"] = [{"value": "gold", "label": "Gold"}]
    assert prior(custom_fields=custom) == {
        "custom_fields.serial": "x1",
        "custom_fields.owner": {"slug": "ops"},
        "custom_fields.list": ["a"],
        "custom_fields.choices": ["gold"],
        "custom_fields.many": [{"device": {"name": "leaf-1"}, "name": "eth0"}],
    }
    assert prior(custom_fields="nonsense") == {}


def test_custom_fields_are_told_as_their_definitions_say() -> None:
    custom = {
        "facts": FieldSchema("json", nullable=True),
        "tiers": FieldSchema("list", nullable=True),
        "lan": FieldSchema("reference", nullable=True, type="ipam.vlan"),
        "lans": FieldSchema("references", nullable=True, type="ipam.vlan"),
    }
    vlans = [{"id": 5, "name": "users"}, {"id": 6, "name": ""}, {"id": 7, "name": "gone"}]
    row = {"facts": [{"id": 1, "name": "x"}], "tiers": [{"value": "a", "label": "A"}], "lan": vlans[2], "lans": vlans}
    found = prior_fields(SCHEMA, DEVICE, {"id": 1, "custom_fields": row}, {("ipam.vlan", "7")}, custom)
    assert found == {
        "custom_fields.facts": [{"id": 1, "name": "x"}],
        "custom_fields.tiers": ["a"],
        "custom_fields.lans": [{"name": "users"}, {"id": 6}],
    }


def test_answers_of_another_shape_than_expected_break_nothing() -> None:
    assert prior(site="nonsense", vlans="nonsense", ends="nonsense", scope="nonsense", tags="nonsense").keys() <= {
        "site",
        "tags",
        "vlans",
        "ends",
    }


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"id": 1, "slug": "a", "name": "A"}, {"slug": "a"}),
        ({"id": 1, "address": "10.0.0.1/24"}, {"address": "10.0.0.1/24"}),
        ({"id": 1, "name": "leaf-1"}, {"name": "leaf-1"}),
        (
            {"id": 1, "name": "eth0", "virtual_machine": {"id": 2, "name": "vm"}},
            {"virtual_machine": {"name": "vm"}, "name": "eth0"},
        ),
        ({"id": 1, "name": None}, {"id": 1}),
    ],
)
def test_people_know_a_record_by(record: dict[str, Any], expected: dict[str, Any]) -> None:
    assert natural_key(record) == expected


def test_only_a_reference_that_the_run_itself_emptied_is_to_come_back() -> None:
    address, site = {"address": "10.0.0.1/24"}, {"slug": "ams1"}
    expected = {"primary_ip4": address, "site": site, "name": "leaf-1", "scope": {"type": "dcim.site", **site}, "x": {}}
    deleted = {"ipam.ipaddress": [{"address": "10.0.0.2/24"}, {**address, "status": "active"}]}
    row = {"primary_ip4": None, "site": None, "scope": None, "name": None}
    assert emptied_by(DEVICE, row, expected, deleted) == {"primary_ip4": address}
    assert emptied_by(DEVICE, {**row, "primary_ip4": {"id": 7, **address}}, expected, deleted) == {}
    assert emptied_by(DEVICE, row, expected, {}) == {}
