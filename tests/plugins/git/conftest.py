"""Real repositories to look at."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from infratrack.api import Collected, ObserveContext, Word
from infratrack.testing.builders import predicate
from infratrack_git.evidence import GitObservation
from infratrack_git.observer import GitObserver


class Repository:
    """A Git repository in a folder, driven with the `git` program; commits get a fixed name and the time asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder.parent),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Ana Example",
            "GIT_AUTHOR_EMAIL": "ana@example.org",
            "GIT_COMMITTER_NAME": "Ana Example",
            "GIT_COMMITTER_EMAIL": "ana@example.org",
        }

    def git(self, *arguments: str, at: str = "2026-01-05T09:00:00Z") -> str:
        dates = {"GIT_AUTHOR_DATE": at, "GIT_COMMITTER_DATE": at}
        command = ["git", "-c", "protocol.file.allow=always", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | dates,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout.strip()

    def commit(self, message: str, path: str = "", at: str = "2026-01-05T09:00:00Z") -> str:
        if path:
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(message)
            self.git("add", path)
        self.git("commit", "--quiet", "--allow-empty", "-m", message, at=at)
        return self.git("rev-parse", "HEAD")

    def clone(self, name: str, *options: str) -> Repository:
        self.git("clone", "--quiet", *options, f"file://{self.folder}", str(self.folder.parent / name))
        return Repository(self.folder.parent / name)

    def observe(self, folder: str = ".", **wanted: list[dict[str, Any]]) -> Collected:
        by_criterion = {f"git.{name}": tuple(uses) for name, uses in wanted.items()}
        return GitObserver().observe(ObserveContext(self.folder / folder, self.environment, by_criterion))

    def words(self, folder: str = ".", **wanted: list[dict[str, Any]]) -> list[Word]:
        return list(GitObservation().words(predicate(self.observe(folder, **wanted).result)))


@pytest.fixture
def empty(tmp_path: Path) -> Repository:
    """A repository without a commit, on branch main."""
    repository = Repository(tmp_path / "upstream")
    repository.folder.mkdir()
    repository.git("init", "--quiet", "--initial-branch=main")
    return repository


@pytest.fixture
def upstream(empty: Repository) -> Repository:
    """Two commits on main: one with a trailer, one below network/."""
    empty.commit("Start", "infratrack.yaml", at="2026-01-01T09:00:00Z")
    empty.commit("Add VLANs\n\nDeliverable: core-vlans\nSigned-off-by: Ana <a@example.org>", at="2026-01-02T09:00:00Z")
    empty.commit("Build it", "network/core/vlans.tf", at="2026-01-03T09:00:00Z")
    return empty
