"""The plugin that the author's guide builds: extracted, installed, its tests and commands run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from infratrack.hookspecs import Hooks

GUIDE = Path(__file__).parents[2] / "docs" / "plugin-authors-guide.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
FILE = re.compile(r"# file: (\S+)\n")

pytestmark = pytest.mark.checkout


class Workshop:
    """The guide's files in a folder, and the plugin installed beside infratrack."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.site = folder / "site"
        blocks = BLOCK.findall(GUIDE.read_text(encoding="utf-8"))
        for _, text in blocks:
            named = FILE.match(text)
            if named:
                self._write(named[1], text[named.end() :])
        self._write("demo/snapshots.json", next(text for language, text in blocks if language == "json"))
        console = next(text for language, text in blocks if language == "console")
        self.commands = [line.removeprefix("$ ") for line in console.splitlines() if line.startswith("$ ")]
        (folder / "demo" / "keys").mkdir()

    def _write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def run(self, *command: str, where: str = ".") -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(self.site),
            "HOME": str(self.folder / "home"),
            "INFRATRACK_HOME": str(self.folder / "home"),
        }
        return subprocess.run(
            command, cwd=self.folder / where, env=environment, capture_output=True, text=True, check=False, timeout=120
        )


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    made = Workshop(tmp_path_factory.mktemp("guide"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    installed = made.run(*pip, "--disable-pip-version-check", "--target", str(made.site), ".")
    assert installed.returncode == 0, installed.stderr
    return made


def test_the_guides_own_tests_pass(workshop: Workshop) -> None:
    (workshop.folder / "pytest.ini").write_text("[pytest]\n")
    ended = workshop.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_restic.py")
    assert ended.returncode == 0, ended.stdout
    assert "passed" in ended.stdout


def test_its_commands_work_as_written(workshop: Workshop) -> None:
    assert len(workshop.commands) == 5
    for command in workshop.commands:
        ended = workshop.run("sh", "-c", command, where="demo")
        assert ended.returncode == 0, f"{command}\n{ended.stdout}\n{ended.stderr}"
    told = workshop.run("infratrack", "explain", "core-backups", where="demo")
    assert "backed up" in told.stdout
    assert "2026-01-05 02:00" in told.stdout


def test_the_criterion_joins_the_projects_schema(workshop: Workshop) -> None:
    assert "restic.backed_up" in workshop.run("infratrack", "schema", where="demo").stdout


def test_a_misspelled_parameter_is_found_with_its_line(workshop: Workshop) -> None:
    project = workshop.folder / "demo" / "infratrack.yaml"
    broken = workshop.folder / "broken" / "infratrack.yaml"
    broken.parent.mkdir()
    broken.write_text(project.read_text().replace("host: core-1", "hots: core-1"))
    ended = workshop.run("infratrack", "validate", where="broken")
    assert ended.returncode == 2
    assert "infratrack.yaml:10" in ended.stdout + ended.stderr
    assert "hots" in ended.stdout + ended.stderr


def test_the_guide_names_every_hook() -> None:
    hooks = [name for name in vars(Hooks) if name.startswith("infratrack_")]
    assert [name for name in hooks if f"| `{name}` |" not in GUIDE.read_text(encoding="utf-8")] == []
