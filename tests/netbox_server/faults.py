"""A proxy in front of NetBox that spoils chosen exchanges in the ways in which real networks and servers do."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from msgspec import Struct

PAGE: Final = b"<!DOCTYPE html><html><body><h1>Please log in</h1><p>This network is for guests.</p></body></html>"
HANGING: Final = 30.0
"""Seconds for which an answer is withheld, at most; it ends earlier when the client goes or the proxy closes."""


class Reply(Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Fault(Struct, frozen=True):
    """What happens to an exchange. `reached`: NetBox gets the request and answers it, whatever the client sees."""

    name: str
    reached: bool
    spoil: Callable[[Exchange, Reply], None]

    def __str__(self) -> str:
        return self.name


class Rule(Struct):
    """Which exchanges: the first `times` that match after `skip` of them; `path` is searched in path and query."""

    fault: Fault
    method: str = "GET|POST|PATCH|DELETE"
    path: str = ""
    skip: int = 0
    times: int = 1

    def takes(self, method: str, path: str) -> bool:
        """Whether this exchange is one of them; counts."""
        if self.times == 0 or not re.fullmatch(self.method, method) or not re.search(self.path, path):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True


class Seen(Struct, frozen=True):
    """One request that came, and the name of the fault that met it."""

    method: str
    path: str
    fault: str


class Exchange(BaseHTTPRequestHandler):
    """One connection of a client."""

    protocol_version = "HTTP/1.1"
    server: Listener

    def handle_any(self) -> None:
        """Take a request, ask NetBox if the fault lets it, and answer as the fault will have it."""
        self._body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.server.proxy.fault_for(self.command, self.path)
        reply = self.pass_on() if fault is None or fault.reached else Reply(HTTPStatus.OK)
        if fault is None:
            self.answer(reply)
        else:
            fault.spoil(self, reply)

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_OPTIONS = handle_any  # noqa: N815 -- the server's names

    def pass_on(self) -> Reply:
        """Ask NetBox."""
        connection = http.client.HTTPConnection(self.server.proxy.upstream, timeout=120)
        # The client's own `Host` goes along: links to next pages then lead through the proxy again.
        headers = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
        try:
            connection.request(self.command, self.path, self._body or None, headers)
            answer = connection.getresponse()
            return Reply(answer.status, tuple(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def answer(self, reply: Reply, *, length: int | None = None) -> None:
        """Send an answer; `length` is what it claims to have, if that is not so."""
        self.begin(reply, len(reply.body) if length is None else length)
        self.wfile.write(reply.body)

    def begin(self, reply: Reply, length: int) -> None:
        """Send what comes before a body."""
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def reset(self) -> None:
        """Cut the connection the hard way."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.server.let_go(self.connection)

    def wait(self, seconds: float) -> None:
        """Wait, but not longer than the proxy lives."""
        self.server.proxy.closing.wait(seconds)

    def wait_for(self, event: threading.Event) -> None:
        """Wait for something, but neither longer than the proxy lives nor than anybody waits."""
        deadline = time.monotonic() + HANGING
        while not event.is_set() and not self.server.proxy.closing.is_set() and time.monotonic() < deadline:
            event.wait(0.05)

    def log_message(self, *_: object) -> None:
        """Nothing: what came is in the proxy's list."""


class Listener(ThreadingHTTPServer):
    """The socket that clients connect to."""

    daemon_threads = False
    block_on_close = True

    def __init__(self, proxy: FaultProxy) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.proxy = proxy
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def let_go(self, connection: socket.socket) -> None:
        """Close a connection at once, with whatever its options say."""
        self._open.discard(connection)
        connection.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away, or that was cut off, is what this is for."""

    def let_all_go(self) -> None:
        """End every connection, so that their threads end."""
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


class FaultProxy:
    """Passes requests on to NetBox, but for those that a rule spoils. Use as a context manager."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.closing = threading.Event()
        self.seen: list[Seen] = []
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self._listener = Listener(self)
        self.url = f"http://127.0.0.1:{self._listener.server_address[1]}"
        self._thread = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def spoil(self, *rules: Rule) -> None:
        """From now on these rules hold, and no earlier one; what was seen before is forgotten."""
        with self._lock:
            self._rules = list(rules)
            self.seen = []

    def fault_for(self, method: str, path: str) -> Fault | None:
        """The fault that meets this request, which is noted."""
        with self._lock:
            rule = next((rule for rule in self._rules if rule.takes(method, path)), None)
            self.seen.append(Seen(method, path, rule.fault.name if rule else ""))
        return rule.fault if rule else None

    def spoiled(self) -> list[Seen]:
        """The requests that a fault met."""
        with self._lock:
            return [one for one in self.seen if one.fault]

    def close(self) -> None:
        """Stop, and wait for every thread."""
        self.closing.set()
        self._listener.shutdown()
        self._listener.let_all_go()
        self._listener.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def answers(status: int, *, reached: bool = False, headers: Sequence[tuple[str, str]] = ()) -> Fault:
    """An error in JSON, made by the server or by something in front of it."""
    body = b'{"detail": "something went wrong"}'
    reply = Reply(status, (("Content-Type", "application/json"), *headers), body)
    return Fault(f"{status}{_place(reached)}", reached, lambda exchange, _: exchange.answer(reply))


