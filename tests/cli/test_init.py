"""`infratrack init`: what it writes works as it stands, and nothing is overwritten."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

INFRATRACK = Path(sys.executable).with_name("infratrack")


def call(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INFRATRACK")}
    home = folder.parent / "home"
    environment |= {"HOME": str(home), "INFRATRACK_HOME": str(home / "infratrack"), **more}
    ended = subprocess.run(
        [INFRATRACK, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in ended.stderr
    return ended


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "West data centre!"
    made.mkdir()
    return made


def test_what_init_writes_is_valid_and_says_what_comes_next(folder: Path) -> None:
    ended = call(folder, "init")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith(
        "Next, type:\n  infratrack validate\n  infratrack run -- echo it works\n  infratrack status\n"
    )
    text = (folder / "infratrack.yaml").read_text()
    assert "project: {id: West-data-centre, name: West-data-centre, start: 20" in text
    assert "- {name: default, key: keys/default.pub}" in text
    assert "BEGIN PUBLIC KEY" in (folder / "keys" / "default.pub").read_text()
    assert call(folder, "validate").stdout == "valid: 1 task, 1 deliverable\n"
    assert not (folder / ".gitignore").exists()
    assert sorted(path.name for path in folder.iterdir()) == ["infratrack.yaml", "keys"]


def test_id_and_name_are_taken(folder: Path) -> None:
    assert call(folder, "init", "--id", "dc-west", "--name", "West: a 'refresh'").returncode == 0
    assert "project: {id: dc-west, name: 'West: a ''refresh''', start:" in (folder / "infratrack.yaml").read_text()


@pytest.mark.parametrize(
    "arguments", [("--id", "a b"), ("--id", ""), ("--name", " "), ("--name", "a\nb"), ("nowhere",)]
)
def test_arguments_that_do_not_fit_write_nothing(folder: Path, arguments: tuple[str, ...]) -> None:
    ended = call(folder, "init", *arguments)
    assert ended.returncode == 2
    assert ended.stderr.startswith("infratrack: ")
    assert not list(folder.iterdir())


def test_nothing_is_overwritten(folder: Path) -> None:
    (folder / "infratrack.yaml").write_text("mine")
    ended = call(folder, "init")
    assert ended.returncode == 2
    assert "is there already" in ended.stderr
    assert (folder / "infratrack.yaml").read_text() == "mine"


def test_a_public_key_that_is_there_is_kept(folder: Path) -> None:
    (folder / "keys").mkdir()
    (folder / "keys" / "default.pub").write_text("mine")
    ended = call(folder, "init")
    assert ended.returncode == 0
    assert "no key was written" in ended.stderr
    assert (folder / "keys" / "default.pub").read_text() == "mine"
    assert call(folder, "validate").returncode == 0


def test_of_several_keys_none_is_guessed(folder: Path) -> None:
    call(folder, "key", "new", "a")
    call(folder, "key", "new", "b")
    ended = call(folder, "init")
    assert "this machine has several keys" in ended.stderr
    assert "# trust:" in (folder / "infratrack.yaml").read_text()


def test_the_only_key_is_trusted(folder: Path) -> None:
    call(folder, "key", "new", "ci")
    call(folder, "init")
    assert "- {name: ci, key: keys/ci.pub}" in (folder / "infratrack.yaml").read_text()


def test_our_folder_is_left_out_of_git_once(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    (folder / ".gitignore").write_text("*.tfstate")
    assert "added .infratrack/ to" in call(folder, "init").stdout
    assert (folder / ".gitignore").read_text() == "*.tfstate\n.infratrack/\n"
    (folder / "infratrack.yaml").unlink()
    assert "added" not in call(folder, "init").stdout


def test_terraform_and_ansible_files_become_deliverables_and_pipelines(folder: Path) -> None:
    (folder / "infra").mkdir()
    (folder / "infra" / "main.tf").write_text('resource "terraform_data" "vlan" {\n  input = 1\n}\n')
    (folder / "site.yml").write_text("- hosts: all\n  tasks: [{ansible.builtin.ping: }]\n")
    ended = call(folder, "init")
    assert ended.returncode == 0
    assert "infra/ holds Terraform configuration" in ended.stdout
    assert "site.yml is an Ansible playbook" in ended.stdout
    text = (folder / "infratrack.yaml").read_text()
    assert "terraform.applied" in text
    assert "ansible.succeeded" in text
    assert "first-run" not in text
    assert call(folder, "validate").stdout.startswith("valid: 1 task, 2 deliverables, 2 pipelines")


def test_a_folder_that_cannot_be_written_is_a_sentence(folder: Path) -> None:
    (folder / "target").mkdir()
    (folder / "target" / "infratrack.yaml").symlink_to("/nowhere/at/all")
    ended = call(folder, "init", "target")
    assert ended.returncode == 2
    assert "is there already" in ended.stderr


def test_a_folder_that_is_gone_is_a_sentence(folder: Path) -> None:
    script = f"mkdir gone; cd gone; rmdir ../gone; exec {INFRATRACK} init"
    environment = os.environ | {"INFRATRACK_HOME": str(folder.parent / "home")}
    ended = subprocess.run(
        ["sh", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "infratrack: . cannot be looked up" in ended.stderr
