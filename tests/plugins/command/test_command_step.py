"""The step `command` with real processes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import InputError, StepContext, StepEnd
from infratrack_command.step import CommandStep


def run_step(folder: Path, parameters: dict[str, Any], *, cancel: bool = False) -> tuple[StepEnd, list[str]]:
    lines: list[str] = []
    context = StepContext(
        parameters=parameters,
        folder=folder,
        environment={"PATH": os.environ["PATH"], "FROM": "outside"},
        scratch=folder,
        handoff={},
        wanted={},
        report=lines.append,
        canceled=lambda: cancel,
    )
    return CommandStep().run(context), lines


def test_the_schema_is_valid_and_its_examples_pass() -> None:
    schema = CommandStep().schema
    Draft202012Validator.check_schema(schema)
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)


def test_a_command_runs_in_its_folder_with_its_environment_and_streams_lines(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    code = "import os; print(os.path.basename(os.getcwd()), os.environ['FROM'], os.environ['WAVE'])"
    end, lines = run_step(
        tmp_path, {"argv": [sys.executable, "-c", code], "directory": "scripts", "environment": {"WAVE": "2"}}
    )
    assert lines == ["scripts outside 2"]
    assert (end.exit_code, end.outcome, end.message) == (0, "succeeded", "")
    assert end.argv == (sys.executable, "-c", code)
    assert end.collected.predicate_type == "urn:infratrack:evidence:command:v1"
    assert end.collected.result == {}


def test_no_shell_reads_the_arguments(tmp_path: Path) -> None:
    _, lines = run_step(tmp_path, {"argv": ["echo", "$HOME; false"]})
    assert lines == ["$HOME; false"]


def test_a_failure_is_told_with_its_code(tmp_path: Path) -> None:
    end, _ = run_step(tmp_path, {"argv": [sys.executable, "-c", "raise SystemExit(3)"]})
    assert (end.exit_code, end.outcome) == (3, "failed")
    assert end.message.endswith("ended with exit code 3")


def test_a_program_that_is_not_there_ends_with_127(tmp_path: Path) -> None:
    end, lines = run_step(tmp_path, {"argv": ["no-such-program-here"]})
    assert (end.exit_code, end.outcome) == (127, "failed")
    assert lines == ["no-such-program-here: No such file or directory"]


def test_a_canceled_command_is_interrupted_and_says_so(tmp_path: Path) -> None:
    end, _ = run_step(tmp_path, {"argv": ["sleep", "60"]}, cancel=True)
    assert end.outcome == "canceled"
    assert end.message == "sleep was canceled"


@pytest.mark.parametrize(
    ("directory", "sentence"),
    [
        ("..", "is outside the project folder"),
        ("/", "is outside the project folder"),
        ("link", "is outside the project folder"),
        ("missing", "is not a folder of the project"),
        ("nul\0", "cannot be looked up"),
        ("x" * 5000, "cannot be looked up"),
        ("loop", "cannot be looked up"),
    ],
)
def test_a_folder_that_will_not_do_is_a_sentence(tmp_path: Path, directory: str, sentence: str) -> None:
    (tmp_path / "link").symlink_to("/")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(InputError, match=sentence):
        run_step(tmp_path, {"argv": ["true"], "directory": directory})
