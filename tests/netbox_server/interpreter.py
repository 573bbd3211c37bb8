"""Which Python can run NetBox: this one, or one that stands where Pythons usually stand."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OLDEST = (3, 12)
NAMES = ("python3.12", "python3.13", "python3.14", "python3")


def candidates() -> Iterator[Path]:
    """Interpreters worth asking, the likeliest first. A shim of a version manager may be among them and not run."""
    if sys.version_info >= OLDEST:
        yield Path(sys.executable)
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    managed = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or Path.home() / ".local" / "share" / "uv" / "python")
    for folder in (pyenv / "versions", managed):
        for name in NAMES:
            yield from sorted(folder.glob(f"*/bin/{name}"))


def version_of(python: Path) -> tuple[int, int]:
    """The version that this interpreter says it has; (0, 0) if it does not run or cannot make virtual environments."""
    question = "import ensurepip, ssl, sys; print(*sys.version_info[:2])"
    try:
        answer = subprocess.run([python, "-c", question], capture_output=True, text=True, check=False, timeout=30)
        major, minor = answer.stdout.split()
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return (0, 0)
    return (int(major), int(minor))


@functools.cache
def find_python() -> tuple[Path, tuple[int, int]] | None:
    """An interpreter that can run NetBox, with its version; None if this machine has none."""
    for python in candidates():
        version = version_of(python)
        if version >= OLDEST:
            return python, version
    return None
