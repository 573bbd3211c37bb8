"""The four criteria: the contract, and three values for every kind of ending."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from infratrack.api import SUBJECT_SEPARATOR, Criterion, Decision, Word
from infratrack.testing.builders import finding, verdict
from infratrack.testing.criteria import CriterionContract
from infratrack_ansible.criteria import AnsibleCheckClean, AnsibleIdempotent, AnsibleSucceeded, AnsibleTaskOk
from tests.plugins.ansible.facts_builder import partial_run, whole_run

YES, NO, UNKNOWN = Decision.SATISFIED, Decision.UNSATISFIED, Decision.UNKNOWN
SITE = {"playbook": "site.yml"}
ONE = {"playbook": "site.yml", "hosts": ["core-1"]}
TASK = {"task": "Install", "playbook": "site.yml"}
OK, CHANGED = whole_run(), whole_run(changed=True)
FAILED, UNREACHABLE, KILLED = whole_run("failed"), whole_run("unreachable"), whole_run("start")
CHECKED, CHECK_CHANGED = whole_run(check=True), whole_run(check=True, changed=True)
CHECK_FAILED, CHECK_KILLED = whole_run("failed", check=True), whole_run("start", check=True)
NOT_TOLD = whole_run(check=None)


class TestSucceededContract(CriterionContract):
    criterion = AnsibleSucceeded()


class TestIdempotentContract(CriterionContract):
    criterion = AnsibleIdempotent()


class TestCheckCleanContract(CriterionContract):
    criterion = AnsibleCheckClean()


class TestTaskOkContract(CriterionContract):
    criterion = AnsibleTaskOk()


@pytest.mark.parametrize(
    ("criterion", "words", "expected"),
    [
        (AnsibleSucceeded(), [], UNKNOWN),
        (AnsibleSucceeded(), OK, YES),
        (AnsibleSucceeded(), CHANGED, YES),
        (AnsibleSucceeded(), FAILED, NO),
        (AnsibleSucceeded(), UNREACHABLE, NO),
        (AnsibleSucceeded(), KILLED, UNKNOWN),
        (AnsibleSucceeded(), CHECKED, UNKNOWN),
        (AnsibleSucceeded(), NOT_TOLD, UNKNOWN),
        (AnsibleSucceeded(), OK + FAILED, NO),
        (AnsibleSucceeded(), FAILED + OK, YES),
        (AnsibleSucceeded(), OK + KILLED, UNKNOWN),
        (AnsibleSucceeded(), OK + CHECK_FAILED, YES),
        (AnsibleSucceeded(), FAILED + CHECKED, NO),
        (AnsibleIdempotent(), OK, YES),
        (AnsibleIdempotent(), CHANGED, NO),
        (AnsibleIdempotent(), CHANGED + OK, YES),
        (AnsibleIdempotent(), OK + CHANGED, NO),
        (AnsibleIdempotent(), CHANGED + CHECKED, NO),
        (AnsibleIdempotent(), OK + FAILED, NO),
        (AnsibleIdempotent(), OK + KILLED, UNKNOWN),
        (AnsibleCheckClean(), OK, UNKNOWN),
        (AnsibleCheckClean(), CHECKED, YES),
        (AnsibleCheckClean(), CHECK_CHANGED, NO),
        (AnsibleCheckClean(), CHECKED + CHECK_CHANGED, NO),
        (AnsibleCheckClean(), CHECK_CHANGED + CHECKED, YES),
        (AnsibleCheckClean(), CHECK_CHANGED + OK, NO),
        (AnsibleCheckClean(), CHECK_FAILED, NO),
        (AnsibleCheckClean(), CHECKED + CHECK_KILLED, UNKNOWN),
        (AnsibleCheckClean(), NOT_TOLD, UNKNOWN),
    ],
)
def test_three_values_on_hosts(criterion: Criterion, words: Sequence[Word], expected: Decision) -> None:
    assert verdict(criterion, SITE, words) is expected
    assert verdict(criterion, ONE, words) is expected


@pytest.mark.parametrize("told", [{"partial": True}, {"tags": ["web"]}, {"skipTags": ["slow"]}])
def test_a_run_that_left_tasks_out_contradicts_but_does_not_prove(told: dict[str, Any]) -> None:
    ok, failed = partial_run("ok", told), partial_run("failed", told)
    criterion = AnsibleSucceeded()
    assert verdict(criterion, ONE, ok) is UNKNOWN
    assert verdict(criterion, ONE, FAILED + ok) is NO
    assert verdict(criterion, ONE, OK + ok) is YES
    assert verdict(criterion, ONE, OK + failed) is NO
    assert verdict(criterion, ONE, OK + failed + ok) is NO
    assert verdict(criterion, ONE | {"partial": True}, FAILED + ok) is YES


def test_all_tags_are_the_whole_playbook() -> None:
    assert verdict(AnsibleSucceeded(), ONE, partial_run("ok", {"tags": ["all", "never"]})) is YES


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], UNKNOWN),
        (OK, YES),
        (CHANGED, YES),
        (FAILED, NO),
        (whole_run("failed", ignored=True), NO),
        (UNREACHABLE, NO),
        (KILLED, UNKNOWN),
        (whole_run(launched=True), UNKNOWN),
        (whole_run("skipped"), UNKNOWN),
        (OK + whole_run("skipped"), YES),
        (FAILED + whole_run("skipped"), NO),
        (OK + FAILED, NO),
        (FAILED + OK, YES),
        (FAILED + CHECKED, NO),
        (NOT_TOLD, UNKNOWN),
    ],
)
def test_three_values_on_a_task(words: Sequence[Word], expected: Decision) -> None:
    assert verdict(AnsibleTaskOk(), TASK, words) is expected


@pytest.mark.parametrize(
    "task", ["Install", "ansible.builtin.copy", "site.yml", "site.yml:4", "./site.yml", "site.yml:*", "Ins*"]
)
def test_a_task_is_found_by_name_action_file_and_line(task: str) -> None:
    assert verdict(AnsibleTaskOk(), {"task": task}, OK) is YES
    assert verdict(AnsibleTaskOk(), {"task": task}, FAILED) is NO


@pytest.mark.parametrize(
    "task", ["install", "Install it", "ansible.builtin.file", "ite.yml", "site.yml:40", "x/site.yml"]
)
def test_another_task_is_not_meant(task: str) -> None:
    assert verdict(AnsibleTaskOk(), {"task": task}, OK) is UNKNOWN


def test_a_named_host_that_was_never_seen_is_missing() -> None:
    found = finding(AnsibleSucceeded(), {**SITE, "hosts": ["core-1", "core-2"]}, OK)
    assert found.decision is UNKNOWN
    assert found.missing == ("host core-2 (site.yml)",)


def test_a_run_speaks_for_the_hosts_that_it_touched_only() -> None:
    words = whole_run(host="core-1") + whole_run("failed", host="core-2")
    assert verdict(AnsibleSucceeded(), SITE, words) is NO
    assert verdict(AnsibleSucceeded(), ONE, words) is YES
    assert verdict(AnsibleSucceeded(), {**SITE, "hosts": ["core-*"]}, words) is NO


@pytest.mark.parametrize(
    ("playbook", "path", "expected"),
    [
        ("site.yml", "/p/ansible/site.yml", YES),
        ("ansible/site.yml", "/p/ansible/site.yml", YES),
        ("./ansible/site.yml", "/p/ansible/site.yml", YES),
        ("./site.yml", "/p/site.yml", YES),
        ("./site.yml", "/p/ansible/site.yml", UNKNOWN),
        ("other/site.yml", "/p/ansible/site.yml", UNKNOWN),
        ("ite.yml", "/p/site.yml", UNKNOWN),
        ("shared/site.yml", "/elsewhere/shared/site.yml", YES),
        ("/elsewhere/shared/site.yml", "/elsewhere/shared/site.yml", YES),
        ("acme.network.site", "/x/ansible_collections/acme/network/playbooks/site.yml", UNKNOWN),
    ],
)
def test_which_playbook_is_meant(playbook: str, path: str, expected: Decision) -> None:
    assert verdict(AnsibleSucceeded(), {"playbook": playbook}, whole_run(path=path)) is expected


def test_words_hold_few_distinct_values() -> None:
    for word in OK + CHANGED + FAILED + KILLED:
        assert all(isinstance(value, bool | str) for value in word.value.values())
        assert word.name.count(SUBJECT_SEPARATOR) <= 1
