"""JSON Schemas of the three kinds of Terraform evidence (of the statement's `result`).

The files in `schemas/v1/evidence/` are these, for tools that do not run Python; a test holds them together.
"""

from __future__ import annotations

from typing import Any, Final

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final = {"type": "string"}
_COUNT: Final = {"type": "integer", "minimum": 0}
_DIGEST: Final = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}
_ACTIONS: Final = {"type": "array", "items": {"type": "string"}}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}


def _kept(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "type": "object",
        "properties": {
            "present": {"type": "boolean"},
            "sensitive": {"const": True, "description": "It is sensitive, so its value is not kept."},
            "omitted": {"type": "string", "description": "Why the value is not kept."},
            "value": {"description": "The value, as JSON."},
        },
        "required": ["present"],
    }


_COMMON: Final[dict[str, Any]] = {
    "root": {"type": "string", "description": "Folder of the root module, relative to the project folder."},
    "workspace": {"type": "string", "description": "The workspace; `default` where none was chosen."},
    "formatVersion": {"type": "string", "description": "Format version of Terraform's JSON."},
    "lineage": {"type": "string", "description": "Lineage of the state."},
    "checks": {
        "description": "Checks, preconditions and postconditions; their messages are not kept.",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "address": _TEXT,
                "kind": _TEXT,
                "status": {"enum": ["pass", "fail", "error", "unknown"]},
            },
            "required": ["address", "status"],
        },
    },
    "attributes": {
        "description": "Attributes that a criterion of the project names, as they are now.",
        "type": "array",
        "items": {
            **_kept("One attribute of one resource."),
            "properties": {"address": _TEXT, "attribute": _TEXT, **_kept("")["properties"]},
            "required": ["address", "attribute", "present"],
        },
    },
    "outputs": {
        "description": "Outputs by name; values only where a criterion of the project names them.",
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "name": _TEXT,
                "actions": _ACTIONS,
                "sensitive": {"const": True},
                "removed": {"const": True},
                "now": _kept("What it holds now."),
                "planned": _kept("What it shall hold after the apply."),
            },
            "required": ["name"],
        },
    },
}

_RUN: Final[dict[str, Any]] = {
    "mode": {"enum": ["normal", "destroy", "refresh-only"], "description": "What was asked for."},
    "targeted": {"type": "boolean", "description": "Only a part of the configuration was looked at (-target)."},
    "complete": {"type": ["boolean", "null"], "description": "Terraform's own word on that; null where it says none."},
    "planDigest": {**_DIGEST, "description": "SHA-256 of the plan file's bytes."},
    "changes": {**_COUNT, "description": "Changes that are pending: resources, and outputs in a plan."},
    "deletes": {**_COUNT, "description": "Objects that are (to be) destroyed, for good or for replacement."},
    "counts": {"type": "object", "additionalProperties": _COUNT, "description": "Managed resources, counted."},
}

_PLANNED: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "address": _TEXT,
        "type": _TEXT,
        "provider": _TEXT,
        "mode": {"const": "data"},
        "actions": _ACTIONS,
        "reason": {"type": "string", "description": "Terraform's reason for a replacement or deletion."},
        "changed": {**_TEXTS, "description": "Names of the top-level attributes that change."},
        "previousAddress": _TEXT,
        "deposed": {"const": True},
        "importing": {"const": True},
        "deferred": {"const": True},
    },
    "required": ["address", "type", "provider", "actions"],
}

