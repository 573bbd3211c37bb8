from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest

from infratrack.errors import InputError
from infratrack.project.schema import PluginSchemas, include_schema, project_schema
from infratrack.project.schema_files import schema_file

ANY: dict[str, Any] = {"type": "object"}


def conditions(criterion: dict[str, Any], value: object) -> bool:
    schema = project_schema(PluginSchemas({"a.b": criterion}))
    project = {
        "infratrack": 1,
        "project": {"id": "p", "name": "P"},
        "deliverables": [{"id": "d", "name": "D", "done_when": {"a.b": value}}],
    }
    return jsonschema.Draft202012Validator(schema).is_valid(project)


@pytest.mark.parametrize("schema", [project_schema, include_schema])
def test_the_schema_is_one_with_and_without_plugins(schema: Callable[..., Any]) -> None:
    for criteria, steps in (({}, {}), ({"a.b": ANY}, {"c": ANY})):
        jsonschema.Draft202012Validator.check_schema(schema(PluginSchemas(criteria, steps)))


def test_every_criterion_takes_within_and_keep() -> None:
    closed = {"type": "object", "additionalProperties": False}
    assert conditions(closed, {"within": "7d", "keep": True})
    assert not conditions(closed, {"within": "soon"})
    own = {**closed, "properties": {"within": {"type": "string"}}}
    assert not conditions(own, {"within": "soon"})
    stricter = {**closed, "properties": {"within": {"type": "string", "pattern": "^7d$"}, "keep": {"const": True}}}
    assert conditions(stricter, {"within": "7d", "keep": True})
    assert not conditions(stricter, {"within": "8d"})
    assert not conditions(stricter, {"keep": False})


@pytest.mark.parametrize(
    ("criterion", "allowed"),
    [
        (ANY, True),
        ({}, True),
        ({"type": "object", "required": ["x"]}, False),
        ({"type": "object", "minProperties": 1}, False),
        ({"type": "object", "anyOf": [{"required": ["x"]}, {"required": ["y"]}]}, False),
        ({"type": "object", "anyOf": [{"required": ["x"]}, {}]}, True),
        ({"type": "object", "oneOf": [{"required": ["x"]}, {}]}, False),
        ({"type": "object", "allOf": [{"required": ["x"]}]}, False),
    ],
)
def test_parameters_may_be_left_out_where_an_empty_mapping_would_do(
    criterion: dict[str, Any], *, allowed: bool
) -> None:
    assert conditions(criterion, None) == allowed


def test_a_criterion_may_be_of_any_type() -> None:
    assert conditions({"type": "string"}, "x")


def test_editors_find_words_for_everything() -> None:
    schema = project_schema(PluginSchemas())
    definitions = schema["$defs"]
    for name in ("project", "trust", "person", "task", "deliverable", "milestone", "pipeline", "condition"):
        for key, part in definitions[name]["properties"].items():
            target = definitions[part["$ref"].rpartition("/")[2]] if "$ref" in part else part
            assert {"description", "title"} & (set(part) | set(target)), (name, key)
    assert all(definitions[name]["additionalProperties"] is False for name in ("project", "task", "deliverable"))


def test_examples_in_the_schema_fit_it() -> None:
    schema = project_schema(PluginSchemas({"terraform.applied": ANY}, {"terraform.plan": ANY}))
    for name, definition in schema["$defs"].items():
        for example in definition.get("examples", ()):
            checked = {"$ref": f"#/$defs/{name}", "$defs": schema["$defs"]}
            jsonschema.Draft202012Validator(checked).validate(example)


def test_shipped_schemas_are_found_by_name() -> None:
    assert json.loads(schema_file("v1/project.schema.json"))["$id"] == "urn:infratrack:schema:project:v1"
    for name in ("v1/none.json", "../pyproject.toml", "v1"):
        with pytest.raises(InputError, match="there is no schema"):
            schema_file(name)
