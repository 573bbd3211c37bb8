"""A Terraform that hangs, fails or is not there only leaves facts missing, with the reason.

The tool is a fake here: a script, because a real Terraform cannot be made to hang at a given call.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from infratrack.api import Collected, CommandContext, CommandEnd
from infratrack_terraform import gathering
from infratrack_terraform.client import Terraform, Unread, find_tool
from infratrack_terraform.collector import TerraformCollector, root_folder

Follow = Callable[..., Collected]


@pytest.fixture
def follow(tmp_path: Path) -> Follow:
    """Follow a command with a fake Terraform that runs this shell text."""

    def followed(script: str, *argv: str, exit_code: int = 0, **environment: str) -> Collected:
        tool = tmp_path / "bin" / "terraform"
        tool.parent.mkdir(exist_ok=True)
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o700)
        context = CommandContext(
            argv=argv,
            cwd=tmp_path,
            environment={"PATH": f"{tool.parent}:/usr/bin:/bin", **environment},
            scratch=tmp_path,
            facts="full",
            wanted={},
            scope_folder=".",
        )
        watch = TerraformCollector().begin(context)
        return watch.finish(CommandEnd(exit_code, "failed" if exit_code else "succeeded"))

    return followed


def test_what_hangs_is_cut_off(follow: Follow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "BEFORE_SECONDS", 0.0)
    monkeypatch.setattr("infratrack_terraform.collector.BEFORE_SECONDS", 0.0)
    monkeypatch.setattr("infratrack_terraform.collector.AFTER_SECONDS", 0.0)
    begin = time.monotonic()
    collected = follow("sleep 60 & sleep 60", "terraform", "apply")
    assert collected.missing == {
        "stateBefore": "terraform state pull took longer than 1 s",
        "stateAfter": "terraform state pull took longer than 1 s",
    }
    assert time.monotonic() - begin < 50


def test_what_fails_is_told_without_what_it_printed(follow: Follow) -> None:
    collected = follow("echo Planted-1 >&2; echo Planted-2; exit 3", "terraform", "apply")
    assert set(collected.missing.values()) == {"terraform state pull ended with exit code 3"}
    assert "Planted" not in repr(collected)


def test_nonsense_is_told(follow: Follow) -> None:
    collected = follow("echo nonsense", "terraform", "apply")
    assert "the state: JSON is malformed" in collected.missing["stateAfter"]


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    terraform = Terraform(str(tmp_path / "nothing"), tmp_path, {})
    with pytest.raises(Unread, match="could not be started"):
        terraform.pull_state(1)


def test_without_terraform_facts_are_missing_with_that_reason(tmp_path: Path) -> None:
    context = CommandContext(
        argv=("terraform", "apply", "tfplan"),
        cwd=tmp_path,
        environment={"PATH": os.fspath(tmp_path), "TF_WORKSPACE": "prod"},
        scratch=tmp_path,
        facts="full",
        wanted={},
        scope_folder="infra",
    )
    collected = TerraformCollector().begin(context).finish(CommandEnd(127, "failed"))
    assert set(collected.missing) == {"plan", "stateBefore", "stateAfter"}
    (reason,) = set(collected.missing.values())
    assert reason.startswith("neither terraform nor tofu is on PATH")
    assert "terraform-binary" in reason
    assert collected.result["workspace"] == "prod"


def test_a_script_that_is_said_to_be_terraform_is_followed_by_its_state(follow: Follow, tmp_path: Path) -> None:
    state = '{"version":4,"serial":3,"lineage":"L","resources":[]}'
    collected = follow(f"echo '{state}'", "./deploy.sh")
    assert (collected.result["serialBefore"], collected.result["serialAfter"]) == (3, 3)
    assert collected.result["resources"] == []
    assert collected.tool == "terraform"


def test_odd_plan_names_are_told(follow: Follow) -> None:
    for name in ("a\0b", "/dev/null", "x" * 5_000):
        assert "cannot be read" in follow("", "terraform", "apply", name).missing["plan"]
        follow("", "terraform", "plan", f"-out={name}")


def test_a_state_file_that_is_none_is_told(follow: Follow, tmp_path: Path) -> None:
    collected = follow("", "terraform", "apply", f"-state={tmp_path}")
    assert "cannot be read" in collected.missing["stateBefore"]


def test_commands_that_change_and_plan_nothing_are_left_to_others() -> None:
    recognises = TerraformCollector().recognises
    assert recognises(["tofu", "apply"])
    assert recognises(["/opt/terraform", "-chdir=x", "refresh"])
    for argv in (["terraform", "init"], ["terraform"], ["terragrunt", "apply"], ["terraform", "plan", "-help"], []):
        assert not recognises(argv)


def test_the_tool_that_was_typed_is_the_one_that_is_asked(tmp_path: Path) -> None:
    (tmp_path / "tofu").write_text("")
    (tmp_path / "tofu").chmod(0o700)
    environment = {"PATH": os.fspath(tmp_path)}
    assert find_tool(environment, tmp_path, "./tofu") == os.fspath(tmp_path / "tofu")
    assert find_tool(environment, tmp_path, "terraform") == os.fspath(tmp_path / "tofu")
    assert find_tool(environment, tmp_path, "deploy.sh") == os.fspath(tmp_path / "tofu")
    assert find_tool({"PATH": "/nowhere"}, tmp_path) is None


def test_root_folders_are_relative_to_the_project(tmp_path: Path) -> None:
    assert root_folder("infra", tmp_path, None) == "infra"
    assert root_folder(".", tmp_path, "infra/") == "infra"
    assert root_folder("infra", tmp_path, "../other") == "other"
    assert root_folder("infra", tmp_path, os.fspath(tmp_path / "a" / "b")) == "infra/a/b"
    assert root_folder(".", tmp_path, "..") == ".."
