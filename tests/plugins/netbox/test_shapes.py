from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack_netbox.server_schema import FieldSchema
from infratrack_netbox.shapes import MixedShapes, Projection, Shape, fields_to_ask, project, shapes_of, version_of
from tests.plugins.netbox.small_server import small_schema

SCHEMA = small_schema()
BRIEF = {"id": 3, "url": "u", "display": "d"}


def _project(type_name: str, raw: dict[str, Any], wanted: dict[str, Any], known: Any = None) -> dict[str, Any]:
    return project(SCHEMA, type_name, raw, wanted, known)


def test_a_reference_is_shown_by_what_is_desired_of_it() -> None:
    raw = {
        "name": "sw1",
        "site": {**BRIEF, "name": "Amsterdam", "slug": "ams1"},
        "status": {"value": "active", "label": "A"},
    }
    wanted = {"site": {"slug": "x"}, "status": "planned", "name": ""}
    assert _project("dcim.device", raw, wanted) == {"site": {"slug": "ams1"}, "status": "active", "name": "sw1"}
    assert _project("dcim.device", raw, {"site": {"id": 9}}) == {"site": {"id": 3}}
    assert _project("dcim.device", {"site": None}, {"site": {"slug": "x"}}) == {"site": None}
    assert _project("dcim.device", {"site": 3}, {"site": {"id": 9}}) == {"site": {"id": 3}}


def test_a_reference_of_which_nothing_is_desired_is_named_so_that_it_can_be_put_back() -> None:
    assert _project("dcim.device", {"site": {**BRIEF, "slug": "ams1"}}, {"site": None}) == {"site": {"slug": "ams1"}}
    assert _project("dcim.device", {"primary_ip4": {**BRIEF, "address": "a"}}, {"primary_ip4": None}) == {
        "primary_ip4": {"id": 3}
    }


def test_lists_of_references_are_in_one_order() -> None:
    raw = {"vlans": [{**BRIEF, "slug": "b"}, {**BRIEF, "slug": "a"}]}
    assert _project("dcim.interface", raw, {"vlans": [{"slug": "x"}]}) == {"vlans": [{"slug": "a"}, {"slug": "b"}]}
    assert _project("dcim.interface", {"vlans": "hostile"}, {"vlans": []}) == {"vlans": []}


def test_a_generic_reference_says_its_type() -> None:
    raw = {
        "assigned_object_type": "dcim.interface",
        "assigned_object": {**BRIEF, "name": "eth0", "device": {**BRIEF, "name": "sw1"}},
    }
    wanted = {"assigned_object": {"type": "dcim.interface", "device": {"name": "x"}, "name": "x"}}
    shown = {"type": "dcim.interface", "device": {"name": "sw1"}, "name": "eth0"}
    assert _project("ipam.ipaddress", raw, wanted) == {"assigned_object": shown}
    other = {"assigned_object": {"type": "dcim.device", "name": "x"}}
    assert _project("ipam.ipaddress", raw, other) == {"assigned_object": {"type": "dcim.interface", "id": 3}}
    assert _project("ipam.ipaddress", {"assigned_object": BRIEF, "assigned_object_type": 5}, wanted) == {
        "assigned_object": None
    }


def test_the_ends_of_a_cable_are_read_with_their_objects_or_their_ids() -> None:
    raw = {
        "a_terminations": [
            {"object_type": "dcim.interface", "object_id": 3, "object": {**BRIEF, "name": "eth0"}},
            {"object_type": "dcim.interface", "object_id": 4},
            "hostile",
        ]
    }
    wanted = {"a_terminations": [{"type": "dcim.interface", "id": 1}]}
    ends = [{"type": "dcim.interface", "id": 3}, {"type": "dcim.interface", "id": 4}]
    assert _project("dcim.cable", raw, wanted) == {"a_terminations": ends}
    assert _project("dcim.cable", {"a_terminations": None}, wanted) == {"a_terminations": []}


