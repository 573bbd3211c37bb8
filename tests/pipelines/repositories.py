"""A team's repository for tests of pipelines: a project, its pipeline, a bare remote, and a machine that clones it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

FOREIGN: Final = (
    "ANSIBLE_", "AZURE", "BUILD_", "CHANGE_", "CI", "GITHUB_", "GITLAB_", "GIT_", "INFRATRACK_", "JENKINS_", "RUNNER_",
    "TF_",
)  # fmt: skip
PROJECT: Final = """\
infratrack: 1
project: {id: dc-west, name: West data centre, start: 2026-01-05}
ledger: LEDGER
trust: {signers: [{name: ci, key: keys/ci.pub}]}
tasks: [{id: core, name: Build the core, duration: 5d, deliverables: [vlans, greeting]}]
deliverables:
  - id: vlans
    name: VLANs live
    done_when: {terraform.applied: {resources: 'terraform_data.vlan[*]', min: 2}}
  - id: greeting
    name: Hosts greeted
    done_when: {ansible.succeeded: {playbook: site.yml}}
"""
ROOT: Final = 'resource "terraform_data" "vlan" {\n  count = 2\n  input = count.index\n}\n'
PLAYBOOK: Final = """\
- hosts: localhost
  connection: local
  gather_facts: false
  tasks:
    - name: Greet
      ansible.builtin.debug: {msg: hello}
"""


class Team:
    """A bare remote with the project on `main`, and a clone of it; keys lie in a home that no CI machine sees."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.remote = place / "remote.git"
        self.clone = place / "clone"
        home = place / "home"
        home.mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environment = {
            **kept,
            "HOME": str(home),
            "INFRATRACK_HOME": str(home / "infratrack"),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]]),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Anna Berg",
            "GIT_AUTHOR_EMAIL": "anna@example.com",
            "GIT_COMMITTER_NAME": "Anna Berg",
            "GIT_COMMITTER_EMAIL": "anna@example.com",
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "ANSIBLE_HOME": str(home / "ansible"),
        }
        self.call("git", "init", "-q", "--bare", "-b", "main", str(self.remote), cwd=place)
        self.call("git", "clone", "-q", str(self.remote), str(self.clone), cwd=place)
        self.call("git", "symbolic-ref", "HEAD", "refs/heads/main")
        self.ledger = "git:infratrack/ledger"
        self.write("infratrack.yaml", PROJECT.replace("LEDGER", self.ledger))
        self.write("infra/main.tf", ROOT)
        self.write("site.yml", PLAYBOOK)
        self.write(".gitignore", ".infratrack/\n.terraform/\n*.tfstate*\ntfplan\n.gitlab-ci-local/\n")
        self.call("infratrack", "key", "new", "ci")
        self.write("keys/ci.pub", self.call("infratrack", "key", "export", "ci"))

    @property
    def signing_key(self) -> str:
        """The private key in one line, as a CI system's masked variable takes it."""
        pem = (self.place / "home" / "infratrack" / "keys" / "ci.pem").read_text()
        return pem.splitlines()[1]

    def write(self, name: str, text: str) -> None:
        path = self.clone / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def push(self, branch: str = "main", message: str = "Work") -> str:
        """Commit all there is and push it; the commit."""
        self.call("git", "add", "-A")
        self.call("git", "commit", "-q", "--allow-empty", "-m", message)
        self.call("git", "push", "-q", "origin", f"HEAD:{branch}")
        return self.call("git", "rev-parse", "HEAD").strip()

    def status(self) -> dict[str, Any]:
        """The project's status on the clone of somebody who has just fetched."""
        found: dict[str, Any] = json.loads(self.call("infratrack", "status", "--format", "json"))
        return found

    def statuses(self) -> dict[str, str]:
        """Deliverable → its status."""
        return {one["id"]: one["status"] for one in self.status()["deliverables"]}

    def call(self, *argv: str, cwd: Path | None = None, expect: int = 0, **more: str) -> str:
        """Run a command in the clone; what it printed."""
        ended = run(argv, cwd or self.clone, self.environment | more)
        assert ended.returncode == expect, f"{argv}: {ended.returncode}\n{ended.stdout}\n{ended.stderr}"
        return ended.stdout


def run(argv: tuple[str, ...], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment and nothing on its standard input."""
    return subprocess.run(
        argv, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
        check=False, timeout=240,
    )  # fmt: skip
