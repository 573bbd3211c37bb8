"""What stands under `cmdb: {netbox: …}`: its schema, and the values read from it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from infratrack.api import InputError

TOKEN_VARIABLE: Final = "NETBOX_TOKEN"  # noqa: S105 -- the name of a variable
DEFAULT_TAG: Final = "infratrack"
DEFAULT_TIMEOUT: Final = 30
_VARIABLE: Final = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "A NetBox server. The token comes from the environment variable NETBOX_TOKEN.",
    "required": ["url"],
    "properties": {
        "url": {
            "type": "string",
            "description": "Its address, without /api; ${NAME} is taken from the environment.",
            "minLength": 1,
            "examples": ["${NETBOX_URL}", "https://netbox.example.com"],
        },
        "own": {
            "description": "The mark that says which records this project decides. Nothing without it is ever deleted.",
            "default": {"tag": DEFAULT_TAG},
            "oneOf": [
                {
                    "type": "object",
                    "required": ["tag"],
                    "properties": {
                        "tag": {
                            "type": "string",
                            "description": "The slug of a tag; it is made where there is none.",
                            "pattern": "^[-a-zA-Z0-9_]{1,100}$",
                        }
                    },
                    "additionalProperties": False,
                },
                {
                    "type": "object",
                    "required": ["custom_field"],
                    "properties": {
                        "custom_field": {
                            "type": "object",
                            "description": "A custom field that the server has, and the value that marks a record.",
                            "minProperties": 1,
                            "maxProperties": 1,
                            "propertyNames": {"pattern": "^[a-z0-9_]{1,50}$"},
                            "additionalProperties": {"type": ["string", "integer", "boolean"]},
                        }
                    },
                    "additionalProperties": False,
                },
            ],
        },
        "timeout": {
            "type": "integer",
            "description": "Seconds for one request.",
            "minimum": 1,
            "maximum": 600,
            "default": DEFAULT_TIMEOUT,
        },
        "ca_file": {
            "type": "string",
            "description": "A PEM file with the certificates of your own CA, relative to the project folder.",
            "minLength": 1,
        },
    },
    "additionalProperties": False,
    "examples": [{"url": "${NETBOX_URL}", "own": {"tag": DEFAULT_TAG}}],
}


class Mark(Struct, frozen=True):
    """What marks a record as this project's: a tag (its slug), or a custom field with a value."""

    tag: str = ""
    field: str = ""
    value: Any = None

    def is_on(self, record: Mapping[str, Any]) -> bool:
        """Whether a record as the server shows it carries the mark."""
        if self.tag:
            tags = record.get("tags")
            return isinstance(tags, list) and any(isinstance(tag, dict) and tag.get("slug") == self.tag for tag in tags)
        custom = record.get("custom_fields")
        value = custom.get(self.field) if isinstance(custom, dict) else None
        inner = value.get("value") if isinstance(value, dict) else value
        return type(inner) is type(self.value) and bool(inner == self.value)


class Settings(Struct, frozen=True):
    """The settings, with the environment filled in. Holds the token: never shown, never written."""

    url: str
    token: str
    mark: Mark
    timeout: float
    ca_file: str | None = None


def read_settings(configuration: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> Settings:
    """Settings from a configuration that fits the schema. InputError for variables that are not set."""
    token = environment.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise InputError(
            f"{TOKEN_VARIABLE} is not set",
            "put an API token of your NetBox into it; a read-only one will do for looking",
        )
    own = configuration.get("own", {"tag": DEFAULT_TAG})
    ca_file = configuration.get("ca_file")
    return Settings(
        url=_expanded(configuration["url"], environment),
        token=token,
        mark=Mark(tag=own["tag"])
        if "tag" in own
        else Mark(field=(name := next(iter(own["custom_field"]))), value=own["custom_field"][name]),
        timeout=float(configuration.get("timeout", DEFAULT_TIMEOUT)),
        ca_file=str(folder / ca_file) if ca_file else None,
    )


def _expanded(text: str, environment: Mapping[str, str]) -> str:
    for name in _VARIABLE.findall(text):
        if not environment.get(name, "").strip():
            raise InputError(f"`url` of NetBox needs {name}, which is not set", f"set {name} in the environment")
    return _VARIABLE.sub(lambda match: environment[match[1]].strip(), text)
