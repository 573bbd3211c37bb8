"""A machine of its own for a story: commands run the way a person would run them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


class Machine:
    """Runs commands the way a person would, in a folder and an environment that nothing else shares."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)

    def sh(self, script: str, *, expect: int = 0, **more: str) -> str:
        """Run a shell script; its output and errors together."""
        ended = subprocess.run(
            ["/bin/bash", "-e", "-o", "pipefail", "-c", script],
            cwd=self.folder,
            env=self.environment | more,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=240,
        )
        assert ended.returncode == expect, (
            f"{script}\nended with {ended.returncode}, expected {expect}:\n{ended.stdout}"
        )
        assert "Traceback (most recent call last)" not in ended.stdout, ended.stdout
        return ended.stdout

    def keys(self, *names: str) -> None:
        """Make signing keys and put their public halves where the examples' `trust` looks for them."""
        self.sh("mkdir -p keys")
        for name in names:
            self.sh(f"infratrack key new {name}; infratrack key export {name} > keys/{name}.pub")

    def git(self) -> None:
        """Make the folder a repository with everything in it committed."""
        self.sh("git init -q -b main . && git add -A && git commit -q --allow-empty -m 'Start'")
