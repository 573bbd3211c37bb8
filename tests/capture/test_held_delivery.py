"""INFRATRACK_DELIVERY=hold: what a job leaves stays on its machine until somebody sends it on purpose."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

INFRATRACK = Path(sys.executable).with_name("infratrack")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    assert call(folder, "init", "--id", "held").returncode == 0
    return folder


def call(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INFRATRACK")}
    home = folder.parent / "home"
    environment |= {"HOME": str(home), "INFRATRACK_HOME": str(home / "infratrack"), **more}
    return subprocess.run(
        [INFRATRACK, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


def waiting(folder: Path) -> int:
    return len(json.loads(call(folder, "spool", "list", "--format", "json").stdout)["evidence"])


@pytest.mark.parametrize("value", ["hold", "something else"])
def test_a_run_keeps_its_evidence_and_says_so(project: Path, value: str) -> None:
    ended = call(project, "run", "--", "echo", "it works", INFRATRACK_DELIVERY=value)
    assert (ended.returncode, ended.stdout) == (0, "it works\n")
    assert "infratrack: the evidence waits in the spool: INFRATRACK_DELIVERY holds it on this machine" in ended.stderr
    assert waiting(project) == 2
    assert not (project / ".infratrack" / "ledger.db").exists()


@pytest.mark.parametrize("value", ["", "send"])
def test_without_it_a_run_delivers(project: Path, value: str) -> None:
    assert call(project, "run", "--", "true", INFRATRACK_DELIVERY=value).returncode == 0
    assert waiting(project) == 0


def test_a_run_that_requires_delivery_fails_while_it_is_held(project: Path) -> None:
    ended = call(project, "run", "--require-delivery", "--", "true", INFRATRACK_DELIVERY="hold")
    assert ended.returncode == 4


def test_recorded_evidence_is_held_too_and_sent_on_purpose(project: Path) -> None:
    report = project / "report.xml"
    report.write_text('<testsuite name="smoke"><testcase name="answers"/></testsuite>')
    ended = call(project, "record", str(report), INFRATRACK_DELIVERY="hold")
    assert ended.returncode == 0
    assert "INFRATRACK_DELIVERY holds it on this machine" in ended.stderr
    assert waiting(project) == 1
    assert call(project, "spool", "send", INFRATRACK_DELIVERY="hold").returncode == 0
    assert waiting(project) == 0
