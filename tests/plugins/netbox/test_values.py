from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack_netbox.desired_values import desired_value
from infratrack_netbox.server_schema import FieldSchema
from infratrack_netbox.values import BadValue, canonical, in_order, lenient, unwrapped
from tests.plugins.netbox.small_server import small_schema

TEXT = FieldSchema("text")
NULLABLE = FieldSchema("text", nullable=True)
STATUS = FieldSchema("choice", choices=("active", "planned"), labels={"Active": "active", "Planned": "planned"})
ADDRESS = "ipam.ipaddress.address"

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
KINDS = st.sampled_from(["text", "integer", "number", "boolean", "choice", "date", "datetime", "tags", "list", "json"])
PLACES = st.sampled_from(
    [ADDRESS, "ipam.prefix.prefix", "dcim.macaddress.mac_address", "dcim.interface.wwn", "dcim.cable.color", ""]
)


@pytest.mark.parametrize(
    ("place", "given_text", "expected"),
    [
        (ADDRESS, "2001:DB8:0:0::1/64", "2001:db8::1/64"),
        (ADDRESS, "192.0.2.1", "192.0.2.1/32"),
        (ADDRESS, " 192.0.2.1/24 ", "192.0.2.1/24"),
        ("ipam.prefix.prefix", "192.0.2.9/24", "192.0.2.0/24"),
        ("ipam.aggregate.prefix", "2001:DB8::/32", "2001:db8::/32"),
        ("dcim.macaddress.mac_address", "aabb.ccdd.eeff", "AA:BB:CC:DD:EE:FF"),
        ("dcim.interface.wwn", "50-01-43-80-12-34-56-78", "50:01:43:80:12:34:56:78"),
        ("ipam.ipaddress.dns_name", "A.Example", "a.example"),
        ("dcim.cable.color", "FF00AA", "ff00aa"),
        ("dcim.site.comments", "  two\nlines ", "two\nlines"),
        ("dcim.device.serial", 42, "42"),
    ],
)
def test_texts_are_spelled_as_the_server_keeps_them(place: str, given_text: object, expected: str) -> None:
    assert canonical(TEXT, place, given_text) == expected


@pytest.mark.parametrize("blank", [None, "", "   "])
def test_a_blank_text_is_empty_or_null_as_the_field_has_it(blank: object) -> None:
    assert canonical(TEXT, "", blank) == ""
    assert canonical(NULLABLE, "", blank) is None


@pytest.mark.parametrize("value", [10, 10.0, "10", "10.00", " 10.0 "])
def test_a_number_is_one_value_however_it_is_written(value: object) -> None:
    number = canonical(FieldSchema("number"), "", value)
    assert (number, type(number)) == (10, int)
    assert canonical(FieldSchema("integer"), "", value) == 10


def test_fractions_stay_and_blanks_are_no_number() -> None:
    assert canonical(FieldSchema("number"), "", "10.50") == 10.5
    assert canonical(FieldSchema("number"), "", "") is None
    assert canonical(FieldSchema("integer"), "", None) is None


@pytest.mark.parametrize(
    ("value", "expected"), [("Yes", True), ("true", True), (1, True), ("0", False), (False, False), (None, None)]
)
def test_booleans_are_read_from_text(value: object, expected: bool | None) -> None:  # noqa: FBT001 -- a parameter of the test
    assert canonical(FieldSchema("boolean"), "", value) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [("active", "active"), ("ACTIVE", "active"), ("Planned", "planned"), ("", None), (None, None)],
)
def test_a_choice_is_its_value_also_where_its_label_was_written(value: object, expected: str | None) -> None:
    assert canonical(STATUS, "", value) == expected


def test_choices_that_are_numbers_and_choices_that_are_not_known() -> None:
    assert canonical(FieldSchema("choice", choices=(4, 6)), "", "4") == 4
    assert canonical(FieldSchema("choice"), "", "anything") == "anything"


def test_dates_times_tags_and_lists() -> None:
    assert canonical(FieldSchema("date"), "", "2026-01-05") == "2026-01-05"
    assert canonical(FieldSchema("date"), "", "") is None
    assert canonical(FieldSchema("datetime"), "", "2026-01-05T01:00:00+01:00") == "2026-01-05T00:00:00.000000Z"
    assert canonical(FieldSchema("datetime"), "", None) is None
    assert canonical(FieldSchema("tags"), "", ["b", {"slug": "a"}, " b "]) == ["a", "b"]
    assert canonical(FieldSchema("tags"), "", None) == []
    assert canonical(FieldSchema("list"), "", [443, 80.0, 80]) == [443, 80]
    assert canonical(FieldSchema("list"), "", None) == []
    assert canonical(FieldSchema("json"), "", {"a": (1.0, 1.5)}) == {"a": [1, 1.5]}


