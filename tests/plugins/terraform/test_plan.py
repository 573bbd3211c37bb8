"""Plan JSON of every age becomes facts, and nothing that was not asked for is kept."""

from __future__ import annotations

import json
from typing import Any

import pytest

from infratrack.api import InputError
from infratrack_terraform.plan import PlanFacts, action_of, read_plan, version_of
from infratrack_terraform.wanted import WantedValues, wanted_values
from tests.plugins.terraform.plan_documents import OLD_PLAN, change, plan


def read(document: object, wanted: WantedValues | None = None) -> PlanFacts:
    return read_plan(json.dumps(document).encode(), "plan.json", wanted or WantedValues())


def wanting(*outputs: str, **attributes: str) -> WantedValues:
    return wanted_values(
        {
            "terraform.output": tuple({"name": name} for name in outputs),
            "terraform.resource": tuple(
                {"address": f"aws_x.{name}", "attribute": path} for name, path in attributes.items()
            ),
        }
    )


@pytest.mark.parametrize(
    ("actions", "expected"),
    [
        (["no-op"], "no-op"), (["create"], "create"), (["read"], "read"), (["update"], "update"),
        (["delete"], "delete"), (["forget"], "forget"), (["create", "delete"], "replace"),
        (["delete", "create"], "replace"), (["create", "forget"], "replace"), ([], "unknown"), (["open"], "unknown"),
        (["create", "update"], "unknown"),
    ],
)  # fmt: skip
def test_actions_in_one_word(actions: list[str], expected: str) -> None:
    assert action_of(actions) == expected


def test_versions() -> None:
    assert version_of("1.11.4") == (1, 11, 4)
    assert version_of("0.15") == (0, 15, 0)
    assert version_of("next") == (0, 0, 0)


def test_changed_attributes_are_named_and_nothing_else() -> None:
    facts = read(
        plan(
            change("aws_x.up", "update", before={"a": 1, "b": 2, "c": 3}, after={"a": 1, "b": 3},
                   after_unknown={"a": False, "d": True, "e": {}}),
            change("aws_x.new", "create", after={"a": 1}),
            change("aws_x.odd", "update", before="text", after=None, after_unknown=True),
        )
    )  # fmt: skip
    assert [fact.changed for fact in facts.resources] == [("b", "c", "d"), (), ()]
    assert facts.counts() == {"update": 2, "create": 1}


def test_reasons_moves_imports_deposed_objects_and_data_are_told_apart() -> None:
    facts = read(
        plan(
            change("aws_x.a", "delete", "create", action_reason="replace_because_tainted"),
            change("aws_x.b", "no-op", previous_address="aws_x.old"),
            change("aws_x.c", "no-op", importing={"id": "i-1"}),
            change("aws_x.d", "delete", deposed="00000001"),
            change("data.http.e", "read", mode="data"),
            change("aws_x.f", "update", action_reason="Not A Reason!"),
            deferred_changes=[{"reason": "unknown", "resource_change": change("aws_x.g", "create")}, {"reason": "x"}],
        )
    )
    a, b, c, d, e, f, g = facts.resources
    assert (a.action, a.reason) == ("replace", "replace_because_tainted")
    assert b.previous_address == "aws_x.old"
    assert c.importing
    assert d.deposed
    assert e.mode == "data"
    assert f.reason is None
    assert g.deferred
    assert facts.counts() == {"replace": 1, "no-op": 2, "delete": 1, "update": 1, "unknown": 1}


def test_drift_is_what_is_no_no_op_and_may_lack_its_address() -> None:
    lost = change("x", "update")
    lost |= {"type": "aws_x", "name": "lost", "index": "k", "module_address": "module.a"}
    del lost["address"]
    facts = read(plan(resource_drift=[lost, change("aws_x.moved", "no-op")]))
    assert [fact.address for fact in facts.drift] == ['module.a.aws_x.lost["k"]']
    assert facts.drift_reported


def test_old_plans_have_no_drift_and_no_masks_so_no_value_is_kept() -> None:
    facts = read(OLD_PLAN, wanting("token", "plain"))
    assert not facts.drift_reported
    assert facts.counts() == {"replace": 1}
    assert facts.resources[0].changed == ("acl",)
    assert facts.outputs[0] == {"name": "token", "actions": ["create"], "sensitive": True}
    assert facts.outputs[1]["planned"] == {"present": True, "sensitive": True}
    assert "old-token-value" in facts.secrets
    assert "plain-value" not in repr(facts)