def test_custom_fields_are_fields_of_their_own() -> None:
    special = {
        "custom_fields.owner": FieldSchema("reference", type="dcim.site"),
        "custom_fields.all": FieldSchema("references", type="dcim.site"),
        "custom_fields.level": FieldSchema("choice"),
    }
    raw = {
        "custom_fields": {
            "owner": {**BRIEF, "slug": "ams1"},
            "all": [{**BRIEF, "slug": "b"}],
            "level": {"value": "a", "label": "A"},
            "seen": {**BRIEF, "slug": "c"},
            "json": {"a": 1.0},
        }
    }
    shapes: dict[str, Shape | None] = {
        "custom_fields.owner": Shape({"slug": None}),
        "custom_fields.all": Shape({"slug": None}),
        "custom_fields.level": None,
        "custom_fields.seen": None,
        "custom_fields.json": None,
        "custom_fields.none": None,
    }
    assert Projection(SCHEMA, {}).record("dcim.device", raw, shapes, special) == {
        "custom_fields.owner": {"slug": "ams1"},
        "custom_fields.all": [{"slug": "b"}],
        "custom_fields.level": "a",
        "custom_fields.seen": {"slug": "c"},
        "custom_fields.json": {"a": 1},
        "custom_fields.none": None,
    }
    hostile = Projection(SCHEMA, {}).record("dcim.device", {"custom_fields": {"all": 5}}, shapes, special)
    assert hostile["custom_fields.all"] == []
    assert (
        Projection(SCHEMA, {}).record("dcim.device", {"custom_fields": 5}, shapes, special)["custom_fields.level"]
        is None
    )


def test_what_a_nested_record_does_not_carry_is_looked_up_level_by_level() -> None:
    raw = {"device": {**BRIEF, "name": "sw1"}, "name": "eth0"}
    shapes = shapes_of(SCHEMA.endpoint("dcim.interface").fields, [{"device": {"name": "x", "site": {"slug": "x"}}}])
    first = Projection(SCHEMA, {})
    first.record("dcim.interface", raw, shapes, {})
    assert first.missing == {"dcim.device": ({3}, {"site"})}
    second = Projection(SCHEMA, {("dcim.device", 3): {"site": {**BRIEF, "slug": "ams1"}}})
    assert second.record("dcim.interface", raw, shapes, {}) == {"device": {"name": "sw1", "site": {"slug": "ams1"}}}
    assert second.missing == {}
    unseen = Projection(SCHEMA, {("dcim.device", 3): {"site": None}})
    assert unseen.record("dcim.interface", raw, shapes, {}) == {"device": {"name": "sw1", "site": None}}
    nameless = Projection(SCHEMA, {})
    assert nameless.record("dcim.interface", {"device": {"id": "x"}}, shapes, {}) == {
        "device": {"name": None, "site": None}
    }
    assert nameless.missing == {}


def test_a_reference_to_what_the_server_does_not_say_is_read_as_it_is() -> None:
    assert _project("ipam.ipaddress", {"odd": {**BRIEF, "a": 1.0}}, {"odd": {"a": 2}}) == {"odd": {"a": 1}}


def test_what_is_no_field_is_read_as_it_is() -> None:
    assert _project("dcim.device", {"strange": 2.0}, {"strange": 1}) == {"strange": 2}


def test_records_of_one_mapping_have_one_shape_a_reference() -> None:
    fields = SCHEMA.endpoint("dcim.device").fields
    same: list[dict[str, Any]] = [{"site": None}, {"site": {"slug": "a"}}, {"site": {"slug": "b"}}, {"site": None}]
    assert shapes_of(fields, same) == {"site": Shape({"slug": None})}
    with pytest.raises(MixedShapes) as mixed:
        shapes_of(fields, [{"site": {"slug": "a"}}, {"site": {"name": "b"}}])
    assert mixed.value.name == "site"
    with pytest.raises(MixedShapes):
        shapes_of(SCHEMA.endpoint("dcim.interface").fields, [{"vlans": [{"slug": "a"}, {"name": "b"}]}])


