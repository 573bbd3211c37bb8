"""The one error boundary: bugs become reports, known failures sentences, and a closed output is no drama."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from infratrack.cli import boundary
from infratrack.cli.bug_report import bug_report, write_bug_report
from infratrack.cli.commands import infratrack
from infratrack.errors import InputError
from infratrack.values import printable
from tests.capture.workshop import INFRATRACK, Workshop


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    return Workshop(tmp_path)


def ended_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> object:
    def fail(**_: object) -> None:
        raise error

    monkeypatch.setattr(infratrack, "main", fail)
    with pytest.raises(SystemExit) as ended:
        boundary.main()
    return ended.value.code


def test_a_bug_is_exit_3_with_a_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("INFRATRACK_HOME", str(tmp_path))
    assert ended_with(monkeypatch, ZeroDivisionError("hunter2")) == 3
    said = capsys.readouterr().err
    assert "this is a bug in infratrack (ZeroDivisionError)" in said
    (report,) = (tmp_path / "reports").iterdir()
    assert str(report) in said
    assert report.stat().st_mode & 0o077 == 0


def test_without_any_place_for_a_report_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INFRATRACK_HOME", "/dev/null")
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/dev/null/tmp")
    assert ended_with(monkeypatch, ZeroDivisionError()) == 3
    assert "no report file could be written" in capsys.readouterr().err


def test_an_unwritable_home_sends_the_report_to_the_temporary_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("INFRATRACK_HOME", "/dev/null")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    path = write_bug_report(ValueError())
    assert path is not None
    assert path.parent == tmp_path


def test_a_report_holds_places_and_no_values() -> None:
    secret = "hunter2-in-a-local"  # noqa: S105 -- planted

    def deep(argument: str) -> None:
        raise RuntimeError(argument) from KeyError(argument)

    with pytest.raises(RuntimeError) as caught:
        deep(secret)
    text = bug_report(caught.value)
    assert "hunter2" not in text
    assert "builtins.RuntimeError" in text
    assert "builtins.KeyError" in text
    assert "in deep" in text
    assert str(Path(__file__).parent.parent.parent) not in text


def test_a_long_chain_of_causes_ends() -> None:
    first = error = ValueError()
    for _ in range(50):
        error.__cause__ = ValueError()
        error = error.__cause__
    assert bug_report(first).count("builtins.ValueError") == 10


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.exceptions.Abort()])
def test_an_interruption_is_130(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    assert ended_with(monkeypatch, error) == 130


def test_a_known_failure_is_its_sentence_and_hint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended_with(monkeypatch, InputError("one\ntwo \x1b[31mred", "do this")) == 2
    assert capsys.readouterr().err == "infratrack: one\ntwo  [31mred\n  → do this\n"


def test_usage_errors_and_exits_keep_their_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended_with(monkeypatch, click.UsageError("no")) == 2
    assert ended_with(monkeypatch, click.exceptions.Exit(6)) == 6


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    assert printable("a\x1b]0;b\x07\tc") == "a ]0;b  c"
    assert printable("straße → ok") == "straße → ok"


def test_a_closed_reader_is_no_error(shop: Workshop) -> None:
    script = f"{INFRATRACK} schema | head -c 1 >/dev/null; echo ${{PIPESTATUS[0]}}"
    ended = subprocess.run(
        ["bash", "-c", script], cwd=shop.folder, env=shop.environment, capture_output=True, text=True, check=False
    )
    assert ended.stdout.strip() == "0"
    assert "Traceback" not in ended.stderr


def test_a_full_disk_under_standard_output_is_no_traceback(shop: Workshop) -> None:
    script = f"{INFRATRACK} --version > /dev/full"
    ended = subprocess.run(["sh", "-c", script], env=shop.environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in ended.stderr


def test_python_dash_m_is_the_same(shop: Workshop) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "infratrack", "--version"],
        env=shop.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == shop.infratrack("--version").stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shop: Workshop, shell: str) -> None:
    assert "_INFRATRACK_COMPLETE" in shop.infratrack("completion", shell).stdout


def test_completion_completes(shop: Workshop) -> None:
    asked = {"_INFRATRACK_COMPLETE": "bash_complete", "COMP_WORDS": "infratrack re", "COMP_CWORD": "1"}
    assert "plain,record" in shop.infratrack(stdin=None, cwd=None, **asked).stdout.split()


def test_completion_for_an_unknown_shell_is_a_usage_error(shop: Workshop) -> None:
    assert shop.infratrack("completion", "tcsh").returncode == 2
