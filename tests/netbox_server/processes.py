"""Child processes that do not outlive their starter. Only the standard library: the keeper runs in NetBox's own Python.

The starter holds the other end of this process's standard input. When it closes, by intent or because the starter died
in whatever way, every wait here ends with StarterGone and the keeper stops what it has started.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG in Linux's <sys/prctl.h>


class StarterGone(Exception):
    """The process that started the keeper has ended, or wants the keeper to end."""


class Failed(Exception):
    """Something could not be started or made; the message holds the end of its log."""


class Starter:
    """The line to the process that started this one: requests on standard input, answers on standard output."""

    def __init__(self) -> None:
        self._unread = b""

    def pause(self, seconds: float) -> str | None:
        """Wait, at most this long, for a request, which is one line; raises StarterGone when there will be none."""
        if b"\n" not in self._unread and select.select([0], [], [], seconds)[0]:
            some = os.read(0, 4096)
            if not some:
                raise StarterGone
            self._unread += some
        line, end, rest = self._unread.partition(b"\n")
        if not end:
            return None
        self._unread = rest
        return line.decode()

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> bool:
        """Whether this became true in time."""
        deadline = time.monotonic() + seconds
        while not ready():
            if time.monotonic() > deadline:
                return False
            self.pause(0.02)
        return True


def end_with_parent(signal_number: int) -> Callable[[], None] | None:
    """What a child does first, so that the kernel ends it with its parent; None where the kernel cannot."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    parent = os.getpid()

    def arrange() -> None:
        prctl(SET_PARENT_DEATH_SIGNAL, signal_number)
        if os.getppid() != parent:  # it died before this line
            os.kill(os.getpid(), signal.SIGKILL)

    return arrange


class Server:
    """A child process with its log, stopped by its own process id."""

    def __init__(  # noqa: PLR0913 -- a process is all of this
        self,
        command: Sequence[str | Path],
        log: Path,
        *,
        stop_with: signal.Signals = signal.SIGTERM,
        dies_with: signal.Signals = signal.SIGTERM,
        environment: Mapping[str, str] | None = None,
        user: Mapping[str, Any] | None = None,
        pass_fds: Sequence[int] = (),
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        self._stop_with = stop_with
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=environment,
                cwd=cwd,
                pass_fds=pass_fds,
                # It must come after the change of user, which clears it.
                preexec_fn=end_with_parent(dies_with),  # noqa: PLW1509 -- the keeper has a single thread
                **(user or {}),
            )

    def ended(self) -> bool:
        """Whether it has stopped by itself."""
        return self.process.poll() is not None

    def stop(self, patience: float = 10.0) -> None:
        """Stop it and wait for that; after so many seconds without asking."""
        for signal_number in (self._stop_with, signal.SIGKILL):
            with suppress(ProcessLookupError):
                self.process.send_signal(signal_number)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)
                return

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text(errors="replace")[-3000:]


def finish(starter: Starter, server: Server, what: str, seconds: float, each: Callable[[], None] | None = None) -> None:
    """Wait for a process that ends by itself; raises Failed if it does not, or not well."""
    try:
        deadline = time.monotonic() + seconds
        while not server.ended():
            if time.monotonic() > deadline:
                raise Failed(f"{what} took longer than {seconds:.0f} s\n{server.last_words()}")
            starter.pause(0.05)
            if each is not None:
                each()
    finally:
        server.stop()
    if server.process.returncode:
        raise Failed(f"{what} ended with {server.process.returncode}\n{server.last_words()}")
