"""Unrecorded changes from end to end: somebody goes around infratrack, a look finds it, status and explain tell it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cli.delivered import Delivered

pytestmark = pytest.mark.slow

PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West data centre}
trust: {signers: [{name: ci, key: keys/ci.pub}]}
deliverables:
  - {id: net, name: Network is up, done_when: {terraform.applied: {resources: "terraform_data.*", directory: infra}}}
  - {id: web, name: Web is up, done_when: {command.succeeded: {command: "true web"}}}
pipelines:
  - {id: net, deliverables: [net], steps: [{terraform.apply: {directory: infra}}]}
"""
ONE = 'resource "terraform_data" "one" {}\n'
TWO = 'resource "terraform_data" "two" {}\n'


@pytest.fixture
def shop(tmp_path: Path) -> Delivered:
    shop = Delivered(tmp_path)
    shop.environment["TF_CLI_CONFIG_FILE"] = os.devnull
    shop.write("infratrack.yaml", PROJECT)
    shop.write("infra/main.tf", ONE)
    shop.write(".gitignore", ".terraform*\n*.tfstate*\n.infratrack/\n")
    shop.commit()
    terraform(shop, "init")
    return shop


def terraform(shop: Delivered, *arguments: str) -> None:
    """Terraform behind infratrack's back."""
    subprocess.run(
        ["terraform", *arguments], cwd=shop.folder / "infra", env=shop.environment, check=True, capture_output=True
    )


def apply(shop: Delivered) -> None:
    shop.ok("run", "--", "terraform", "-chdir=infra", "apply", "-auto-approve", "-input=false")


def look(shop: Delivered, *arguments: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(shop.ok("observe", *arguments, "--format", "json").stdout)
    return document


def unrecorded(shop: Delivered, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shop.ok("status", *arguments, "--format", "json").stdout)["unrecorded"]
    return found


def test_an_apply_behind_infratracks_back_is_found_told_and_counted_once(shop: Delivered) -> None:
    apply(shop)
    assert look(shop, "terraform", "infra")["unrecorded"] == []
    assert unrecorded(shop) == {"count": 0, "changes": []}
    shop.write("infra/main.tf", ONE + TWO)
    terraform(shop, "apply", "-auto-approve")
    told = shop.infratrack("observe", "terraform", "infra", "--check")
    assert told.returncode == 1
    assert "no run recorded it; new: terraform_data.two" in told.stdout
    assert "concerns net" in told.stdout
    look(shop, "terraform", "--changelog")
    found = unrecorded(shop)
    assert (found["count"], found["changes"][0]["deliverables"]) == (1, ["net"])
    assert found["changes"][0]["id"].startswith("state-"), "the scrubber leaves it alone"
    assert unrecorded(shop, "web")["count"] == 0
    assert "→ 1 unrecorded change: no evidence explains it" in shop.ok("status").stdout
    assert "**1 unrecorded change: no evidence explains it**" in shop.ok("status", "--format", "markdown").stdout
    assert "1 unrecorded change" in shop.ok("explain", "net").stdout
    assert "unrecorded" not in shop.ok("explain", "web").stdout
    shop.ok("ledger", "verify")


def test_a_commit_that_no_run_contains_is_found_until_a_run_contains_it(shop: Delivered) -> None:
    apply(shop)
    shop.write("infra/main.tf", ONE + TWO)
    shop.git("commit", "-q", "-a", "-m", "Add two")
    (change,) = look(shop, "git", "--changelog")["unrecorded"]
    assert (change["by"], change["deliverables"]) == ("Anna", ["net"])
    assert change["id"] == shop.ends()[-1].subject[0].digest["gitCommit"]
    assert unrecorded(shop)["changes"][0]["source"] == "git main"
    look(shop, "git", "--changelog")
    assert unrecorded(shop)["count"] == 1, "looking is no run"
    apply(shop)
    assert look(shop, "git", "--changelog")["unrecorded"] == []
    assert unrecorded(shop)["count"] == 0


def test_whoever_is_not_trusted_can_neither_raise_nor_lower_the_count(shop: Delivered) -> None:
    apply(shop)
    shop.write("infra/main.tf", ONE + TWO)
    shop.git("commit", "-q", "-a", "-m", "Add two")
    terraform(shop, "apply", "-auto-approve")
    shop.environment["INFRATRACK_KEY"] = "anna"
    look(shop, "terraform", "infra")
    look(shop, "git", "--changelog")
    assert unrecorded(shop)["count"] == 0
    shop.environment["INFRATRACK_KEY"] = "ci"
    look(shop, "terraform", "infra")
    assert unrecorded(shop)["count"] == 1
