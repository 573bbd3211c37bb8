"""Acceptance criteria on Ansible runs. Pure.

A run speaks for the hosts that it touched, no others, and for each of them the newest word counts. A check run never
counts as configuration: only `ansible.check_clean` looks at check runs. A run that left tasks
out on request (`--tags`) cannot prove the whole playbook, only contradict it. A host that is named but was never seen
is missing, so the answer is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from infratrack.api import (
    SUBJECT_SEPARATOR,
    BindContext,
    Criterion,
    Judged,
    Judgement,
    Rule,
    Selector,
    every,
    parse_duration,
)
from infratrack_ansible.playbook_paths import scope_pattern, task_pattern
from infratrack_ansible.words import HOST, TASK

Judge = Callable[[str, Mapping[str, Any]], Judged | None]

_PLAYBOOK: Final = {
    "description": "The playbook as a path or the end of one: `site.yml` means every playbook of that name in any "
    "folder, `ansible/site.yml` the one in such a folder, `./site.yml` only the one beside the project file.",
    "type": "string",
    "minLength": 1,
}
_HOSTS: Final = {
    "description": "Host names as in the inventory; `*` stands for anything. Each must have been seen. "
    "Without it, every host that was ever seen counts.",
    "type": "array",
    "items": {"type": "string", "minLength": 1},
    "minItems": 1,
    "uniqueItems": True,
}
_FRESHNESS: Final = {
    "within": {"description": "How old the newest run may be: 12h, 7d.", "type": "string", "minLength": 1},
    "keep": {"description": "Keep `within` counting after acceptance.", "type": "boolean"},
}


_PARTIAL: Final = {
    "description": "Let runs with `--tags`, `--skip-tags` or `--start-at-task` prove it, too. Without it, such a run "
    "can only contradict: what it left out, it says nothing of.",
    "type": "boolean",
}


def _schema(description: str, examples: list[Mapping[str, Any]]) -> Mapping[str, Any]:
    return {
        "description": description,
        "type": "object",
        "properties": {"playbook": _PLAYBOOK, "hosts": _HOSTS, "partial": _PARTIAL, **_FRESHNESS},
        "required": ["playbook"],
        "additionalProperties": False,
        "examples": examples,
    }


SUCCEEDED_SCHEMA: Final = _schema(
    "The newest real run of a playbook succeeded on every host.",
    [{"playbook": "site.yml", "hosts": ["core-1", "core-2"]}, {"playbook": "ansible/site.yml", "within": "30d"}],
)
IDEMPOTENT_SCHEMA: Final = _schema(
    "The newest real run of a playbook succeeded on every host and changed nothing.",
    [{"playbook": "site.yml"}, {"playbook": "site.yml", "hosts": ["core-*"]}],
)
CHECK_CLEAN_SCHEMA: Final = _schema(
    "The newest check run (`--check`) of a playbook found nothing to change and nothing failing, on every host.",
    [{"playbook": "site.yml", "within": "1d"}],
)
TASK_OK_SCHEMA: Final[Mapping[str, Any]] = {
    "description": "The newest real run of a task ended well (ok or changed) on every host. A run that skipped the "
    "task says nothing about it.",
    "type": "object",
    "properties": {
        "task": {
            "description": "The task's name exactly as written in its file, before templating; or its file "
            "(`roles/web/tasks/main.yml`, all its tasks), file and line (`site.yml:12`); or an action's full name "
            "(`ansible.builtin.service`). `*` stands for anything.",
            "type": "string",
            "minLength": 1,
        },
        "playbook": _PLAYBOOK,
        "hosts": _HOSTS,
        **_FRESHNESS,
    },
    "required": ["task"],
    "additionalProperties": False,
    "examples": [
        {"task": "Open the firewall", "playbook": "site.yml", "hosts": ["edge-1"]},
        {"task": "roles/backup/tasks/main.yml", "within": "7d"},
    ],
}

_UNKNOWN: Final = Judged(Judgement.UNKNOWN, "the run ended, or was cut short, before its outcome on the host was known")
_NOT_TOLD: Final = Judged(Judgement.UNKNOWN, "the record does not tell whether this was a check run")
_FAILED: Final = Judged(Judgement.FAILS, "the newest run failed")
_UNREACHABLE: Final = Judged(Judgement.FAILS, "could not be reached in the newest run")
_OUTCOMES: Final = {"failed": _FAILED, "unreachable": _UNREACHABLE, "unknown": _UNKNOWN}
_TASK_RESULTS: Final = {
    "ok": Judged(Judgement.MEETS, "ok"),
    "changed": Judged(Judgement.MEETS, "changed, as asked"),
    "failed": Judged(Judgement.FAILS, "the task failed in the newest run"),
    "ignored": Judged(Judgement.FAILS, "the task failed, and the playbook ignored it"),
    "unreachable": _UNREACHABLE,
    "launched": Judged(Judgement.UNKNOWN, "the task was started in the background and its end was not seen"),
    "unknown": Judged(Judgement.UNKNOWN, "the run ended before the task's outcome was known"),
}


def judge_succeeded(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """A real run's outcome on one host; a check run says nothing."""
    return _judge_real(value, Judged(Judgement.MEETS, "succeeded"))


