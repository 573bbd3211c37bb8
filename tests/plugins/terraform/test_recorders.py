"""What other systems left is told apart by content; broken documents get a sentence, never a traceback."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from infratrack.api import Collected, InputError, RecordSource
from infratrack.testing.builders import predicate
from infratrack_terraform.evidence import PLAN, STATE, PlanEvidence, StateEvidence
from infratrack_terraform.recorders import TerraformRecorder
from tests.plugins.terraform.plan_documents import OLD_PLAN, RAW_STATE, SHOWN_STATE, change, plan

TYPES: dict[str, PlanEvidence | StateEvidence] = {PLAN: PlanEvidence(), STATE: StateEvidence()}
MARKS: dict[str, Any] = {"before_sensitive": {"p": True}, "after_sensitive": [True]}
WHOLE_PLAN = plan(
    change("aws_x.a", "update", before={"p": "s", "q": [1]}, after={"p": "t"}, after_unknown={"z": True}, **MARKS),
    resource_drift=[change("aws_x.b", "delete")],
    output_changes={"o": {"actions": ["create"], "after": 1}},
    checks=[{"address": {"to_display": "check.c", "kind": "check"}, "status": "pass"}],
    variables={"v": {"value": 1}},
    configuration={"root_module": {"variables": {"v": {"sensitive": True}}, "module_calls": {"m": {"module": {}}}}},
    planned_values={"outputs": {"o": {"sensitive": True, "value": 1}}, "root_module": {"child_modules": []}},
    prior_state={"values": {"root_module": {"resources": [{"values": {"a": 1}, "sensitive_values": {"a": True}}]}}},
)
DOCUMENTS = (WHOLE_PLAN, OLD_PLAN, RAW_STATE, SHOWN_STATE)


def source(content: bytes | None) -> RecordSource:
    return RecordSource(Path("plan.json"), content, {"terraform.output": ({"name": "o"},)}, "infra")


def record(document: object) -> Collected:
    given_source = source(json.dumps(document).encode())
    assert TerraformRecorder().detect(given_source)
    (collected,) = TerraformRecorder().read(given_source)
    plain = json.loads(json.dumps(collected.result))
    Draft202012Validator(TYPES[collected.predicate_type].schema).validate(plain)
    return collected


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (WHOLE_PLAN, PLAN), (OLD_PLAN, PLAN), (RAW_STATE, STATE), (SHOWN_STATE, STATE), (plan(), PLAN),
        ({"format_version": "1.0", "terraform_version": "1.0.0"}, STATE),
        ({"filler": "x" * 5_000, **SHOWN_STATE}, STATE),
        ({"format_version": "0.1", "terraform_version": "0.12.1", "planned_values": {}}, PLAN),
    ],
)  # fmt: skip
def test_plans_and_states_are_told_apart(document: object, kind: str) -> None:
    collected = record(document)
    assert collected.predicate_type == kind
    assert TYPES[kind].words(predicate(collected.result)) or kind == STATE


def test_an_errored_or_partial_plan_is_recorded_as_what_it_is() -> None:
    assert record(plan(errored=True) | {"errored": True}).outcome == "failed"
    assert record({**plan(), "complete": False}).result["targeted"] is True
    assert record(plan()).outcome == "succeeded"


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"[]",
        b"not json",
        b'{"a": 1}',
        b"{" + b" " * 5_000 + b"}",
        b"{" + b" " * 5_000,
        b"\xff\xfe{",
        b"{\xff",
        b'{"a":' * 200_000,
    ],
)
def test_what_is_not_terraforms_is_left_alone(content: bytes | None) -> None:
    assert not TerraformRecorder().detect(source(content))


def test_a_broken_document_is_detected_and_named() -> None:
    broken = json.dumps(WHOLE_PLAN).encode()[:-40]
    assert TerraformRecorder().detect(source(broken))
    with pytest.raises(InputError, match=r"plan\.json: "):
        TerraformRecorder().read(source(broken))
    with pytest.raises(InputError, match="no format_version"):
        TerraformRecorder().read(source(b'{"terraform_version": "1.0.0"}'))


def test_text_from_powershell_is_read() -> None:
    for encoding in ("utf-16", "utf-8-sig"):
        content = source(json.dumps(WHOLE_PLAN).encode(encoding))
        assert TerraformRecorder().detect(content)
        assert TerraformRecorder().read(content)


ODD: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 1e300, 10**30, "", "x" * 5_000, [], {}, [None], {"a": {}}, [[[]]], "\ud800", "création"]
)


def mutate(value: Any, data: st.DataObject) -> Any:
    """One member somewhere inside replaced, dropped or doubled."""
    if isinstance(value, dict) and value and data.draw(st.integers(0, 3)):
        key = data.draw(st.sampled_from(sorted(value)))
        if not data.draw(st.integers(0, 5)):
            return {name: inner for name, inner in value.items() if name != key}
        return {**value, key: mutate(value[key], data)}
    if isinstance(value, list) and value and data.draw(st.integers(0, 3)):
        place = data.draw(st.integers(0, len(value) - 1))
        return [*value[:place], mutate(value[place], data), *value[place:]]
    return data.draw(ODD)


@settings(max_examples=600, deadline=None)
@given(st.data())
def test_a_mutated_document_gives_facts_or_a_sentence(data: st.DataObject) -> None:
    document = mutate(data.draw(st.sampled_from(DOCUMENTS)), data)
    content = source(json.dumps(document).encode())
    TerraformRecorder().detect(content)
    try:
        (collected,) = TerraformRecorder().read(content)
    except InputError as error:
        assert error.message.startswith("plan.json")  # noqa: PT017 -- facts or a sentence, both are right
        return
    json.dumps(collected.result).encode()
    kind = TYPES[collected.predicate_type]
    kind.words(predicate(collected.result))
    assert "\n" not in kind.summary(predicate(collected.result))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_flipped_bytes_give_facts_or_a_sentence(data: st.DataObject) -> None:
    content = bytearray(json.dumps(data.draw(st.sampled_from(DOCUMENTS))).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    TerraformRecorder().detect(source(bytes(content)))
    try:
        TerraformRecorder().read(source(bytes(content)))
    except InputError as error:
        assert error.message.startswith("plan.json")  # noqa: PT017 -- facts or a sentence, both are right