def test_outputs_hold_what_is_there_now_and_what_shall_be() -> None:
    marks: dict[str, Any] = {"before_sensitive": False, "after_sensitive": False}
    document = plan(
        output_changes={
            "new": {"actions": ["create"], "before": None, "after": "n", "after_unknown": False, **marks},
            "late": {"actions": ["update"], "before": 1, "after_unknown": True, **marks},
            "gone": {"actions": ["delete"], "before": "g", "after": None, **marks},
            "deep": {"actions": ["no-op"], "before": {"a": "p"}, "after": {"a": "p"}, "before_sensitive": {"a": True}},
            "idle": {"actions": ["no-op"], "before": 1, "after": 1, **marks},
        },
        configuration={"root_module": {"outputs": {"idle": {"sensitive": False}}}},
    )
    found = {one["name"]: one for one in read(document, wanting("new", "late", "gone", "deep")).outputs}
    assert found["new"] == {
        "name": "new", "actions": ["create"], "now": {"present": False}, "planned": {"present": True, "value": "n"},
    }  # fmt: skip
    assert found["late"]["now"] == {"present": True, "value": 1}
    assert found["late"]["planned"] == {"present": True, "omitted": "not known before the apply"}
    assert found["gone"]["planned"] == {"present": False}
    assert found["deep"] == {"name": "deep", "actions": ["no-op"], "sensitive": True}
    assert found["idle"] == {"name": "idle", "actions": ["no-op"]}


def test_wanted_attributes_are_kept_as_they_are_now() -> None:
    marks: dict[str, Any] = {"before_sensitive": {"pw": True}, "after_sensitive": {}}
    document = plan(
        change("aws_x.a", "update", before={"size": 1, "pw": "planted-secret"}, after={"size": 2}, **marks),
        change("aws_x.b", "create", after={"size": 3}, before_sensitive=False),
        change("aws_x.c", "update", before={"copy": "x planted-secret"}, **marks),
        change("aws_x.d", "delete", before={"size": 1}, deposed="00000001", **marks),
    )
    facts = read(document, wanting(a="size", b="size", c="copy", d="size"))
    assert facts.attributes == (
        {"address": "aws_x.a", "attribute": "size", "present": True, "value": 1},
        {"address": "aws_x.b", "attribute": "size", "present": False},
        {"address": "aws_x.c", "attribute": "copy", "present": True, "sensitive": True},
    )


def test_secrets_come_from_everywhere_and_nothing_of_it_is_kept() -> None:
    document = plan(
        change("aws_x.name-secret", "update", before={"p": "secret-before"}, after={"p": ["secret-after"]},
               before_sensitive={"p": True}, after_sensitive={"p": [True]}, index="secret-index",
               module_address='module.secret-module["secret-key"]'),
        change("aws_x.other", "no-op", before={"q": "secret-index"}, before_sensitive=True, after_sensitive=True),
        resource_drift=[change("aws_x.d", "update", before={"p": "secret-drift"}, before_sensitive={"p": True})],
        variables={"v": {"value": {"k": "secret-variable"}}, "open": {"value": "open-variable"}},
        planned_values={
            "outputs": {"o": {"sensitive": True, "value": "secret-planned"}, "u": {"sensitive": True}},
            "root_module": {
                "resources": [{"values": {"z": "secret-value"}, "sensitive_values": {"z": True}}, {"values": {"z": 1}}],
                "child_modules": [{"resources": [{"values": {"z": "secret-child"}, "sensitive_values": {"z": True}}]}],
            },
        },
        prior_state={"values": {"outputs": {"o": {"sensitive": True, "value": "secret-prior"}}}},
        configuration={
            "root_module": {
                "variables": {"v": {"sensitive": True, "default": "secret-default"}, "open": {"default": "x"},
                              "unset": {"sensitive": True}},
                "module_calls": {
                    "m": {"module": {"variables": {"w": {"sensitive": True, "default": "secret-inner"}}}},
                    "n": {},
                },
            }
        },
        checks=[{"address": {"to_display": "check.c"}, "status": "odd", "problems": [{"message": "secret-message"}]}],
    )  # fmt: skip
    facts = read(document)
    assert facts.secrets == {
        "secret-before", "secret-after", "secret-drift", "secret-variable", "secret-planned", "secret-value",
        "secret-child", "secret-prior", "secret-default", "secret-inner",
    }  # fmt: skip
    assert facts.sensitive_variables == {"v", "unset"}
    assert facts.masked == 11
    assert facts.checks == ({"address": "check.c", "kind": "", "status": "unknown"},)
    kept = repr((facts.resources, facts.drift, facts.outputs, facts.checks, facts.attributes))
    assert not [secret for secret in facts.secrets if secret in kept]


