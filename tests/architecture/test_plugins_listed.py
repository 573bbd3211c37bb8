"""Plugin folders, entry points and the import contracts name the same plugins: one left out would go unchecked."""

from __future__ import annotations

import importlib.metadata
import tomllib
from pathlib import Path
from typing import Any

import pytest

CHECKOUT = Path(__file__).parents[2]
PYPROJECT: dict[str, Any] = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))
FOLDERS = {found.parent.name for found in (CHECKOUT / "plugins").glob("*/__init__.py")}
CONTRACTS: dict[str, Any] = {each["id"]: each for each in PYPROJECT["tool"]["importlinter"]["contracts"]}

pytestmark = pytest.mark.checkout


def test_there_are_plugins_and_nothing_else_beside_them() -> None:
    assert FOLDERS
    others = {item.name for item in (CHECKOUT / "plugins").iterdir()} - FOLDERS - {"__pycache__"}
    assert others == set()


def test_every_plugin_has_an_entry_point_named_after_it() -> None:
    declared = PYPROJECT["project"]["entry-points"]["infratrack"]
    assert declared == {folder.removeprefix("infratrack_"): folder for folder in FOLDERS}


def test_the_installed_entry_points_are_the_declared_ones() -> None:
    installed = {
        entry.name: entry.value
        for entry in importlib.metadata.distribution("infratrack").entry_points.select(group="infratrack")
    }
    assert installed == PYPROJECT["project"]["entry-points"]["infratrack"]


@pytest.mark.parametrize(
    ("contract", "member"),
    [
        ("plugin-api", "source_modules"),
        ("plugins-apart", "modules"),
        ("core-knows-no-plugin", "forbidden_modules"),
    ],
)
def test_every_plugin_is_in_every_contract_about_plugins(contract: str, member: str) -> None:
    assert set(CONTRACTS[contract][member]) == FOLDERS


def test_every_plugin_is_linted_and_covered() -> None:
    assert set(PYPROJECT["tool"]["importlinter"]["root_packages"]) == FOLDERS | {"infratrack"}
    assert set(PYPROJECT["tool"]["coverage"]["run"]["source"]) == FOLDERS | {"infratrack"}


def test_plugins_may_import_nothing_of_infratrack_but_its_api() -> None:
    packages = {item.stem for item in (CHECKOUT / "infratrack").iterdir() if not item.name.startswith(("_", "."))}
    packages -= {"py", "api", "testing"}
    assert {f"infratrack.{package}" for package in packages} <= set(CONTRACTS["plugin-api"]["forbidden_modules"])


def test_the_layers_name_every_package_in_the_settled_order() -> None:
    settled = ["errors", "values", "project", "evidence", "ledger", "progress", "reconciliation", "report"]
    settled += ["pipelines", "hookspecs", "plugin_manager", "capture", "api", "testing", "cli"]
    assert CONTRACTS["layers"]["layers"] == settled[::-1]
    assert CONTRACTS["layers"]["exhaustive"] is True
