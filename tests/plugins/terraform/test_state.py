"""States as facts: what is there, in digests and fingerprints that give no value away."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from infratrack.api import InputError
from infratrack_terraform.state import NO_STATE, StateFacts, read_raw_state, read_shown_state
from infratrack_terraform.wanted import WantedValues, wanted_values
from tests.plugins.terraform.plan_documents import RAW_STATE, SHOWN_STATE

KEY = b"k" * 32
WANTED = wanted_values(
    {
        "terraform.output": ({"name": "ids"}, {"name": "pw"}),
        "terraform.resource": (
            {"address": "terraform_data.vlan[*]", "attribute": "input.id"},
            {"address": "terraform_data.vlan[*]", "attribute": "output.pw"},
            {"address": "module.core.*", "attribute": "input"},
        ),
    }
)


def raw(document: object = RAW_STATE, key: bytes = KEY) -> StateFacts:
    return read_raw_state(json.dumps(document).encode(), "the state", WANTED, key)


def shown(document: object = SHOWN_STATE) -> StateFacts:
    return read_shown_state(json.dumps(document).encode(), "the state", WANTED, KEY)


def test_a_state_file_is_read() -> None:
    facts = raw()
    assert (facts.serial, facts.lineage) == (6, "79a64faa-ae78-7164-86ac-e6c625dcf8a2")
    assert {address: (one.tainted, one.deposed) for address, one in facts.instances.items()} == {
        "terraform_data.vlan[0]": (False, False),
        "terraform_data.vlan[1]": (True, False),
        'module.core["west"].terraform_data.rack["a"]': (False, False),
        'module.core["west"].terraform_data.rack["b"]': (False, False),
    }
    assert facts.instances["terraform_data.vlan[0]"].provider == "terraform.io/builtin/terraform"
    assert facts.outputs == (
        {"name": "ids", "now": {"present": True, "value": [10, 20]}},
        {"name": "pw", "sensitive": True},
    )
    assert facts.checks == ({"address": "check.ok", "kind": "check", "status": "pass"},)
    assert facts.secrets == {"hunter2-output", "hunter2-deep"}
    assert facts.attributes == ()


def test_no_state_yet_is_no_state() -> None:
    assert read_raw_state(b"", "the state", WANTED, KEY) is NO_STATE
    assert read_raw_state(b" \n", "the state", WANTED, KEY) is NO_STATE


def test_fingerprints_differ_by_value_and_by_key_only() -> None:
    changed = copy.deepcopy(RAW_STATE)
    changed["resources"][0]["instances"][0]["attributes"]["id"] = "z"
    assert raw().instances == raw().instances
    moved = {address for address, one in raw(changed).instances.items() if one != raw().instances[address]}
    assert moved == {"terraform_data.vlan[0]"}
    assert raw(key=b"other").instances["terraform_data.vlan[0]"] != raw().instances["terraform_data.vlan[0]"]


def test_the_digest_covers_no_value() -> None:
    changed = copy.deepcopy(RAW_STATE)
    changed["resources"][0]["instances"][0]["attributes"]["input"]["value"]["pw"] = "other"
    changed["outputs"]["pw"]["value"] = "other"
    assert raw(changed).digest == raw().digest
    for name, value in (("serial", 7), ("lineage", "other"), ("outputs", {})):
        assert raw({**RAW_STATE, name: value}).digest != raw().digest
    changed["resources"][0]["instances"][0]["status"] = "tainted"
    assert raw(changed).digest != raw().digest


EVERYTHING = {"list-0", "list-1", "map-value"}


def step(value: object, kind: str = "get_attr") -> dict[str, object]:
    return {"type": kind, "value": value}


@pytest.mark.parametrize(
    ("paths", "found"),
    [
        ([[step("list"), step({"value": 1, "type": "number"}, "index")]], {"list-1"}),
        ([[step("list"), step({"value": 9, "type": "number"}, "index")]], EVERYTHING),
        ([[step("map"), step({"value": "k", "type": "string"}, "index")]], {"map-value"}),
        ([[step("nothing")]], EVERYTHING),
        (["no path"], EVERYTHING),
        ("no paths", EVERYTHING),
        ([[{}]], EVERYTHING),
        ([[]], EVERYTHING),
        ([], set()),
        (None, set()),
    ],
)
def test_sensitive_paths_are_followed_and_a_lost_one_hides_everything(paths: object, found: set[str]) -> None:
    document = copy.deepcopy(RAW_STATE)
    document["outputs"] = {}
    document["resources"] = document["resources"][:1]
    document["resources"][0]["instances"] = [
        {"attributes": {"list": ["list-0", "list-1"], "map": {"k": "map-value"}}, "sensitive_attributes": paths}
    ]
    assert raw(document).secrets == found


def test_a_shown_state_is_read_with_the_sensitivity_that_providers_tell() -> None:
    facts = shown()
    assert set(facts.instances) == {
        "terraform_data.vlan[0]", 'module.core.terraform_data.rack["a"]', "module.core.terraform_data.old",
    }  # fmt: skip
    assert facts.attributes == (
        {"address": "terraform_data.vlan[0]", "attribute": "input.id", "present": True, "value": 10},
        {"address": "terraform_data.vlan[0]", "attribute": "output.pw", "present": True, "sensitive": True},
        {"address": 'module.core.terraform_data.rack["a"]', "attribute": "input", "present": True, "value": None},
    )
    assert facts.outputs[1] == {"name": "pw", "sensitive": True}
    assert facts.checks == ({"address": "check.ok", "kind": "check", "status": "unknown"},)
    assert facts.digest is None


def test_an_empty_shown_state_is_empty() -> None:
    facts = shown({"format_version": "1.0"})
    assert (facts.instances, facts.outputs) == ({}, ())


def test_an_output_without_a_value_is_only_named() -> None:
    facts = shown({"format_version": "1.0", "values": {"outputs": {"ids": {}}}})
    assert facts.outputs == ({"name": "ids"},)


def test_large_and_deep_values_are_not_kept() -> None:
    for value in ("x" * 3_000, [[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]):
        facts = shown({"format_version": "1.0", "values": {"outputs": {"ids": {"value": value}}}})
        assert facts.outputs[0]["now"] == {"present": True, "omitted": "too large to keep"}


@pytest.mark.parametrize(
    "document",
    [{**RAW_STATE, "version": 3}, {"version": "4"}, [], {**RAW_STATE, "resources": [{"mode": "managed"}]},
     {"version": 4, "resources": [{"mode": "managed", "type": "", "name": "", "instances": [{}]}]}],
)  # fmt: skip
def test_bad_state_files_get_a_sentence(document: object) -> None:
    with pytest.raises(InputError, match="the state"):
        raw(document)


@pytest.mark.parametrize("address", ["", "a" * 5_000])
def test_bad_addresses_get_a_sentence(address: str) -> None:
    with pytest.raises(InputError, match="address of"):
        shown({"format_version": "1", "values": {"root_module": {"resources": [{"address": address}]}}})


def test_nothing_is_wanted_of_nothing() -> None:
    assert wanted_values({}) == WantedValues()
    odd: Any = {"terraform.output": ({"name": 7},), "terraform.resource": ({"address": "a.b"}, {"attribute": "c"})}
    assert wanted_values(odd) == WantedValues()
    twice = wanted_values(
        {"terraform.resource": ({"address": "a.*", "attribute": "x"}, {"address": "*", "attribute": "x"})}
    )
    assert list(twice.of("a.b")) == ["x"]
    assert list(twice.of("b.b")) == ["x"]
