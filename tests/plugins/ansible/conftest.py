"""Real playbooks on local connections, followed as `infratrack run` follows them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from infratrack.api import (
    BindContext,
    Collected,
    CommandContext,
    CommandEnd,
    Criterion,
    Decision,
    Judgement,
    Selector,
    Tally,
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


def tally(
    criterion: Criterion, parameters: Mapping[str, Any], runs: Sequence[Sequence[Word]]
) -> tuple[Decision, Tally]:
    """What a criterion says after some runs, oldest first: the newest word that says something counts."""
    rule = criterion.bind(parameters, BindContext("d"))
    counts = dict.fromkeys(("meets", "fails", "unknown", "gone", "missing"), 0)
    subjects: dict[tuple[str, str, str], Judgement] = {}
    for words in runs:
        for word in words:
            judged = rule.judge(word.kind, word.value)
            if judged is not None and any(_selects(selector, word) for selector in rule.selectors):
                subjects[(word.kind, word.scope, word.name)] = judged.judgement
    for selector in rule.selectors:
        found = any(_selects(selector, Word(*subject, {})) for subject in subjects)
        counts["missing"] += selector.required and not found
    for judgement in subjects.values():
        counts[judgement.name.lower()] += 1
    summed = Tally(**counts)
    return rule.decide(summed), summed


def _selects(selector: Selector, word: Word) -> bool:
    def matches(pattern: str, text: str) -> bool:
        return re.fullmatch("[^\x1f]*".join(re.escape(part) for part in pattern.split("*")), text) is not None

    return (
        selector.kind == word.kind
        and matches(selector.name, word.name)
        and (selector.scope is None or matches(selector.scope, word.scope))
    )
