"""A real `git daemon` on loopback that counts what goes over the wire, and bare repositories for it to serve."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

_CHUNK: Final = 1 << 16
_PATIENCE: Final = 60.0


def git(*arguments: str | Path, folder: Path) -> str:
    """Run git as nobody in particular: no settings of this machine's, none of its home. Returns what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    named = {
        f"GIT_{who}_{what}": "someone@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")
    }
    ended = subprocess.run(
        ["git", *map(str, arguments)],
        cwd=folder,
        env={**environ, **named, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_PATIENCE,
    )
    assert ended.returncode == 0, f"git {arguments}: {ended.stdout}{ended.stderr}"
    return ended.stdout.strip()


def bare_repository(path: Path, *, filters: bool = True, object_format: str = "sha1") -> Path:
    """A bare repository as a Git server keeps it: anybody may fetch and push; it filters, as the big hosts do."""
    path.mkdir(parents=True)
    git("init", "--quiet", "--bare", "--template=", f"--object-format={object_format}", folder=path)
    git("config", "uploadpack.allowFilter", str(filters).lower(), folder=path)
    git("config", "receive.autogc", "false", folder=path)
    return path


@dataclass
class Counted:
    """What went over the wire so far."""

    connections: int = 0
    to_server: int = 0
    from_server: int = 0

    @property
    def bytes(self) -> int:
        """Both ways together."""
        return self.to_server + self.from_server


@dataclass
class GitDaemon:
    """Serves the bare repositories below `root`; one `git daemon --inetd` a connection, so that no port is guessed.

    `lose_answer`: the next push arrives, but the client never hears of it.
    """

    root: Path
    counted: Counted = field(default_factory=Counted)
    lose_answer: bool = False
    _listener: socket.socket = field(default_factory=lambda: socket.create_server(("127.0.0.1", 0), backlog=128))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def url(self, name: str) -> str:
        """The address of the repository `root/name`."""
        return f"git://127.0.0.1:{self._listener.getsockname()[1]}/{name}"

    def reset(self) -> None:
        """Count from nothing again."""
        with self._lock:
            self.counted = Counted()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        ours, theirs = socket.socketpair()
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        with theirs:
            process = subprocess.Popen(
                ["git", "daemon", "--inetd", "--export-all", "--enable=receive-pack", f"--base-path={self.root}"],
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env={**environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "LC_ALL": "C"},
            )
        with client, ours, process:
            with self._lock:
                self.counted.connections += 1
            losing = threading.Event()
            upward = threading.Thread(target=self._upward, args=(client, ours, losing), daemon=True)
            upward.start()
            self._downward(ours, client, losing)
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            upward.join(_PATIENCE)
            process.wait(_PATIENCE)

    def _upward(self, client: socket.socket, server: socket.socket, losing: threading.Event) -> None:
        begin = b""
        with contextlib.suppress(OSError):
            while chunk := client.recv(_CHUNK):
                begin = begin if len(begin) > _CHUNK else begin + chunk
                with self._lock:
                    self.counted.to_server += len(chunk)
                    if self.lose_answer and _says_more_than_hello(begin):
                        self.lose_answer = False
                        losing.set()
                server.sendall(chunk)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)

    def _downward(self, server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while chunk := server.recv(_CHUNK):
                if losing.is_set():
                    continue
                with self._lock:
                    self.counted.from_server += len(chunk)
                client.sendall(chunk)


def _says_more_than_hello(begin: bytes) -> bool:
    """Whether this is a push that came to its commands: its first packet (gitprotocol-pack(5)) is not its last."""
    return b"git-receive-pack" in begin[:64] and len(begin) > int(begin[:4], 16)


@contextlib.contextmanager
def git_daemon(root: Path) -> Iterator[GitDaemon]:
    """A daemon for the repositories below `root`, until the block ends."""
    with GitDaemon(root) as daemon:
        yield daemon
