"""Events and facts for tests without Ansible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from infratrack.api import Word
from infratrack_ansible.events import RunFacts
from infratrack_ansible.evidence import AnsibleRun

TASK = "t1"


def start(*, check: bool | None = False) -> dict[str, Any]:
    return {"event": "start", "v": 1, "ansible": "2.19.14", "check": check, "diff": False, "created": 1e9}


def playbook(path: str = "/p/site.yml", plays: int | None = 1) -> dict[str, Any]:
    return {"event": "playbook_on_start", "playbook": path, "plays": plays}


def play(uuid: str = "p1") -> dict[str, Any]:
    return {"event": "playbook_on_play_start", "uuid": uuid, "inventory_hosts": 2}


def task(
    uuid: str = TASK, name: str = "Install", path: str = "/p/site.yml:4", action: str = "ansible.builtin.copy"
) -> dict[str, Any]:
    return {
        "event": "playbook_on_task_start", "uuid": uuid, "name": name, "task_path": path, "resolved_action": action,
    }  # fmt: skip


def result(kind: str, host: str, task_uuid: str = TASK, /, **facts: object) -> dict[str, Any]:
    return {"event": f"runner_on_{kind}", "uuid": task_uuid, "host": host, **facts}


def stats(**hosts: Mapping[str, int]) -> dict[str, Any]:
    return {"event": "playbook_on_stats", "stats": {name.replace("_", "-"): counts for name, counts in hosts.items()}}


def facts_of(events: Sequence[Any], *, knows_removed: bool = True) -> dict[str, Any]:
    run = RunFacts(lambda path: path.removeprefix("/p/"), knows_removed=knows_removed)
    for event in events:
        run.feed(event)
    return {"source": "callback", **run.facts()}


def whole_run(
    kind: str = "ok", *, check: bool | None = False, host: str = "core-1", path: str = "/p/site.yml", **facts: object
) -> list[Word]:
    """The words of a run with one task on one host."""
    counts = {
        "ok": {"ok": 1, "changed": int(bool(facts.get("changed")))},
        "failed": {"failures": 1},
        "unreachable": {"unreachable": 1},
        "skipped": {"skipped": 1},
        "start": {},
    }[kind]
    events = [start(check=check), playbook(path), play(), task(), result(kind, host, **facts)]
    if kind != "start":
        events.append({"event": "playbook_on_stats", "stats": {host: counts}})
    return list(AnsibleRun().words({"result": facts_of(events)}))


def partial_run(kind: str, told: Mapping[str, object]) -> list[Word]:
    """The words of a run with one task on one host, whose facts tell that tasks were left out."""
    counts = {"ok": {"ok": 1}, "failed": {"failures": 1}}[kind]
    first = start() | ({"partial": True} if told.get("partial") else {})
    facts = facts_of([first, playbook(), play(), task(), result(kind, "core-1"), stats(core_1=counts)])
    given = {member: value for member, value in told.items() if member != "partial"}
    return list(AnsibleRun().words({"result": facts | given}))
