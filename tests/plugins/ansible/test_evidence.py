"""The evidence type: the contract, its schema file, its summary line."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from infratrack.project.schema_files import schema_file
from infratrack.testing.builders import predicate
from infratrack.testing.evidence_types import EvidenceTypeContract
from infratrack_ansible.evidence import RESULT_SCHEMA, AnsibleRun
from tests.plugins.ansible.facts_builder import facts_of, play, playbook, result, start, stats, task

EVENTS = [
    start(), playbook(), play(), task(), result("ok", "a"), result("failed", "b", rc=1), result("start", "c"),
    stats(a={"ok": 1}, b={"failures": 1}, c={"ok": 1}, d={"unreachable": 1}),
]  # fmt: skip
FILE = schema_file("v1/evidence/ansible-run.schema.json")


class TestContract(EvidenceTypeContract):
    evidence_type = AnsibleRun()
    examples = (predicate(facts_of(EVENTS)), predicate(RESULT_SCHEMA["examples"][0]))


def test_the_schema_file_agrees_with_the_schema() -> None:
    schema = json.loads(FILE)
    assert {key: schema[key] for key in RESULT_SCHEMA} == RESULT_SCHEMA


def test_examples_keep_the_schema() -> None:
    for example in RESULT_SCHEMA["examples"]:
        Draft202012Validator(RESULT_SCHEMA).validate(example)


@pytest.mark.parametrize(
    ("result_facts", "line"),
    [
        (facts_of(EVENTS), "site.yml: 2 hosts ok, 1 host failed, 1 host unreachable"),
        (facts_of([start(check=True), *EVENTS[1:5]]), "site.yml: 1 host unknown (check mode)"),
        (facts_of([start(), playbook(), stats()]), "site.yml: no hosts"),
        (facts_of([start()]), "ansible-playbook: no playbook was started"),
        ({"playbooks": [{"hosts": {"a": 1}}]}, "a playbook: 1 host unknown"),
    ],
)
def test_the_summary(result_facts: dict[str, Any], line: str) -> None:
    assert AnsibleRun().summary({"result": result_facts}) == line


def test_hosts_and_names_that_are_no_subjects_are_left_out() -> None:
    facts = facts_of(EVENTS)
    book = facts["playbooks"][0]
    book["hosts"] = {"": book["hosts"]["a"], "x\x1fy": book["hosts"]["a"], "a": {**book["hosts"]["a"], "check": "no"}}
    assert AnsibleRun().words({"result": facts}) == []
    assert AnsibleRun().words({"result": {"playbooks": [{**book, "path": ""}]}}) == []
