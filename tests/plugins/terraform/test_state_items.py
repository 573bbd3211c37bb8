from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET

from infratrack.api import InputError
from infratrack_terraform.documents import ModuleValues, RawOutput, ResourceValue
from infratrack_terraform.state_items import output_items, resources_of

OUTPUTS = {
    "devices": RawOutput([{"name": "sw1"}]),
    "secret_devices": RawOutput([{"name": "sw1"}], sensitive=True),
    "by_name": RawOutput({"sw1": {}}),
    "one": RawOutput("sw1"),
}


def test_an_output_gives_its_list() -> None:
    assert output_items(OUTPUTS, "devices") == ({"name": "sw1"},)


@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("secret_devices", "the Terraform output 'secret_devices' is sensitive", "without the secret"),
        ("by_name", "the Terraform output 'by_name' is an object; a mapping needs a list", "value = [for name, one in"),
        ("one", "the Terraform output 'one' is no list; a mapping needs a list of objects", "a list of objects"),
        ("devics", "Terraform has no output 'devics'", "did you mean 'devices'? its outputs: by_name, devices, one"),
        ("zzz", "Terraform has no output 'zzz'", "its outputs: by_name"),
    ],
)
def test_an_output_that_gives_no_list_is_told(name: str, said: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        output_items(OUTPUTS, name)
    assert refused.value.message.startswith(said)
    assert hint in refused.value.hint
    assert "sw1" not in refused.value.message + refused.value.hint


def test_where_there_are_no_outputs_at_all_that_is_told() -> None:
    with pytest.raises(InputError) as refused:
        output_items({}, "devices")
    assert refused.value.hint == "it has no outputs; was it all destroyed?"


def item(values: Any, mask: Any = None, secrets: frozenset[str] = frozenset()) -> dict[str, Any]:
    resource = ResourceValue("a.b", type="a", name="b", values=values, sensitive_values={} if mask is None else mask)
    (found,) = resources_of(ModuleValues(resources=[resource]), "a", secrets)
    return found


@pytest.mark.parametrize(
    ("values", "mask", "left"),
    [
        ({"x": 1, "y": [1, {"z": None}]}, {}, {"x": 1, "y": [1, {"z": None}]}),
        ({"x": 1, "y": 2}, {"x": True}, {"y": 2}),
        ({"x": {"p": "secret", "q": 1}}, {"x": {"p": True}}, {"x": {"q": 1}}),
        ({"x": ["a", "secret"], "y": 1}, {"x": [False, True]}, {"y": 1}),
        ({"x": ["a", "b"]}, {"x": [False, False]}, {"x": ["a", "b"]}),
        ({"x": [{"p": "secret", "q": 1}, {"q": 2}]}, {"x": [{"p": True}]}, {"x": [{"q": 1}, {"q": 2}]}),
        ({"x": [{"p": "secret"}], "y": 1}, {"x": {"p": True}}, {"y": 1}),
        ({"x": "secret", "y": 1}, {"x": [True]}, {"y": 1}),
        ({"x": "secret"}, True, {}),
        ({"x": "secret"}, UNSET, {}),
        ({"x": {"p": "secret"}}, {"x": False}, {"x": {"p": "secret"}}),
        ({"x": {"p": "secret"}, "y": 1}, {"x": [True]}, {"y": 1}),
    ],
)
def test_what_a_mask_hides_is_left_out(values: Any, mask: Any, left: dict[str, Any]) -> None:
    assert item(values, mask) == {**left, "address": "a.b"}


def test_what_repeats_a_secret_is_left_out_where_no_mask_covers_it() -> None:
    values = {"url": "https://u:hunter2@x", "tags": ["a", "hunter2"], "o": {"p": "hunter2", "q": "x"}, "n": 7}
    assert item(values, {}, frozenset({"hunter2"})) == {"o": {"q": "x"}, "n": 7, "address": "a.b"}


def test_only_managed_objects_of_the_type_that_are_in_use_become_items() -> None:
    def resource(address: str, **more: Any) -> ResourceValue:
        given = {"type": "a", "values": {"x": 1}, "sensitive_values": {}, **more}
        return ResourceValue(address, **given)

    inner = ModuleValues(resources=[resource("module.m.a.b")])
    root = ModuleValues(
        resources=[
            resource("a.z"),
            resource("data.a.b", mode="data"),
            resource("c.b", type="c"),
            resource("a.old", deposed_key="0"),
            resource("a.none", values=None),
        ],
        child_modules=[inner],
    )
    assert [one["address"] for one in resources_of(root, "a", frozenset())] == ["a.z", "module.m.a.b"]
