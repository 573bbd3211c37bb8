"""A project whose pipeline has run: for tests of what is told about it."""

from __future__ import annotations

import subprocess
from pathlib import Path

from infratrack.evidence.key_store import KeyStore
from tests.capture.workshop import Workshop

PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West data centre}
trust: {signers: [{name: ci, key: keys/ci.pub}]}
people:
  - {id: anna, keys: [keys/anna.pub], roles: [lead]}
  - {id: ben, keys: [keys/ben.pub]}
phases:
  - {id: build, name: Build, exit: {command.succeeded: {command: "true exit"}}}
tasks:
  - {id: net, name: Network, phase: build, owner: anna, duration: 1d, deliverables: [core, edge], tags: [wan]}
  - {id: plan, name: Plan, duration: 1d}
deliverables:
  - id: core
    name: Core is live
    weight: 3
    accepted_by: [lead]
    done_when: {command.succeeded: {command: "true core"}}
  - {id: edge, name: Edge is live, done_when: {command.succeeded: {command: "true edge"}}}
"""


class Delivered(Workshop):
    """Keys for a pipeline (ci) and two people (anna, ben); the pipeline signs unless told otherwise."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.environment["INFRATRACK_KEY"] = "ci"
        keys = KeyStore(Path(self.environment["INFRATRACK_HOME"]))
        for name in ("ci", "anna", "ben"):
            self.write(f"keys/{name}.pub", keys.create(name).key.public_pem)
        self.write("infratrack.yaml", PROJECT)

    def ok(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        ended = self.infratrack(*arguments)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended

    def build(self, *what: str) -> None:
        """Let the pipeline run for these deliverables."""
        for one in what:
            self.ok("run", "--deliverable", one.split(maxsplit=1)[0], "--", "true", one)
