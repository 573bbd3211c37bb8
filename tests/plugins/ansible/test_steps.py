"""The step `ansible.playbook`: real runs through ansible-runner."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.api import InputError, StepContext, StepEnd
from infratrack_ansible.evidence import RESULT_SCHEMA
from infratrack_ansible.live import LiveEvents
from infratrack_ansible.step_schema import SCHEMA, told_argv
from infratrack_ansible.steps import AnsiblePlaybook
from tests.plugins.ansible.conftest import Site

HEAD = "- hosts: core\n  gather_facts: false\n"


def run(
    site: Site, parameters: Mapping[str, Any], canceled: Callable[[], bool] = lambda: False
) -> tuple[StepEnd, list[str]]:
    Draft202012Validator(SCHEMA).validate(parameters)
    said: list[str] = []
    scratch = site.scratch / "step"
    scratch.mkdir(exist_ok=True)
    environment = {**site.environment, "MARK": "given"}
    context = StepContext(parameters, site.folder, environment, scratch, {}, {}, said.append, canceled)
    end = AnsiblePlaybook().run(context)
    assert [error.message for error in Draft202012Validator(RESULT_SCHEMA).iter_errors(end.collected.result)] == []
    assert list(scratch.iterdir()) == []
    return end, said


@pytest.mark.slow
def test_a_whole_step(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOT_FOR_THE_STEP", "x")
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    site.write(
        "ansible/site.yml",
        HEAD + "  tasks:\n  - {name: Say, debug: {msg: '{{ word }}'}, tags: [a]}\n"
        "  - assert:\n      that:\n      - lookup('env', 'MARK') == 'given'\n"
        "      - lookup('env', 'NOT_FOR_THE_STEP') == ''\n      - word.deep == 7\n    tags: [a]\n"
        "  - {name: Not, fail: {msg: x}, tags: [b]}\n",
    )
    parameters = {
        "playbook": "site.yml", "directory": "ansible", "inventory": "../inventory.ini", "limit": "core-1",
        "tags": ["a"], "skip_tags": ["b"], "check": True, "diff": True, "extra_vars": {"word": {"deep": 7}},
        "verbosity": 1, "timeout": "5m",
    }  # fmt: skip
    end, said = run(site, parameters)
    assert (end.exit_code, end.outcome, end.message) == (0, "succeeded", "")
    unseen = AnsiblePlaybook().unseen(StepContext(parameters, site.folder, {}, site.scratch, {}, {}, print, bool))
    assert [one["path"] for one in unseen.result["playbooks"]] == ["ansible/site.yml"]
    assert (unseen.result["limit"], unseen.secrets) == ("core-1", frozenset())
    assert end.argv == (
        "ansible-playbook", "--check", "--diff", "-i", "../inventory.ini", "--limit", "core-1", "-e", "word=‹masked›",
        "-v", "--tags", "a", "--skip-tags", "b", "site.yml",
    )  # fmt: skip
    assert said == [
        "playbook ansible/site.yml", "core-1: ok (ansible/site.yml:4)", "core-1: ok (ansible/site.yml:5)",
    ]  # fmt: skip
    result = end.collected.result
    assert (result["checkMode"], result["limit"], result["tags"], result["skipTags"]) == (True, "core-1", ["a"], ["b"])
    assert result["playbooks"][0]["path"] == "ansible/site.yml"
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


@pytest.mark.slow
def test_a_failure_and_a_playbook_that_cannot_start(site: Site) -> None:
    site.write("site.yml", HEAD + "  tasks: [{name: No, fail: {msg: x}, when: inventory_hostname == 'core-1'}]\n")
    end, said = run(site, {"playbook": "site.yml", "inventory": ["inventory.ini"]})
    assert (end.exit_code, end.outcome) == (2, "failed")
    assert end.message == "ansible-playbook site.yml ended with exit code 2"
    assert "core-1: failed (site.yml:3)" in said
    site.write("bad.yml", "- hosts: core\n  task: []\n")
    end, said = run(site, {"playbook": "bad.yml", "inventory": "inventory.ini"})
    assert (end.exit_code, end.outcome) == (4, "failed")
    assert any("'task' is not a valid attribute" in line for line in said)
    assert end.collected.missing["playbooks"]


@pytest.mark.slow
@pytest.mark.parametrize("how", ["cancel", "timeout"])
def test_a_stopped_step_is_indeterminate(site: Site, how: str) -> None:
    site.write("site.yml", HEAD + "  tasks: [{debug: {msg: x}}, {name: Hangs, command: sleep 60}]\n")
    parameters = {"playbook": "site.yml", "inventory": "inventory.ini"}
    events = site.scratch / "step"
    if how == "timeout":
        end, _said = run(site, {**parameters, "timeout": "8s"})
    else:
        end, _said = run(
            site, parameters, lambda: any(b"Hangs" in path.read_bytes() for path in events.glob("*/events.jsonl"))
        )
    assert (end.exit_code, end.outcome) == (254, "indeterminate")
    assert "nobody knows how far" in end.message
    (book,) = end.collected.result["playbooks"]
    assert {host["outcome"] for host in book["hosts"].values()} == {"unknown"}


def test_what_is_not_there_is_said(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="is not a file in"):
        run(site, {"playbook": "site.yml"})
    site.write("site.yml", HEAD)
    for directory in ("..", "gone", "x" * 999, "a\0b"):
        with pytest.raises(InputError, match="is not a folder inside the project"):
            run(site, {"playbook": "site.yml", "directory": directory})
    monkeypatch.setattr("infratrack_ansible.steps._program", lambda _environment: None)
    end, said = run(site, {"playbook": "site.yml"})
    assert (end.exit_code, end.outcome, end.message) == (127, "failed", "ansible-playbook was not found on PATH")
    assert said == ["ansible-playbook: command not found"]


def test_the_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    validator = Draft202012Validator(SCHEMA)
    for example in SCHEMA["examples"]:
        validator.validate(example)
    for wrong in ({"playbook": "--version"}, {"playbook": "x", "extra_vars": {'a":1,"b': 1}}, {"playbok": "x"}):
        assert not validator.is_valid(wrong)
    everything = {
        "playbook": "x", "inventory": ["a", "b"], "limit": "c", "check": True, "diff": True, "verbosity": 2,
        "tags": ["t", "u"], "extra_vars": {"b": 1, "a": 2}, "skip_tags": ["v"],
    }  # fmt: skip
    assert " ".join(told_argv(everything)) == (
        "ansible-playbook --check --diff -i a -i b --limit c -e a=‹masked› -e b=‹masked› -vv --tags t,u --skip-tags v x"
    )
    assert told_argv({"playbook": "x", "check": False, "verbosity": 0}) == ("ansible-playbook", "x")


def test_following_never_raises(tmp_path: Path) -> None:
    def broken(_line: str) -> None:
        raise RuntimeError

    live = LiveEvents(tmp_path / "events", broken, str)
    assert live.handle(7) is False
    assert live.handle({"event": "verbose", "stdout": "\x1b[31mERROR! x"}) is False
    (tmp_path / "events").write_bytes(
        b'7\n{"event":"playbook_on_start","playbook":"x"}\n{"event":"runner_on_ok"}\n{"ha'
    )
    event = {"event": "x", "stdout": "ERROR! later", "res": "secret"}
    assert live.handle(event) is False
    assert event == {}
    assert live.with_progress(lambda: bool(os.environ["NO_SUCH_VARIABLE"]))() is False
    assert live.with_progress(lambda: True)() is True
