from __future__ import annotations

import gc
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from infratrack.errors import InputError
from infratrack.project.files import find_project_file, load_project, read_project_id, read_sources
from infratrack.project.include_files import find_include_files, read_at_most
from infratrack.project.model import Project
from infratrack.project.schema import PluginSchemas
from infratrack.project.text import FILE_AT_MOST

HEAD = "infratrack: 1\nproject: {id: p, name: P}\n"
KEY = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n"
Load = Callable[..., Project]
Problems = Callable[..., list[str]]


def test_the_project_file_is_found_from_below_from_itself_and_from_its_folder(tmp_path: Path) -> None:
    file = tmp_path / "infratrack.yaml"
    file.write_text(HEAD)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_project_file(below) == find_project_file(tmp_path) == find_project_file(file) == file


def test_where_there_is_no_project_the_error_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        find_project_file(tmp_path)
    assert "infratrack init" in error.value.hint
    (tmp_path / "infratrack.yml").touch()
    with pytest.raises(InputError) as error:
        find_project_file(tmp_path)
    assert error.value.hint == "rename infratrack.yml to infratrack.yaml"
    with pytest.raises(InputError, match="cannot be looked up"):
        find_project_file(tmp_path / ("x" * 5000))


def test_included_lists_are_merged_in_the_order_of_their_paths(load: Load, tmp_path: Path) -> None:
    plan = tmp_path / "plan"
    plan.mkdir()
    (plan / "b.yaml").write_text("tasks: [{id: b, name: B, depends: [a], deliverables: [d]}]\n")
    (plan / "a.yaml").write_text(
        "tasks: [{id: a, name: A}]\ndeliverables: [{id: d, name: D, done_when: {signoff: }}]\n"
    )
    project = load(HEAD + "include: [plan/b.yaml, 'plan/*.yaml', '*.yaml']\ntasks: [{id: main, name: M}]\n")
    assert [task.id for task in project.tasks] == ["main", "a", "b"]
    assert project.deliverables[0].task == "b"
    assert b"include" not in project.definition.document
    assert [source.file.rpartition("/")[2] for source in read_sources(tmp_path / "infratrack.yaml")] == [
        "infratrack.yaml",
        "a.yaml",
        "b.yaml",
    ]


def test_errors_in_included_files_name_the_file(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("tasks:\n  - {id: a, name: A, depends: [nobody]}\n  - {id: a2}\n")
    (tmp_path / "b.yaml").write_text("project: {id: x}\ntasks: [{id: a, name: B}]\n")
    assert problems(HEAD + "include: [a.yaml, b.yaml]\ntasks: [{id: c, name: C, depends: [a, a2]}]\n") == [
        "a.yaml:2:32: tasks › a › depends › #1: there is no task 'nobody'; expected one of c, a, a2",
        "a.yaml:3:5: tasks › a2: a task has no `name`; expected the key `name`",
        (
            "b.yaml:1:1: unknown key 'project'; expected one of people, systems, phases, milestones, tasks, "
            "deliverables, pipelines"
        ),
        "b.yaml:2:14: tasks › a › id: the id 'a' belongs to another task already; expected an id of its own",
    ]


def test_a_file_that_cannot_be_read_hides_no_problem_elsewhere_and_makes_up_none(
    problems: Problems, tmp_path: Path
) -> None:
    (tmp_path / "a.yaml").write_text("tasks: [")
    (tmp_path / "b.yaml").write_text("- 1")
    told = problems(HEAD + "include: ['?.yaml']\nmilestones: [{id: m, name: M, depends: [in-a]}]\nledgr: 1\n")
    assert [one.split(": ")[0] for one in told] == ["a.yaml:1:8", "b.yaml:1:1", "infratrack.yaml:5:1"]


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("../other.yaml", "leaves the project folder"),
        ("/etc/*.yaml", "leaves the project folder"),
        ("plan/../../x.yaml", "leaves the project folder"),
        ("link/*.yaml", "leaves the project folder by 'outside.yaml'"),
        ("link.yaml", "leaves the project folder by 'link.yaml'"),
        ("nothing-*.yaml", "matches no file"),
        ("missing.yaml", "is not there"),
        ("**x/[", "c"),
        ("loop/x", "c"),
    ],
)
def test_includes_stay_inside_the_project_folder(tmp_path: Path, pattern: str, told: str) -> None:
    folder, outside = tmp_path / "project", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "outside.yaml").write_text("tasks: []")
    (folder / "link").symlink_to(outside)
    (folder / "link.yaml").symlink_to(outside / "outside.yaml")
    (folder / "loop").symlink_to(folder / "loop")
    with pytest.raises(InputError, match=told):
        find_include_files(folder, pattern)


