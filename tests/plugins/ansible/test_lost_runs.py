"""What is written down before a playbook starts, for the case that nobody sees its end."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from infratrack_ansible.collector import AnsibleCollector
from infratrack_ansible.evidence import ANSIBLE_RUN, RESULT_SCHEMA, AnsibleRun
from tests.plugins.ansible.conftest import Site


@pytest.mark.parametrize(
    ("below", "typed", "path"), [(".", "site.yml", "site.yml"), ("ansible", "../plays/a.yml", "plays/a.yml")]
)
def test_a_run_that_nobody_saw_ending_names_its_playbook_and_no_host(
    site: Site, below: str, typed: str, path: str
) -> None:
    (site.folder / below).mkdir(exist_ok=True)
    argv = ("ansible-playbook", "--limit", "core-1", "-e", "token=planted-70231", typed)
    unseen = AnsibleCollector().begin(site.context(argv, below)).unseen
    assert unseen is not None
    assert unseen.predicate_type == ANSIBLE_RUN
    assert unseen.secrets == frozenset({"planted-70231"})
    Draft202012Validator(RESULT_SCHEMA).validate(unseen.result)
    assert unseen.result["limit"] == "core-1"
    assert [one["path"] for one in unseen.result["playbooks"]] == [path]
    assert AnsibleRun().words({"result": unseen.result}) == []
