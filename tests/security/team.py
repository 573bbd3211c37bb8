"""A team with a server: a bare repository with a protected branch, a trusted pipeline, and somebody who proposes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from infratrack.evidence.key_store import KeyStore
from tests.capture.workshop import FOREIGN, INFRATRACK

PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West data centre}
include: ['plan/*.yaml']
trust: {signers: [{name: ci, key: keys/ci.pub}]}
people:
  - {id: anna, keys: [keys/anna.pub], roles: [lead]}
  - {id: ben, keys: [keys/ben.pub]}
"""
PLAN = """\
tasks:
  - {id: net, name: Network, duration: 1d, deliverables: [core]}
deliverables:
  - {id: core, name: Core is live, accepted_by: [lead], done_when: {command.succeeded: {command: "true core"}}}
"""
ON_GITHUB = {"CI": "true", "GITHUB_ACTIONS": "true"}
PULL_REQUEST = ON_GITHUB | {"GITHUB_BASE_REF": "main", "GITHUB_REF_NAME": "7/merge"}
FETCH_MAIN = ("fetch", "-q", "--no-tags", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")


class Machine:
    """A machine with a home of its own, and a clone to work in."""

    def __init__(self, root: Path, name: str) -> None:
        self.home = root / name
        self.folder = self.home / "clone"
        self.home.mkdir()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        self.environment = clean | {
            "HOME": str(self.home),
            "INFRATRACK_HOME": str(self.home / "infratrack"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "TMPDIR": str(self.home),
            "USER": name,
            "LOGNAME": name,
        }

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.folder / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "protocol.file.allow=always")
        ended = subprocess.run(
            ["git", *identity, *arguments],
            cwd=cwd or self.folder,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return ended.stdout.strip()

    def commit(self) -> None:
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Change")

    def infratrack(self, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return self.infratrack_in(self.folder, *arguments, **more)

    def infratrack_in(self, folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [INFRATRACK, *arguments],
            cwd=folder,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=120,
        )

    def ok(self, *arguments: str, **more: str) -> str:
        ended = self.infratrack(*arguments, **more)
        assert ended.returncode == 0, ended.stderr + ended.stdout
        return ended.stdout

    def status(self, *arguments: str, **more: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.ok("status", "--format", "json", *arguments, **more))
        return document

    def deliverable(self, name: str = "core", **more: str) -> dict[str, Any]:
        (found,) = [one for one in self.status(**more)["deliverables"] if one["id"] == name]
        return dict(found)


class Team:
    """The server, the maintainer's machine with everybody's keys, and the ledger that all of them use.

    The ledger lies beside the clones: how it travels does not matter here.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.server = root / "server.git"
        self.maintainer = Machine(root, "maintainer")
        subprocess.run(
            ["git", "init", "-q", "--bare", "-b", "main", str(self.server)], check=True, env=self.maintainer.environment
        )
        self.maintainer.git("clone", "-q", f"file://{self.server}", str(self.maintainer.folder), cwd=root)
        keys = KeyStore(self.maintainer.home / "infratrack")
        self.maintainer.write("infratrack.yaml", PROJECT)
        self.maintainer.write("plan/work.yaml", PLAN)
        self.maintainer.write(".gitignore", ".infratrack/\n")
        for name in ("ci", "anna", "ben"):
            self.maintainer.write(f"keys/{name}.pub", keys.create(name).key.public_pem)

    def publish(self) -> None:
        """Bring the project to the protected branch."""
        self.maintainer.commit()
        self.maintainer.git("push", "-q", "origin", "HEAD:main")
        self.maintainer.git("fetch", "-q", "origin")

    def contributor(self, name: str = "mallory", *options: str) -> Machine:
        """Somebody with a clone and a key of their own that nobody trusts."""
        machine = Machine(self.root, name)
        machine.git("clone", "-q", *options, f"file://{self.server}", str(machine.folder), cwd=self.root)
        pem = KeyStore(machine.home / "infratrack").create(name).key.public_pem
        (machine.home / "own.pub").write_text(pem)
        return machine

    def propose(self, machine: Machine) -> None:
        """Push what the contributor committed as a pull request, as a server keeps one."""
        machine.git("push", "-q", "origin", "HEAD:refs/pull/7/merge")

    def runner(self, name: str = "runner", *, fetch: bool = True, keys: bool = False) -> Machine:
        """A thrown-away machine on which only the merge commit of the pull request is checked out."""
        machine = Machine(self.root, name)
        machine.folder.mkdir()
        machine.git("init", "-q")
        machine.git("remote", "add", "origin", f"file://{self.server}")
        machine.git("fetch", "-q", "--no-tags", "--depth=1", "origin", "+refs/pull/7/merge:refs/remotes/pull/7/merge")
        machine.git("checkout", "-q", "--detach", "refs/remotes/pull/7/merge")
        if fetch:
            machine.git(*FETCH_MAIN)
        if keys:
            shutil.copytree(self.maintainer.home / "infratrack" / "keys", machine.home / "infratrack" / "keys")
        return machine

    def share_ledger(self, machine: Machine) -> None:
        """Give a machine the ledger as it is now."""
        shutil.copytree(self.maintainer.folder / ".infratrack", machine.folder / ".infratrack", dirs_exist_ok=True)

    def take_ledger(self, machine: Machine) -> None:
        """Take over what a machine wrote to the ledger."""
        shutil.copytree(machine.folder / ".infratrack", self.maintainer.folder / ".infratrack", dirs_exist_ok=True)
