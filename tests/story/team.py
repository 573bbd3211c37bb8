"""A team for stories: people with clones of one repository, and a CI system whose machines are thrown away.

The repository is a bare one behind `git daemon`. States of Terraform lie in a folder that all share, as in a bucket.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.ledger.git.daemon import GitDaemon, bare_repository, git
from tests.story.machine import Machine

FOREIGN = ("ANSIBLE_", "GIT_", "INFRATRACK_", "TF_", "GITHUB_", "GITLAB_", "CI", "JENKINS_", "CIRCLE", "BUILD_")
REPOSITORY = "acme/network"


@dataclass(frozen=True)
class Job:
    """One job of a pipeline: what it checks out, and what it runs."""

    name: str
    branch: str
    script: str
    pull_request: bool = False
    attempt: int = 1
    with_key: bool = True
    more: tuple[tuple[str, str], ...] = ()


class Team:
    """Everybody, and everything that they share."""

    def __init__(self, root: Path, daemon: GitDaemon) -> None:
        self.root = root
        self.daemon = daemon
        self.remote = bare_repository(root / "served" / "network.git")
        git("symbolic-ref", "HEAD", "refs/heads/main", folder=self.remote)
        self.url = daemon.url("network.git")
        self.states = root / "states"
        self.states.mkdir()
        self.tools = root / "bin"
        self.tools.mkdir()
        if not shutil.which("terraform"):
            shim = self.tools / "terraform"
            shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m infratrack_terraform.binary "$@"\n')
            shim.chmod(0o755)
        self._numbers = itertools.count(1)
        self.ci_key = ""
        """The secret of the CI system, as PEM."""

    def person(self, name: str) -> Machine:
        """Somebody's own machine, with a signing key and an empty folder for the project."""
        machine = self._machine(name)
        machine.environment |= {
            f"GIT_{who}_{what}": f"{name}@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
        }
        machine.sh(f"infratrack key new {name}")
        return machine

    def run(self, job: Job, *, expect: int = 0) -> str:
        """Run a job on a new machine with a shallow clone, as actions/checkout leaves it; what it said."""
        machine = self._checked_out(job)
        try:
            return machine.sh(job.script, expect=expect)
        finally:
            shutil.rmtree(machine.folder.parent)

    def run_all(self, *jobs: Job) -> list[str]:
        """Run jobs at the same time, each on its own machine."""
        with ThreadPoolExecutor(len(jobs)) as pool:
            return list(pool.map(self.run, jobs))

    def cancel(self, job: Job, *, once: Path) -> None:
        """Begin a job, and cancel it as CI systems do (SIGINT to its process) once a file is there."""
        machine = self._checked_out(job)
        process = subprocess.Popen(
            ["/bin/bash", "-c", f"exec {job.script}"],
            cwd=machine.folder,
            env=machine.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while not once.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline, "the job did not come to the point where it is canceled"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=60)
        assert process.returncode != 0, said
        shutil.rmtree(machine.folder.parent)

    def _machine(self, name: str) -> Machine:
        root = self.root / "machines" / name
        (root / "project").mkdir(parents=True)
        (root / "home").mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | {
            "HOME": str(root / "home"),
            "TMPDIR": str(root),
            "INFRATRACK_HOME": str(root / "home" / "infratrack"),
            "PATH": os.pathsep.join([str(self.tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "STATES": str(self.states),
            "SHARED": str(self.root),
        }
        return Machine(root / "project", environment)

    def _checked_out(self, job: Job) -> Machine:
        number = next(self._numbers)
        machine = self._machine(f"ci-{number}")
        machine.sh(f"git clone -q --depth 1 --branch {job.branch} {self.url} .")
        machine.sh("git fetch -q --depth 1 origin +refs/heads/main:refs/remotes/origin/main")
        machine.environment |= self._surroundings(job, number, machine.folder.parent) | dict(job.more)
        if job.with_key:
            machine.environment["INFRATRACK_SIGNING_KEY"] = self.ci_key
        return machine

    def _surroundings(self, job: Job, number: int, folder: Path) -> dict[str, str]:
        event = folder / "event.json"
        event.write_text(json.dumps({"repository": {"default_branch": "main", "full_name": REPOSITORY}}))
        told = {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTOR": "ben",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_JOB": job.name,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_RUN_ATTEMPT": str(job.attempt),
            "GITHUB_RUN_ID": str(1_000 + number),
            "GITHUB_SERVER_URL": "https://github.example.org",
        }
        if job.pull_request:
            return told | {
                "GITHUB_EVENT_NAME": "pull_request",
                "GITHUB_BASE_REF": "main",
                "GITHUB_HEAD_REF": job.branch,
                "GITHUB_REF": f"refs/pull/{number}/merge",
            }
        return told | {
            "GITHUB_EVENT_NAME": "push",
            "GITHUB_REF": f"refs/heads/{job.branch}",
            "GITHUB_REF_NAME": job.branch,
            "GITHUB_REF_TYPE": "branch",
        }


def status(machine: Machine) -> dict[str, Any]:
    """`infratrack status --format json`."""
    with tempfile.NamedTemporaryFile(dir=machine.folder.parent, suffix=".json") as file:
        machine.sh(f"infratrack status --format json > {file.name}")
        found: dict[str, Any] = json.loads(Path(file.name).read_bytes())
        return found


def standing(machine: Machine) -> dict[str, str]:
    """Where each deliverable stands."""
    return {one["id"]: one["status"] for one in status(machine)["deliverables"]}
