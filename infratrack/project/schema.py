"""The JSON Schema of the project file, with the criteria and step types of the plugins at hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from infratrack.project.cmdb_schema import cmdb_definitions, with_records
from infratrack.project.identity_schema import identity
from infratrack.project.schema_parts import (
    NEVER,
    PATH_AT_MOST,
    Schema,
    around_the_work,
    list_of,
    mapping,
    ref,
    texts,
    the_work,
)

FORMAT_VERSION: Final = 1
LISTS: Final = ("people", "systems", "phases", "milestones", "tasks", "deliverables", "pipelines")
"""The lists that a file named by `include` may hold as well."""

Schemas = Mapping[str, Mapping[str, Any]]
"""Name → JSON Schema of its parameters."""


class PluginSchemas(Struct, frozen=True):
    """What the plugins at hand take: the JSON Schemas of their parameters, by name."""

    criteria: Schemas = {}
    steps: Schemas = {}
    reconcilers: Schemas = {}
    """Of the settings under `cmdb: {NAME: …}`."""
    sources: Schemas = {}
    """Of `from`."""


_ITEMS: Final = {
    "people": ("person", "The people of the project."),
    "systems": ("system", "The systems that the project touches."),
    "phases": ("phase", "The phases, in order."),
    "milestones": ("milestone", "Dated promises."),
    "tasks": ("task", "The work."),
    "deliverables": ("deliverable", "What is handed over, and how its completion is proved."),
    "pipelines": ("pipeline", "What `infratrack deliver` runs."),
}
_COMBINATIONS_AT_MOST: Final = 1_000


def project_schema(plugins: PluginSchemas) -> Schema:
    """The whole JSON Schema (2020-12) of `infratrack.yaml`.

    Every criterion takes `within` and `keep` besides its own parameters, every CMDB `records` and `max_deletes`.
    """
    properties = {
        "infratrack": {"description": "The version of this file's format.", "const": FORMAT_VERSION},
        "project": ref("project", "Which project this is."),
        "include": list_of(
            {
                "title": "a path or glob inside the project folder",
                "type": "string",
                "minLength": 1,
                "maxLength": PATH_AT_MOST,
                "examples": ["plan/*.yaml"],
            },
            "Further files (globs, inside the project folder) with lists of the same names as here.",
            maxItems=1_000,
        ),
        "ledger": {
            "title": "the address of a ledger",
            "description": "Where the evidence is kept; relative paths begin at the project folder.",
            "type": "string",
            "pattern": "^([a-z][a-z0-9+.-]*://|git:|git\\+)[^\\n]+$",
            "maxLength": 1_000,
            "default": "sqlite:///.infratrack/ledger.db",
            "examples": [
                "sqlite:///.infratrack/ledger.db",
                "git:infratrack/ledger",
                "git+https://git.example.org/team/evidence.git#infratrack/ledger",
            ],
        },
        "trust": ref("trust"),
        "calendar": ref("calendar"),
        "cmdb": ref("cmdb"),
        **_lists(),
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:infratrack:schema:project:v1",
        "description": "A project whose deliverables prove themselves: infratrack.yaml.",
        **mapping("an infratrack project", properties, ("infratrack", "project")),
        "$defs": definitions(plugins),
    }


def include_schema(plugins: PluginSchemas) -> Schema:
    """The JSON Schema of a file that `include` names: the same lists, and nothing else."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:infratrack:schema:project-include:v1",
        **mapping("an included file", _lists()),
        "$defs": definitions(plugins),
    }


def definitions(plugins: PluginSchemas) -> Schema:
    """Everything that the schema refers to."""
    criteria, steps, sources = plugins.criteria, plugins.steps, plugins.sources
    return {
        **texts(),
        **around_the_work(),
        "identity": identity(),
        **the_work(),
        "condition": _condition(criteria),
        "at-least": mapping(
            "at_least",
            {
                "n": {"description": "How many of them are needed.", "type": "integer", "minimum": 1},
                "of": _conditions("The conditions to choose from."),
            },
            ("n", "of"),
        ),
        "pipeline": _pipeline(),
        "step": _step(steps),
        **{f"criterion-{name}": _criterion(name, schema) for name, schema in sorted(criteria.items())},
        **{f"step-{name}": _parameters(f"step:{name}", schema) for name, schema in sorted(steps.items())},
        "cmdb": _cmdb(plugins.reconcilers),
        **cmdb_definitions(sources, [name for name, schema in sources.items() if not _may_be_empty(schema)]),
        **{
            f"cmdb-{name}": with_records(_parameters(f"cmdb:{name}", schema))
            for name, schema in sorted(plugins.reconcilers.items())
        },
        **{f"source-{name}": _parameters(f"source:{name}", schema) for name, schema in sorted(sources.items())},
    }


