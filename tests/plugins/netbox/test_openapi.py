from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.api import InputError
from infratrack_netbox.openapi import read_openapi
from infratrack_netbox.server_schema import ServerSchema
from tests.plugins.netbox.small_server import DOCUMENT, small_schema

SCHEMA = small_schema()


def test_types_are_named_by_app_and_component_and_details_are_no_lists() -> None:
    assert set(SCHEMA.endpoints) == {
        "extras.tag",
        "dcim.site",
        "dcim.device",
        "dcim.interface",
        "ipam.ipaddress",
        "ipam.service",
        "dcim.cable",
        "core.objectchange",
    }
    assert SCHEMA.endpoint("ipam.ipaddress").path == "/api/ipam/ip-addresses/"


def test_a_server_that_names_its_types_itself_is_believed() -> None:
    schema = read_openapi(DOCUMENT, {"/api/dcim/devices/": "dcim.box"})
    assert "dcim.box" in schema.endpoints
    assert schema.endpoint("dcim.interface").field("device").type == "dcim.box"


@pytest.mark.parametrize(
    ("type_name", "field", "kind"),
    [
        ("dcim.device", "name", "text"),
        ("dcim.device", "site", "reference"),
        ("dcim.device", "status", "choice"),
        ("dcim.device", "position", "number"),
        ("dcim.device", "height", "integer"),
        ("dcim.device", "enabled", "boolean"),
        ("dcim.device", "installed", "date"),
        ("dcim.device", "last_updated", "datetime"),
        ("dcim.device", "context", "json"),
        ("dcim.device", "ports", "list"),
        ("dcim.device", "tags", "tags"),
        ("dcim.device", "custom_fields", "custom_fields"),
        ("dcim.interface", "lag", "reference"),
        ("dcim.interface", "vlans", "references"),
        ("ipam.ipaddress", "dns_name", "text"),
        ("ipam.ipaddress", "assigned_object", "generic"),
        ("ipam.service", "parent", "generic"),
        ("dcim.cable", "a_terminations", "generics"),
    ],
)
def test_each_field_has_its_kind(type_name: str, field: str, kind: str) -> None:
    assert SCHEMA.endpoint(type_name).field(field).kind == kind


def test_a_field_says_whether_it_is_written_needed_and_what_it_may_be() -> None:
    device = SCHEMA.endpoint("dcim.device")
    assert device.field("site").required
    assert not device.field("name").required
    assert device.field("port_count").read_only
    assert device.field("status").choices == ("active", "planned")
    assert device.field("status").labels == {"Active": "active", "Planned": "planned"}
    assert device.field("primary_ip4").type == "ipam.ipaddress"
    assert "address" in device.field("primary_ip4").brief
    assert SCHEMA.endpoint("dcim.interface").field("device").brief == {"id": {}, "url": {}, "display": {}, "name": {}}
    assert SCHEMA.endpoint("ipam.service").field("parent").pair == "parent_object"
    assert device.field("custom_fields.owner").kind == "json"


def test_a_component_that_is_no_type_itself_stands_for_the_type_whose_name_it_ends_with() -> None:
    fields = SCHEMA.endpoint("ipam.ipaddress").fields
    assert fields["seen_in"].type == "dcim.site"
    assert fields["odd"].type == ""


def test_what_is_not_posted_is_not_writable_and_tags_tell_what_is_taggable() -> None:
    assert not SCHEMA.endpoint("core.objectchange").writable
    assert SCHEMA.endpoint("dcim.device").writable
    assert SCHEMA.endpoint("dcim.device").taggable
    assert not SCHEMA.endpoint("dcim.cable").taggable


def test_what_refers_to_a_type_is_found_by_its_filters() -> None:
    found = [(endpoint.type, name) for endpoint, name in SCHEMA.referring("dcim.interface")]
    assert found == [("dcim.interface", "lag_id"), ("ipam.ipaddress", "interface_id")]
    assert ("dcim.interface", "device_id") in [(one.type, name) for one, name in SCHEMA.referring("dcim.device")]


def test_an_endpoint_is_found_by_its_path() -> None:
    found = SCHEMA.at("/api/dcim/sites/")
    assert found is not None
    assert found.type == "dcim.site"
    assert SCHEMA.at("/api/dcim/nothing/") is None


def test_unknown_types_and_fields_name_the_nearest() -> None:
    with pytest.raises(InputError, match=r"no type 'dcim\.devise'") as unknown_type:
        SCHEMA.endpoint("dcim.devise")
    assert "dcim.device" in unknown_type.value.hint
    with pytest.raises(InputError, match="no field 'stauts'") as unknown_field:
        SCHEMA.endpoint("dcim.device").field("stauts")
    assert unknown_field.value.hint.startswith("did you mean status")
    with pytest.raises(InputError) as nothing_near:
        SCHEMA.endpoint("zzz")
    assert "there are " in nothing_near.value.hint
    with pytest.raises(InputError, match="no type") as empty:
        ServerSchema({}).endpoint("zzz")
    assert empty.value.hint == "there are none"


def test_the_compact_form_survives_a_round_through_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(SCHEMA), type=ServerSchema) == SCHEMA


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(JSON)
def test_no_document_makes_it_fail(document: Any) -> None:
    assert isinstance(read_openapi(document), ServerSchema)


@given(
    st.sampled_from(["get", "post"]),
    st.sampled_from(["parameters", "responses", "requestBody"]),
    st.sampled_from(["Device", "WritableDeviceRequest", "NestedTag", "BriefSite"]),
    JSON,
)
def test_damage_anywhere_does_not_make_it_fail(method: str, part: str, component: str, junk: Any) -> None:
    document = msgspec.json.decode(msgspec.json.encode(DOCUMENT))
    document["paths"]["/api/dcim/devices/"][method][part] = junk
    document["components"]["schemas"][component] = junk
    document["components"]["schemas"]["Site"] = {
        "properties": {"slug": junk, "status": {"enum": junk}},
        "required": junk,
    }
    assert "dcim.site" in read_openapi(document).endpoints
