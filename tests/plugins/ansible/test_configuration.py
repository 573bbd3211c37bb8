"""The effective callback path, compared with what ansible-config itself says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infratrack_ansible.configuration import callback_path
from infratrack_ansible.files import find_ansible_cfg, home

OURS = "/ours"


def path(environment: dict[str, str], cfg: str | None = None, place: str = "/etc/x/ansible.cfg") -> list[str]:
    found = callback_path(OURS, environment, (place, cfg) if cfg is not None else None, "/home/me")
    ours, *theirs = found.split(":")
    assert ours == OURS
    return theirs


def test_the_environment_wins_and_is_passed_on_as_it_is() -> None:
    assert path({"ANSIBLE_CALLBACK_PLUGINS": "a:~/b:"}, "[defaults]\ncallback_plugins=x\n") == ["a", "~/b", ""]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("plugins", "/etc/x/plugins"),
        ("/abs", "/abs"),
        ("~/mine", "/home/me/mine"),
        ("~", "/home/me"),
        ("~other/x", "~other/x"),
        ("$SOME/x", "/some/x"),
        ("${SOME}/x ; a comment", "/some/x"),
        ("$MISSING/x", "/etc/x/$MISSING/x"),
        ("{{CWD}}/x", "{{CWD}}/x"),
    ],
)
def test_entries_of_ansible_cfg(entry: str, expected: str) -> None:
    assert path({"SOME": "/some"}, f"[defaults]\ncallback_plugins = {entry}\n") == [expected]


@pytest.mark.parametrize("cfg", [None, "", "[other]\nx=1\n", "not an ini file", "[defaults]\n[defaults]\n"])
def test_defaults_otherwise(cfg: str | None) -> None:
    assert path({}, cfg) == ["/home/me/.ansible/plugins/callback", "/usr/share/ansible/plugins/callback"]
    assert path({"ANSIBLE_HOME": "/h"}, cfg)[0] == "/h/plugins/callback"


def test_the_configured_home() -> None:
    assert path({}, "[defaults]\nhome = .a\n")[0] == "/etc/x/.a/plugins/callback"


def test_the_file_is_found_as_ansible_finds_it(tmp_path: Path) -> None:
    work, me = tmp_path / "work", tmp_path / "me"
    work.mkdir()
    me.mkdir()
    environment = {"HOME": str(me)}
    assert find_ansible_cfg(environment, work) is None
    (me / ".ansible.cfg").write_text("me")
    assert find_ansible_cfg(environment, work) == (str(me / ".ansible.cfg"), "me")
    (work / "ansible.cfg").write_text("work")
    assert find_ansible_cfg(environment, work) == (str(work / "ansible.cfg"), "work")
    work.chmod(0o777)
    assert find_ansible_cfg(environment, work) == (str(me / ".ansible.cfg"), "me")
    (tmp_path / "ansible.cfg").write_text("named")
    for named in (tmp_path, tmp_path / "ansible.cfg", Path("../ansible.cfg")):
        found = find_ansible_cfg({**environment, "ANSIBLE_CONFIG": str(named)}, work)
        assert found is not None
        assert found[1] == "named"
    assert find_ansible_cfg({**environment, "ANSIBLE_CONFIG": "/no/such"}, work) == (str(me / ".ansible.cfg"), "me")
    assert find_ansible_cfg({**environment, "ANSIBLE_CONFIG": "~/.ansible.cfg"}, work) is not None
    assert find_ansible_cfg({"HOME": "/no/such"}, tmp_path / "gone") is None
    assert home({}) == Path("~").expanduser()


@pytest.mark.slow
@pytest.mark.parametrize("cfg", [None, "callback_plugins = a:../b:~/c:$SOME/d\n", "home = .here\n"])
def test_it_is_what_ansible_config_says(tmp_path: Path, cfg: str | None) -> None:
    if cfg is not None:
        (tmp_path / "ansible.cfg").write_text(f"[defaults]\n{cfg}")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path / "me"), "SOME": "/some", "LANG": "C.UTF-8"}
    dumped = subprocess.run(
        [Path(sys.executable).parent / "ansible-config", "dump", "--format", "json"],
        cwd=tmp_path, env=environment, capture_output=True, check=True,
    )  # fmt: skip
    said = next(item for item in json.loads(dumped.stdout) if item.get("name") == "DEFAULT_CALLBACK_PLUGIN_PATH")
    ours = callback_path(OURS, environment, find_ansible_cfg(environment, tmp_path), environment["HOME"])
    assert ours.split(":")[1:] == said["value"]
