"""The published schemas are those in the code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack_terraform.evidence_schemas import APPLY_SCHEMA, PLAN_SCHEMA, STATE_SCHEMA

FOLDER = Path(__file__).resolve().parents[3] / "schemas" / "v1" / "evidence"


@pytest.mark.parametrize(("name", "schema"), [("plan", PLAN_SCHEMA), ("apply", APPLY_SCHEMA), ("state", STATE_SCHEMA)])
def test_published_schema(name: str, schema: dict[str, Any]) -> None:
    published = json.loads((FOLDER / f"terraform-{name}.schema.json").read_text())
    assert published == schema
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)