def test_destroy_and_refresh_only_plans_are_known_for_what_they_are() -> None:
    assert read(plan(change("aws_x.a", "delete"))).destroys
    assert not read(plan(change("aws_x.a", "delete", action_reason="delete_because_no_resource_config"))).destroys
    assert not read(plan(change("aws_x.a", "delete"), change("aws_x.b", "create"))).destroys
    assert not read(plan(change("aws_x.a", "delete"), version="0.12.1")).destroys
    assert not read(plan()).destroys
    prior: dict[str, Any] = {"values": {"root_module": {"resources": [{"address": "aws_x.a"}]}}}
    nested: dict[str, Any] = {"values": {"root_module": {"child_modules": [{}]}}}
    assert read(plan(prior_state=prior) | {"resource_changes": None}).refresh_only
    assert read(plan(prior_state=nested) | {"resource_changes": None}).refresh_only
    assert not read(plan(prior_state={"values": {}}) | {"resource_changes": None}).refresh_only
    assert not read(plan(prior_state={}) | {"resource_changes": None}).refresh_only
    assert not read(plan(prior_state=prior)).refresh_only


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "plan.json: Input data was truncated"),
        (b"[]", "plan.json: Expected `object`, got `array`"),
        (b"{", "plan.json: "),
        (b'{"format_version": 1}', "got `int` - at `$.format_version`"),
        (b'{"format_version": "\xff"}', "plan.json: "),
        (b'{"format_version":"1","resource_changes":[{"address":7,"change":{}}]}', "at `$.resource_changes["),
        (b'{"format_version":"1","resource_changes":[{"address":"a.b","change":{"actions":["No!"]}}]}', "no word"),
        (b'{"format_version":"1","resource_changes":[{"change":{}}]}', "neither an address nor"),
        (b'{"format_version":"1","resource_changes":[{"address":"' + b"a" * 5000 + b'","change":{}}]}', "5000 char"),
        (b'{"format_version":"1","variables":{"a":{"value":' + b"[" * 200_000 + b"]" * 200_000 + b"}}}", "nested too"),
        ("{}".encode("utf-16")[:-1], "not UTF-8"),
    ],
)  # fmt: skip
def test_bad_documents_get_a_sentence(content: bytes, said: str) -> None:
    with pytest.raises(InputError) as caught:
        read_plan(content, "plan.json", WantedValues())
    assert said in caught.value.message
    assert caught.value.hint


def test_a_document_that_is_far_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from infratrack_terraform import documents

    monkeypatch.setattr(documents, "LARGEST_DOCUMENT", 10)
    with pytest.raises(InputError, match="too large"):
        read(plan())


def test_deep_values_are_compared_or_refused_but_never_crash() -> None:
    deep = "[" * 900 + "]" * 900
    content = json.dumps(plan(change("aws_x.a", "update", before={"a": "@"}, after={"a": "@"}))).replace('"@"', deep)
    try:
        assert read_plan(content.encode(), "plan.json", WantedValues()).counts() == {"update": 1}
    except InputError as error:
        assert "nested too deeply" in error.message  # noqa: PT017 -- both answers are right


def test_comparing_too_deep_values_gets_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    from infratrack_terraform import plan as module

    def too_deep(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(module, "_facts", too_deep)
    with pytest.raises(InputError, match="nested too deeply"):
        read(plan())


def test_windows_text_is_read_too() -> None:
    text = json.dumps(plan(change("aws_x.a", "create")))
    for content in (text.encode("utf-16"), text.encode("utf-8-sig")):
        assert read_plan(content, "plan.json", WantedValues()).counts() == {"create": 1}
