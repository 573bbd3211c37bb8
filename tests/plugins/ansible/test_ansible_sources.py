"""The source `ansible.facts`, over files as Ansible leaves them; a real Ansible gathers some of them."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import InputError, Instant, SourceContext, SourceReading
from infratrack_ansible import sources
from infratrack_ansible.sources import FactsSource
from tests.plugins.ansible.conftest import ANSIBLE_PLAYBOOK, Site

DAY = 86_400_000_000
NOW = Instant(1_700_000_000_000_000)
FACTS = {"ansible_hostname": "vm", "ansible_env": {"PASSWORD": "hunter2"}}


def read(project: Path, now: Instant | None = NOW, **parameters: Any) -> SourceReading:
    given = {"folder": "facts", "allow": ["ansible_hostname"], **parameters}
    Draft202012Validator(FactsSource.schema).validate(given)
    found = FactsSource().read(SourceContext("", given, project, {}, now))
    assert "hunter2" not in repr(found)
    return found


def leave(folder: Path, host: str, facts: Mapping[str, Any] | str = FACTS, at: int = NOW) -> Path:
    file = folder / "facts" / host
    file.parent.mkdir(exist_ok=True)
    file.write_text(facts if isinstance(facts, str) else json.dumps(facts))
    os.utime(file, ns=(at * 1_000, at * 1_000))
    return file


def test_each_host_is_an_item_with_the_allowed_facts_only(tmp_path: Path) -> None:
    leave(tmp_path, "core-2")
    leave(tmp_path, "s1_core-1")
    leave(tmp_path, ".hidden")
    (tmp_path / "facts" / "folder").mkdir()
    found = read(tmp_path, hosts=["core-1", "core-2"])
    assert found == SourceReading(
        ({"host": "core-1", "ansible_hostname": "vm"}, {"host": "core-2", "ansible_hostname": "vm"}),
        "ansible facts in facts",
        facts={"folder": "facts", "hosts": 2, "oldest": "2023-11-14T22:13:20.000000Z"},
    )


def test_without_hosts_nobody_knows_whether_one_is_missing(tmp_path: Path) -> None:
    leave(tmp_path, "core-1")
    found = read(tmp_path)
    assert [item["host"] for item in found.items] == ["core-1"]
    assert (found.complete, found.reason) == (False, "`hosts` does not say which hosts there should be")


def test_hosts_that_are_missing_or_gave_no_facts_are_named(tmp_path: Path) -> None:
    leave(tmp_path, "core-1")
    leave(tmp_path, "other")
    leave(tmp_path, "down", '{"unreachable": true}')
    unreadable = tmp_path / "facts" / "gone"
    unreadable.symlink_to("core-1")
    many = [f"h{number}" for number in range(7)]
    found = read(tmp_path, hosts=["core-1", "down", "gone", *many])
    assert [item["host"] for item in found.items] == ["core-1"]
    assert not found.complete
    assert found.reason == (
        "no facts of down: it could not be reached; no facts of gone, h0, h1, h2, h3 and 3 more: there is no file of it"
    )


def test_old_facts_are_used_and_told(tmp_path: Path) -> None:
    leave(tmp_path, "core-1", at=NOW - 2 * DAY)
    leave(tmp_path, "core-2", {**FACTS, "ansible_date_time": {"epoch": str((NOW - 3 * DAY) // 1_000_000)}})
    leave(tmp_path, "core-3", at=NOW - DAY)
    hosts = ["core-1", "core-2", "core-3"]
    assert read(tmp_path, hosts=hosts).complete
    found = read(tmp_path, hosts=hosts, max_age="1d")
    assert (len(found.items), found.complete) == (3, False)
    assert found.reason == "facts of core-1, core-2 are older than max_age"
    assert found.facts["oldest"] == "2023-11-11T22:13:20.000000Z"
    assert read(tmp_path, hosts=["core-3"], max_age="1d").complete
    timeless = read(tmp_path, None, hosts=["core-3"], max_age="1d")
    assert (timeless.complete, timeless.reason) == (False, "facts of core-3 have an age that nobody can tell")


def test_of_two_files_about_a_host_the_newer_counts_and_a_name_may_look_like_a_prefix(tmp_path: Path) -> None:
    leave(tmp_path, "s1_core-1", {"ansible_hostname": "old"}, at=NOW - DAY)
    leave(tmp_path, "core-1", {"ansible_hostname": "new"})
    assert read(tmp_path, hosts=["core-1"]).items == ({"host": "core-1", "ansible_hostname": "new"},)
    assert read(tmp_path, hosts=["s1_core-1"]).items[0]["host"] == "s1_core-1"
    leave(tmp_path, "core-1", {"ansible_hostname": "older"}, at=NOW - 2 * DAY)
    assert read(tmp_path, hosts=["core-1"]).items[0]["ansible_hostname"] == "old"


def test_names_of_files_cannot_write_to_a_terminal(tmp_path: Path) -> None:
    leave(tmp_path, "a\x1b[2J", "")
    assert read(tmp_path).reason.isprintable()


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path, "core-1")
    leave(tmp_path, "core-2")
    monkeypatch.setattr(sources, "FILE_AT_MOST", 10)
    assert "core-1, core-2: its file is too large" in read(tmp_path).reason
    monkeypatch.setattr(sources, "HOSTS_AT_MOST", 1)
    with pytest.raises(InputError, match="facts holds more than 1 files"):
        read(tmp_path)


def test_files_and_folders_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    leave(tmp_path, "core-1")
    original = Path.open

    def refuse(path: Path, *arguments: Any, **more: Any) -> Any:
        if path.name == "core-1":
            raise PermissionError(13, "Permission denied")
        return original(path, *arguments, **more)

    monkeypatch.setattr(Path, "open", refuse)
    assert "no facts of core-1: its file cannot be read" in read(tmp_path).reason

    def deny(_path: object) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", deny)
    with pytest.raises(InputError, match="facts cannot be read: Permission denied"):
        read(tmp_path)


def test_the_folder_lies_in_the_project(tmp_path: Path) -> None:
    for folder, said in (
        ("none", "there is no folder 'none' with facts"),
        ("..", "lies outside the project"),
        ("a\0", "cannot be looked up"),
    ):
        with pytest.raises(InputError, match=said):
            read(tmp_path, folder=folder)
    leave(tmp_path, "core-1")
    with pytest.raises(InputError, match=r"there is no source ansible\.facts\.core-1"):
        FactsSource().read(SourceContext("core-1", {"folder": "facts", "allow": ["a"]}, tmp_path, {}))


@pytest.mark.parametrize(
    "parameters",
    [
        {"folder": "facts"},
        {"allow": ["a"]},
        {"folder": "facts", "allow": []},
        {"folder": "facts", "allow": ["host"]},
        {"folder": "facts", "allow": ["a.b"]},
        {"folder": "facts", "allow": ["a"], "hosts": []},
        {"folder": "facts", "allow": ["a"], "max_age": ""},
        {"folder": "facts", "allow": ["a"], "max_age": "soon"},
    ],
)
def test_parameters_that_do_not_fit(parameters: dict[str, Any]) -> None:
    assert not Draft202012Validator(FactsSource.schema).is_valid(parameters)


@pytest.mark.slow
def test_what_a_real_ansible_gathers_is_read(site: Site) -> None:
    ansible = str(Path(ANSIBLE_PLAYBOOK).with_name("ansible"))
    site.write(
        "inventory.ini",
        (site.folder / "inventory.ini").read_text()
        + "\n[far]\ndown ansible_connection=ssh ansible_host=127.0.0.1 ansible_port=1\n",
    )
    command = [ansible, "all", "-i", "inventory.ini", "-m", "setup", "-a", "gather_subset=min", "--tree", "facts"]
    cached = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": "cache"}
    environment = {**site.environment, **cached, "PASSWORD": "hunter2"}
    ended = subprocess.run(command, cwd=site.folder, env=environment, capture_output=True, text=True, check=False)
    assert (site.folder / "facts" / "core-1").is_file(), ended.stderr

    allow = ["ansible_hostname", "ansible_architecture"]
    tree = read(site.folder, None, allow=allow)
    assert [item["host"] for item in tree.items] == ["core-1", "core-2"]
    assert "no facts of down: it could not be reached" in tree.reason
    assert all(item["ansible_hostname"] and set(item) == {"host", *allow} for item in tree.items)
    assert read(site.folder, None, allow=allow, hosts=["core-1", "core-2"]).complete
    cache = read(site.folder, None, allow=allow, hosts=["core-1", "core-2"], folder="cache")
    assert (cache.items, cache.complete) == (tree.items, True)
