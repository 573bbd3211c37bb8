"""Three-valued criteria on outputs, attributes and checks."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.api import SUBJECT_SEPARATOR, Decision, Word
from infratrack.testing.builders import finding, verdict
from infratrack.testing.criteria import CriterionContract
from infratrack_terraform.criterion_parts import same
from infratrack_terraform.value_criteria import Checks, Output, Resource

SATISFIED, UNSATISFIED, UNKNOWN = Decision.SATISFIED, Decision.UNSATISFIED, Decision.UNKNOWN


class TestOutput(CriterionContract):
    criterion = Output()


class TestResource(CriterionContract):
    criterion = Resource()


class TestChecks(CriterionContract):
    criterion = Checks()


def holds(value: object) -> dict[str, Any]:
    return {"present": True, "value": value}


def output(*values: dict[str, Any]) -> list[Word]:
    return [Word("terraform.output", "infra", "ids", value) for value in values]


def attribute(*values: dict[str, Any], address: str = "terraform_data.vlan[0]", path: str = "input.id") -> list[Word]:
    return [Word("terraform.attribute", "infra", address + SUBJECT_SEPARATOR + path, value) for value in values]


@pytest.mark.parametrize(
    ("parameters", "values", "expected", "note"),
    [
        ({}, [], UNKNOWN, None),
        ({}, [{"present": True}], SATISFIED, "it is set"),
        ({}, [{"present": True, "sensitive": True}], SATISFIED, "it is set"),
        ({}, [{"present": True}, {"present": False}], UNSATISFIED, "the output is not there"),
        ({}, [holds(None)], UNSATISFIED, "the output is null"),
        ({}, [{}], UNKNOWN, "nothing is known of the output"),
        ({"equals": [10]}, [holds([10])], SATISFIED, "it is [10]"),
        ({"equals": [10]}, [holds([10]), holds([10, 20])], UNSATISFIED, "it is [10,20]"),
        ({"equals": [10]}, [holds([20]), holds([10])], SATISFIED, None),
        ({"equals": {"a": 1}}, [holds({"a": 1.0})], SATISFIED, 'it is {"a":1.0}'),
        ({"equals": None}, [holds(None)], SATISFIED, "it is null"),
        ({"equals": 1}, [{"present": True, "value": True}], UNSATISFIED, "it is true"),
        ({"equals": 0}, [{"present": True, "value": False}], UNSATISFIED, "it is false"),
        ({"equals": 1}, [holds(2)], UNSATISFIED, "it is 2"),
        ({"equals": 1}, [{"present": True, "sensitive": True}], UNKNOWN,
         "the output is sensitive, so its value is not kept"),
        ({"equals": 1}, [{"present": True}], UNKNOWN,
         "the value was not kept: no criterion asked for it when this was recorded"),
        ({"equals": 1}, [{"present": True, "omitted": "too large to keep"}], UNKNOWN,
         "the value was not kept: too large to keep"),
        ({"equals": "x"}, [holds("a ‹masked› b")], UNKNOWN, "the value holds a secret that was masked"),
        ({"equals": "x"}, [holds([{"‹masked:0›": 1}])], UNKNOWN, "the value holds a secret that was masked"),
        ({"equals": "x"}, [holds(("‹masked›",))], UNKNOWN, "the value holds a secret that was masked"),
        ({"matches": "v*"}, [holds("v1")], SATISFIED, 'it is "v1"'),
        ({"matches": "v*"}, [holds("w1")], UNSATISFIED, 'it is "w1"'),
        ({"matches": "*"}, [holds("x" * 100)], SATISFIED, f'it is "{"x" * 58}…'),
        ({"in": ["a", "b"]}, [holds("b")], SATISFIED, None),
        ({"in": ["a", "b"]}, [holds("c")], UNSATISFIED, None),
        ({"in": ["va", "b"], "matches": "v*"}, [holds("b")], UNSATISFIED, None),
    ],
)  # fmt: skip
def test_output(parameters: dict[str, Any], values: list[dict[str, Any]], expected: Decision, note: str | None) -> None:
    found = finding(Output(), {"name": "ids", **parameters}, output(*values))
    assert found.decision is expected
    assert note is None or [judged.note for judged in found.judged.values()] == [note]


@pytest.mark.parametrize(
    ("parameters", "values", "expected"),
    [
        ({"equals": 10}, [], UNKNOWN),
        ({"equals": 10}, [holds(10)], SATISFIED),
        ({"equals": 10}, [holds(10), holds(11)], UNSATISFIED),
        ({"equals": 10}, [holds(10), {"present": False}], UNSATISFIED),
        ({"exists": True}, [holds(10)], SATISFIED),
        ({"exists": True}, [holds(None)], UNSATISFIED),
        ({"exists": False}, [holds(10)], UNSATISFIED),
        ({"exists": False}, [{"present": False}], SATISFIED),
        ({"exists": False}, [holds(None)], SATISFIED),
        ({"exists": False}, [], UNKNOWN),
    ],
)
def test_resource(parameters: dict[str, Any], values: list[dict[str, Any]], expected: Decision) -> None:
    given = {"address": "terraform_data.vlan[0]", "attribute": "input.id", **parameters}
    assert verdict(Resource(), given, attribute(*values)) is expected
    given["address"] = "terraform_data.vlan[*]"
    assert verdict(Resource(), given, attribute(*values)) is expected


def test_attributes_of_several_resources_must_all_fit() -> None:
    given = {"address": "terraform_data.*", "attribute": "input.id", "equals": 10, "directory": "infra"}
    words = [*attribute(holds(10)), *attribute(holds(11), address="terraform_data.other")]
    assert verdict(Resource(), given, words) is UNSATISFIED
    assert verdict(Resource(), given, [words[0], *attribute(holds(11), path="input.idx")]) is SATISFIED


@pytest.mark.parametrize(
    ("parameters", "statuses", "expected"),
    [
        ({}, [], UNKNOWN),
        ({}, ["pass"], SATISFIED),
        ({}, ["pass", "fail"], UNSATISFIED),
        ({}, ["fail", "pass"], SATISFIED),
        ({}, ["error"], UNSATISFIED),
        ({}, ["unknown"], UNKNOWN),
        ({}, ["odd"], UNKNOWN),
        ({"check": "check.*"}, ["pass"], SATISFIED),
        ({"check": "check.other"}, ["pass"], UNKNOWN),
    ],
)
def test_checks(parameters: dict[str, Any], statuses: list[str], expected: Decision) -> None:
    words = [Word("terraform.check", "infra", "check.ok", {"status": status}) for status in statuses]
    assert verdict(Checks(), parameters, words) is expected


def test_what_would_satisfy_is_told() -> None:
    from infratrack.testing.criteria import SOME_PROJECT

    parameters = {"name": "ids", "equals": 1, "matches": "1", "in": [1]}
    wants = Output().bind(parameters, SOME_PROJECT).wants
    assert wants == "a terraform apply after which the output ids is 1 and matches '1' and is one of [1]"
    unset = {"address": "a.b", "attribute": "c", "exists": False}
    assert Resource().bind(unset, SOME_PROJECT).wants == "a terraform plan or apply after which c of a.b is not set"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.floats(0, 3) | st.sampled_from("ab"),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)


@given(VALUES, VALUES)
def test_sameness_is_that_of_json(left: Any, right: Any) -> None:
    assert same(left, left)
    assert same(left, right) is same(right, left)
    if same(left, right):
        assert left == right
