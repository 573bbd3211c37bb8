"""The one place that starts git: no shell, no terminal, a deadline, and bounds on everything that comes back."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from msgspec import Struct

from infratrack.errors import Unreachable

DEADLINE_SECONDS: Final = 120.0
LARGEST_OUTPUT: Final = 1 << 28
"""Bytes (256 MiB) of standard output; more ends the process."""
_LARGEST_ERRORS: Final = 1 << 16
_CHUNK: Final = 1 << 16
_WATCH_SECONDS: Final = 0.25


class Ended(Struct, frozen=True):
    """How a git command ended: its exit code (None: it was stopped after so many `seconds`), and what it wrote."""

    code: int | None
    output: bytes
    errors: bytes
    seconds: float = DEADLINE_SECONDS


class TooMuch(Unreachable):
    """A remote sent more than a ledger could ever need."""


def run_git(  # noqa: PLR0913 -- what a process needs, all by keyword
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdin: bytes = b"",
    deadline: float = DEADLINE_SECONDS,
    largest_output: int = LARGEST_OUTPUT,
    watch: Callable[[], None] | None = None,
) -> Ended:
    """Run `git ARGUMENTS` to its end, in a session of its own so that nothing can ask at the terminal.

    At the deadline (seconds) it is killed with everything that it started. `watch` is called four times a second and
    may raise. Raises Unreachable when git is not installed or cannot be started, TooMuch for an output without end.
    """
    try:
        process = subprocess.Popen(
            ["git", *arguments],
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise Unreachable(*_not_started(folder, error.filename)) from error
    except OSError as error:
        raise Unreachable(f"git could not be started ({os.strerror(error.errno or 0)})", "look at PATH") from error
    try:
        return _Talk(process, stdin, largest_output, watch).to_the_end(deadline)
    finally:
        _end(process)


def _not_started(folder: Path, missing: object) -> tuple[str, str]:
    if missing == "git":
        return "git is not installed", "a ledger on a Git branch needs git 2.36 or newer"
    return f"the folder {folder} is gone", "run this in the project's folder"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing of it is left behind: its group goes too, since git starts ssh, index-pack and helpers."""
    if process.poll() is None:
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


class _Talk:
    """Feeds standard input and reads both outputs without blocking."""

    def __init__(
        self, process: subprocess.Popen[bytes], stdin: bytes, largest_output: int, watch: Callable[[], None] | None
    ) -> None:
        self._process = process
        self._to_write = memoryview(stdin)
        self._largest_output = largest_output
        self._watch = watch
        self._output = bytearray()
        self._errors = bytearray()

    def to_the_end(self, seconds: float) -> Ended:
        """What came back, once both outputs are closed and the process is gone, or the time is over."""
        process = self._process
        deadline = time.monotonic() + seconds
        with selectors.DefaultSelector() as selector:
            for pipe in (process.stdout, process.stderr):
                if pipe is not None:
                    selector.register(pipe, selectors.EVENT_READ)
            if process.stdin is not None:
                os.set_blocking(process.stdin.fileno(), False)
                selector.register(process.stdin, selectors.EVENT_WRITE)
            while selector.get_map():
                left = deadline - time.monotonic()
                if left <= 0:
                    return self._ended(None, seconds)
                for key, _ in selector.select(min(left, _WATCH_SECONDS)):
                    self._serve(selector, key)
                if self._watch is not None:
                    self._watch()
        try:
            return self._ended(process.wait(max(0.0, deadline - time.monotonic())), seconds)
        except subprocess.TimeoutExpired:
            return self._ended(None, seconds)

    def _ended(self, code: int | None, seconds: float) -> Ended:
        return Ended(code, bytes(self._output), bytes(self._errors), seconds)

    def _serve(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        pipe: IO[bytes] = key.fileobj  # type: ignore[assignment]  # a pipe: it was registered above
        done = self._feed(key.fd) if pipe is self._process.stdin else self._listen(key.fd, pipe)
        if done:
            selector.unregister(pipe)
            pipe.close()

    def _feed(self, descriptor: int) -> bool:
        """Write a piece; true when there is nothing left to write, or nobody who reads."""
        try:
            self._to_write = self._to_write[os.write(descriptor, self._to_write[:_CHUNK]) :]
        except BlockingIOError:
            return False
        except OSError:
            return True
        return not self._to_write

    def _listen(self, descriptor: int, pipe: IO[bytes]) -> bool:
        """Read a piece; true at the end. Of a long complaint only the beginning is kept."""
        chunk = os.read(descriptor, _CHUNK)
        if pipe is self._process.stderr:
            self._errors += chunk[: _LARGEST_ERRORS - len(self._errors)]
        else:
            self._output += chunk
            if len(self._output) > self._largest_output:
                raise TooMuch(
                    f"the ledger's branch holds more than {self._largest_output >> 20} MiB in one piece",
                    "look at what was written to the branch; it is not the work of infratrack",
                )
        return not chunk
