"""What the plugin offers, and the endings that a real run seldom shows."""

from __future__ import annotations

import pytest

import infratrack_ansible
from infratrack_ansible.collector import collected
from infratrack_ansible.command_line import PlaybookCommand
from infratrack_ansible.events import RunFacts
from infratrack_ansible.evidence import AnsibleRun
from infratrack_ansible.recorders import _seconds
from infratrack_ansible.steps import _ending
from tests.plugins.ansible.facts_builder import facts_of, play, playbook, result, start, stats, task


def test_what_the_plugin_offers() -> None:
    criteria = [criterion.name for criterion in infratrack_ansible.infratrack_criteria()]
    assert criteria == ["ansible.succeeded", "ansible.task_ok", "ansible.idempotent", "ansible.check_clean"]
    (evidence_type,) = infratrack_ansible.infratrack_evidence_types()
    assert evidence_type.predicate_type == "urn:infratrack:evidence:ansible-run:v1"
    assert [collector.name for collector in infratrack_ansible.infratrack_collectors()] == ["ansible"]
    assert [step.name for step in infratrack_ansible.infratrack_steps()] == ["ansible.playbook"]
    assert len({recorder.name for recorder in infratrack_ansible.infratrack_recorders()}) == 3


def test_a_run_that_told_its_version_but_started_nothing() -> None:
    run = RunFacts(str)
    run.feed(start())
    found = collected(run, PlaybookCommand(extra_vars=("a_token=abcdefg",)))
    assert found.missing == {"playbooks": "Ansible ended before it started a playbook"}
    assert found.secrets == {"abcdefg"}
    assert found.tool_version == "2.19.14"


@pytest.mark.parametrize(
    ("status", "code", "events", "outcome"),
    [
        ("successful", 0, [playbook(), stats()], "succeeded"),
        ("successful", 0, [playbook()], "indeterminate"),
        ("successful", 0, [], "indeterminate"),
        ("failed", 127, [playbook()], "failed"),
        ("timeout", 254, [playbook(), stats()], "indeterminate"),
    ],
)
def test_success_needs_the_closing_statistics(status: str, code: int, events: list[object], outcome: str) -> None:
    run = RunFacts(str)
    for event in events:
        run.feed(event)
    ending, message = _ending(status, code, run, "site.yml")
    assert ending == outcome
    assert bool(message) == (outcome != "succeeded")


def test_odd_times_are_passed_over() -> None:
    assert _seconds("not a time") is None
    assert _seconds(7) is None
    assert _seconds("1970-01-01T00:00:01+00:00") == 1


def test_tasks_that_are_no_tasks_say_nothing() -> None:
    facts = facts_of([start(), playbook(), play(), task(), result("ok", "h"), stats(h={"ok": 1})])
    book = facts["playbooks"][0]
    hosts_only = [word for word in AnsibleRun().words({"result": facts}) if word.kind == "ansible.host"]
    for tasks in ([7], "text", [{"results": 7}], [{"results": {"ok": "h"}}], [{"results": {"ok": [7, "other"]}}]):
        assert AnsibleRun().words({"result": {"playbooks": [{**book, "tasks": tasks}]}}) == hosts_only
