"""The published schemas are those in the code."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.project.schema_files import schema_file
from infratrack_terraform.evidence_schemas import APPLY_SCHEMA, PLAN_SCHEMA, STATE_SCHEMA


@pytest.mark.parametrize(("name", "schema"), [("plan", PLAN_SCHEMA), ("apply", APPLY_SCHEMA), ("state", STATE_SCHEMA)])
def test_published_schema(name: str, schema: dict[str, Any]) -> None:
    published = json.loads(schema_file(f"v1/evidence/terraform-{name}.schema.json"))
    assert published == schema
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
