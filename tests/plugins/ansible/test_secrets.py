"""Secrets planted wherever Ansible lets one be: none reaches the event file, the facts or the scratch folder."""

from __future__ import annotations

import base64
import json
import tempfile
import urllib.parse
from pathlib import Path

import pytest

from infratrack.api import StepContext
from infratrack_ansible.steps import AnsiblePlaybook
from tests.plugins.ansible.conftest import Site

pytestmark = pytest.mark.slow

SECRETS = {
    place: f"Pl4nted/{place}+Zq9"
    for place in (
        "vars",
        "nolog",
        "loop",
        "registered",
        "diff",
        "name",
        "extra",
        "environment",
        "args",
        "facts",
        "fail",
    )
}
PLAY = """- hosts: core
  gather_facts: false
  vars: {secret: '%(vars)s', named: '%(name)s'}
  environment: {APP_TOKEN: '%(environment)s'}
  handlers: [{name: 'Handle {{ named }}', debug: {msg: '{{ secret }}'}}]
  tasks:
  - {name: 'Deploy {{ named }} {{ secret }}', debug: {msg: '{{ secret }}'}}
  - {name: Hidden, command: 'echo %(nolog)s', no_log: true, register: hidden}
  - {name: Shown after all, debug: {var: hidden}}
  - {name: 'Loop {{ item | default() }}', command: 'echo {{ item }}', loop: ['%(loop)s'], notify: 'Handle {{ named }}'}
  - {name: Register, shell: 'echo %(registered)s; env', register: said}
  - {name: Use, debug: {msg: '{{ said.stdout }} {{ extra }}'}}
  - {name: Write, copy: {dest: '{{ playbook_dir }}/{{ inventory_hostname }}', content: '%(diff)s'}}
  - {name: Arguments, command: {argv: [echo, '--password', '%(args)s']}}
  - {name: Fact, set_fact: {kept: '%(facts)s'}}
  - {name: Tolerated, fail: {msg: '%(fail)s {{ kept }}'}, ignore_errors: true}
"""


def traces(content: bytes) -> set[str]:
    """Places whose secret stands in the content: plain, URL-encoded, or base64 at any offset."""
    found = set()
    for place, secret in SECRETS.items():
        raw = secret.encode()
        forms = {raw, urllib.parse.quote(secret, safe="").encode(), json.dumps(secret).encode()[1:-1]}
        for shift in range(3):
            encoded = base64.b64encode(b"x" * shift + raw)
            forms.add(encoded[(0, 2, 3)[shift] : len(encoded) - 4])
            forms.add(base64.urlsafe_b64encode(b"x" * shift + raw)[(0, 2, 3)[shift] : len(encoded) - 4])
        if any(form in content for form in forms):
            found.add(place)
    return found


def test_under_run(site: Site) -> None:
    site.environment["CI_TOKEN"] = SECRETS["environment"]
    run = site.play(PLAY % SECRETS, "--diff", "-vvv", "-e", f"extra={SECRETS['extra']}")
    assert run.code == 0, run.output
    assert traces(run.output.encode()) >= {"loop", "registered", "diff", "name", "args", "extra"}  # the search works
    assert traces(run.events) == set()
    assert traces(json.dumps(run.collected.result).encode()) == set()
    names = [task.get("name") for task in run.playbooks[0]["tasks"]]
    assert "Deploy {{ named }} {{ secret }}" in names
    assert run.playbooks[0]["hosts"]["core-1"]["ignored"] == 1
    for path in site.scratch.glob("run-*/**/*"):
        assert path.is_dir() or traces(path.read_bytes()) == set()


def test_under_deliver_at_every_moment(site: Site) -> None:
    """The step's scratch folder is searched at every line of progress, so while ansible-runner is at work too."""
    site.write("site.yml", PLAY % SECRETS)
    said: list[str] = []
    scratch = Path(tempfile.mkdtemp(dir=site.scratch))

    def report(line: str) -> None:
        said.append(line)
        for path in scratch.rglob("*"):
            if path.is_file():
                assert traces(path.read_bytes()) == set(), path

    end = AnsiblePlaybook().run(
        StepContext(
            parameters={
                "playbook": "site.yml", "inventory": "inventory.ini", "diff": True, "verbosity": 3,
                "extra_vars": {"extra": SECRETS["extra"]},
            },
            folder=site.folder, environment={**site.environment, "CI_TOKEN": SECRETS["environment"]}, scratch=scratch,
            handoff={}, wanted={}, report=report, canceled=lambda: False,
        )
    )  # fmt: skip
    assert end.outcome == "succeeded", end.message
    assert len(said) > 10
    assert traces("\n".join(said).encode()) == set()
    assert traces(json.dumps([end.collected.result, end.argv, end.message]).encode()) == set()
    assert list(scratch.iterdir()) == []