@pytest.mark.parametrize(
    ("kind", "place", "value", "said"),
    [
        ("text", "", True, "is no text"),
        ("text", "", ["a"], "is no text"),
        ("text", "", "a\0b", "NUL"),
        ("text", ADDRESS, "192.0.2.300", "no IP address"),
        ("text", "ipam.prefix.prefix", "x", "no prefix"),
        ("text", "dcim.macaddress.mac_address", "AA:BB", "no MAC address"),
        ("text", "dcim.interface.wwn", "zz" * 8, "no WWN"),
        ("integer", "", "4.5", "no whole number"),
        ("integer", "", "four", "no number"),
        ("number", "", True, "no number"),
        ("number", "", float("inf"), "no number"),
        ("number", "", 10**30, "no number"),
        ("number", "", "9" * 40, "no number"),
        ("boolean", "", "maybe", "neither true nor false"),
        ("boolean", "", [], "neither true nor false"),
        ("choice", "", "actve", "is no choice"),
        ("choice", "", True, "is no choice"),
        ("date", "", "5.1.2026", "no date"),
        ("datetime", "", "soon", "not a date or time"),
        ("tags", "", "leaf", "no list of tags"),
        ("tags", "", [{"name": "Leaf"}], "names no tag"),
        ("tags", "", [" "], "names no tag"),
        ("list", "", "80", "no list"),
    ],
)
def test_what_a_field_cannot_hold_is_told(kind: Any, place: str, value: object, said: str) -> None:
    field = FieldSchema(kind, choices=STATUS.choices, labels=STATUS.labels)
    with pytest.raises(BadValue, match=said) as bad:
        canonical(field, place, value)
    assert bad.value.hint


def test_the_nearest_choice_is_named() -> None:
    with pytest.raises(BadValue) as bad:
        canonical(STATUS, "", "actve")
    assert bad.value.hint == "did you mean active?"


@given(KINDS, PLACES, JSON)
def test_live_values_never_make_it_fail_and_are_a_fixed_point(kind: Any, place: str, value: object) -> None:
    field = FieldSchema(kind, choices=STATUS.choices, labels=STATUS.labels, nullable=True)
    once = lenient(field, place, value)
    assert lenient(field, place, once) == once or unwrapped(once) != once


@given(KINDS, PLACES, JSON)
def test_a_desired_value_is_taken_or_refused_and_then_agrees_with_itself_live(
    kind: Any, place: str, value: object
) -> None:
    field = FieldSchema(kind, choices=STATUS.choices, labels=STATUS.labels, nullable=True)
    try:
        desired = canonical(field, place, value)
    except BadValue:
        return
    assert canonical(field, place, desired) == desired
    if unwrapped(desired) == desired:
        assert lenient(field, place, desired) == desired


@given(st.ip_addresses(v=6), st.integers(0, 128))
def test_every_spelling_of_an_ipv6_address_is_one(address: ipaddress.IPv6Address, length: int) -> None:
    spellings = {f"{address}/{length}", f"{address.exploded}/{length}", f"{address.exploded.upper()}/{length}"}
    assert len({canonical(TEXT, ADDRESS, text) for text in spellings}) == 1


def test_a_live_choice_is_its_value_and_blank_is_null() -> None:
    assert lenient(STATUS, "", {"value": "active", "label": "Active"}) == "active"
    assert lenient(STATUS, "", {"value": "", "label": ""}) is None
    assert lenient(STATUS, "", "gone") == "gone"
    assert lenient(TEXT, ADDRESS, "no address") == "no address"


def test_items_of_a_set_are_in_one_order_once_each() -> None:
    assert in_order([{"b": 1, "a": 2}, {"a": 2, "b": 1}, {"a": 1}]) == [{"a": 1}, {"a": 2, "b": 1}]


SCHEMA = small_schema()


def _desired(type_name: str, name: str, value: object) -> Any:
    return desired_value(SCHEMA, SCHEMA.endpoint(type_name).field(name), f"{type_name}.{name}", value)


def test_references_are_canonical_at_every_depth() -> None:
    assert _desired("dcim.device", "site", {"slug": " ams1 "}) == {"slug": "ams1"}
    assert _desired("dcim.device", "site", 5) == {"id": 5}
    assert _desired("dcim.device", "site", None) is None
    assert _desired("dcim.device", "primary_ip4", {"address": "2001:DB8::1/64"}) == {"address": "2001:db8::1/64"}
    assert _desired("dcim.interface", "vlans", [{"slug": "b"}, {"slug": "a"}]) == [{"slug": "a"}, {"slug": "b"}]
    assert _desired("dcim.interface", "vlans", None) == []
    end = {"type": "dcim.interface", "name": "eth0", "device": {"name": "sw1"}}
    expected = {"type": "dcim.interface", "device": {"name": "sw1"}, "name": "eth0"}
    assert _desired("ipam.ipaddress", "assigned_object", end) == expected
    assert _desired("dcim.cable", "a_terminations", [end, end]) == [expected]
    assert _desired("ipam.ipaddress", "odd", {"b": 1, "a": "x"}) == {"a": "x", "b": 1}


@pytest.mark.parametrize(
    ("type_name", "name", "value", "said"),
    [
        ("dcim.device", "site", "ams1", "does not name a record"),
        ("dcim.device", "site", {}, "does not name a record"),
        ("dcim.device", "site", True, "does not name a record"),
        ("dcim.device", "site", {"slugg": "x"}, "no field 'slugg' to be found by"),
        ("dcim.interface", "vlans", {"slug": "a"}, "no list"),
        ("dcim.interface", "lag", {"lag": {"lag": {"lag": {"lag": {"lag": {"lag": {"name": "x"}}}}}}}, "does not name"),
        ("ipam.ipaddress", "assigned_object", 5, "does not name a record"),
        ("ipam.ipaddress", "assigned_object", {"name": "eth0"}, "does not say the type"),
        ("ipam.ipaddress", "assigned_object", {"type": "dcim.nothing", "name": "x"}, "does not say the type"),
        ("ipam.ipaddress", "assigned_object", {"type": "dcim.device"}, "says a type and no record"),
    ],
)
def test_what_names_no_record_is_told(type_name: str, name: str, value: object, said: str) -> None:
    with pytest.raises(BadValue, match=said) as bad:
        _desired(type_name, name, value)
    assert bad.value.hint
