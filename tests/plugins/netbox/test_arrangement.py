"""What is written when."""

from __future__ import annotations

from typing import Any

from infratrack.api import Write
from infratrack_netbox.arrangement import arranged, together
from tests.plugins.netbox.scripted_netbox import SCHEMA


def create(type_name: str, key: dict[str, Any], **fields: Any) -> Write:
    return Write("create", type_name, key, fields={**key, **fields})


INTERFACE = {"device": {"name": "leaf-1"}, "name": "eth0"}
DEVICE = create("dcim.device", {"name": "leaf-1"}, primary_ip4={"address": "10.0.0.1/24"}, site={"slug": "ams1"})
ADDRESS = create("ipam.ipaddress", {"address": "10.0.0.1/24"}, assigned_object={"type": "dcim.interface", **INTERFACE})
DELETE = Write("delete", "dcim.device", {"name": "old"}, "9")


def test_a_field_that_refers_to_a_later_record_waits_and_comes_before_the_deletes() -> None:
    items = arranged([DEVICE, create("dcim.interface", INTERFACE, type="x"), ADDRESS, DELETE], SCHEMA)
    assert [(item.number, item.late) for item in items] == [(0, False), (1, False), (2, False), (0, True), (3, False)]
    assert items[0].waiting == {"primary_ip4"}
    late = items[3].write
    assert (late.action, late.id, late.fields) == ("update", None, {"primary_ip4": {"address": "10.0.0.1/24"}})
    assert late.expected == {"primary_ip4": None}


def test_an_update_that_refers_to_a_later_record_waits_too_and_keeps_what_it_rests_on() -> None:
    fields = {"primary_ip4": {"address": "10.0.0.1/24"}, "status": "active"}
    expected = {"primary_ip4": {"address": "10.9.9.9/24"}, "status": "planned"}
    update = Write("update", "dcim.device", {"name": "leaf-1"}, "4", "v", fields, expected=expected)
    first, _, late = arranged([update, ADDRESS], SCHEMA)
    assert first.waiting == {"primary_ip4"}
    assert (late.write.id, late.write.expected) == ("4", {"primary_ip4": {"address": "10.9.9.9/24"}})


def test_what_must_be_set_or_is_known_already_does_not_wait() -> None:
    site = create("dcim.site", {"slug": "ams1"}, name="AMS1")
    assert [item.late for item in arranged([DEVICE, site], SCHEMA)] == [False, False]
    assert [item.late for item in arranged([ADDRESS, DEVICE], SCHEMA)] == [False, False]
    assert arranged([], SCHEMA) == []
    assert [item.number for item in arranged([DELETE], SCHEMA)] == [0]


def test_a_reference_of_no_type_or_no_content_waits_for_nothing() -> None:
    odd = create("ipam.ipaddress", {"address": "10.0.0.2/24"}, assigned_object={}, nat_inside=None, unknown={"a": 1})
    assert [item.waiting for item in arranged([odd, DEVICE], SCHEMA)] == [frozenset(), frozenset()]


def test_a_batch_ends_where_the_kind_of_write_changes_or_a_record_rests_on_one_in_it() -> None:
    def interface(name: str, **more: Any) -> Write:
        return create("dcim.interface", {"device": {"name": "leaf-1"}, "name": name}, **more)

    resting = interface("eth0.10", parent=INTERFACE)
    listed = interface("eth1", members=[INTERFACE, {"type": "x"}])
    items = arranged([interface("eth0"), interface("eth9"), resting, listed, DELETE], SCHEMA)
    assert together(items, 0, 50) == 2
    assert together(items, 1, 50) == 3
    assert together(items, 0, 1) == 1
    assert together(items, 4, 50) == 1
