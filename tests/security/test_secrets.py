"""A pull request's job has no secret to lose, and what infratrack starts is given none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infratrack.evidence.key_store import KeyStore
from tests.security.team import PULL_REQUEST, Machine, Team

PLANTED = "planted-3f9c1d"
SECRETS = {
    "TF_VAR_password": f"{PLANTED}-terraform",
    "NETBOX_TOKEN": f"{PLANTED}-netbox",
    "GITHUB_TOKEN": f"{PLANTED}-github",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN": f"{PLANTED}-oidc",
}


@pytest.fixture
def runner(team: Team) -> Machine:
    mallory = team.contributor()
    mallory.edit("plan/work.yaml", "Core is live", "Core is up")
    mallory.commit()
    team.propose(mallory)
    return team.runner()


def spying_git(machine: Machine) -> tuple[Path, str]:
    """A `git` in front of the real one that writes down its environment and arguments; the log and the PATH."""
    log, folder = machine.home / "environment.log", machine.home / "bin"
    folder.mkdir()
    real = machine.infratrack("run", "--", "sh", "-c", "command -v git").stdout.strip()
    (folder / "git").write_text(f'#!/bin/sh\n{{ echo "git $@"; env; }} >> {log}\nexec {real} "$@"\n')
    (folder / "git").chmod(0o755)
    return log, f"{folder}{os.pathsep}{machine.environment['PATH']}"


def test_the_git_that_reads_whom_to_trust_gets_no_secret(runner: Machine) -> None:
    log, path = spying_git(runner)
    key = KeyStore(runner.home / "infratrack").create("held")
    pem = (runner.home / "infratrack" / "keys" / "held.pem").read_text()
    assert key.name == "held"
    more = SECRETS | PULL_REQUEST | {"INFRATRACK_SIGNING_KEY": pem, "PATH": path}
    assert runner.status(**more)["policy"]["ref"] == "refs/remotes/origin/main"
    seen = log.read_text()
    assert "git -c safe.bareRepository=explicit" in seen
    assert PLANTED not in seen
    assert "PRIVATE KEY" not in seen
    assert pem.splitlines()[1] not in seen


def test_the_signing_key_reaches_neither_git_nor_the_command(runner: Machine) -> None:
    log, path = spying_git(runner)
    KeyStore(runner.home / "infratrack").create("held")
    pem = (runner.home / "infratrack" / "keys" / "held.pem").read_text()
    (runner.home / "infratrack" / "keys" / "held.pem").unlink()
    ran = runner.infratrack("run", "--", "env", **PULL_REQUEST, INFRATRACK_SIGNING_KEY=pem, PATH=path)
    assert ran.returncode == 0
    for text in (log.read_text(), ran.stdout, ran.stderr):
        assert pem.splitlines()[1] not in text


def test_a_run_of_a_fork_without_secrets_ends_well_and_its_evidence_counts_for_nothing(
    team: Team, runner: Machine
) -> None:
    ran = runner.infratrack("run", "--deliverable", "core", "--", "true", "core", **PULL_REQUEST)
    assert ran.returncode == 0
    assert "made a signing key" in ran.stderr
    team.take_ledger(runner)
    found = team.maintainer.status()
    assert (found["deliverables"][0]["status"], found["evidence"]["counted"]) == ("not_started", 0)


def test_a_ref_with_credentials_or_control_characters_shows_neither(runner: Machine) -> None:
    for name in ("https://user:hunter2@host/x", "\x1b[2Jmain", "main\n::set-output name=x::y"):
        refused = runner.infratrack("status", "--policy-ref", name)
        assert refused.returncode == 2
        assert "\x1b" not in refused.stderr
        assert not [line for line in refused.stderr.splitlines() if line.startswith("::")]
