"""Tools of npm that tests of pipelines need: pinned in node/package-lock.json, installed once into a cache."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

PINS: Final = Path(__file__).parent / "node"
REQUIRED: Final = "INFRATRACK_REQUIRE_NODE"
"""Not empty: tests that want npm fail where it cannot be had. Set in CI."""


def node_tool(name: str) -> Path:
    """The program of that name, installed if it is not yet; skips the test where there is no npm."""
    if shutil.which("npm") is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, and there is no npm")
        pytest.skip("npm is not installed")
    pins = hashlib.sha256((PINS / "package-lock.json").read_bytes()).hexdigest()[:12]
    root = os.environ.get("INFRATRACK_NODE_CACHE") or _user_cache() / "infratrack-node"
    folder = Path(root).absolute() / pins
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "complete").exists():
            for file in PINS.iterdir():
                shutil.copy(file, folder)
            command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"]
            subprocess.run(command, cwd=folder, check=True, timeout=240, stdin=subprocess.DEVNULL)
            (folder / "complete").touch()
    return folder / "node_modules" / ".bin" / name


def _user_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
