"""A fresh machine for whole stories: a home of its own, tools on PATH, a Git repository with an example in it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.story.machine import EXAMPLES, Machine

FOREIGN = ("ANSIBLE_", "GIT_", "INFRATRACK_", "TF_", "GITHUB_", "GITLAB_", "CI", "JENKINS_", "CIRCLE")


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str | None], Machine]:
    """A machine with a copy of an example (or an empty folder)."""

    def make(example: str | None) -> Machine:
        home = tmp_path / "home"
        home.mkdir()
        tools = tmp_path / "bin"
        tools.mkdir()
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        environment |= {
            "HOME": str(home),
            "INFRATRACK_HOME": str(home / "infratrack"),
            "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), environment["PATH"]]),
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "ANSIBLE_HOME": str(home / "ansible"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "Anna Berg",
            "GIT_AUTHOR_EMAIL": "anna@example.com",
            "GIT_COMMITTER_NAME": "Anna Berg",
            "GIT_COMMITTER_EMAIL": "anna@example.com",
        }
        if not shutil.which("terraform", path=environment["PATH"]):
            shim = tools / "terraform"
            shim.write_text(f'#!/bin/sh\nexec {sys.executable} -m infratrack_terraform.binary "$@"\n')
            shim.chmod(0o755)
        folder = tmp_path / "project"
        if example is None:
            folder.mkdir()
        else:
            shutil.copytree(EXAMPLES / example, folder)
        return Machine(folder, environment)

    return make
