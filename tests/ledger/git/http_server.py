"""Git over HTTP on loopback, with a password: `git http-backend` behind a small server that checks what it is sent."""

from __future__ import annotations

import contextlib
import os
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

_PATIENCE: Final = 60.0


class GitHttpServer:
    """Serves the bare repositories below `root` to whoever sends the header `Authorization: expected`."""

    def __init__(self, root: Path, expected: str) -> None:
        self.root = root
        self.expected = expected
        self.authorizations: list[str | None] = []
        self.command_lines: set[str] = set()
        """What every user of the machine could read of processes that ran during a request, where /proc shows it."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())

    def url(self, name: str, userinfo: str = "") -> str:
        """The address of `root/name`; `userinfo` is what stands before the `@`."""
        at = f"{userinfo}@" if userinfo else ""
        return f"http://{at}127.0.0.1:{self._server.server_address[1]}/{name}"

    @contextlib.contextmanager
    def running(self) -> Iterator[GitHttpServer]:
        """Serve until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join(_PATIENCE)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._answer(b"")

            def do_POST(self) -> None:
                self._answer(_body(self))

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def _answer(self, body: bytes) -> None:
                authorization = self.headers.get("Authorization")
                server.authorizations.append(authorization)
                server.command_lines |= _command_lines()
                if authorization != server.expected:
                    self.send_response(401)
                    self.send_header("WWW-Authenticate", 'Basic realm="git"')
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                head, _, content = _backend(server.root, self, body).partition(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
                self.send_response(int(fields.pop("Status", "200")[:3]))
                for name, value in fields.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler


def _command_lines() -> set[str]:
    lines = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.add(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return lines


def _body(request: BaseHTTPRequestHandler) -> bytes:
    if request.headers.get("Transfer-Encoding") != "chunked":
        return request.rfile.read(int(request.headers.get("Content-Length", "0")))
    parts = []
    while size := int(request.rfile.readline(), 16):
        parts.append(request.rfile.read(size))
        request.rfile.readline()
    request.rfile.readline()
    return b"".join(parts)


def _backend(root: Path, request: BaseHTTPRequestHandler, body: bytes) -> bytes:
    parts = urlsplit(request.path)
    ended = subprocess.run(
        ["git", "http-backend"],
        input=body,
        capture_output=True,
        check=True,
        timeout=_PATIENCE,
        env={
            "PATH": os.environ["PATH"],
            "GIT_PROJECT_ROOT": str(root),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "REMOTE_USER": "somebody",
            "REQUEST_METHOD": request.command,
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "CONTENT_LENGTH": str(len(body)),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        },
    )
    return ended.stdout
