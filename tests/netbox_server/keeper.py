"""The process that keeps PostgreSQL, Redis and NetBox running for as long as its starter lives.

Started as `python -m tests.netbox_server.keeper` by NetBox's own Python. The first line on standard input says what to
do, in JSON; each line on standard output is an answer, a JSON object with one of the names `progress`, `built`,
`ready`, `reset` and `failed`. When standard input closes, everything is stopped and the temporary folder removed.
"""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import redis

from tests.netbox_server.configuration import write_configuration
from tests.netbox_server.postgresql import Cluster
from tests.netbox_server.processes import Failed, Server, Starter, StarterGone, finish

INSIDE = Path(__file__).with_name("inside.py")
IN_MEMORY = "/dev/shm"  # noqa: S108 -- mkdtemp makes the folder private
ROOM = 1 << 30  # bytes; a session takes a fifth of it
LONGEST_PLACE = 45  # characters: a socket's path may have 107, of which the names below take the rest


def answer(**what: object) -> None:
    """One line to the starter."""
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Keeper:
    """Everything that runs for one session, in one temporary folder."""

    def __init__(self, starter: Starter, folder: Path, order: dict[str, Any]) -> None:
        self._starter = starter
        self._folder = folder
        self._order = order
        self._cluster = Cluster(starter, Path(order["postgresql"]), folder)
        self._redis_socket = folder / "redis" / "redis.sock"
        self._environment = write_configuration(folder, self._cluster.sockets, self._redis_socket, order["secrets"])
        self._servers: list[Server] = []

    def start_databases(self) -> None:
        """PostgreSQL and Redis, without NetBox."""
        self._redis_socket.parent.mkdir(mode=0o700)
        command: list[str | Path] = [self._order["redis"], "--port", "0", "--unixsocket", self._redis_socket,
                                     "--unixsocketperm", "700", "--save", "", "--appendonly", "no",
                                     "--dir", self._redis_socket.parent]  # fmt: skip
        server = Server(command, self._folder / "redis.log")
        self._servers.append(server)
        self._cluster.start()
        if not self._starter.wait_until(lambda: server.ended() or self._redis_socket.exists(), 30) or server.ended():
            raise Failed(f"Redis did not start\n{server.last_words()}")

    def stop(self) -> None:
        """Stop all, the last started first."""
        for server in reversed(self._servers):
            server.stop()
        self._cluster.stop()

    def inside(self, request: dict[str, Any], what: str, seconds: float, *, counted: bool = False) -> None:
        """Run a request of `inside.py` to its end; `counted` reports migrations as they are applied."""
        asked = self._folder / "request.json"
        asked.write_text(json.dumps(request))
        log = self._folder / "inside.log"
        log.unlink(missing_ok=True)
        command: list[str | Path] = ["/bin/sh", "-c", 'exec "$0" -u "$1" < "$2"', sys.executable, INSIDE, asked]
        server = Server(command, log, environment=self._environment, cwd=self._folder)
        finish(self._starter, server, what, seconds, Migrations(log).report if counted else None)
        asked.unlink()

    def build(self) -> None:
        """Make the database of the template: migrated, with the accounts, written as a dump."""
        target = Path(self._order["target"])
        self.start_databases()
        seed = self._order["seed"]
        if not (seed and self._seeded(Path(seed))):
            self._cluster.execute("DROP DATABASE IF EXISTS netbox", "CREATE DATABASE netbox")
            answer(progress="NetBox: applying the migrations of an empty database; this happens once and takes minutes")
            self.inside({"migrate": {"icu": self._cluster.has_icu()}}, "netbox migrate", 3600, counted=True)
        self.inside({"accounts": self._order["accounts"]}, "making the accounts", 300)
        self._cluster.dump("netbox", target)
        answer(built=str(target))

    def _seeded(self, seed: Path) -> bool:
        """Whether an already migrated database could be taken; migrations that it lacks are applied."""
        answer(progress=f"NetBox: taking the migrated database from {seed}")
        try:
            self._cluster.restore(seed, "netbox")
            self.inside({"migrate": {"icu": self._cluster.has_icu()}}, "netbox migrate", 3600, counted=True)
        except Failed as failed:
            answer(progress=f"NetBox: the migrated database does not fit ({str(failed).splitlines()[0]})")
            return False
        return True

    def serve(self) -> None:
        """Start NetBox on a fresh database and carry out requests until the starter goes."""
        netbox, port = self._launch_netbox()  # it loads for seconds, in which its database is made
        self.start_databases()
        self._cluster.restore(Path(self._order["template"]), "template_netbox")
        self._cluster.execute("CREATE DATABASE netbox TEMPLATE template_netbox")
        if not self._starter.wait_until(lambda: netbox.ended() or "Booting worker" in netbox.last_words(), 120):
            raise Failed(f"NetBox did not start in time\n{netbox.last_words()}")
        if netbox.ended() or not self._starter.wait_until(lambda: responds(port), 60):
            raise Failed(f"NetBox did not start\n{netbox.last_words()}")
        answer(ready={"url": f"http://127.0.0.1:{port}", "folder": str(self._folder),
                      "pids": [server.process.pid for server in self._servers] + self._cluster.pids()})  # fmt: skip
        self._prepare_reset()
        while True:
            request = self._starter.pause(1.0)
            if request == "reset":
                begin = time.monotonic()
                self._reset()
                answer(reset=time.monotonic() - begin)
                self._prepare_reset()
            self._look_after()

    def _launch_netbox(self) -> tuple[Server, int]:
        """Start gunicorn on a port that is taken before it starts, so that nobody else takes it; returns the port."""
        with socket.create_server(("127.0.0.1", self._order["port"]), backlog=64) as listener:
            port: int = listener.getsockname()[1]
            command: list[str | Path] = [sys.executable, "-m", "gunicorn", "netbox.wsgi",
                                         "-b", f"fd://{listener.fileno()}",
                                         "-c", self._folder / "conf" / "gunicorn.py"]  # fmt: skip
            server = Server(command, self._folder / "netbox.log", stop_with=signal.SIGQUIT, cwd=self._folder,
                            environment=self._environment, pass_fds=[listener.fileno()])  # fmt: skip
            self._servers.append(server)
        return server, port

    def _look_after(self) -> None:
        for server in self._servers:
            if server.ended():
                raise Failed(f"a server stopped by itself\n{server.last_words()}")

    def _prepare_reset(self) -> None:
        """Copy the template ahead of the next reset: it takes a second, in which the tests go on."""
        self._cluster.execute("CREATE DATABASE next_netbox TEMPLATE template_netbox")

    def _reset(self) -> None:
        """An empty database again, under the running NetBox, and nothing left in its caches."""
        self._cluster.execute("DROP DATABASE netbox WITH (FORCE)", "ALTER DATABASE next_netbox RENAME TO netbox")
        with redis.Redis(unix_socket_path=str(self._redis_socket)) as client:
            client.flushall()


