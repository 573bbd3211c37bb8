"""The parts of the project file's JSON Schema: one definition for everything that has a shape of its own.

A `title` says what a text must be, `examples` how it may look: both end up in error messages and in editors.
"""

from __future__ import annotations

from typing import Any, Final

from infratrack.project.working_time import LAG_PATTERN, WORKING_TIME_PATTERN
from infratrack.values import DURATION_PATTERN, IDENTIFIER_PATTERN

Schema = dict[str, Any]

NAME_AT_MOST: Final = 500
PATH_AT_MOST: Final = 1_000
NEVER: Final[Schema] = {"not": {}}
"""What no value fits: like `false`, but validators then say where."""
DATE_PATTERN: Final = "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$"


def ref(name: str, description: str = "") -> Schema:
    """A reference to a definition, with its own words where it has any."""
    found: Schema = {"$ref": f"#/$defs/{name}"}
    return {**found, "description": description} if description else found


def list_of(items: Schema, description: str, **more: Any) -> Schema:  # noqa: ANN401 -- JSON Schema keywords
    """A list."""
    return {"type": "array", "description": description, "items": items, **more}


def mapping(title: str, properties: Schema, required: tuple[str, ...] = (), **more: Any) -> Schema:  # noqa: ANN401 -- JSON Schema keywords
    """A mapping with these keys and no others."""
    found: Schema = {"title": title, "type": "object", "properties": properties}
    if required:
        found["required"] = list(required)
    return {**found, "additionalProperties": False, **more}


def texts() -> Schema:
    """Definitions of the short texts that occur everywhere."""
    return {
        "id": {
            "title": "an id (letters, digits, `.`, `_`, `-`)",
            "type": "string",
            "pattern": IDENTIFIER_PATTERN,
            "examples": ["core-vlans", "design"],
        },
        "name": {"title": "a name", "type": "string", "minLength": 1, "maxLength": NAME_AT_MOST},
        "tag": {
            "title": "a tag (letters, digits, `.`, `_`, `-`)",
            "type": "string",
            "pattern": IDENTIFIER_PATTERN,
            "examples": ["network"],
        },
        "date": {
            "title": "a date",
            "type": "string",
            "format": "date",
            "pattern": DATE_PATTERN,
            "examples": ["2026-01-05"],
        },
        "working-time": {
            "title": "working time",
            "description": "Working time: weeks, days, hours, minutes. A day has the calendar's hours (8).",
            "type": "string",
            "pattern": WORKING_TIME_PATTERN,
            "examples": ["3d", "2w", "40h", "1d4h"],
        },
        "lag": {
            "title": "working time, with a minus for a lead",
            "type": "string",
            "pattern": LAG_PATTERN,
            "examples": ["2d", "-1d"],
        },
        "elapsed-time": {
            "title": "elapsed time",
            "type": "string",
            "minLength": 2,
            "maxLength": 40,
            "pattern": DURATION_PATTERN,
            "examples": ["7d", "12h", "90m"],
        },
        "path": {
            "title": "a path inside the project folder",
            "type": "string",
            "minLength": 1,
            "maxLength": PATH_AT_MOST,
            "examples": ["keys/ci.pub"],
        },
        "keyid": {
            "title": "a key id (64 hexadecimal digits, as `infratrack key list` shows it)",
            "type": "string",
            "pattern": "^[0-9a-f]{64}$",
        },
        "key": {
            "title": "the path of a public key file, or `keyid:` and 64 hexadecimal digits",
            "type": "string",
            "maxLength": PATH_AT_MOST,
            "pattern": "^(keyid:[0-9a-f]{64}|(?!keyid:)[^\\n]+)$",
            "examples": ["keys/anna.pub"],
        },
    }


