from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from infratrack.api import ProcessEnd, run_process

Lines = list[tuple[str, str]]


def run(
    argv: Sequence[str], *, canceled: Callable[[], bool] = lambda: False, stdin: bytes | None = None
) -> tuple[ProcessEnd, Lines]:
    lines: Lines = []
    end = run_process(
        argv,
        cwd=Path("/"),
        environment=dict(os.environ),
        on_line=lambda stream, line: lines.append((stream, line)),
        canceled=canceled,
        stdin=stdin,
    )
    return end, lines


def test_lines_of_both_streams_arrive_and_the_last_needs_no_line_feed() -> None:
    end, lines = run(["sh", "-c", "echo a; echo b >&2; printf 'c\\r\\nd'; exit 3"])
    assert end == ProcessEnd(3, "failed")
    assert sorted(lines) == [("stderr", "b"), ("stdout", "a"), ("stdout", "c"), ("stdout", "d")]


def test_standard_input_is_fed_however_much_it_is() -> None:
    end, lines = run(["wc", "-c"], stdin=b"x" * 3_000_000)
    assert (end.outcome, lines) == ("succeeded", [("stdout", "3000000")])


def test_a_command_that_reads_nothing_is_not_waited_for() -> None:
    assert run(["true"], stdin=b"x" * 3_000_000)[0] == ProcessEnd(0, "succeeded")


def test_without_input_there_is_none() -> None:
    assert run(["cat"]) == (ProcessEnd(0, "succeeded"), [])


@pytest.mark.parametrize(
    ("argv", "code", "line"),
    [
        (["/nonexistent"], 127, "/nonexistent: No such file or directory"),
        (["/etc/passwd"], 126, "/etc/passwd: Permission denied"),
        (["a\0b"], 126, "a\0b: cannot be started"),
        ([], 126, "no command: cannot be started"),
    ],
)
def test_what_cannot_start_says_why(argv: list[str], code: int, line: str) -> None:
    assert run(argv) == (ProcessEnd(code, "failed"), [("stderr", line)])


def test_cancel_interrupts_once_and_lets_the_command_end_in_order() -> None:
    script = "trap 'echo tidied; exit 130' INT; echo ready; while :; do sleep 0.05; done"
    said: list[str] = []
    end = run_process(
        ["sh", "-c", script],
        cwd=Path("/"),
        environment=dict(os.environ),
        on_line=lambda _, line: said.append(line),
        canceled=lambda: "ready" in said,
    )
    assert end == ProcessEnd(130, "canceled")
    assert said == ["ready", "tidied"]


def test_cancel_reaches_what_a_script_waits_for() -> None:
    started: Lines = []
    end = run_process(
        ["sh", "-c", "sh -c 'trap \"echo tidied; exit 130\" INT; echo ready; while :; do sleep 0.05; done'; exit 3"],
        cwd=Path("/"),
        environment=dict(os.environ),
        on_line=lambda stream, line: started.append((stream, line)),
        canceled=lambda: bool(started),
    )
    assert end.outcome == "canceled"
    assert started[1:] in ([], [("stdout", "tidied")])


def test_what_does_not_heed_the_cancel_is_killed_and_indeterminate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack.capture.process.GRACE_SECONDS", 0.3)
    said: list[str] = []
    end = run_process(
        ["sh", "-c", "trap '' INT; echo ready; while :; do sleep 0.05; done"],
        cwd=Path("/"),
        environment=dict(os.environ),
        on_line=lambda _, line: said.append(line),
        canceled=lambda: "ready" in said,
    )
    assert end == ProcessEnd(137, "indeterminate")


def test_what_is_left_behind_does_not_hold_up_the_end() -> None:
    end, lines = run(["sh", "-c", "sleep 30 & echo done"])
    assert (end.exit_code, lines) == (0, [("stdout", "done")])


def test_a_command_that_closes_its_outputs_is_followed_to_its_end() -> None:
    assert run(["sh", "-c", "exec >&- 2>&-; sleep 0.3; exit 4"]) == (ProcessEnd(4, "failed"), [])


def test_a_line_without_end_arrives_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("infratrack.capture.process.LONGEST_LINE", 1000)
    _, lines = run(["head", "-c", "5000", "/dev/zero"])
    assert sum(len(line) for _, line in lines) == 5000
    _, lines = run([sys.executable, "-c", "print('a\\n' + 'b' * 3000, end='')"])
    assert lines[0] == ("stdout", "a")
    assert "".join(line for _, line in lines[1:]) == "b" * 3000


def test_an_error_of_the_listener_ends_the_command() -> None:
    def listen(stream: str, line: str) -> None:
        raise RuntimeError(line)

    with pytest.raises(RuntimeError, match="ready"):
        run_process(
            ["sh", "-c", "echo ready; sleep 60"],
            cwd=Path("/"),
            environment=dict(os.environ),
            on_line=listen,
            canceled=lambda: False,
        )
