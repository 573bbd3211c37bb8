"""Finds the JSON Schemas that are shipped with infratrack: in the installed package, or in a checkout beside it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from infratrack.errors import InputError


def schema_file(name: str) -> bytes:
    """The content of a schema by its name below `schemas/` (`v1/project.schema.json`); InputError if there is none."""
    packaged = files("infratrack") / "_schemas"
    checkout = Path(__file__).resolve().parents[2]
    # The checkout counts only where it is one: the folder above an installed package belongs to others.
    folder = checkout / "schemas" if not packaged.is_dir() and (checkout / "pyproject.toml").is_file() else packaged
    found = folder.joinpath(*name.split("/"))
    if ".." in name.split("/") or not found.is_file():
        raise InputError(f"there is no schema {name!r}", "schemas are named like v1/project.schema.json")
    return found.read_bytes()
