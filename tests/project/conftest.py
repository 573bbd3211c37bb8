"""A project folder to write into, and a few criteria and steps as plugins would offer them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from infratrack.project.files import load_project
from infratrack.project.model import Project
from infratrack.project.problems import ProjectProblems
from infratrack.project.schema import PluginSchemas

CRITERIA: Mapping[str, Mapping[str, Any]] = {
    "terraform.applied": {
        "description": "Resources are there.",
        "type": "object",
        "properties": {"resources": {"type": "string"}, "min": {"type": "integer", "minimum": 1}},
        "required": ["resources"],
        "additionalProperties": False,
        "examples": [{"resources": "*"}],
    },
    "terraform.output": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "equals": {}, "among": {"$ref": "#/$defs/words"}},
        "$defs": {"words": {"type": "array", "items": {"type": "string"}}},
        "additionalProperties": False,
    },
    "signoff": {
        "type": "object",
        "properties": {
            "by": {"anyOf": [{"type": "string", "minLength": 1}, {"type": "array", "items": {"type": "string"}}]},
            "role": {"type": "string"},
            "within": {"type": "string", "description": "How old."},
        },
        "dependentSchemas": {"by": {"properties": {"role": False}}},
        "additionalProperties": False,
    },
}
STEPS: Mapping[str, Mapping[str, Any]] = {
    "command": {
        "type": "object",
        "properties": {
            "argv": {"type": "array", "items": {"type": "string"}, "minItems": 1},
            "environment": {"type": "object", "propertyNames": {"pattern": "^[A-Z]+$"}},
        },
        "required": ["argv"],
        "additionalProperties": False,
    },
    "terraform.plan": {
        "type": "object",
        "properties": {"directory": {"type": "string"}},
        "additionalProperties": False,
    },
}

Load = Callable[..., Project]
Problems = Callable[..., list[str]]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Write the text as a project file and load it."""

    def load_text(text: str | bytes, broken: Mapping[str, str] | None = None) -> Project:
        file = tmp_path / "infratrack.yaml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        return load_project(file, PluginSchemas(CRITERIA, STEPS), broken)

    return load_text


@pytest.fixture
def problems(load: Load, tmp_path: Path) -> Problems:
    """Everything wrong with a text, line by line, without the folder's name."""

    def problems_of(text: str | bytes, broken: Mapping[str, str] | None = None) -> list[str]:
        with pytest.raises(ProjectProblems) as wrong:
            load(text, broken)
        return [str(problem).removeprefix(f"{tmp_path}/") for problem in wrong.value.problems]

    return problems_of
