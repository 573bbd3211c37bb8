"""What `infratrack ci init` writes passes the field's own checkers, and this repository offers the same files."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from infratrack import __version__
from infratrack.pipelines.init import pipeline_files
from infratrack.pipelines.init_setup import Setup

CHECKOUT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
SETUP = Setup(
    branch="main",
    project=".",
    roots=("network", "servers"),
    playbooks=("site.yml -i hosts.ini",),
    looks=("terraform network",),
    requirement=f"infratrack[all]=={__version__}",
)


def written(system: str, folder: Path) -> list[Path]:
    paths = []
    for file in pipeline_files(system, SETUP):
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
        paths.append(path)
    return paths


def check(*command: str | Path) -> None:
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_zizmor_finds_nothing_in_the_github_files_not_even_as_an_auditor(tmp_path: Path) -> None:
    written("github", tmp_path)
    check(BIN / "zizmor", "--offline", "--persona=auditor", "--no-progress", tmp_path)


def test_the_github_files_fit_githubs_schemas(tmp_path: Path) -> None:
    action, *workflows = written("github", tmp_path)
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.github-actions", action)
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows)
    check(BIN / "check-jsonschema", "--builtin-schema", "custom.github-workflows-require-timeout", workflows[0])


def test_the_gitlab_files_fit_gitlabs_schema(tmp_path: Path) -> None:
    component, caller = written("gitlab", tmp_path)
    header, jobs = component.read_text().split("\n---\n")
    (tmp_path / "header.yml").write_text(header)
    (tmp_path / "jobs.yml").write_text(jobs)
    parts = [caller, tmp_path / "header.yml", tmp_path / "jobs.yml"]
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", *parts)


def test_the_azure_files_fit_azures_schema(tmp_path: Path) -> None:
    options = ["--regex-variant", "nonunicode", "--data-transform", "azure-pipelines"]
    check(BIN / "check-jsonschema", "--builtin-schema", "vendor.azure-pipelines", *options, *written("azure", tmp_path))


@pytest.mark.parametrize("system", ["github", "gitlab", "jenkins", "azure", "atlantis"])
def test_every_piece_of_shell_in_them_is_shell(system: str, tmp_path: Path) -> None:
    pieces = [piece for path in written(system, tmp_path) for piece in shell_in(path.read_text())]
    assert pieces or system == "atlantis"
    for piece in pieces:
        ended = subprocess.run(["bash", "-n"], input=piece, capture_output=True, text=True, check=False, timeout=60)
        assert ended.returncode == 0, f"{piece}\n{ended.stderr}"


@pytest.mark.parametrize("system", ["github", "gitlab", "jenkins", "azure"])
def test_no_python_in_them_takes_a_module_of_the_checkout_for_its_own(system: str, tmp_path: Path) -> None:
    text = "\n".join(path.read_text() for path in written(system, tmp_path))
    started = re.findall(r"(?i)(?:python3?|%s)\"? (-\w .*)", text)
    assert len(started) >= 4
    assert [one for one in started if not one.startswith("-P -")] == []


def shell_in(text: str) -> list[str]:
    """Blocks of shell: what follows `run: |`, `bash: |`, `- |` or stands between Jenkins' triple quotes."""
    quoted = re.findall(r"sh '''(.*?)'''", text, re.DOTALL)
    blocks = re.findall(r"^ *(?:run:|- bash:|-) \|[^\n]*\n(( +)[^\n]*\n(?:\2[^\n]*\n|\n)*)", text, re.MULTILINE)
    return quoted + [block for block, _ in blocks]


@pytest.mark.checkout
@pytest.mark.parametrize(
    ("system", "template", "offered"),
    [
        ("github", ".github/actions/infratrack/action.yml", ".github/actions/infratrack/action.yml"),
        ("github", ".github/workflows/infratrack-delivery.yml", ".github/workflows/infratrack-delivery.yml"),
    ],
)
def test_this_repository_offers_action_and_workflow_as_they_are_written(
    system: str, template: str, offered: str
) -> None:
    texts = {file.path: file.text for file in pipeline_files(system, SETUP)}
    hint = "copy it from what `infratrack ci init` writes, with --install 'infratrack[all]==VERSION'"
    assert (CHECKOUT / offered).read_text() == texts[template], hint
