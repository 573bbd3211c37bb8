from __future__ import annotations

from typing import Any

import pytest

from infratrack.api import DesiredRecord, InputError, RecordSet
from infratrack_netbox.custom_fields import definitions_of
from infratrack_netbox.preparing import Preparation
from infratrack_netbox.settings import Mark
from tests.plugins.netbox.small_server import small_schema

SCHEMA = small_schema()
DEFINITIONS = definitions_of(
    [
        {"name": "level", "type": {"value": "integer", "label": "Integer"}, "object_types": ["dcim.device"]},
        {"name": "home", "type": "object", "object_types": ["dcim.device"], "related_object_type": "dcim.site"},
        {"name": "new", "type": "novel", "object_types": ["dcim.device", 5]},
        {"name": 5, "type": "text", "object_types": ["dcim.device"]},
        {"name": "broken", "type": "text", "object_types": "dcim.device"},
    ]
)


def _set(type_name: str, *records: tuple[dict[str, Any], dict[str, Any]], **more: Any) -> RecordSet:
    desired = tuple(
        DesiredRecord(type_name, key, fields, f"{type_name}[{n}]") for n, (key, fields) in enumerate(records)
    )
    return RecordSet(type_name, desired, **more)


def _prepare(*sets: RecordSet, mark: Mark | None = None, definitions: Any = DEFINITIONS) -> list[RecordSet]:
    """Without the tag that marks records."""
    prepared = Preparation(SCHEMA, definitions, mark or Mark(tag="infratrack")).prepare(sets)
    return [one for one in prepared if one.source != "cmdb.netbox.own"]


def _device(fields: dict[str, Any], **more: Any) -> RecordSet:
    return _set("dcim.device", ({"name": "sw1"}, fields), **more)


def test_records_become_canonical_and_carry_the_mark() -> None:
    fields = {
        "site": {"slug": "ams1"},
        "status": "Active",
        "height": "2",
        "tags": ["leaf"],
        "custom_fields": {"level": "3"},
    }
    (one,) = _prepare(_device(fields))
    assert one.mark == "tags"
    assert one.desired[0].key == {"name": "sw1"}
    assert one.desired[0].fields == {
        "site": {"slug": "ams1"},
        "status": "active",
        "height": 2,
        "tags": ["infratrack", "leaf"],
        "custom_fields.level": 3,
    }


def test_preparing_twice_changes_nothing() -> None:
    once = _prepare(_device({"site": {"slug": "a"}, "custom_fields": {"home": {"slug": "b"}, "new": {"x": 1.0}}}))
    assert _prepare(*once) == once
    assert _prepare(_device({"custom_fields": {}}))[0].desired[0].fields == {"tags": ["infratrack"]}


def test_a_custom_field_can_be_the_mark() -> None:
    (one,) = _prepare(_device({}), mark=Mark(field="level", value=7))
    assert (one.mark, one.desired[0].fields) == ("custom_fields.level", {"custom_fields.level": 7})
    (site,) = _prepare(_set("dcim.site", ({"slug": "a"}, {"name": "A"})), mark=Mark(field="level", value=7))
    assert (site.mark, dict(site.desired[0].fields)) == ("", {"name": "A"})
    with pytest.raises(InputError, match="no custom field 'absent'") as error:
        _prepare(_device({}), mark=Mark(field="absent", value=7))
    assert "own: {tag: …}" in error.value.hint
    (unknown,) = _prepare(_device({"custom_fields": {"any": 1}}), mark=Mark(field="absent", value=7), definitions=None)
    assert unknown.desired[0].fields == {"custom_fields.any": 1, "custom_fields.absent": 7}


def _with_tag(*sets: RecordSet, tag_name: str | None = None) -> list[RecordSet]:
    return Preparation(SCHEMA, DEFINITIONS, Mark(tag="infratrack")).prepare(sets, tag_name=tag_name)


def test_the_own_tag_comes_first_and_is_taken_as_it_is_called() -> None:
    made = _with_tag(_device({}))
    assert [one.type for one in made] == ["extras.tag", "dcim.device"]
    assert made[0].desired[0].key == {"slug": "infratrack"}
    assert made[0].desired[0].fields == {"name": "infratrack"}
    assert made[0].within == {"slug": "infratrack"}
    assert _with_tag(_device({}), tag_name="Ours")[0].desired[0].fields == {"name": "Ours"}