def test_a_reference_inside_a_reference_may_be_empty_in_some() -> None:
    fields = SCHEMA.endpoint("dcim.interface").fields
    none, some = {"device": {"name": "a", "site": None}}, {"device": {"name": "b", "site": {"slug": "x"}}}
    shape = {"device": Shape({"name": None, "site": Shape({"slug": None})})}
    assert shapes_of(fields, [none, some, none]) == shapes_of(fields, [some, none]) == shape
    with pytest.raises(MixedShapes):
        shapes_of(fields, [some, none, {"device": {"name": "b", "site": {"name": "x"}}}])


def test_generic_references_to_several_types_each_have_their_shape() -> None:
    fields = SCHEMA.endpoint("ipam.ipaddress").fields
    one: dict[str, Any] = {"assigned_object": {"type": "dcim.interface", "name": "a"}}
    other: dict[str, Any] = {"assigned_object": {"type": "dcim.device", "id": 1}}
    both = shapes_of(fields, [one, other, one])["assigned_object"]
    assert both == Shape(types={"dcim.interface": Shape({"name": None}), "dcim.device": Shape({"id": None})})
    with pytest.raises(MixedShapes):
        shapes_of(fields, [one, other, {"assigned_object": {"type": "dcim.interface", "id": 1}}])


def test_only_what_is_compared_is_asked_for() -> None:
    asked = fields_to_ask(
        SCHEMA.endpoint("ipam.ipaddress"), ["address", "assigned_object", "custom_fields.a", "custom_fields.b"]
    )
    assert asked == ["address", "assigned_object_type", "assigned_object", "custom_fields"]


@pytest.mark.parametrize(
    ("record", "version"),
    [
        ({"last_updated": "2026-11-22T17:53:06.152142Z"}, 'W/"2026-11-22T17:53:06.152142+00:00"'),
        ({"last_updated": "2026-11-22T17:53:06Z"}, 'W/"2026-11-22T17:53:06+00:00"'),
        ({"last_updated": "2026-11-22T18:53:06.5+01:00"}, 'W/"2026-11-22T17:53:06.500000+00:00"'),
        ({"last_updated": None, "created": "2026-11-22T17:53:06Z"}, 'W/"2026-11-22T17:53:06+00:00"'),
        ({"last_updated": "soon"}, ""),
        ({"last_updated": "2026-11-22"}, ""),
        ({"last_updated": 5}, ""),
        ({}, ""),
    ],
)
def test_a_version_is_the_etag_that_the_server_gives(record: dict[str, Any], version: str) -> None:
    assert version_of(record) == version


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2100, 1, 1)), st.integers(-12, 12))  # noqa: DTZ001 -- made aware below
def test_versions_do_not_depend_on_the_time_zone_that_the_server_shows(moment: datetime, hours: int) -> None:
    instant = moment.replace(tzinfo=UTC)
    shown = instant.astimezone(timezone(timedelta(hours=hours))).isoformat()
    assert version_of({"last_updated": shown}) == f'W/"{instant.isoformat()}"'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "slug", "name", "type", "device", "object"]), inner, max_size=4)
    ),
    max_leaves=10,
)


@given(st.dictionaries(st.sampled_from(["site", "status", "tags", "custom_fields", "primary_ip4", "ports"]), JSON))
def test_no_live_record_makes_it_fail(raw: dict[str, Any]) -> None:
    wanted = {
        "site": {"slug": "x"},
        "status": "active",
        "tags": ["a"],
        "primary_ip4": {"address": "x"},
        "ports": [1],
        "custom_fields.a": 1,
    }
    assert _project("dcim.device", raw, wanted).keys() == wanted.keys()
