"""The line to a keeper: it is started with an order, answers in JSON, and ends when the line is closed."""

from __future__ import annotations

import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import msgspec

from tests.netbox_server.cache import CHECKOUT, Cache, Report


class NotMade(Exception):
    """A NetBox should have been had here and was not; the message says what happened."""


class Line:
    """A running keeper. Closing the line, or the death of this process, stops all that it runs."""

    def __init__(self, cache: Cache, order: Mapping[str, Any]) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PG"))}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 -- closed with the line
        self._process = subprocess.Popen(
            [cache.python, "-m", "tests.netbox_server.keeper"],
            cwd=CHECKOUT,
            env=environment | {"PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # a ^C at the terminal is for the starter, which then closes the line
        )
        self._unread = b""
        self.send(msgspec.json.encode(order, enc_hook=str).decode())

    @property
    def pid(self) -> int:
        """The keeper's process id."""
        return self._process.pid

    def send(self, request: str) -> None:
        """One request; an ended keeper is noticed when its answer is awaited."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.write(request.encode() + b"\n")
            self._process.stdin.flush()

    def expect(self, name: str, seconds: float, report: Report) -> Any:
        """The answer of this name; what comes before it is reported. Raises NotMade."""
        deadline = time.monotonic() + seconds
        while True:
            said = self._next(deadline)
            if "progress" in said:
                report(said["progress"])
            elif "failed" in said:
                raise NotMade(f"NetBox: {said['failed']}")
            elif name in said:
                return said[name]

    def _next(self, deadline: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise NotMade("NetBox: no answer in time")
                some = os.read(self._process.stdout.fileno(), 65536)
                if not some:
                    self._errors.seek(0)
                    raise NotMade(f"NetBox: its keeper ended\n{self._errors.read()[-3000:].decode(errors='replace')}")
                self._unread += some
        said, _, self._unread = self._unread.partition(b"\n")
        return msgspec.json.decode(said, type=dict[str, Any])

    def close(self) -> None:
        """End the keeper and wait until it has stopped everything."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()
        self._errors.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
