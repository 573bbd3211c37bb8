"""Start-up: `infratrack --help`, and a whole `infratrack status` on a small project, against importing click."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))
from tests.benchmarks.measure import Measure, interleaved  # noqa: E402 -- the path above makes it importable

HELP_BAR = 1.4
STATUS_BAR = 12.0
ROUNDS = 9


def _quiet(argv: list[str], folder: Path, environment: Mapping[str, str]) -> None:
    subprocess.run(argv, cwd=folder, env=environment, check=True, capture_output=True)


def _project(folder: Path) -> tuple[Path, Mapping[str, str], str]:
    """The core-network example with evidence in its ledger; (folder, environment, the program)."""
    program = str(Path(sysconfig.get_path("scripts")) / "infratrack")
    environment = {**os.environ, "HOME": str(folder), "INFRATRACK_HOME": str(folder / "home"), "INFRATRACK_KEY": "ci"}
    project = folder / "project"
    shutil.copytree(ROOT / "examples" / "core-network", project)
    (project / "keys").mkdir()
    for name in ("ci", "anna"):
        _quiet([program, "key", "new", name], project, environment)
        exported = subprocess.run(
            [program, "key", "export", name], cwd=project, env=environment, check=True, capture_output=True
        )
        (project / "keys" / f"{name}.pub").write_bytes(exported.stdout)
    for _ in range(5):
        _quiet([program, "run", "--", "true"], project, environment)
    return project, environment, program


def measure() -> Iterable[Measure]:
    """Whole processes, in turn with the peer's."""
    with tempfile.TemporaryDirectory() as name:
        project, environment, program = _project(Path(name))

        def peer() -> None:
            _quiet([sys.executable, "-c", "import click"], project, environment)

        for argument, bar in (("--help", HELP_BAR), ("status", STATUS_BAR)):
            ours = partial(_quiet, [program, argument], project, environment)
            seconds, peers = interleaved(ours, peer, ROUNDS)
            yield Measure(f"infratrack {argument}", seconds, "python -c 'import click'", peers, bar, "whole process")


if __name__ == "__main__":
    for one in measure():
        sys.stdout.write(f"{one.name}: {one.ratio:.2f} (aim {one.bar})\n")