def test_the_own_tag_is_left_alone_where_nothing_carries_it_or_a_mapping_desires_it() -> None:
    assert [one.type for one in _with_tag(_set("dcim.cable", ({"a_terminations": []}, {})))] == ["dcim.cable"]
    ours = _set("extras.tag", ({"slug": "infratrack"}, {"name": "Mine"}))
    assert [one.desired[0].fields.get("name") for one in _with_tag(_device({}), ours)] == ["Mine", None]
    other = _set("extras.tag", ({"slug": "leaf"}, {"name": "Leaf"}))
    assert [one.type for one in _with_tag(_device({}), other)] == ["extras.tag", "extras.tag", "dcim.device"]


def test_parents_come_before_children_and_what_can_wait_does_not_hold_up_a_circle() -> None:
    interface = {"type": "dcim.interface", "device": {"name": "sw1"}, "name": "eth0"}
    sets = [
        _set("dcim.cable", ({"a_terminations": [interface]}, {})),
        _set("ipam.ipaddress", ({"address": "192.0.2.1/24"}, {"assigned_object": interface})),
        _set("dcim.interface", ({"device": {"name": "sw1"}, "name": "eth0"}, {"lag": None, "vlans": [{"slug": "v"}]})),
        _device({"site": {"slug": "ams1"}, "primary_ip4": {"address": "192.0.2.1/24"}, "context": {"a": 1}}),
        _set("dcim.site", ({"slug": "ams1"}, {"name": "A"})),
        _set("extras.tag", ({"slug": "infratrack"}, {"name": "infratrack"})),
    ]
    ordered = [one.type for one in _prepare(*sets)]
    assert ordered == ["extras.tag", "dcim.site", "dcim.device", "dcim.interface", "dcim.cable", "ipam.ipaddress"]


def test_sets_that_do_not_refer_to_each_other_stay_in_their_order() -> None:
    sets = [_set("dcim.site", ({"slug": slug}, {"name": slug})) for slug in "cab"]
    unknown = _set("ipam.ipaddress", ({"address": "192.0.2.1/24"}, {"odd": {"a": {"b": 1}}}))
    assert [one.desired[0].key for one in _prepare(*sets)] == [{"slug": "c"}, {"slug": "a"}, {"slug": "b"}]
    assert _prepare(unknown, *sets)[0].type == "ipam.ipaddress"


@pytest.mark.parametrize(
    ("one", "said", "hint"),
    [
        (_set("dcim.devise", ({"name": "a"}, {})), r"dcim\.devise\[0\]: this NetBox has no type", "dcim.device"),
        (RecordSet("dcim.devise", (), source="terraform output x"), "terraform output x: this NetBox", "dcim.device"),
        (RecordSet("dcim.devise", ()), "records of dcim.devise: this NetBox", "dcim.device"),
        (_set("core.objectchange", ({"action": "x"}, {})), "decides core.objectchange by itself", "leave it out"),
        (_device({"stauts": "active"}), r"dcim\.device\[0\]: NetBox's dcim\.device has no field 'stauts'", "status"),
        (_device({"custom_fields": {"levle": 1}}), "no custom field 'levle' for dcim.device", "did you mean level?"),
        (_device({"custom_fields": {"owner_team": 1}}), "no custom field 'owner_team'", "be there before it is used"),
        (_device({"custom_fields": "x"}), "custom_fields is no mapping", "names and values"),
        (_device({"port_count": 1}), "decides port_count of dcim.device by itself", "leave it out"),
        (_device({"status": "actve"}), r"status: 'actve' is no choice", "active"),
        (_device({"site": "ams1"}), "site: it does not name a record", "{slug: ams1}"),
        (_device({"name": "sw2"}), "name stands in the key and in the fields", "key only"),
        (_device({}, within={"sit": "ams1"}), "no filter 'sit'", "site"),
    ],
)
def test_what_cannot_be_is_told_with_its_origin(one: RecordSet, said: str, hint: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        _prepare(one)
    assert hint in error.value.hint


def test_records_of_one_mapping_name_key_and_references_alike() -> None:
    records = ({"name": "a"}, {"site": {"slug": "x"}}), ({"name": "b"}, {"site": {"name": "X"}})
    with pytest.raises(InputError, match="name site by different fields"):
        _prepare(_set("dcim.device", *records))
    with pytest.raises(InputError, match=r"dcim\.device\[1\]: its key has other fields"):
        _prepare(_set("dcim.device", ({"name": "a"}, {}), ({"position": 1}, {})))


def test_a_record_without_origin_is_told_by_its_type() -> None:
    record = DesiredRecord("dcim.device", {"name": "a"}, {"height": "x"})
    with pytest.raises(InputError, match=r"a dcim\.device: height: 'x' is no number"):
        _prepare(RecordSet("dcim.device", (record,)))
