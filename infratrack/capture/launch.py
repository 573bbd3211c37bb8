"""Start the wrapped command and follow it to its end, so that it behaves as if nobody stood in front of it.

The child inherits every descriptor (a terminal stays a terminal), belongs to our process group (so the terminal's
Ctrl-C, Ctrl-Z and hang-up reach it by themselves) and starts with an empty signal mask and default handlers where
Python had put its own. We block signals and collect them with sigwaitinfo, which tells who sent one: those of the
kernel (the terminal) have reached the child already, and a second SIGINT makes Terraform abandon its work; those that a
process sent are forwarded. When the child stops, we stop with it, so that the shell's job control works.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Final

from msgspec import Struct

from infratrack.capture.outcome import ASKING, NOT_EXECUTABLE, NOT_FOUND, Ending, ending_of

PASSED_ON: Final = ASKING | {signal.SIGALRM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGCONT}
STOPPING: Final = frozenset({signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU})
OF_TERMINALS: Final = STOPPING | {signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGWINCH, signal.SIGCONT}
COLLECTED: Final = PASSED_ON | STOPPING | {signal.SIGCHLD}
LONGEST_WAIT_SECONDS: Final = 1.0
POLL_SECONDS: Final = 0.02
# Python ignores these two at start-up and handles SIGINT; whatever else is ignored was ignored on purpose (`nohup`).
_OF_PYTHON: Final = (signal.SIGPIPE, signal.SIGXFSZ)
_SHELL: Final = "/bin/sh"


class InterruptedBeforeStart(Exception):
    """Somebody asked us to stop before the command was started; `number` is the signal."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Launched(Struct, frozen=True):
    """How it went. `problem` says why a command could not be started, in a shell's words."""

    ending: Ending
    asked_to_stop: bool = False
    problem: str = ""


class Redirection(Struct, frozen=True):
    """Where the child's standard output and standard error go instead of ours (`--log`)."""

    output: int
    error: int


def launch(
    argv: Sequence[str],
    environment: Mapping[str, str],
    *,
    redirection: Redirection | None = None,
    after_spawn: Callable[[], None] = lambda: None,
) -> Launched:
    """Run a command to its end and tell how it ended. Call it from the main thread only.

    A command that cannot be started ends with 127 (not found) or 126 (cannot be executed). Raises
    InterruptedBeforeStart when a signal asked us to stop before there was a command. `after_spawn` is called once,
    started or not.
    """
    strays: list[int] = []

    def stray(number: int, frame: FrameType | None) -> None:
        strays.append(number)

    handlers = {number: signal.getsignal(number) for number in (*PASSED_ON, signal.SIGCHLD)}
    for number, handler in handlers.items():
        # What is ignored on purpose stays ignored, but for SIGCHLD: the kernel would take the child's ending from us.
        if handler != signal.SIG_IGN or number == signal.SIGCHLD:
            signal.signal(number, stray)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, COLLECTED)
    try:
        asked = (signal.sigpending() | set(strays)) & ASKING
        if asked:
            raise InterruptedBeforeStart(min(asked))
        try:
            child = _spawn(argv, environment, redirection)
        except OSError as error:
            return _not_started(argv[0], error)
        finally:
            after_spawn()
        return _follow(child, strays)
    finally:
        _forget_pending()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        for number, handler in handlers.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _spawn(argv: Sequence[str], environment: Mapping[str, str], redirection: Redirection | None) -> int:
    """Start the command, found on PATH as a shell would; a script without `#!` is run by the shell, as execvp does."""
    defaults = {number for number in _OF_PYTHON if signal.getsignal(number) == signal.SIG_IGN}
    if not argv[0]:  # Python would call it a ValueError; a shell says that it finds no such command
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    actions: list[tuple[int, int, int]] = []
    if redirection is not None:
        actions = [(os.POSIX_SPAWN_DUP2, redirection.output, 1), (os.POSIX_SPAWN_DUP2, redirection.error, 2)]
    try:
        return os.posix_spawnp(
            argv[0], list(argv), environment, setsigmask=(), setsigdef=defaults, file_actions=actions
        )
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
    return os.posix_spawn(_SHELL, [_SHELL, *argv], environment, setsigmask=(), setsigdef=defaults, file_actions=actions)


def _not_started(command: str, error: OSError) -> Launched:
    if error.errno == errno.ENOENT:
        reason = "No such file or directory" if "/" in command else "command not found"
        return Launched(Ending(NOT_FOUND), problem=f"{command or repr(command)}: {reason}")
    return Launched(Ending(NOT_EXECUTABLE), problem=f"{command}: {os.strerror(error.errno or errno.EACCES)}")


def _follow(child: int, strays: list[int]) -> Launched:
    """Wait for the end; meanwhile pass signals on and stop when the child stops.

    Threads of libraries and plugins may have taken a signal before we could wait for it. So `strays`, filled by our
    handlers, is looked at as well, and the child too without being told to.
    """
    asked = False
    while True:
        ending = _look_at(child)
        if ending is not None:
            return Launched(ending, asked_to_stop=asked)
        received = _next_signal(child)
        taken = [(number, not _from_terminal(number)) for number in strays]
        strays.clear()
        for number, by_process in (*received, *taken):
            asked = asked or number in ASKING
            if by_process and number != signal.SIGCHLD:
                with contextlib.suppress(OSError):
                    os.kill(child, number)


def _next_signal(child: int) -> list[tuple[int, bool]]:
    """Wait for a signal, not for long; its number, and whether a process sent it (other than the child itself)."""
    if hasattr(signal, "sigtimedwait"):
        received = signal.sigtimedwait(COLLECTED, LONGEST_WAIT_SECONDS)
        # si_code <= 0 means that a process sent it (SI_USER, SI_QUEUE, SI_TKILL …), not the kernel.
        return [(received.si_signo, received.si_code <= 0 and received.si_pid != child)] if received else []
    pending = signal.sigpending() & COLLECTED
    if not pending:
        time.sleep(POLL_SECONDS)
        return []
    number = signal.sigwait(pending)
    return [(number, not _from_terminal(number))]


def _from_terminal(number: int) -> bool:
    """Whether a signal is taken for the terminal's where nobody tells who sent it (macOS, a stray)."""
    return number in OF_TERMINALS and _has_terminal()


def _look_at(child: int) -> Ending | None:
    """Collect what there is to know about the child: its ending, or that it stopped (then we stop as well)."""
    while True:
        pid, status = os.waitpid(child, os.WNOHANG | os.WUNTRACED)
        if pid == 0:
            return None
        if not os.WIFSTOPPED(status):
            return ending_of(os.waitstatus_to_exitcode(status))
        _stop_as_well(os.WSTOPSIG(status))


def _stop_as_well(number: int) -> None:
    """Stop by the same signal, so that the shell that waits for us sees a stopped job and can continue both of us.

    Without a controlling terminal there is no job control and nobody would continue us: then only the child stops.
    """
    if not _has_terminal():
        return
    os.kill(os.getpid(), number)
    if number in STOPPING:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        signal.pthread_sigmask(signal.SIG_BLOCK, {number})


def _has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
    except OSError:
        return False
    return True


def _forget_pending() -> None:
    """Take what is still pending, so that the terminal's Ctrl-C that ended the command does not end us as well."""
    while pending := signal.sigpending() & COLLECTED:
        signal.sigwait(pending)