def busy(seconds: int) -> Fault:
    """429 with `Retry-After`."""
    fault = answers(429, headers=[("Retry-After", str(seconds))])
    return Fault(f"429, retry after {seconds} s", reached=False, spoil=fault.spoil)


def html(status: int, *, reached: bool = False) -> Fault:
    """A web page instead of an answer."""
    reply = Reply(status, (("Content-Type", "text/html"),), PAGE)
    return Fault(f"web page with {status}{_place(reached)}", reached, lambda exchange, _: exchange.answer(reply))


def reset(*, reached: bool) -> Fault:
    """The connection is cut before any answer."""
    return Fault(f"reset{_place(reached)}", reached, lambda exchange, _: exchange.reset())


def hang(*, reached: bool) -> Fault:
    """No answer comes for longer than anybody waits."""

    def spoil(exchange: Exchange, _: Reply) -> None:
        exchange.wait(HANGING)
        exchange.close_connection = True

    return Fault(f"hanging{_place(reached)}", reached, spoil)


def broken_off() -> Fault:
    """The answer ends before the length that it announces."""

    def spoil(exchange: Exchange, reply: Reply) -> None:
        half = Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2])
        exchange.answer(half, length=max(len(reply.body), 2))
        exchange.close_connection = True

    return Fault("broken off", reached=True, spoil=spoil)


def half_json() -> Fault:
    """A whole answer in HTTP's eyes whose JSON ends in its midst."""

    def spoil(exchange: Exchange, reply: Reply) -> None:
        exchange.answer(Reply(reply.status, reply.headers, reply.body[: len(reply.body) // 2] or b"{"))

    return Fault("half of the JSON", reached=True, spoil=spoil)


def slow(seconds: float) -> Fault:
    """The answer comes in small pieces that take so long together."""

    def spoil(exchange: Exchange, reply: Reply) -> None:
        exchange.begin(reply, len(reply.body))
        size = max(1, len(reply.body) // 20)
        for begin in range(0, len(reply.body), size):
            exchange.wfile.write(reply.body[begin : begin + size])
            exchange.wfile.flush()
            exchange.wait(seconds / 20)

    return Fault(f"slow, {seconds:g} s", reached=True, spoil=spoil)


def meanwhile(write: Callable[[], object]) -> Fault:
    """A right answer, after which somebody else writes before the next request: pages shift."""

    def spoil(exchange: Exchange, reply: Reply) -> None:
        write()
        exchange.answer(reply)

    return Fault("written meanwhile", reached=True, spoil=spoil)


def overtaken() -> tuple[Fault, Fault]:
    """Two requests, of which the first arrives only when the second is sent; its own answer is lost."""
    sent_again, arrived = threading.Event(), threading.Event()

    def hold(exchange: Exchange, _: Reply) -> None:
        exchange.wait_for(sent_again)
        exchange.pass_on()
        arrived.set()
        exchange.close_connection = True

    def follow(exchange: Exchange, _: Reply) -> None:
        sent_again.set()
        exchange.wait_for(arrived)
        exchange.answer(exchange.pass_on())

    return Fault("late", reached=False, spoil=hold), Fault("after the late one", reached=False, spoil=follow)


def _place(reached: bool) -> str:  # noqa: FBT001 -- a word for a name
    return " after the request was carried out" if reached else " before the request arrived"
