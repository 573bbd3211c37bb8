"""`infratrack validate` as people and pipelines call it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAD = "infratrack: 1\nproject: {id: p, name: P}\n"
INFRATRACK = Path(sys.executable).with_name("infratrack")


def validate(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HOME": str(folder), "INFRATRACK_HOME": str(folder / "home")}
    ended = subprocess.run(
        [INFRATRACK, "validate", *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in ended.stderr
    return ended


def test_a_valid_project_is_counted(tmp_path: Path) -> None:
    (tmp_path / "infratrack.yaml").write_text(
        HEAD
        + "people: [{id: a}]\nsystems: [{id: s, environment: production}]\nphases: [{id: f, name: F}]\n"
        + "tasks: [{id: a, name: A}, {id: b, name: B, deliverables: [d]}]\n"
        + "deliverables: [{id: d, name: D, done_when: {terraform.converged: {within: 7d}}}]\n"
    )
    ended = validate(tmp_path)
    assert (ended.returncode, ended.stdout, ended.stderr) == (
        0,
        "valid: 2 tasks, 1 deliverable, 1 phase, 1 person, 1 system\n",
        "",
    )
    found = json.loads(validate(tmp_path, "--format", "json").stdout)
    assert found["valid"] is True
    assert found["project"]["id"] == "p"
    assert found["project"]["definition"].startswith("sha256:")
    assert found["counts"]["tasks"] == 2
    assert found["problems"] == []


def test_everything_that_is_wrong_is_listed_and_the_exit_code_is_two(tmp_path: Path) -> None:
    (tmp_path / "infratrack.yaml").write_text(
        HEAD + "tasks: [{id: a, name: A, dependz: []}]\n"
        "deliverables: [{id: d, name: D, done_when: {terraform.aplied: {}}}]\n"
    )
    ended = validate(tmp_path)
    assert ended.returncode == 2
    first, second = ended.stdout.splitlines()
    assert first.startswith("infratrack.yaml:3:26: tasks › a: unknown key 'dependz'; expected one of id, name, ")
    assert first.endswith("did you mean 'depends'?")
    assert second.startswith("infratrack.yaml:4:45: deliverables › d › done_when: unknown criterion 'terraform.aplied'")
    assert second.endswith("did you mean 'terraform.applied'?")
    assert ended.stderr == "infratrack: 2 problems in 1 file\n"


def test_the_same_as_json(tmp_path: Path) -> None:
    (tmp_path / "infratrack.yaml").write_text(HEAD + "ledgr: x\n")
    ended = validate(tmp_path, "--format", "json")
    assert ended.returncode == 2
    found = json.loads(ended.stdout)
    assert found["valid"] is False
    (problem,) = found["problems"]
    assert {key: problem[key] for key in ("file", "line", "column", "found", "nearest")} == {
        "file": "infratrack.yaml",
        "line": 3,
        "column": 1,
        "found": "'ledgr'",
        "nearest": "ledger",
    }
    assert problem["expected"].startswith("one of infratrack, project, ")


def test_parameters_that_only_the_plugin_understands_are_told_with_their_line(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(
        "deliverables:\n  - id: d\n    name: D\n    done_when:\n      at_least:\n        n: 1\n        of:\n"
        "          - any: [{not: {signoff: {by: nobody}}}]\n"
    )
    (tmp_path / "infratrack.yaml").write_text(
        HEAD + "include: [plan.yaml]\nphases: [{id: f, name: F, exit: {signoff: {by: nobody}}}, {id: g, name: G}]\n"
    )
    ended = validate(tmp_path)
    assert ended.returncode == 2
    assert [line.split(": ")[0] for line in ended.stdout.splitlines()] == [
        "infratrack.yaml:4:34",
        "plan.yaml:8:26",
    ]


def test_the_project_may_be_elsewhere_or_nowhere(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "infratrack.yaml").write_text(HEAD)
    assert validate(tmp_path, "--project", "sub").stdout == "valid: 0 tasks, 0 deliverables\n"
    assert validate(tmp_path, "-C", "sub/infratrack.yaml").returncode == 0
    ended = validate(tmp_path)
    assert ended.returncode == 2
    assert "`infratrack init` writes one" in ended.stderr


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfei\0", b"[" * 100_000, b"- " * 100_000, b"\0", b"a: !!python/object:x y"]
)
def test_hostile_files_end_in_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "infratrack.yaml").write_bytes(content)
    ended = validate(tmp_path)
    assert ended.returncode == 2
    assert ended.stdout.startswith("infratrack.yaml:1:")


def test_a_bad_public_key_is_told_by_name(tmp_path: Path) -> None:
    (tmp_path / "k.pub").write_text("-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n")
    (tmp_path / "infratrack.yaml").write_text(HEAD + "people: [{id: a, keys: [k.pub]}]\n")
    ended = validate(tmp_path)
    assert ended.returncode == 2
    assert ended.stdout.startswith("infratrack.yaml:3:9: people: ")
    assert "k.pub" in ended.stdout


def test_a_valid_project_is_checked_without_slow_imports(tmp_path: Path) -> None:
    (tmp_path / "infratrack.yaml").write_text(
        HEAD + "deliverables: [{id: d, name: D, done_when: {terraform.converged: {within: 7d}}}]\n"
    )
    code = (
        "import sys\n"
        "from infratrack.cli.commands import infratrack\n"
        "infratrack.main(['validate'], standalone_mode=False)\n"
        "print(sorted({'alembic', 'git', 'jsonschema', 'rich', 'sqlalchemy', 'yaml'} & set(sys.modules)))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == ["valid: 0 tasks, 1 deliverable", "[]"]


@pytest.mark.parametrize("address", ["mysql://x", "sqlite://host/a.db", "sqlite:///a.db?blubs=b"])
def test_a_ledger_of_no_known_kind_is_told_with_its_line(tmp_path: Path, address: str) -> None:
    (tmp_path / "infratrack.yaml").write_text(HEAD + f"ledger: {address}\n")
    ended = validate(tmp_path)
    assert ended.returncode == 2
    line = len(HEAD.splitlines()) + 1
    assert f"infratrack.yaml:{line}:9: ledger: {address!r} is not a" in ended.stdout
    assert "sqlite:///.infratrack/ledger.db" in ended.stdout


def test_templates_and_sources_of_records_are_checked_with_their_lines(tmp_path: Path) -> None:
    (tmp_path / "infratrack.yaml").write_text(
        HEAD + "cmdb:\n"
        "  csv:\n"
        "    files: {device: devices.csv}\n"
        "    own: {column: owner, value: infratrack}\n"
        "    records:\n"
        "      - type: device\n"
        "        each: terraform.outptu.devices\n"
        '        key: {name: "{lwoer(name)}"}\n'
        '        fields: {site: "{site"}\n'
    )
    ended = validate(tmp_path)
    assert ended.returncode == 2
    source, function, brace = ended.stdout.splitlines()
    assert source.startswith(
        "infratrack.yaml:9:15: cmdb › csv › records › #1 › each: there is no source 'terraform.outptu.devices'; "
        "did you mean 'terraform.output'? "
    )
    assert function.startswith("infratrack.yaml:10:21: cmdb › csv › records › #1 › key › name: {lwoer(name)} calls")
    assert brace.startswith("infratrack.yaml:11:24: cmdb › csv › records › #1 › fields › site: a { without its }")


def test_names_of_files_give_no_orders_to_the_ci_system_that_reads_the_log(tmp_path: Path) -> None:
    name = "::warning title=x::plan.yaml"
    (tmp_path / "infratrack.yaml").write_text(f"infratrack: 1\nproject: {{id: a, name: A}}\ninclude: ['{name}']\n")
    (tmp_path / name).write_text("taskz: []\n")
    ended = validate(tmp_path)
    assert ended.returncode == 2
    assert ended.stdout.startswith(": :warning title=x::plan.yaml:1:1: unknown key 'taskz'")