def _lists() -> Schema:
    return {name: list_of(ref(item), description) for name, (item, description) in _ITEMS.items()}


def _conditions(description: str) -> Schema:
    return list_of(ref("condition"), description, minItems=1, maxItems=_COMBINATIONS_AT_MOST)


def _condition(criteria: Schemas) -> Schema:
    known = {
        "all": _conditions("Every one of these is needed."),
        "any": _conditions("One of these is enough."),
        "not": ref("condition", "This must not hold."),
        "at_least": ref("at-least", "At least `n` of these are needed."),
        **{name: ref(f"criterion-{name}") for name in sorted(criteria)},
    }
    return mapping("a condition", known, minProperties=1, maxProperties=1)


def _pipeline() -> Schema:
    return mapping(
        "a pipeline",
        {
            "id": ref("id"),
            "name": ref("name"),
            "system": ref("id", "The system that it touches."),
            "deliverables": list_of(ref("id"), "The deliverables that its evidence is linked to.", uniqueItems=True),
            "tasks": list_of(ref("id"), "The tasks that its evidence is linked to.", uniqueItems=True),
            "steps": list_of(ref("step"), "The steps, run in order.", minItems=1, maxItems=_COMBINATIONS_AT_MOST),
        },
        ("id", "steps"),
        examples=[{"id": "core", "steps": [{"terraform.plan": {"directory": "infra"}}]}],
    )


def _step(steps: Schemas) -> Schema:
    known = {
        "name": ref("name", "What to call the step."),
        **{name: ref(f"step-{name}") for name in sorted(steps)},
    }
    only = {"oneOf": [{"required": [name]} for name in sorted(steps)]} if steps else {"minProperties": 1}
    return mapping("a step", known, **only)


def _cmdb(reconcilers: Schemas) -> Schema:
    return mapping(
        "the CMDBs",
        {name: ref(f"cmdb-{name}") for name in sorted(reconcilers)},
        description="The CMDBs that are to agree with this project, and which records each should hold.",
    )


def _criterion(name: str, schema: Mapping[str, Any]) -> Schema:
    """A criterion's own schema, with the two parameters that every criterion has."""
    found = _parameters(f"criterion:{name}", schema)
    properties = dict(found.get("properties", {}))
    own = properties.get("within", {})
    if "pattern" not in own:
        properties["within"] = ref("elapsed-time", own.get("description", "How old the evidence may be: 7d, 12h."))
    properties.setdefault(
        "keep", {"type": "boolean", "description": "Let `within` count on after the deliverable was accepted."}
    )
    return {**found, "properties": properties}


def _parameters(what: str, schema: Mapping[str, Any]) -> Schema:
    """A plugin's schema of parameters, made fit to stand inside ours; nothing at all may be written where `{}` may."""
    found = {key: value for key, value in schema.items() if key not in ("$schema", "$id")}
    found.setdefault("title", what.rpartition(":")[2])
    if found.get("type", "object") == "object":
        found["type"] = ["object", "null"] if _may_be_empty(found) else "object"
    moved: Schema = _moved(found, f"#/$defs/{what.replace(':', '-', 1)}")
    return moved


def _may_be_empty(schema: Mapping[str, Any]) -> bool:
    """Whether a mapping without any key fits: no keyword asks for one."""
    if schema.get("required") or schema.get("minProperties") or "oneOf" in schema:
        return False
    some, every = schema.get("anyOf"), schema.get("allOf", ())
    return all(map(_may_be_empty, every)) and (some is None or any(map(_may_be_empty, some)))


def _moved(value: Any, root: str, *, is_properties: bool = False) -> Any:  # noqa: ANN401 -- any part of a JSON Schema
    """A schema with its references led to where it stands now, and `false` spelled so that validators say where."""
    if isinstance(value, Mapping):
        never = {key: NEVER for key, inner in value.items() if inner is False and is_properties}
        return never | {
            key: root + inner.removeprefix("#")
            if key == "$ref" and str(inner).startswith("#")
            else _moved(inner, root, is_properties=key == "properties")
            for key, inner in value.items()
            if key not in never
        }
    return [_moved(item, root) for item in value] if isinstance(value, list | tuple) else value
