"""A machine of its own for tests of capture: a home, a repository with a project, and the real `infratrack`."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from infratrack.capture.workspace import Workspace
from infratrack.evidence.envelope import open_envelope
from infratrack.evidence.predicates import RUN_START
from infratrack.evidence.statement import Statement, read_statement
from infratrack.ledger.open import open_ledger

INFRATRACK = str(Path(sys.executable).with_name("infratrack"))
PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West}
systems:
  - {id: core, environment: production}
tasks:
  - {id: build, name: Build, duration: 1d, deliverables: [smoke]}
deliverables:
  - {id: smoke, name: Smoke test passes, done_when: {command.succeeded: {command: "true"}}}
"""
LEDGER = "sqlite:///.infratrack/ledger.db"
FOREIGN = ("ANSIBLE_", "GIT_", "INFRATRACK_", "TF_", "GITHUB_", "GITLAB_", "CI", "JENKINS_", "CIRCLE", "BUILD_")

for _number in (signal.SIGINT, signal.SIGQUIT):
    # Tests that a shell runs in its background are born with these ignored, and so would be all that they start.
    if signal.getsignal(_number) == signal.SIG_IGN:
        signal.signal(_number, signal.default_int_handler)


class Workshop:
    """One project on one machine."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.folder = root / "project"
        self.home.mkdir()
        self.folder.mkdir()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)} | {
            "HOME": str(self.home),
            "INFRATRACK_HOME": str(self.home / "infratrack"),
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            "TMPDIR": str(root),
            "USER": "anna",
            "LOGNAME": "anna",
        }
        self.write("infratrack.yaml", PROJECT)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def git(self, *arguments: str) -> None:
        identity = ("-c", "user.name=Anna", "-c", "user.email=anna@example.org")
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, env=self.environment, check=True)

    def commit(self) -> None:
        """Make the folder a repository with everything in it committed."""
        self.git("init", "-q", "-b", "main")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Start")

    def infratrack(
        self, *arguments: str, stdin: str | None = None, cwd: Path | None = None, **more: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `infratrack` as a person would."""
        return subprocess.run(
            [INFRATRACK, *arguments],
            cwd=cwd or self.folder,
            env=self.environment | more,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=120,
        )

    def run(self, *command: str, stdin: str | None = None, **more: str) -> subprocess.CompletedProcess[str]:
        """`infratrack run -- COMMAND`."""
        return self.infratrack("run", "--", *command, stdin=stdin, cwd=None, **more)

    def workspace(self) -> Workspace:
        return Workspace.open(self.folder, environ=self.environment)

    def ledger(self) -> list[Statement]:
        """Every statement in the ledger, run starts included."""
        ledger = open_ledger(LEDGER, self.folder, project_id="dc-west")
        try:
            return [read_statement(open_envelope(entry.line).payload) for entry in ledger.entries()]
        finally:
            ledger.close()

    def ends(self) -> list[Statement]:
        """The evidence in the ledger without run starts."""
        return [one for one in self.ledger() if one.predicate_type != RUN_START]

    def blob(self, statement: Statement, name: str) -> bytes:
        """The content of one artifact."""
        ledger = open_ledger(LEDGER, self.folder, project_id="dc-west")
        try:
            (found,) = [one for one in statement.artifacts if one.name == name]
            assert found.blob is not None
            return ledger.blobs.get(found.blob)
        finally:
            ledger.close()

    def waiting(self) -> list[Statement]:
        """The evidence in the spool."""
        return [read_statement(open_envelope(one.line).payload) for one in self.workspace().spool.pending()]

    def files(self) -> Iterator[tuple[Path, bytes]]:
        """Every file that was written on this machine, with its content."""
        for root in (self.home, self.folder):
            for path in root.rglob("*"):
                if path.is_file() and ".git" not in path.parts:
                    yield path, path.read_bytes()

    def with_environment(self, more: Mapping[str, str]) -> None:
        self.environment |= more

    def install(self, name: str, text: str) -> None:
        """Put a plugin, in a throwaway distribution, on the search path of every command from here on."""
        site = self.home / "site"
        metadata = site / f"{name}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "entry_points.txt").write_text(f"[infratrack]\n{name} = {name}_module\n")
        (site / f"{name}_module.py").write_text(text)
        given = self.environment.get("PYTHONPATH")
        self.with_environment({"PYTHONPATH": f"{site}{os.pathsep}{given}" if given else str(site)})
