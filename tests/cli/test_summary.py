"""`infratrack summary`, driven as a pipeline would."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli.delivered import PROJECT, Delivered

IN_GITHUB: dict[str, Any] = {"GITHUB_ACTIONS": "true"}


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    made = Delivered(tmp_path)
    made.build("core")
    return made


def broken(delivered: Delivered) -> None:
    """Let `core` regress."""
    delivered.write("true", "#!/bin/sh\nexit 1\n").chmod(0o755)
    path = f"{delivered.folder}:{delivered.environment['PATH']}"
    assert delivered.infratrack("run", "--", "true", "core", PATH=path).returncode == 1


def test_outside_of_pipelines_it_is_printed(delivered: Delivered) -> None:
    printed = delivered.ok("summary")
    assert printed.stdout.startswith("## West data centre\n\n**Progress: 75 %** · ○ 1 not started · ✓ 1 complete\n")
    assert "::" not in printed.stdout
    assert printed.stderr == ""


def test_in_github_it_goes_to_the_jobs_page_and_failures_to_their_lines(delivered: Delivered, tmp_path: Path) -> None:
    broken(delivered)
    page = tmp_path / "page.md"
    page.write_text("what an earlier command wrote\n", encoding="utf-8")
    environ: dict[str, Any] = {**IN_GITHUB, "GITHUB_STEP_SUMMARY": str(page), "GITHUB_WORKSPACE": str(tmp_path)}
    told = delivered.infratrack("summary", **environ)
    assert told.returncode == 0
    text = page.read_text(encoding="utf-8")
    assert text.startswith("what an earlier command wrote\n## West data centre\n")
    line = PROJECT.splitlines().index('    done_when: {command.succeeded: {command: "true core"}}') + 1
    assert f"| Core is live | `command.succeeded` | `project/infratrack.yaml:{line}` |" in text
    (annotation,) = told.stdout.splitlines()
    assert annotation.startswith(f"::error file=project/infratrack.yaml,line={line},col=17,title=core%3A command")


def test_annotations_are_asked_for_or_declined(delivered: Delivered) -> None:
    broken(delivered)
    assert "\n::error " in delivered.ok("summary", "--annotations").stdout
    assert "::error" not in delivered.infratrack("summary", "--no-annotations", **IN_GITHUB).stdout


def test_a_page_that_cannot_be_written_or_is_full_fails_no_job(delivered: Delivered, tmp_path: Path) -> None:
    gone = delivered.infratrack("summary", GITHUB_STEP_SUMMARY=str(tmp_path / "no" / "page.md"))
    assert gone.returncode == 0
    assert "the job's summary cannot be written (No such file or directory)" in gone.stderr
    page = tmp_path / "page.md"
    page.write_bytes(b"x" * 999_990)
    full = delivered.infratrack("summary", GITHUB_STEP_SUMMARY=str(page))
    assert (full.returncode, page.stat().st_size) == (0, 999_990)
    assert "no room left" in full.stderr


def test_gitlabs_report_and_a_file_of_the_summary(delivered: Delivered) -> None:
    broken(delivered)
    delivered.ok("summary", "--out", "summary.md", "--code-quality", "quality.json")
    assert (delivered.folder / "summary.md").read_text(encoding="utf-8").startswith("## West data centre")
    (finding,) = json.loads((delivered.folder / "quality.json").read_bytes())
    assert finding["location"]["path"] == "infratrack.yaml"
    refused = delivered.infratrack("summary", "--out", "no/such/folder.md")
    assert refused.returncode == 2
    assert "no/such/folder.md cannot be written" in refused.stderr


def test_json_holds_what_is_told(delivered: Delivered) -> None:
    document = json.loads(delivered.ok("summary", "--format", "json").stdout)
    assert (document["progress"], document["outlook"], document["troubles"]) == (0.75, None, [])


def test_a_project_file_that_is_wrong_is_told_and_fails_no_job(delivered: Delivered) -> None:
    text = (delivered.folder / "infratrack.yaml").read_text()
    delivered.write("infratrack.yaml", text.replace("weight: 3", "wieght: 3"))
    told = delivered.ok("summary")
    assert told.stdout.startswith("## dc-west\n\n- ⚠ infratrack.yaml:15:5: ")
    assert "did you mean 'weight'?" in told.stdout


def test_a_damaged_ledger_is_never_passed_over(delivered: Delivered) -> None:
    delivered.ok("status")
    for file in (delivered.folder / ".infratrack").glob("ledger.db*"):
        file.unlink()
    refused = delivered.infratrack("summary")
    assert refused.returncode == 6
    assert "not the one that was read before" in refused.stderr


def test_a_plan_that_cannot_be_told_is_told_as_that(delivered: Delivered) -> None:
    delivered.write("saved", "PK\x03\x04 nobody knows this")
    delivered.write("odd.json", '{"format_version": "1.2", "terraform_version": "1.9.0", "resource_changes": 7}')
    os.mkfifo(delivered.folder / "pipe")
    plans = ("saved", "odd.json", "missing", ".", "pipe")
    told = delivered.ok("summary", *(word for plan in plans for word in ("--plan", plan)))
    assert "- `saved`: no evidence tells what is in it; plan under \\`infratrack run\\`" in told.stdout
    assert "- `odd.json`: " in told.stdout
    assert "- `missing`: missing cannot be read: no such file or directory" in told.stdout
    assert "- `pipe`: pipe is not a regular file" in told.stdout
    assert "75 %" in told.stdout


def test_a_ledger_that_cannot_be_read_is_told_and_fails_no_job(delivered: Delivered) -> None:
    text = (delivered.folder / "infratrack.yaml").read_text()
    delivered.write("infratrack.yaml", text + "ledger: sqlite:///elsewhere/ledger.db\n")
    (delivered.folder / "elsewhere" / "ledger.db").mkdir(parents=True)
    told = delivered.ok("summary")
    assert told.stdout.startswith("## dc-west\n\n- ⚠ The status is not known: ")
