"""How files are named and meant."""

from __future__ import annotations

import pytest

from infratrack_ansible.playbook_paths import (
    name_of,
    project_folder,
    scope_of,
    scope_pattern,
    task_aliases,
    task_pattern,
)


@pytest.mark.parametrize(
    ("cwd", "scope_folder", "folder"),
    [("/p", ".", "/p"), ("/p/a/b", "a/b", "/p"), ("/p/a", "other", "/p/a"), ("/p/x", "../x", "/p/x")],
)
def test_the_project_folder(cwd: str, scope_folder: str, folder: str) -> None:
    assert project_folder(cwd, scope_folder) == folder


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/p/a/site.yml", "a/site.yml"),
        ("/p/a/../site.yml:12", "site.yml:12"),
        ("/pp/site.yml", "/pp/site.yml"),
        ("a/./site.yml", "a/site.yml"),
        ("/x/ansible_collections/acme/net/playbooks/core/site.yml", "acme.net.core.site"),
    ],
)
def test_names(path: str, name: str) -> None:
    assert name_of(path, "/p") == name


def test_without_a_known_folder_a_path_stays() -> None:
    assert name_of("/p/./site.yml", "") == "/p/site.yml"
    assert name_of("/p/site.yml", "/") == "p/site.yml"


def test_scopes_and_what_criteria_mean_by_them() -> None:
    assert scope_of("a/site.yml") == "./a/site.yml"
    assert scope_of("/abs/site.yml") == "/abs/site.yml"
    assert scope_pattern("site.yml") == "*/site.yml"
    assert scope_pattern("a//./site.yml") == "*/a/site.yml"
    assert scope_pattern("./a/site.yml") == "./a/site.yml"
    assert scope_pattern("acme.net.site") == scope_of("acme.net.site") == "acme.net.site"
    assert scope_pattern("site.prod.yml") == "*/site.prod.yml"


def test_what_a_task_may_be_called() -> None:
    assert task_aliases("a.yml:3", "Name", "copy") == ("Name", "copy", "./a.yml", "./a.yml:3")
    assert task_aliases("a.yml", "", "copy") == ("copy", "./a.yml")
    assert task_aliases("", "", "") == ()
    assert task_aliases("/x/a.yml:3", "", "") == ("/x/a.yml", "/x/a.yml:3")
    assert task_pattern("roles/x/tasks/main.yml:*") == "*/roles/x/tasks/main.yml:*"
    assert task_pattern("Copy site.yml") == "Copy site.yml"