def test_too_many_and_too_large_includes_are_refused(
    problems: Problems, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        (tmp_path / f"{number}.yaml").write_text("tasks: []\n")
    monkeypatch.setattr("infratrack.project.files.TOGETHER_AT_MOST", 10)
    assert "30 bytes together" in problems(HEAD + "include: ['[0-9].yaml']\n")[0]
    monkeypatch.setattr("infratrack.project.include_files.FILES_AT_MOST", 2)
    with pytest.raises(InputError, match="names 3 files"):
        find_include_files(tmp_path, "[0-9].yaml")
    monkeypatch.setattr("infratrack.project.include_files.ENTRIES_AT_MOST", 1)
    with pytest.raises(InputError, match="too much to look through"):
        find_include_files(tmp_path, "*")


def test_includes_of_the_wrong_kind_are_only_explained_by_the_schema(problems: Problems) -> None:
    expected = "expected a path or glob inside the project folder such as plan/*.yaml"
    assert problems(HEAD + "include: [5, '']\n") == [
        f"infratrack.yaml:3:11: include › #1: found 5, {expected}",
        f"infratrack.yaml:3:14: include › #2: found '', {expected}",
    ]
    assert len(problems(HEAD + "include: plan.yaml\n")) == 1


def test_a_named_pipe_and_an_unreadable_file_do_not_hang(problems: Problems, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a regular file"):
        read_at_most(tmp_path / "pipe", 10)
    with pytest.raises(InputError, match="cannot be read"):
        read_at_most(tmp_path, 10)
    with pytest.raises(InputError, match="cannot be read: no such file"):
        load_project(tmp_path / "missing.yaml", PluginSchemas())


def test_an_included_file_that_vanishes_is_a_problem_like_any_other(
    problems: Problems, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.yaml").write_text("tasks: []\n")

    def vanished(path: Path, most: int) -> bytes:
        if path.name == "a.yaml":
            raise InputError("a.yaml cannot be read: no such file", "check the name")
        return read_at_most(path, most)

    monkeypatch.setattr("infratrack.project.project_files.read_at_most", vanished)
    assert problems(HEAD + "include: [a.yaml]\n") == [
        "a.yaml:1:1: a.yaml cannot be read: no such file; expected check the name"
    ]


def test_key_files_are_part_of_the_definition(load: Load, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "ci.pub").write_text(KEY)
    text = HEAD + "trust: {signers: [{name: ci, key: keys/ci.pub}, {name: x, keyid: " + "a" * 64 + "}]}\n"
    text += "people: [{id: anna, keys: [keys/ci.pub, 'keyid:" + "b" * 64 + "']}]\n"
    project = load(text)
    assert project.key_files == {"keys/ci.pub": KEY}
    (tmp_path / "keys" / "ci.pub").write_text(KEY.replace("MCow", "MCox"))
    assert load(text).definition.digest != project.definition.digest


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"-----BEGIN PRIVATE KEY-----\n", "holds a private key; it must never be shared; expected the public key"),
        (b"hello", "is no public key; expected PEM text"),
        (KEY.encode() + b"x" * 20_000, "is no public key"),
        (KEY.encode() + b"\xff", "is no public key"),
        (None, "is not there; expected a file that `infratrack key export NAME` wrote"),
    ],
)
def test_key_files_hold_public_keys(problems: Problems, tmp_path: Path, content: bytes | None, told: str) -> None:
    if content is not None:
        (tmp_path / "k").write_bytes(content)
    (only,) = problems(HEAD + "trust: {signers: [{name: a, key: k}, {name: b, key: k}]}\n")[:1]
    assert told in only
    assert only.startswith("infratrack.yaml:3:34: trust › signers › #1 › key: ")


@pytest.mark.parametrize("name", ["/etc/hosts", "../k", "link", "\\0", "x" * 900])
def test_key_files_stay_inside_the_project_folder(problems: Problems, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/etc/hosts")
    assert problems(HEAD + f'people: [{{id: a, keys: ["{name}"]}}]\n')


def test_odd_shapes_around_keys_are_left_to_the_schema(problems: Problems) -> None:
    for part in ("trust: 5", "trust: {signers: 5}", "trust: {signers: [5]}", "people: [5, {id: a, keys: 5}]"):
        assert problems(HEAD + part + "\n")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (HEAD, "p"),
        (HEAD + "tasks: [", "p"),
        ("project:\n  # ours\n\n  name: X\n  id: 'abc'\nbroken: [", "abc"),
        ("project:\r\n  id: abc\r\nbroken: [", "abc"),
        ('\ufeffproject: {name: x, id: "q-1"}\n\tbroken', "q-1"),
        ("project: {name: no id}\ntasks: [{id: t}]\nbroken: [", None),
        ("project:\n  name: x\nother:\n  id: wrong\n  broken: [", None),
        ("project: {id: 'not valid'}", None),
        ("project: {id: 5}", None),
        ("project: 5", None),
        ("- 1", None),
        ("", None),
        ("\0\0", None),
    ],
)  # fmt: skip
def test_the_id_is_made_out_even_of_a_broken_file(tmp_path: Path, text: str, found: str | None) -> None:
    file = tmp_path / "infratrack.yaml"
    file.write_bytes(text.encode())
    assert read_project_id(file) == found


def test_no_file_has_no_id(tmp_path: Path) -> None:
    assert read_project_id(tmp_path / "none") is None
    assert read_project_id(tmp_path) is None
    huge = tmp_path / "huge"
    huge.write_bytes(b"project: {id: p}\n" + b"#" * FILE_AT_MOST)
    assert read_project_id(huge) == "p"


def test_includes_that_leave_the_folder_are_told_with_their_line(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "folder.yaml").mkdir()
    assert problems(HEAD + "include: ['../x.yaml', '*.yaml', 'folder.*']\n") == [
        (
            "infratrack.yaml:3:11: include › #1: the include '../x.yaml' leaves the project folder; "
            "expected files inside the project folder"
        ),
        (
            "infratrack.yaml:3:34: include › #3: the include 'folder.*' matches no file; "
            "expected a file below the project folder"
        ),
    ]


def test_the_garbage_collector_is_left_as_it_was(load: Load) -> None:
    assert gc.isenabled()
    load(HEAD)
    assert gc.isenabled()
    gc.disable()
    try:
        load(HEAD)
        assert not gc.isenabled()
    finally:
        gc.enable()
