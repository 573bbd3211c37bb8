"""Real playbooks on local connections, followed as `infratrack run` follows them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from infratrack.api import (
    Collected,
    CommandContext,
    CommandEnd,
    Word,
)
from infratrack_ansible.collector import AnsibleCollector
from infratrack_ansible.evidence import AnsibleRun

ANSIBLE_PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")


class Followed(Struct, frozen=True):
    """A finished run: what it left and what it printed."""

    collected: Collected
    code: int
    output: str
    events: bytes

    @property
    def playbooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.collected.result["playbooks"]
        return found

    @property
    def outcomes(self) -> dict[str, str]:
        return {host: facts["outcome"] for host, facts in self.playbooks[-1]["hosts"].items()}

    @property
    def words(self) -> Sequence[Word]:
        return AnsibleRun().words({"result": self.collected.result})


class Site:
    """A project folder with an inventory of hosts that are all this machine."""

    def __init__(self, folder: Path, scratch: Path) -> None:
        self.folder = folder
        self.scratch = scratch
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(scratch / "home"),
            "LANG": "C.UTF-8",
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_ASYNC_DIR": str(scratch / "async"),
            "ANSIBLE_REMOTE_TMP": str(scratch / "remote"),
        }
        (scratch / "home").mkdir(exist_ok=True)
        self.write("inventory.ini", inventory("core-1", "core-2"))
        self._runs = 0

    def write(self, path: str, text: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    def context(self, argv: Sequence[str], below: str = ".") -> CommandContext:
        self._runs += 1
        scratch = self.scratch / f"run-{self._runs}"
        scratch.mkdir(mode=0o700)
        return CommandContext(tuple(argv), self.folder / below, self.environment, scratch, "full", {}, below)

    def run(self, *arguments: str, below: str = ".", program: Sequence[str] = (ANSIBLE_PLAYBOOK,)) -> Followed:
        context = self.context([*program, *arguments], below)
        watch = AnsibleCollector().begin(context)
        ended = subprocess.run(
            context.argv,
            cwd=context.cwd,
            env={**self.environment, **watch.environment},
            capture_output=True,
            text=True,
            check=False,
        )
        found = watch.finish(CommandEnd(ended.returncode, "failed" if ended.returncode else "succeeded"))
        events = (context.scratch / "ansible-events.jsonl").read_bytes()
        return Followed(found, ended.returncode, ended.stdout + ended.stderr, events)

    def play(self, text: str, *arguments: str) -> Followed:
        self.write("site.yml", text)
        return self.run("-i", "inventory.ini", "site.yml", *arguments)


def inventory(*hosts: str) -> str:
    listed = "\n".join(hosts)
    return f"[core]\n{listed}\n[core:vars]\nansible_connection=local\nansible_python_interpreter={sys.executable}\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    folder = tmp_path / "project"
    folder.mkdir()
    return Site(folder, tmp_path)
