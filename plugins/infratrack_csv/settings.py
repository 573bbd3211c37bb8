"""What a project says about its spreadsheets, under `cmdb: {csv: …}`. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Final

from msgspec import Struct

from infratrack.api import InputError

_COLUMN: Final[dict[str, Any]] = {"type": "string", "minLength": 1, "maxLength": 200}
_PATH: Final[dict[str, Any]] = {
    "title": "a path inside the project folder",
    "type": "string",
    "minLength": 1,
    "maxLength": 1_000,
}

SCHEMA: Final[dict[str, Any]] = {
    "title": "spreadsheets as CMDB",
    "description": "CSV files, one a type, or one XLSX workbook with a sheet a type. The first row names the columns.",
    "type": "object",
    "properties": {
        "files": {
            "description": "Type → CSV file (UTF-8).",
            "type": "object",
            "additionalProperties": _PATH,
            "minProperties": 1,
            "maxProperties": 100,
            "examples": [{"device": "inventory/devices.csv"}],
        },
        "workbook": {**_PATH, "description": "An XLSX workbook; each sheet is a type.", "examples": ["inventory.xlsx"]},
        "id": {
            **_COLUMN,
            "description": "The column that holds a row's id; added by the first write where there is none.",
            "default": "id",
        },
        "own": {
            "description": "How rows are marked as this project's: a column and what stands in it.",
            "type": "object",
            "properties": {
                "column": {**_COLUMN, "description": "The column; added by the first write where there is none."},
                "value": {**_COLUMN, "description": "What marks a row as this project's."},
            },
            "required": ["column", "value"],
            "additionalProperties": False,
            "examples": [{"column": "managed_by", "value": "dc-west"}],
        },
        "retire": {
            "description": "What marks a row as taken out of service, instead of deleting it.",
            "type": "object",
            "properties": {
                "column": {**_COLUMN, "description": "The column."},
                "value": {**_COLUMN, "description": "What stands in it then."},
            },
            "required": ["column", "value"],
            "additionalProperties": False,
            "examples": [{"column": "status", "value": "decommissioned"}],
        },
        "delimiter": {
            "description": "What stands between the cells of a CSV file; found out by the header unless said.",
            "enum": [",", ";", "\t", "|"],
        },
        "item_separator": {
            "description": "What stands between the items of a cell that holds a list.",
            "type": "string",
            "minLength": 1,
            "maxLength": 1,
            "default": ";",
        },
    },
    "required": ["own"],
    "additionalProperties": False,
    "oneOf": [{"required": ["files"]}, {"required": ["workbook"]}],
    "examples": [{"files": {"device": "inventory/devices.csv"}, "own": {"column": "managed_by", "value": "dc-west"}}],
}


class Marker(Struct, frozen=True):
    """A column and what stands in it."""

    column: str
    value: str


class Settings(Struct, frozen=True):
    """The settings, read. Exactly one of `files` and `workbook` is there."""

    own: Marker
    files: Mapping[str, str] = {}
    workbook: str = ""
    id_column: str = "id"
    retire: Marker | None = None
    delimiter: str = ""
    item_separator: str = ";"

    @property
    def identity(self) -> str:
        """Which inventory it is: `csv inventory/devices.csv inventory/racks.csv`."""
        return " ".join(["csv", *([self.workbook] if self.workbook else sorted(set(self.files.values())))])


def read_settings(configuration: Mapping[str, Any]) -> Settings:
    """The settings of a configuration that fits the schema; InputError for what no schema can say."""
    retire = configuration.get("retire")
    settings = Settings(
        own=Marker(**configuration["own"]),
        files=dict(configuration.get("files", {})),
        workbook=configuration.get("workbook", ""),
        id_column=configuration.get("id", "id"),
        retire=Marker(**retire) if retire else None,
        delimiter=configuration.get("delimiter", ""),
        item_separator=configuration.get("item_separator", ";"),
    )
    for path in (settings.workbook, *settings.files.values()):
        if path and (PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\0" in path):
            raise InputError(f"cmdb.csv: {path!r} is not inside the project folder", "name a path relative to it")
    files = [str(PurePosixPath(path)) for path in settings.files.values()]
    if len(set(files)) != len(files):
        raise InputError("cmdb.csv: two types are kept in one file", "give each type a file of its own")
    if settings.own.column == settings.id_column:
        raise InputError("cmdb.csv: `own` and `id` name the same column", "keep ids and the mark apart")
    return settings
