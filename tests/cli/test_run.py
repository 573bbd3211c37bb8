"""`infratrack run` with real commands: nothing changes for them, and what can be recorded is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infratrack.evidence.predicates import COMMAND, RUN_START
from tests.capture.workshop import INFRATRACK, Workshop

INTERNAL = 0b11 << 31
"""Signals 32 and 33 belong to the C library, which ignores them in what it spawns."""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


@pytest.mark.parametrize(("script", "code"), [("exit 0", 0), ("exit 1", 1), ("exit 7", 7), ("kill -TERM $$", 143)])
def test_the_commands_own_code_is_returned(shop: Workshop, script: str, code: int) -> None:
    assert shop.run("sh", "-c", script).returncode == code
    (end,) = shop.ends()
    assert end.exit_code == code


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        ("exit 0", "succeeded"),
        ("exit 3", "failed"),
        ("kill -TERM $$", "canceled"),
        ("kill -KILL $$", "indeterminate"),
        ("kill -SEGV $$", "failed"),
    ],
)
def test_every_ending_leaves_evidence_with_its_outcome(shop: Workshop, script: str, outcome: str) -> None:
    shop.run("sh", "-c", script)
    (end,) = shop.ends()
    assert end.outcome == outcome


def test_an_accepted_code_is_success_and_is_still_returned(shop: Workshop) -> None:
    assert shop.infratrack("run", "--accept-exit", "2", "--", "sh", "-c", "exit 2").returncode == 2
    assert [one.outcome for one in shop.ends()] == ["succeeded"]


def test_a_command_that_is_not_found_ends_with_127_and_leaves_evidence(shop: Workshop) -> None:
    ended = shop.run("no-such-command")
    assert ended.returncode == 127
    assert "infratrack: no-such-command: command not found" in ended.stderr
    assert [one.exit_code for one in shop.ends()] == [127]


def test_a_command_without_a_name_is_not_found(shop: Workshop) -> None:
    ended = shop.run("")
    assert ended.returncode == 127
    assert "infratrack: '': command not found" in ended.stderr
    assert [one.exit_code for one in shop.ends()] == [127]


def test_a_command_that_cannot_be_executed_ends_with_126_and_leaves_evidence(shop: Workshop) -> None:
    shop.write("plain.txt", "words")
    ended = shop.run("./plain.txt")
    assert ended.returncode == 126
    assert "./plain.txt: Permission denied" in ended.stderr
    assert [one.outcome for one in shop.ends()] == ["failed"]


def test_a_script_without_an_interpreter_line_is_run_by_the_shell(shop: Workshop) -> None:
    shop.write("script", "echo from the script; exit 5\n").chmod(0o755)
    ended = shop.run("./script")
    assert (ended.returncode, ended.stdout) == (5, "from the script\n")


def test_standard_input_and_both_outputs_pass_through(shop: Workshop) -> None:
    ended = shop.run("sh", "-c", "cat; echo complaint >&2", stdin="typed by hand\n")
    assert ended.stdout == "typed by hand\n"
    assert "complaint\n" in ended.stderr


def test_other_inherited_descriptors_pass_through(shop: Workshop) -> None:
    reading, writing = os.pipe()
    with subprocess.Popen(
        [INFRATRACK, "run", "--", "sh", "-c", f"echo hello > /dev/fd/{writing}"],
        cwd=shop.folder,
        env=shop.environment,
        pass_fds=[writing],
        stderr=subprocess.DEVNULL,
    ) as process:
        os.close(writing)
        assert os.read(reading, 100) == b"hello\n"
        assert process.wait(60) == 0
    os.close(reading)


def test_the_child_has_no_blocked_and_no_ignored_signals(shop: Workshop) -> None:
    said = shop.run("grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status").stdout
    # Whoever started the tests may have had a signal ignored on purpose (nohup).
    inherited = 1 << (signal.SIGHUP - 1) if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else 0
    assert [int(line.split()[1], 16) & ~INTERNAL for line in said.splitlines()] == [0, inherited]


def test_what_was_ignored_on_purpose_stays_ignored(shop: Workshop) -> None:
    script = f"trap '' HUP; exec {INFRATRACK} run -- grep ^SigIgn /proc/self/status"
    said = subprocess.run(
        ["sh", "-c", script], cwd=shop.folder, env=shop.environment, capture_output=True, text=True, check=True
    )
    assert int(said.stdout.split()[1], 16) & ~INTERNAL == 1 << (signal.SIGHUP - 1)


def test_the_child_is_in_our_process_group(shop: Workshop) -> None:
    script = f"{sys.executable} -c 'import os; print(os.getpgrp())'; ps -o pgid= -p $PPID"
    first, second = shop.run("sh", "-c", script).stdout.split()
    assert first == second


def test_a_signal_that_a_process_sends_is_forwarded_once(shop: Workshop) -> None:
    counter = shop.write(
        "count.py",
        "import signal, sys, time\n"
        "seen = []\n"
        "signal.signal(signal.SIGTERM, lambda *_: seen.append(1))\n"
        "print('ready', flush=True)\n"
        "end = time.monotonic() + 60\n"
        "while not seen and time.monotonic() < end: time.sleep(0.01)\n"
        "time.sleep(0.5)\n"
        "print(len(seen), flush=True)\n"
        "sys.exit(9)\n",
    )
    with subprocess.Popen(
        [INFRATRACK, "run", "--", sys.executable, str(counter)],
        cwd=shop.folder,
        env=shop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "1\n"
        assert process.wait(60) == 9
    assert [one.outcome for one in shop.ends()] == ["canceled"]


def test_killing_infratrack_leaves_a_start_that_becomes_indeterminate(shop: Workshop) -> None:
    with subprocess.Popen(
        [INFRATRACK, "run", "--deliverable", "smoke", "--", "sh", "-c", "echo $$; sleep 60"],
        cwd=shop.folder,
        env=shop.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
        process.wait(60)
        os.kill(child, signal.SIGKILL)
    assert [one.predicate_type for one in shop.waiting()] == [RUN_START]
    assert shop.infratrack("spool", "send").returncode == 0
    start, end = shop.ledger()
    assert (start.predicate_type, end.predicate_type) == (RUN_START, COMMAND)
    assert (end.run_id, end.outcome, end.finished_at) == (start.run_id, "indeterminate", None)
    assert end.deliverables == ("smoke",)
    assert end.common.missing["end"].startswith("the run was killed")


def test_the_signed_start_is_on_disk_before_the_command_begins(shop: Workshop) -> None:
    ended = shop.run("sh", "-c", f"ls {shop.home}/infratrack/spool/dc-west/waiting")
    assert len(ended.stdout.split()) == 1
    start, end = shop.ledger()
    assert start.predicate_type == RUN_START
    assert start.run_id == end.run_id
    assert start.outcome is None


def test_the_next_run_pins_the_checkpoint_that_was_known_when_it_started(shop: Workshop) -> None:
    shop.run("true")
    shop.run("true")
    seen = [one.seen.size if one.seen else None for one in shop.ledger()]
    assert seen == [None, None, 2, 2]


def test_links_labels_and_the_systems_environment_are_recorded(shop: Workshop) -> None:
    options = (
        "--deliverable",
        "smoke",
        "--task",
        "build",
        "--change",
        "CHG-7",
        "--label",
        "site=west",
        "--system",
        "core",
    )
    ended = shop.infratrack("run", *options, "--", "true")
    assert ended.returncode == 0
    (end,) = shop.ends()
    assert end.predicate["links"] == {
        "project": "dc-west",
        "deliverables": ["smoke"],
        "tasks": ["build"],
        "change": "CHG-7",
        "system": "core",
        "environment": "production",
    }
    assert end.predicate["labels"] == {"site": "west"}


def test_an_unnamed_system_is_unclassified(shop: Workshop) -> None:
    shop.run("true")
    assert shop.ends()[0].predicate["links"]["system"] == "unclassified"


def test_unknown_ids_are_recorded_and_said(shop: Workshop) -> None:
    ended = shop.infratrack("run", "--deliverable", "smoek", "--", "true")
    assert ended.returncode == 0
    assert "the project has no deliverable 'smoek'" in ended.stderr
    assert shop.ends()[0].deliverables == ("smoek",)


def test_git_and_the_definition_are_pinned(shop: Workshop) -> None:
    shop.commit()
    shop.git("remote", "add", "origin", "https://anna:hunter2hunter2@git.example.org/west.git")
    shop.run("true")
    (end,) = shop.ends()
    git = end.predicate["git"]
    assert git["branch"] == "main"
    assert git["remote"] == "https://git.example.org/west.git"
    assert git["dirty"] is False
    assert end.predicate["definition"]["commit"] == git["commit"]
    document = json.loads(shop.blob(end, "definition"))
    assert document["project"]["project"]["id"] == "dc-west"


def test_outside_a_repository_git_is_unknown_with_its_reason(shop: Workshop) -> None:
    shop.with_environment({"GIT_CEILING_DIRECTORIES": str(shop.folder.parent)})
    shop.run("true")
    (end,) = shop.ends()
    assert end.predicate["git"] is None
    assert end.common.missing["git"] == "not a git repository"


def test_the_pipeline_is_recorded(shop: Workshop) -> None:
    shop.run(
        "true",
        GITHUB_ACTIONS="true",
        GITHUB_SERVER_URL="https://github.com",
        GITHUB_REPOSITORY="o/r",
        GITHUB_RUN_ID="5",
        GITHUB_ACTOR="anna",
    )
    (end,) = shop.ends()
    assert end.run_url == "https://github.com/o/r/actions/runs/5"
    assert end.actor is not None
    assert end.actor.id == "anna"


def test_the_signing_key_is_not_in_the_childs_environment(shop: Workshop) -> None:
    shop.infratrack("key", "new", "ci")
    pem = (shop.home / "infratrack" / "keys" / "ci.pem").read_text()
    ended = shop.run("env", INFRATRACK_SIGNING_KEY=pem, INFRATRACK_KEY="ci")
    assert "INFRATRACK_SIGNING_KEY" not in ended.stdout
    assert "PRIVATE" not in ended.stdout
    assert "INFRATRACK_KEY=ci" in ended.stdout


def test_a_nested_run_leaves_evidence_of_both(shop: Workshop) -> None:
    assert shop.run(INFRATRACK, "run", "--", "sh", "-c", "exit 4").returncode == 4
    assert sorted(one.argv[-1] for one in shop.ends()) == ["exit 4", "exit 4"]
    assert len({one.run_id for one in shop.ends()}) == 2


def test_the_log_is_kept_on_demand_and_scrubbed(shop: Workshop) -> None:
    shop.with_environment({"DB_PASSWORD": "correct-horse-7261"})
    ended = shop.infratrack("run", "--log", "--", "sh", "-c", "echo out; echo err >&2; echo $DB_PASSWORD")
    assert ended.stdout == "out\ncorrect-horse-7261\n"
    (end,) = shop.ends()
    log = shop.blob(end, "log").decode()
    assert set(log.splitlines()) == {"out", "err", "‹masked›"}


def test_without_log_no_output_is_kept(shop: Workshop) -> None:
    shop.run("echo", "hello")
    assert [one.name for one in shop.ends()[0].artifacts] == ["definition"]


def test_the_first_key_is_made_and_said_once(shop: Workshop) -> None:
    assert "made a signing key" in shop.run("true").stderr
    assert shop.run("true").stderr == ""


def test_option_errors_end_with_2_and_nothing_runs(shop: Workshop) -> None:
    for wrong in (("--label", "nonsense"), ("--accept-exit", "256"), ("--facts", "some"), ("--no-such-option",)):
        ended = shop.infratrack("run", *wrong, "--", "touch", "ran")
        assert ended.returncode == 2
    assert shop.infratrack("run").returncode == 2
    assert not (shop.folder / "ran").exists()


def test_the_commands_own_options_are_left_alone(shop: Workshop) -> None:
    assert shop.infratrack("run", "echo", "--facts", "none", "--help").stdout == "--facts none --help\n"
