"""`infratrack run` on a terminal: it stays one, and Ctrl-C and Ctrl-Z reach the command as if we were not there."""

from __future__ import annotations

import os
import pty
import select
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.capture.workshop import INFRATRACK, Workshop

PATIENCE = 60.0
COUNT_INTERRUPTS = """\
import signal, sys, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print("ready", flush=True)
end = time.monotonic() + 60
while not seen and time.monotonic() < end: time.sleep(0.01)
time.sleep(0.5)
print(f"interrupts={len(seen)}", flush=True)
sys.exit(3)
"""


class Terminal:
    """A process that leads a session on a terminal of its own."""

    def __init__(self, argv: Sequence[str], cwd: Path, environment: dict[str, str]) -> None:
        self.text = ""
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            os.chdir(cwd)
            os.execve(argv[0], list(argv), environment)  # noqa: S606 -- the program under test

    def expect(self, words: str) -> None:
        """Read on until the words have been said."""
        while words not in self.text:
            readable, _, _ = select.select([self._master], [], [], PATIENCE)
            assert readable, f"{words!r} was not said in {self.text!r}"
            try:
                self.text += os.read(self._master, 4096).decode(errors="replace")
            except OSError:
                pytest.fail(f"it ended without {words!r}: {self.text!r}")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def code(self) -> int:
        """Read to the end; the exit code."""
        try:
            while text := os.read(self._master, 4096):
                self.text += text.decode(errors="replace")
        except OSError:
            pass  # Linux says so when the other side is closed
        return os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])

    def close(self) -> None:
        os.close(self._master)


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.fixture
def opened() -> Iterator[list[Terminal]]:
    terminals: list[Terminal] = []
    yield terminals
    for terminal in terminals:
        terminal.close()


def open_terminal(opened: list[Terminal], shop: Workshop, *argv: str) -> Terminal:
    opened.append(Terminal(argv, shop.folder, shop.environment))
    return opened[-1]


def test_a_terminal_stays_a_terminal(shop: Workshop, opened: list[Terminal]) -> None:
    look = "import os; print('terminals', [os.isatty(n) for n in (0, 1, 2)], os.ttyname(0) == os.ttyname(1))"
    terminal = open_terminal(opened, shop, INFRATRACK, "run", "--", sys.executable, "-c", look)
    assert terminal.code() == 0
    assert "terminals [True, True, True] True" in terminal.text


def test_what_is_typed_reaches_the_command(shop: Workshop, opened: list[Terminal]) -> None:
    ask = "print('answer=' + input('sure? '))"
    terminal = open_terminal(opened, shop, INFRATRACK, "run", "--", sys.executable, "-c", ask)
    terminal.expect("sure? ")
    terminal.type("yes\n")
    assert terminal.code() == 0
    assert "answer=yes" in terminal.text


def test_ctrl_c_reaches_the_command_once_and_its_code_is_returned(shop: Workshop, opened: list[Terminal]) -> None:
    script = shop.write("count.py", COUNT_INTERRUPTS)
    terminal = open_terminal(opened, shop, INFRATRACK, "run", "--", sys.executable, str(script))
    terminal.expect("ready")
    terminal.type("\x03")
    terminal.expect("interrupts=1")
    assert terminal.code() == 3
    assert [one.outcome for one in shop.ends()] == ["canceled"]


def test_ctrl_c_that_ends_the_command_returns_130_and_leaves_evidence(shop: Workshop, opened: list[Terminal]) -> None:
    terminal = open_terminal(opened, shop, INFRATRACK, "run", "--", "sh", "-c", "echo ready; exec sleep 60")
    terminal.expect("ready")
    terminal.type("\x03")
    assert terminal.code() == 130
    assert [(one.exit_code, one.outcome) for one in shop.ends()] == [(130, "canceled")]


def test_ctrl_z_stops_the_job_and_fg_continues_it(shop: Workshop, opened: list[Terminal]) -> None:
    shop.with_environment({"PS1": "$ ", "TERM": "dumb"})
    terminal = open_terminal(opened, shop, "/bin/bash", "--norc", "--noprofile", "-i")
    terminal.expect("$ ")
    terminal.type(f"{INFRATRACK} run -- sh -c 'echo beg''un; read line; echo got-$line; exit 5'\n")
    terminal.expect("begun")
    terminal.type("\x1a")
    terminal.expect("Stopped")
    terminal.type("fg\n")
    terminal.type("hello\n")
    terminal.expect("got-hello")
    terminal.type("echo code=$?\n")
    terminal.expect("code=5")
    terminal.type("exit\n")
    assert terminal.code() == 0
    assert [one.exit_code for one in shop.ends()] == [5]
