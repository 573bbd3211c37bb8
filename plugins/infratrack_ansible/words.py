"""Ansible facts read as words. Pure; the facts are hostile input.

`ansible.host`: scope = the playbook (see `playbook_paths`), name = the host. `ansible.task`: the same scope, name =
what the task may be called, SUBJECT_SEPARATOR, the host; a task has several such names and therefore several words, so
that moving it to another line does not leave an old word behind under its name. A run in which a task was skipped says
nothing about it. Values are booleans and small enumerations, because judgements are remembered by value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack.api import SUBJECT_SEPARATOR, Word
from infratrack_ansible.events import WORST_FIRST
from infratrack_ansible.playbook_paths import scope_of, task_aliases

HOST: Final = "ansible.host"
TASK: Final = "ansible.task"
OUTCOMES: Final = frozenset({"succeeded", "failed", "unreachable", "unknown"})


def words_of(result: Any) -> list[Word]:  # noqa: ANN401 -- decoded JSON of any shape
    """Every word that a run's facts speak; what is not of the expected shape says nothing."""
    playbooks = result.get("playbooks") if isinstance(result, Mapping) else None
    partial = isinstance(result, Mapping) and _is_partial(result)
    words: list[Word] = []
    for playbook in playbooks if isinstance(playbooks, Sequence) else ():
        path = playbook.get("path") if isinstance(playbook, Mapping) else None
        if isinstance(path, str) and path and SUBJECT_SEPARATOR not in path:
            checks: dict[str, bool | None] = {}
            words.extend(_host_words(scope_of(path), playbook.get("hosts"), checks, partial=partial))
            words.extend(_task_words(scope_of(path), playbook.get("tasks"), checks))
    return words


def _is_partial(result: Mapping[str, Any]) -> bool:
    """Whether tasks were left out on request: by the callback's word, else by the command line's."""
    tags = result.get("tags")
    some = isinstance(tags, Sequence) and bool(tags) and "all" not in tags
    return result.get("partial") is True or some or bool(result.get("skipTags"))


def _host_words(
    scope: str,
    hosts: Any,  # noqa: ANN401 -- decoded JSON
    checks: dict[str, bool | None],
    *,
    partial: bool,
) -> Iterator[Word]:
    """One word a host; `checks` is filled with whether the host's run was a check run."""
    for name, host in hosts.items() if isinstance(hosts, Mapping) else ():
        if not _is_subject(name) or not isinstance(host, Mapping):
            continue
        outcome, check = host.get("outcome"), host.get("check")
        if outcome not in OUTCOMES or not (check is None or isinstance(check, bool)):
            continue
        checks[name] = check
        yield Word(
            HOST,
            scope,
            name,
            {
                "outcome": outcome,
                "failed": outcome == "failed",
                "unreachable": outcome == "unreachable",
                "changed": _positive(host.get("changed")),
                "check": check,
            }
            | ({"partial": True} if partial else {}),
        )


def _task_words(scope: str, tasks: Any, checks: Mapping[str, bool | None]) -> Iterator[Word]:  # noqa: ANN401 -- decoded JSON
    """One word for each name of a task and host: the worst result where several tasks go by that name."""
    worst: dict[tuple[str, str], int] = {}
    for task in tasks if isinstance(tasks, Sequence) else ():
        if not isinstance(task, Mapping):
            continue
        path, name, action = (_text(task.get(member)) for member in ("path", "name", "action"))
        results = task.get("results")
        for severity, result in enumerate(WORST_FIRST):
            hosts = results.get(result) if isinstance(results, Mapping) else None
            for host in hosts if isinstance(hosts, Sequence) and not isinstance(hosts, str) else ():
                if result == "skipped" or not isinstance(host, str) or host not in checks:
                    continue
                for alias in task_aliases(path, name, action):
                    subject = (alias, host)
                    worst[subject] = min(severity, worst.get(subject, severity))
    for (alias, host), severity in worst.items():
        yield Word(
            TASK,
            scope,
            f"{alias}{SUBJECT_SEPARATOR}{host}",
            {"result": WORST_FIRST[severity], "check": checks[host]},
        )


def _is_subject(name: Any) -> bool:  # noqa: ANN401 -- decoded JSON
    return isinstance(name, str) and bool(name) and SUBJECT_SEPARATOR not in name


def _text(value: Any) -> str:  # noqa: ANN401 -- decoded JSON
    return value if isinstance(value, str) and SUBJECT_SEPARATOR not in value else ""


def _positive(value: Any) -> bool:  # noqa: ANN401 -- decoded JSON
    return isinstance(value, int) and value > 0