class Migrations:
    """The migrations that a log tells of, reported at every fiftieth and once more at the end."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._begin = time.monotonic()
        self._said = 0

    def report(self) -> None:
        """Say how far it is, where that is news."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.exists() else []
        applied = sum(line.endswith("... OK") for line in lines)
        total = next((int(line.split()[1]) for line in lines if line.startswith("migrations:")), 0)
        if total and (applied >= self._said + 20 or self._said < applied == total):
            self._said = applied
            seconds = time.monotonic() - self._begin
            answer(progress=f"NetBox: {applied} of {total} migrations applied ({seconds:.0f} s)")


def place() -> str:
    """Where the temporary folder goes: into memory if it has room, where a database is copied twenty times as fast."""
    if os.access(IN_MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(IN_MEMORY).free > ROOM:
        return IN_MEMORY
    temporary = tempfile.gettempdir()
    return temporary if len(temporary) <= LONGEST_PLACE else "/tmp"  # noqa: S108


def responds(port: int) -> bool:
    """Whether NetBox answers, be it only that a token is needed."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/api/status/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main() -> int:
    """Read the order and carry it out; the exit code says nothing that the answers do not."""
    for signal_number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(signal_number, ended_by_signal)
    starter = Starter()
    folder = Path(tempfile.mkdtemp(prefix="infratrack-netbox-", dir=place()))
    folder.chmod(0o711)  # PostgreSQL's user passes through; every folder below is its owner's
    keeper = None
    try:
        order = None
        while order is None:
            order = starter.pause(60)
        keeper = Keeper(starter, folder, json.loads(order))
        keeper.build() if "target" in json.loads(order) else keeper.serve()
    except StarterGone:
        pass
    except Failed as failed:
        answer(failed=str(failed))
    finally:
        for signal_number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(signal_number, signal.SIG_IGN)  # nothing interrupts stopping
        if keeper is not None:
            keeper.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def ended_by_signal(_number: int, _frame: object) -> None:
    """Somebody wants the keeper to end: the same way out as when its starter goes."""
    raise StarterGone


if __name__ == "__main__":
    sys.exit(main())