def around_the_work() -> Schema:
    """Definitions of the project itself, trust, people, systems and the calendar."""
    return {
        "project": mapping(
            "the project",
            {
                "id": ref("id", "The project's id. Evidence carries it: do not change it later."),
                "name": ref("name", "What people call the project."),
                "start": ref("date", "The day on which work begins."),
            },
            ("id", "name"),
            examples=[{"id": "dc-west", "name": "West data-centre refresh", "start": "2026-01-05"}],
        ),
        "trust": mapping(
            "trust",
            {
                "signers": list_of(ref("signer"), "The keys whose evidence counts.", maxItems=1_000),
                "identities": list_of(
                    ref("identity"), "Jobs whose evidence counts, by what their CI system vouches for.", maxItems=100
                ),
            },
            description="Whom the project trusts. Evidence signed by any other key is kept, but counts for nothing.",
            examples=[{"signers": [{"name": "ci", "key": "keys/ci.pub"}]}],
        ),
        "signer": mapping(
            "a signer",
            {
                "name": ref("name", "What to call this key in reports."),
                "key": ref("path", "The public key (PEM), as `infratrack key export NAME` prints it."),
                "keyid": ref("keyid", "The key's id, where the ledger knows the key itself."),
            },
            ("name",),
            oneOf=[{"required": ["key"]}, {"required": ["keyid"]}],
        ),
        "person": mapping(
            "a person",
            {
                "id": ref("id"),
                "name": ref("name"),
                "keys": list_of(ref("key"), "The person's public keys: sign-offs by these are the person's own."),
                "forge_logins": {
                    "description": "The person's login on each forge.",
                    "type": "object",
                    "additionalProperties": ref("name"),
                    "examples": [{"github": "anna-b"}],
                },
                "roles": list_of(ref("id"), "Roles, as `accepted_by` names them.", uniqueItems=True),
                "from": ref("date", "The first day on the project."),
                "to": ref("date", "The last day on the project."),
            },
            ("id",),
            examples=[{"id": "anna", "name": "Anna Berg", "keys": ["keys/anna.pub"], "roles": ["network-lead"]}],
        ),
        "system": mapping(
            "a system",
            {
                "id": ref("id"),
                "name": ref("name"),
                "environment": {
                    "description": "Whether this is production.",
                    "enum": ["production", "preproduction"],
                },
                "regimes": list_of(ref("id"), "Rules that the system is under.", uniqueItems=True, examples=[["sox"]]),
            },
            ("id", "environment"),
        ),
        "calendar": mapping(
            "the calendar",
            {
                "working_days": list_of(
                    {"enum": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]},
                    "Days on which work is done; Monday to Friday unless said otherwise.",
                    minItems=1,
                    uniqueItems=True,
                ),
                "hours_per_day": {
                    "description": "Working hours a day; 8 unless said otherwise.",
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "maximum": 24,
                },
                "holidays": list_of(ref("date"), "Days off.", uniqueItems=True),
            },
        ),
    }


def the_work() -> Schema:
    """Definitions of phases, milestones, tasks and deliverables."""
    ids = ref("id")
    tags = list_of(ref("tag"), "Words to filter by.", uniqueItems=True)
    return {
        "phase": mapping(
            "a phase",
            {"id": ids, "name": ref("name"), "exit": ref("condition", "What must hold before the phase may be left.")},
            ("id", "name"),
        ),
        "milestone": mapping(
            "a milestone",
            {
                "id": ids,
                "name": ref("name"),
                "committed": ref("date", "The date that was promised."),
                "phase": ref("id", "The phase that it belongs to."),
                "depends": list_of(ids, "The tasks that must be finished.", uniqueItems=True),
            },
            ("id", "name"),
        ),
        "dependency": {
            "title": "a task's id, or {task, type, lag}",
            "type": ["string", "object"],
            "pattern": IDENTIFIER_PATTERN,
            "properties": {
                "task": ref("id", "The task that comes first."),
                "type": {
                    "description": "FS: it must finish before this starts. SS, FF, SF likewise.",
                    "enum": ["FS", "SS", "FF", "SF"],
                    "default": "FS",
                },
                "lag": ref("lag", "How long after; negative for a lead."),
            },
            "required": ["task"],
            "additionalProperties": False,
            "examples": ["design", {"task": "design", "type": "SS", "lag": "2d"}],
        },
        "three-point": mapping(
            "three estimates",
            {
                "optimistic": ref("working-time"),
                "likely": ref("working-time"),
                "pessimistic": ref("working-time"),
            },
            ("optimistic", "likely", "pessimistic"),
            examples=[{"optimistic": "2d", "likely": "3d", "pessimistic": "8d"}],
        ),
        "task": mapping(
            "a task",
            {
                "id": ids,
                "name": ref("name"),
                "phase": ref("id", "The phase that it belongs to."),
                "owner": ref("id", "Who answers for it: a person's id, or a role."),
                "duration": ref("working-time", "How long it takes, in working time."),
                "effort": ref("working-time", "How much work it is."),
                "three_point": ref("three-point", "How long it takes, as three estimates."),
                "depends": list_of(ref("dependency"), "Tasks that come first."),
                "deliverables": list_of(ids, "What it hands over.", uniqueItems=True),
                "tags": tags,
            },
            ("id", "name"),
            dependentSchemas={
                "duration": {"properties": {"effort": NEVER, "three_point": NEVER}},
                "effort": {"properties": {"three_point": NEVER}},
            },
            examples=[{"id": "core", "name": "Build the core network", "duration": "5d", "depends": ["design"]}],
        ),
        "deliverable": mapping(
            "a deliverable",
            {
                "id": ids,
                "name": ref("name"),
                "task": ref("id", "The task that hands it over (or let the task list it)."),
                "owner": ref("id", "Who answers for it: a person's id, or a role."),
                "weight": {
                    "description": "Its share of the progress, compared with others; 1 unless said otherwise.",
                    "type": "number",
                    "exclusiveMinimum": 0,
                    "maximum": 1_000_000,
                },
                "done_when": ref("condition", "What evidence must show before it counts as done."),
                "accepted_by": list_of(ids, "Who must sign it off: people's ids, or roles.", uniqueItems=True),
                "tags": tags,
            },
            ("id", "name", "done_when"),
            examples=[
                {
                    "id": "core-vlans",
                    "name": "Core VLANs live",
                    "weight": 3,
                    "done_when": {"all": [{"terraform.applied": {"resources": "terraform_data.vlan[*]"}}]},
                }
            ],
        ),
    }
