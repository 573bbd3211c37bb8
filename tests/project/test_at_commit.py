"""Reading a project at a commit, on real repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infratrack.errors import InputError, Unreachable
from infratrack.project.at_commit import CommitFiles
from infratrack.project.files import load_files
from infratrack.project.git_reading import GitReader, GitRefused, may_have_remote
from infratrack.project.problems import ProjectProblems
from infratrack.project.project_files import FolderFiles
from infratrack.project.protected_ref import Protected
from infratrack.project.schema import PluginSchemas
from infratrack.project.text import FILE_AT_MOST

HEAD = "infratrack: 1\nproject: {id: p, name: P}\n"
KEY = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_SYSTEM": os.devnull,
}
SCHEMAS = PluginSchemas({}, {})


class Repository:
    def __init__(self, root: Path, *, below: str = "", object_format: str = "sha1") -> None:
        self.root = root / "repository"
        self.folder = self.root / below
        self.folder.mkdir(parents=True)
        self.git("init", "-q", "-b", "main", f"--object-format={object_format}")

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        ended = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, env=ENVIRONMENT, check=True, capture_output=True, text=True
        )
        return ended.stdout.strip()

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def commit(self) -> CommitFiles:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "x")
        return self.at(self.git("rev-parse", "HEAD"))

    def at(self, commit: str, main: str = "infratrack.yaml") -> CommitFiles:
        git = GitReader(self.folder, ENVIRONMENT)
        return CommitFiles(git, Protected("refs/remotes/origin/main", commit), git.prefix(), self.folder / main)

    def checkout(self) -> FolderFiles:
        files = FolderFiles(self.folder / "infratrack.yaml")
        load_files(files, SCHEMAS)
        return files


@pytest.mark.parametrize(("below", "object_format"), [("", "sha1"), ("teams/west net", "sha1"), ("", "sha256")])
def test_a_project_reads_the_same_from_a_commit_as_from_the_folder(
    tmp_path: Path, below: str, object_format: str
) -> None:
    repository = Repository(tmp_path, below=below, object_format=object_format)
    text = (
        HEAD
        + "include: ['plan/**/*.yaml', more.yaml, './*.yaml']\ntrust: {signers: [{name: ci, key: keys/./ci.pub}]}\n"
    )
    repository.write("infratrack.yaml", text)
    repository.write("plan/a-b/x.yaml", "tasks: [{id: x, name: X}]\n")
    repository.write("plan/a/y.yaml", "tasks: [{id: y, name: 'Ü'}]\n")
    repository.write("plan/ß.yaml", "tasks: [{id: z, name: Z}]\n")
    repository.write("more.yaml", "people: [{id: anna, keys: [keys/anna.pub]}]\n")
    for name in ("ci", "anna"):
        repository.write(f"keys/{name}.pub", KEY)
    files = repository.commit()
    assert files.exists
    assert load_files(files, SCHEMAS) == load_files(FolderFiles(repository.folder / "infratrack.yaml"), SCHEMAS)
    assert files.equals(repository.checkout())
    assert files.label("more.yaml") == f"origin/main:{below + '/' if below else ''}more.yaml"


@pytest.mark.parametrize("change", ["infratrack.yaml", "plan/a.yaml", "plan/new.yaml", "keys/ci.pub", "-plan/b.yaml"])
def test_any_change_to_any_file_of_the_project_is_seen(tmp_path: Path, change: str) -> None:
    repository = Repository(tmp_path)
    text = HEAD + "include: ['plan/*.yaml']\ntrust: {signers: [{name: ci, key: keys/ci.pub}]}\n"
    for name, content in {"infratrack.yaml": text, "plan/a.yaml": "tasks: []\n", "plan/b.yaml": "tasks: []\n"}.items():
        repository.write(name, content)
    key = repository.write("keys/ci.pub", KEY)
    files = repository.commit()
    if change.startswith("-"):
        (repository.folder / change[1:]).unlink()
    elif change == "plan/new.yaml":
        repository.write(change, "tasks: []\n")
    else:
        with (repository.folder / change).open("a") as file:
            file.write("# more\n")
    assert not files.equals(repository.checkout())
    assert load_files(files, SCHEMAS).key_files == {"keys/ci.pub": KEY}
    assert key.exists()


def test_a_key_named_by_its_whole_path_is_found_at_the_commit(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    key = repository.write("keys/ci.pub", KEY)
    repository.write("infratrack.yaml", HEAD + f"trust: {{signers: [{{name: ci, key: {key}}}]}}\n")
    files = repository.commit()
    assert files.equals(repository.checkout())
    assert load_files(files, SCHEMAS).key_files == {str(key): KEY}


def test_links_are_followed_inside_the_commit_and_nowhere_else(tmp_path: Path) -> None:
    repository = Repository(tmp_path, below="west")
    shared = repository.root / "shared"
    shared.mkdir()
    (shared / "ci.pub").write_text(KEY)
    (tmp_path / "outside.pub").write_text(KEY)
    for name, target in {
        "keys": "../shared", "loop": "loop", "outside.pub": "../../outside.pub", "odd\nname.pub": "ci.pub",
        "nowhere.pub": "a\nb blob 5\nc", "sub.yaml": "real.yaml",
    }.items():  # fmt: skip
        (repository.folder / name).symlink_to(target)
    repository.write("real.yaml", "tasks: [{id: a, name: A}]\n")
    repository.write("infratrack.yaml", HEAD + "include: ['s*.yaml']\n")
    files = repository.commit()
    assert files.key("keys/ci.pub") == KEY.encode()
    assert [task.id for task in load_files(files, SCHEMAS).tasks] == ["a"]
    for name in ("outside.pub", "loop", "nowhere.pub", "keys/none.pub", "keys"):
        with pytest.raises(InputError, match="is not there"):
            files.key(name)
    for name in ("../shared/ci.pub", "/etc/passwd", "odd\nname.pub", "keys/../../shared/ci.pub"):
        with pytest.raises(InputError, match="lies outside the project folder"):
            files.key(name)


def test_a_file_that_is_too_large_is_told_without_being_read(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write("infratrack.yaml", "#" * (FILE_AT_MOST + 1))
    repository.write("ci.pub", KEY * 2000)
    files = repository.commit()
    with pytest.raises(ProjectProblems, match="more than"):
        load_files(files, SCHEMAS)
    assert len(files.key("ci.pub")) < len(KEY) * 2000


@pytest.mark.parametrize("pattern", ["none/*.yaml", "none.yaml", "../x.yaml", "plan", "infratrack.yaml/*"])
def test_an_include_that_names_nothing_at_the_commit_is_a_problem_there(tmp_path: Path, pattern: str) -> None:
    repository = Repository(tmp_path)
    repository.write("plan/a.yaml", "tasks: []\n")
    repository.write("infratrack.yaml", HEAD + f"include: ['{pattern}']\n")
    with pytest.raises(ProjectProblems, match=r"^origin/main:infratrack.yaml:3:11: include › #1"):
        load_files(repository.commit(), SCHEMAS)


def test_what_the_commit_does_not_have_is_told(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    files = repository.commit()
    assert not files.exists
    assert files.main_is_new
    repository.write("infratrack.yaml", HEAD)
    assert files.main_is_new
    assert not repository.commit().main_is_new
    with pytest.raises(InputError, match=r"infratrack.yaml is not there at origin/main"):
        files.read("infratrack.yaml")
    with pytest.raises(InputError, match="the commit of origin/main is not in this clone"):
        _ = repository.at("0" * 39 + "1").exists


def test_nothing_that_was_replaced_locally_stands_in_for_what_the_commit_holds(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    repository.write("infratrack.yaml", HEAD)
    files = repository.commit()
    evil = repository.write("evil", HEAD + "people: [{id: mallory}]\n")
    blob = repository.git("hash-object", "-w", str(evil))
    repository.git("replace", repository.git("rev-parse", "HEAD:infratrack.yaml"), blob)
    assert load_files(files, SCHEMAS).people == ()


def test_git_that_refuses_or_is_not_there_ends_in_a_sentence(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    with pytest.raises(Unreachable, match="git is not on PATH"):
        GitReader(repository.folder, {"PATH": str(tmp_path)}).prefix()
    with pytest.raises(GitRefused, match="could not read the repository"):
        GitReader(tmp_path, ENVIRONMENT).prefix()
    foreign = ENVIRONMENT | {"GIT_CONFIG_COUNT": "0", "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    reader = GitReader(repository.folder, foreign)
    reader._environment["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1"
    with pytest.raises(GitRefused, match="belongs to another user") as refused:
        reader.prefix()
    assert refused.value.hint == f"git config --global --add safe.directory {repository.folder}"


def test_remotes_are_those_with_an_address(tmp_path: Path) -> None:
    repository = Repository(tmp_path)
    reader = GitReader(repository.folder, ENVIRONMENT)
    assert reader.remotes() == ()
    repository.git("config", "remote.half.fetch", "+refs/heads/*:refs/remotes/half/*")
    repository.git("remote", "add", "a.b", "https://example.org/x")
    repository.git("config", "--add", "remote.a.b.url", "https://example.org/y\nz")
    assert reader.remotes() == ("a.b",)


def test_whether_there_may_be_a_remote_is_known_without_asking_git(tmp_path: Path) -> None:
    assert not may_have_remote(tmp_path)
    repository = Repository(tmp_path, below="sub")
    assert not may_have_remote(repository.folder)
    repository.commit()
    repository.git("worktree", "add", "-q", str(tmp_path / "tree"))
    assert not may_have_remote(tmp_path / "tree")
    repository.git("remote", "add", "origin", "https://example.org/x")
    assert may_have_remote(repository.folder)
    assert may_have_remote(tmp_path / "tree")
    repository.git("remote", "remove", "origin")
    assert not may_have_remote(repository.folder)
    repository.git("config", "include.path", "elsewhere")
    assert may_have_remote(repository.folder)
    (repository.root / ".git" / "config").unlink()
    assert not may_have_remote(repository.folder)
    (repository.root / ".git" / "remotes").mkdir()
    assert may_have_remote(repository.folder)
    (tmp_path / "tree" / ".git").write_bytes(b"gitdir: \0")
    assert may_have_remote(tmp_path / "tree")
