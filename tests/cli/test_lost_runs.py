"""Runs that were killed together with infratrack: what they were about is not known, and never read as unchanged."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from infratrack.evidence.predicates import COMMAND, RUN_START
from tests.capture.workshop import INFRATRACK, Workshop

pytestmark = pytest.mark.slow

PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West}
trust: {signers: [{name: ci, key: ci.pub}]}
tasks:
  - {id: build, name: Build, duration: 1d, deliverables: [whole, made, same, clean, kept]}
deliverables:
  - {id: whole, name: Converged, done_when: {terraform.converged: {directory: infra}}}
  - {id: made, name: Made, done_when: {terraform.applied: {resources: terraform_data.slow}}}
  - {id: same, name: Not touched, done_when: {terraform.applied: {resources: terraform_data.same}}}
  - {id: clean, name: No drift, done_when: {terraform.no_drift: {directory: infra}}}
  - {id: kept, name: Nothing deleted, done_when: {terraform.no_deletes: {directory: infra}}}
pipelines:
  - id: build
    steps:
      - terraform.plan: {directory: infra}
      - terraform.apply: {directory: infra}
"""
CALM = 'resource "terraform_data" "slow" {}\nresource "terraform_data" "same" {}\n'
SLOW = """\
resource "terraform_data" "slow" {
  triggers_replace = 2
  provisioner "local-exec" { command = "echo > ../started; sleep 60" }
}
resource "terraform_data" "same" {}
"""
QUICK = SLOW.replace("; sleep 60", "")


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A root that was planned and applied, so that everything is complete."""
    shop = Workshop(tmp_path)
    shop.with_environment({"TF_CLI_CONFIG_FILE": os.devnull, "TF_IN_AUTOMATION": "1"})
    shop.infratrack("key", "new", "ci")
    shop.write("ci.pub", shop.infratrack("key", "export", "ci").stdout)
    shop.write("infratrack.yaml", PROJECT)
    shop.write("infra/main.tf", CALM)
    subprocess.run(["terraform", "init"], cwd=shop.folder / "infra", env=shop.environment, check=True)
    applied(shop)
    assert statuses(shop) == dict.fromkeys(("whole", "made", "same", "clean", "kept"), "complete")
    return shop


def terraform(shop: Workshop, *arguments: str) -> subprocess.CompletedProcess[str]:
    return shop.infratrack("run", "--", "terraform", *arguments, cwd=shop.folder / "infra")


def applied(shop: Workshop) -> None:
    for arguments in (("plan", "-out=tfplan"), ("apply", "tfplan")):
        ended = terraform(shop, *arguments)
        assert ended.returncode == 0, ended.stderr


def killed(shop: Workshop, *arguments: str, cwd: str = ".") -> None:
    """Start `infratrack`, and kill it with all that it started while Terraform is at work."""
    process = subprocess.Popen(
        [INFRATRACK, *arguments],
        cwd=shop.folder / cwd,
        env=shop.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until = time.monotonic() + 60
    while not (shop.folder / "started").exists():
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    children = _descendants(process.pid)
    for pid in (process.pid, *children):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait(60)


def _descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = [(int(child), int(parent)) for child, parent in map(str.split, listed.splitlines())]
    found = [pid]
    for one in found:
        found.extend(child for child, parent in parents if parent == one)
    return found[1:]


def told(shop: Workshop) -> dict[str, Any]:
    ended = shop.infratrack("status", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return {one["id"]: one for one in json.loads(ended.stdout)["deliverables"]}


def statuses(shop: Workshop) -> dict[str, str]:
    return {name: one["status"] for name, one in told(shop).items()}


def test_an_apply_that_nobody_saw_ending_leaves_its_root_and_what_it_was_to_change_unknown(shop: Workshop) -> None:
    shop.write("infra/main.tf", SLOW)
    assert terraform(shop, "plan", "-out=tfplan").returncode == 0
    killed(shop, "run", "--", "terraform", "apply", "tfplan", cwd="infra")
    assert shop.infratrack("spool", "send").returncode == 0
    start, end = shop.ledger()[-2:]
    assert (start.predicate_type, end.predicate_type) == (RUN_START, "urn:infratrack:evidence:terraform-apply:v1")
    assert (end.run_id, end.outcome, end.finished_at, end.exit_code) == (start.run_id, "indeterminate", None, None)
    assert end.lost_at is not None
    assert end.subject == start.subject
    assert [(one["address"], one["result"]) for one in end.predicate["result"]["resources"]] == [
        ("terraform_data.slow", "unknown")
    ]
    found = told(shop)
    assert {name: one["status"] for name, one in found.items()} == {
        "whole": "regressed",
        "made": "regressed",
        "same": "complete",
        "clean": "regressed",
        "kept": "regressed",
    }
    assert {one["criteria"][0]["verdict"] for one in found.values()} == {"unknown", "satisfied"}
    assert "the newest apply was killed or lost" in shop.infratrack("explain", "whole").stdout
    assert "what the newest run did to it is unknown" in shop.infratrack("explain", "made").stdout


def test_what_is_run_after_a_lost_run_is_the_newer_word(shop: Workshop) -> None:
    shop.write("infra/main.tf", SLOW)
    killed(shop, "run", "--", "terraform", "apply", "-auto-approve", cwd="infra")
    shop.write("infra/main.tf", QUICK)
    applied(shop)
    assert [one.outcome for one in shop.ends()][-3:] == ["indeterminate", "succeeded", "succeeded"]
    assert set(statuses(shop).values()) == {"complete"}


def test_a_step_that_nobody_saw_ending_leaves_its_root_unknown(shop: Workshop) -> None:
    shop.write("infra/main.tf", SLOW)
    killed(shop, "deliver", "build")
    assert shop.infratrack("spool", "send").returncode == 0
    assert {**statuses(shop), "clean": 0, "kept": 0} == {
        "whole": "regressed", "made": "regressed", "same": "complete", "clean": 0, "kept": 0,
    }  # fmt: skip
    end = shop.ends()[-1]
    assert [one["address"] for one in end.predicate["result"]["resources"]] == ["terraform_data.slow"]


def test_a_plan_that_nobody_saw_ending_is_a_command(shop: Workshop) -> None:
    slow = shop.write("slow/terraform", "#!/bin/sh\necho > ../started\nexec sleep 60\n")
    slow.chmod(0o755)
    killed(shop, "run", "--", str(slow), "plan", cwd="infra")
    assert shop.infratrack("spool", "send").returncode == 0
    assert (shop.ends()[-1].predicate_type, shop.ends()[-1].outcome) == (COMMAND, "indeterminate")
    assert set(statuses(shop).values()) == {"complete"}