PLAN_SCHEMA: Final[dict[str, Any]] = {
    "$schema": _DIALECT,
    "$id": "urn:infratrack:schema:evidence:terraform-plan:v1",
    "title": "Terraform plan",
    "description": "What a plan says of every address in it. Members that were not read are left out.",
    "type": "object",
    "properties": {
        **_COMMON,
        **_RUN,
        "serial": {**_COUNT, "description": "Serial of the state that the plan was made from."},
        "refreshed": {"type": "boolean", "description": "False with -refresh=false: it did not look at the world."},
        "errored": {"type": ["boolean", "null"]},
        "applyable": {"type": ["boolean", "null"]},
        "pending": {"type": "boolean", "description": "Changes are pending, known from -detailed-exitcode only."},
        "drifted": {**_COUNT, "description": "Addresses that were changed behind Terraform's back."},
        "resources": {"type": "array", "items": _PLANNED, "description": "Planned actions, no change included."},
        "drift": {"type": "array", "items": _PLANNED, "description": "What changed behind Terraform's back."},
    },
    "required": ["root", "workspace", "mode", "targeted"],
    "additionalProperties": False,
    "examples": [
        {
            "root": "infra", "workspace": "default", "mode": "normal", "targeted": False, "complete": True,
            "changes": 1, "deletes": 0, "drifted": 0, "counts": {"create": 1},
            "resources": [
                {
                    "address": "terraform_data.vlan[0]", "type": "terraform_data",
                    "provider": "terraform.io/builtin/terraform", "actions": ["create"],
                }
            ],
            "drift": [],
        }
    ],
}  # fmt: skip

APPLY_SCHEMA: Final[dict[str, Any]] = {
    "$schema": _DIALECT,
    "$id": "urn:infratrack:schema:evidence:terraform-apply:v1",
    "title": "Terraform apply",
    "description": "What an apply, destroy or refresh did to every address that it touched: the plan joined with the "
    "state before and after. Members that were not read are left out.",
    "type": "object",
    "properties": {
        **_COMMON,
        **_RUN,
        "serialBefore": {**_COUNT, "description": "Serial of the state before the command."},
        "serialAfter": {**_COUNT, "description": "Serial of the state after it."},
        "planSerial": {**_COUNT, "description": "Serial of the state that the plan was made from."},
        "stateDigestBefore": {**_DIGEST, "description": "As stateDigest, before the command."},
        "stateDigest": {
            **_DIGEST,
            "description": "SHA-256 over lineage, serial, and every object's address, kind, provider and status, and "
            "outputs' names; over no value, since values of few bits could be tried out.",
        },
        "stale": {"const": True, "description": "The state had moved since the plan: Terraform refuses such a plan."},
        "resources": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "address": _TEXT,
                    "type": _TEXT,
                    "provider": _TEXT,
                    "action": _TEXT,
                    "result": {"enum": ["applied", "failed", "notReached", "unchanged", "unknown"]},
                    "presence": {"enum": ["present", "absent", "tainted", "unknown"]},
                    "changed": _TEXTS,
                    "reason": _TEXT,
                    "previousAddress": _TEXT,
                },
                "required": ["address", "type", "provider", "action", "result", "presence"],
            },
        },
    },
    "required": ["root", "workspace", "mode", "targeted"],
    "additionalProperties": False,
    "examples": [
        {
            "root": "infra", "workspace": "prod", "mode": "normal", "targeted": False, "complete": True,
            "serialBefore": 0, "serialAfter": 2, "lineage": "79a64faa-ae78-7164-86ac-e6c625dcf8a2",
            "changes": 0, "deletes": 0, "counts": {"applied": 1},
            "resources": [
                {
                    "address": "terraform_data.vlan[0]", "type": "terraform_data",
                    "provider": "terraform.io/builtin/terraform", "action": "create", "result": "applied",
                    "presence": "present",
                }
            ],
        }
    ],
}  # fmt: skip

STATE_SCHEMA: Final[dict[str, Any]] = {
    "$schema": _DIALECT,
    "$id": "urn:infratrack:schema:evidence:terraform-state:v1",
    "title": "Terraform state",
    "description": "Which addresses a recorded state holds.",
    "type": "object",
    "properties": {
        **_COMMON,
        "serial": _COUNT,
        "stateDigest": _DIGEST,
        "resources": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "address": _TEXT,
                    "type": _TEXT,
                    "provider": _TEXT,
                    "presence": {"enum": ["present", "tainted"]},
                },
                "required": ["address", "type", "provider", "presence"],
            },
        },
    },
    "required": ["root", "workspace", "resources"],
    "additionalProperties": False,
    "examples": [{"root": ".", "workspace": "default", "resources": []}],
}
