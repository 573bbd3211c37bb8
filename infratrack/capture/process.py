"""Run one command of a pipeline step to its end: its lines as they come, and a cancel that leaves state whole.

The command gets a session of its own, so that the terminal's Ctrl-C does not reach it beside our own signal: Terraform
takes a second SIGINT as "abandon your work". Cancelling sends SIGINT once, waits, and only then kills; a killed command
has done nobody knows what, so its outcome is `indeterminate`. The SIGINT goes to the whole process group, as a
terminal's would: a script or `make` just waits for the Terraform that it started, and that one must hear of it.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Final, Literal

from msgspec import Struct

from infratrack.capture.outcome import NOT_EXECUTABLE, NOT_FOUND, ending_of, outcome_of
from infratrack.evidence.predicates import Outcome

Stream = Literal["stdout", "stderr"]
GRACE_SECONDS: Final = 10.0
LAST_WORDS_SECONDS: Final = 1.0
"""How long to read on after the command itself ended: something it left behind may hold the pipes open for ever."""
POLL_SECONDS: Final = 0.1
CHUNK: Final = 1 << 16
LONGEST_LINE: Final = 1 << 24
"""A longer line arrives in pieces, so that no command can fill our memory."""


class ProcessEnd(Struct, frozen=True):
    """How a process ended: the code as a shell tells it (128 + n for signal n) and the outcome."""

    exit_code: int
    outcome: Outcome


def run_process(  # noqa: PLR0913 -- what subprocess needs, all by keyword
    argv: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    on_line: Callable[[Stream, str], None],
    canceled: Callable[[], bool],
    stdin: bytes | None = None,
) -> ProcessEnd:
    """Run a command in a session of its own and hand over its output line by line, without line ends.

    Everything happens in the caller's thread. Once `canceled()` is true its process group gets one SIGINT (outcome
    `canceled`); if it has not ended 10 seconds later that group is killed (outcome `indeterminate`). A command that
    cannot start ends with 127 (not found) or 126 (not executable), and a line on stderr says why. Never raises OSError.
    """
    try:
        process = subprocess.Popen(
            list(argv),
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except (OSError, ValueError, IndexError) as error:
        on_line("stderr", f"{argv[0] if argv else 'no command'}: {_why_not(error)}")
        return ProcessEnd(NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE, "failed")
    try:
        with selectors.DefaultSelector() as selector:
            talk = _Talk(process, selector, on_line, stdin)
            return _follow(process, talk, canceled)
    finally:
        if process.poll() is None:
            _signal_group(process, signal.SIGKILL)
            process.wait()
        for pipe in (process.stdin, process.stdout, process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def _why_not(error: Exception) -> str:
    return os.strerror(error.errno) if isinstance(error, OSError) and error.errno else "cannot be started"


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(OSError):
        os.killpg(process.pid, number)


def _follow(process: subprocess.Popen[bytes], talk: _Talk, canceled: Callable[[], bool]) -> ProcessEnd:
    """Hand over lines until the process has ended and said its last; cancel when asked to."""
    asked_at: float | None = None
    ended_at: float | None = None
    killed = False
    while True:
        talk.turn(POLL_SECONDS)
        if process.poll() is not None:
            ended_at = time.monotonic() if ended_at is None else ended_at
            if not talk.listening or time.monotonic() - ended_at > LAST_WORDS_SECONDS:
                break
        elif asked_at is None:
            if canceled():
                asked_at = time.monotonic()
                _signal_group(process, signal.SIGINT)
        elif not killed and time.monotonic() - asked_at > GRACE_SECONDS:
            killed = True
            _signal_group(process, signal.SIGKILL)
    talk.finish()
    ending = ending_of(process.wait())
    outcome = "indeterminate" if killed else outcome_of(ending, asked_to_stop=asked_at is not None)
    return ProcessEnd(ending.code, outcome)


class _Talk:
    """Both output streams cut into lines, and standard input fed, without ever blocking."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        selector: selectors.BaseSelector,
        on_line: Callable[[Stream, str], None],
        stdin: bytes | None,
    ) -> None:
        self._selector = selector
        self._on_line = on_line
        self._partial: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self._to_write = memoryview(stdin or b"")
        self.listening = 0
        outputs: tuple[tuple[Stream, IO[bytes] | None], ...] = (("stdout", process.stdout), ("stderr", process.stderr))
        for stream, pipe in outputs:
            if pipe is not None:
                selector.register(pipe, selectors.EVENT_READ, stream)
                self.listening += 1
        if process.stdin is not None:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE, "stdin")

    def turn(self, seconds: float) -> None:
        """Wait at most so long for something to read or write, and deal with it."""
        if not self._selector.get_map():
            time.sleep(seconds)
        for key, _ in self._selector.select(seconds):
            if key.data == "stdin":
                self._write(key.fd, key.fileobj)
            else:
                self._read(key.fd, key.fileobj, key.data)

    def finish(self) -> None:
        """Hand over what was said last without a line end."""
        for stream, partial in self._partial.items():
            if partial:
                self._say(stream, bytes(partial))
                partial.clear()

    def _write(self, descriptor: int, pipe: object) -> None:
        try:
            self._to_write = self._to_write[os.write(descriptor, self._to_write[:CHUNK]) :]
        except BlockingIOError:
            return
        except OSError:
            self._to_write = memoryview(b"")
        if not self._to_write:
            self._close(pipe)

    def _read(self, descriptor: int, pipe: object, stream: Stream) -> None:
        chunk = os.read(descriptor, CHUNK)
        if not chunk:
            self._close(pipe)
            self.listening -= 1
            return
        partial = self._partial[stream]
        partial += chunk
        if b"\n" not in chunk and len(partial) < LONGEST_LINE:
            return
        *lines, rest = partial.split(b"\n")
        if len(rest) >= LONGEST_LINE:
            lines.append(rest)
            rest = bytearray()
        self._partial[stream] = bytearray(rest)
        for line in lines:
            self._say(stream, line)

    def _say(self, stream: Stream, line: bytes | bytearray) -> None:
        self._on_line(stream, line.decode(errors="replace").rstrip("\r"))

    def _close(self, pipe: object) -> None:
        if hasattr(pipe, "close"):
            self._selector.unregister(pipe)  # type: ignore[arg-type]  # a pipe: it was registered above
            pipe.close()
