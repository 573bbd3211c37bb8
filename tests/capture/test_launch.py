"""Launching: endings, signals passed on (also where the system does not tell who sent one), early requests to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.capture.workshop import Workshop

LAUNCH = """\
import os, signal, sys
{before}
from infratrack.capture.launch import InterruptedBeforeStart, launch
try:
    launched = launch(sys.argv[1:], dict(os.environ))
except InterruptedBeforeStart as interrupted:
    print("interrupted", interrupted.number)
else:
    print(launched.ending, launched.asked_to_stop, launched.problem)
"""
WITHOUT_SENDERS = "del signal.sigtimedwait"
STOPPING = "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"


def launch(*argv: str, before: str = "") -> subprocess.Popen[str]:
    script = LAUNCH.format(before=before)
    return subprocess.Popen(
        [sys.executable, "-c", script, *argv], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def said(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output.splitlines()[-1]


@pytest.mark.parametrize("before", ["", WITHOUT_SENDERS])
def test_codes_and_signals_are_told(before: str) -> None:
    assert said(launch("sh", "-c", "exit 7", before=before)) == "Ending(code=7, signal=None) False "
    assert said(launch("sh", "-c", "kill -9 $$", before=before)) == "Ending(code=137, signal=9) False "
    assert said(launch("no-such-command", before=before)).endswith("False no-such-command: command not found")
    assert said(launch("/no/such", before=before)).endswith("False /no/such: No such file or directory")


@pytest.mark.parametrize("before", ["", WITHOUT_SENDERS])
def test_a_signal_is_passed_on(before: str) -> None:
    process = launch("sh", "-c", "trap 'exit 5' TERM; echo ready; while :; do sleep 0.05; done", before=before)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert said(process) == "Ending(code=5, signal=None) True "


def test_the_childs_own_signals_to_its_group_are_not_thrown_back() -> None:
    script = "trap 'echo hit' USR1; kill -USR1 0; sleep 0.3; exit 4"
    output, _ = launch("sh", "-c", script).communicate(timeout=60)
    assert output == "hit\nEnding(code=4, signal=None) False \n"


def test_a_request_to_stop_before_the_command_keeps_it_from_starting(tmp_path: Path) -> None:
    early = "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); os.kill(os.getpid(), signal.SIGTERM)"
    assert said(launch("touch", str(tmp_path / "ran"), before=early)) == "interrupted 15"
    assert not (tmp_path / "ran").exists()


def test_an_ignored_sigchld_is_no_obstacle() -> None:
    ignored = "signal.signal(signal.SIGCHLD, signal.SIG_IGN)"
    assert said(launch("sh", "-c", "exit 7", before=ignored)) == "Ending(code=7, signal=None) False "


def test_a_thread_that_takes_the_signals_holds_nothing_up() -> None:
    # The thread was there before the signals were blocked, so the kernel may hand them to it.
    thread = "import threading, time; threading.Thread(target=time.sleep, args=(60,), daemon=True).start()"
    for _ in range(10):
        assert said(launch("true", before=thread)) == "Ending(code=0, signal=None) False "


def test_without_a_terminal_a_stopped_child_does_not_stop_us() -> None:
    script = f"import os; print(os.getpid(), flush=True); {STOPPING}"
    process = launch(sys.executable, "-c", script)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    while Path(f"/proc/{child}/stat").read_text().split()[2] != "T":
        pass
    os.kill(child, signal.SIGCONT)
    assert said(process) == "Ending(code=0, signal=None) False "


def test_the_signing_key_is_kept_from_helpers_too(tmp_path: Path) -> None:
    shop = Workshop(tmp_path)
    shop.infratrack("key", "new", "ci")
    pem = (shop.home / "infratrack" / "keys" / "ci.pem").read_text()
    tools = shop.folder / "bin"
    shop.write("bin/git", f"#!/bin/sh\nenv >> {shop.folder}/seen\nexit 1\n").chmod(0o755)
    shop.run("true", PATH=f"{tools}:{os.environ['PATH']}", INFRATRACK_SIGNING_KEY=pem)
    seen = (shop.folder / "seen").read_text()
    assert "LC_ALL=C" in seen
    assert "PRIVATE" not in seen
    assert "INFRATRACK_SIGNING_KEY" not in seen