def judge_idempotent(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """A real run that succeeded and changed nothing."""
    if value.get("changed"):
        return _judge_real(value, Judged(Judgement.FAILS, "the newest run still changed something"))
    return _judge_real(value, Judged(Judgement.MEETS, "nothing was changed"))


def judge_check_clean(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """A check run that would change nothing; a real run says nothing."""
    if value.get("check") is None:
        return _NOT_TOLD
    if not value["check"]:
        return None
    if value.get("outcome") == "succeeded":
        if value.get("changed"):
            return Judged(Judgement.FAILS, "the newest check run would change something")
        return Judged(Judgement.MEETS, "the check run found nothing to change")
    return _OUTCOMES.get(str(value.get("outcome")), _UNKNOWN)


def judge_task(kind: str, value: Mapping[str, Any]) -> Judged | None:
    """How a task ended on one host in a real run; a check run says nothing."""
    if value.get("check") is None:
        return _NOT_TOLD
    if value["check"]:
        return None
    return _TASK_RESULTS.get(str(value.get("result")), _TASK_RESULTS["unknown"])


def _judge_real(value: Mapping[str, Any], succeeded: Judged) -> Judged | None:
    if value.get("check") is None:
        return _NOT_TOLD
    if value["check"]:
        return None
    if value.get("outcome") == "succeeded":
        return succeeded
    return _OUTCOMES.get(str(value.get("outcome")), _UNKNOWN)


def _whole(judge: Judge) -> Judge:
    """The same judgement; but what meets the criterion says nothing in a run that left tasks out on request."""

    def judge_whole(kind: str, value: Mapping[str, Any]) -> Judged | None:
        judged = judge(kind, value)
        proves = judged is not None and judged.judgement is Judgement.MEETS
        return None if proves and value.get("partial") is True else judged

    return judge_whole


def _rule(parameters: Mapping[str, Any], selectors: tuple[Selector, ...], judge: Judge, wants: str) -> Rule:
    return Rule(
        selectors=selectors,
        judge=judge,
        decide=every,
        wants=wants,
        within=parse_duration(parameters["within"]) if "within" in parameters else None,
        keep=bool(parameters.get("keep", False)),
    )


class _HostCriterion:
    """A criterion on the hosts of one playbook."""

    judge: Judge
    wants: str

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """One required selector a host, or one for all hosts ever seen."""
        playbook: str = parameters["playbook"]
        scope = scope_pattern(playbook)
        hosts: list[str] = parameters.get("hosts", ["*"])
        selectors = tuple(Selector(HOST, host, scope, label=_host_label(host, playbook)) for host in hosts)
        partial = parameters.get("partial", False)
        judge = type(self).judge if partial else _whole(type(self).judge)
        wants = type(self).wants.format(playbook=playbook, whole="" if partial else "whole ")
        return _rule(parameters, selectors, judge, wants)


class AnsibleSucceeded(_HostCriterion):
    """`ansible.succeeded`: the newest real run of a playbook succeeded on every host asked about.

    A newer failure beats an older success. A run that was killed, or that stopped before it was through with a host,
    makes that host unknown. A check run says nothing. A run with `--tags`, `--skip-tags` or `--start-at-task` may fail
    the criterion but cannot meet it, unless `partial: true` is given.
    """

    name: Final = "ansible.succeeded"
    schema: Final = SUCCEEDED_SCHEMA
    judge = staticmethod(judge_succeeded)
    wants = "a successful {whole}run of {playbook} on every host asked about"


class AnsibleIdempotent(_HostCriterion):
    """`ansible.idempotent`: the newest real run of a playbook succeeded and changed nothing.

    So a second run right after the first proves that the playbook describes the hosts' state.
    """

    name: Final = "ansible.idempotent"
    schema: Final = IDEMPOTENT_SCHEMA
    judge = staticmethod(judge_idempotent)
    wants = "a {whole}run of {playbook} that changes nothing on any host asked about"


class AnsibleCheckClean(_HostCriterion):
    """`ansible.check_clean`: the newest check run found nothing to change and nothing failing.

    A real run says nothing: what it did, only another check run can confirm.
    """

    name: Final = "ansible.check_clean"
    schema: Final = CHECK_CLEAN_SCHEMA
    judge = staticmethod(judge_check_clean)
    wants = "a {whole}run of {playbook} --check that finds nothing to change"


class AnsibleTaskOk:
    """`ansible.task_ok`: the newest real run of one task ended well on every host asked about.

    A failure that the playbook ignores or rescues is a failure of the task all the same.
    """

    name: Final = "ansible.task_ok"
    schema: Final = TASK_OK_SCHEMA

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """One required selector a host, or one for all hosts on which the task was ever seen."""
        task: str = parameters["task"]
        scope = scope_pattern(parameters["playbook"]) if "playbook" in parameters else None
        hosts: list[str] = parameters.get("hosts", ["*"])
        alias = task_pattern(task)
        selectors = tuple(
            Selector(TASK, f"{alias}{SUBJECT_SEPARATOR}{host}", scope, label=_host_label(host, f"task {task!r}"))
            for host in hosts
        )
        return _rule(parameters, selectors, judge_task, f"a run in which task {task!r} ends well on every host")


def _host_label(host: str, what: str) -> str:
    return f"any host of {what}" if host == "*" else f"host {host} ({what})"


CRITERIA: Final[tuple[Criterion, ...]] = (
    AnsibleSucceeded(),
    AnsibleTaskOk(),
    AnsibleIdempotent(),
    AnsibleCheckClean(),
)
