"""Event lines to facts: what happened per playbook, host and task. Pure.

The events are those of our callback (see `callback/infratrack_evidence.py`); other sources are brought into the same
form first. Everything read here is hostile: what is not of the expected type is passed over. Absence is never success:
a playbook without its closing statistics leaves every host that it started `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Literal

import msgspec

HostOutcome = Literal["succeeded", "failed", "unreachable", "unknown"]
TaskResult = Literal["unreachable", "failed", "unknown", "launched", "ignored", "changed", "ok", "skipped"]

LONGEST_TEXT: Final = 4_096
LONGEST_HOST: Final = 512
MOST_PLAYBOOKS: Final = 1_000
MOST_HOSTS: Final = 200_000
COUNTS: Final = ("ok", "changed", "failed", "unreachable", "skipped", "rescued", "ignored")
WORST_FIRST: Final[tuple[TaskResult, ...]] = (
    "unreachable", "failed", "unknown", "launched", "ignored", "changed", "ok", "skipped",
)  # fmt: skip
"""A task that ran more than once on a host (a loop of includes, a role used twice) is told by its worst result."""

_SEVERITY: Final = {result: number for number, result in enumerate(WORST_FIRST)}
_STATISTICS: Final = {"failures": "failed", "dark": "unreachable"}
"""Ansible's own names for two of the counts."""


class TaskKey(msgspec.Struct, frozen=True):
    """What a task is: where it stands (`path:line`), its name as written, the action it resolves to."""

    path: str
    name: str
    action: str


class _Playbook:
    """What is known of one playbook of a run, while events come in."""

    def __init__(self, path: str, plays: int | None) -> None:
        self.path = path
        self.plays = plays
        self.plays_begun: set[str] = set()
        self.tasks: dict[TaskKey, dict[str, TaskResult]] = {}
        self.open: dict[tuple[str, str], TaskKey] = {}
        self.codes: dict[TaskKey, dict[str, int]] = {}
        self.durations: dict[TaskKey, float] = {}
        self.handlers: set[TaskKey] = set()
        self.hosts: dict[str, None] = {}
        self.really: set[str] = set()
        self.checked: set[str] = set()
        self.removed: set[str] = set()
        self.last_step: dict[str, int] = {}
        self.failed_at = -1
        self.counts: dict[str, dict[str, int]] | None = None


class RunFacts:
    """Takes events in their order; `facts` tells what they say. Events of several runs may follow each other."""

    def __init__(self, folder_name: Callable[[str], str], *, knows_removed: bool = True) -> None:
        """`folder_name` names a file; `knows_removed`: the events say which hosts were cut off (our callback does)."""
        self._name_of = folder_name
        self._knows_removed = knows_removed
        self._playbooks: list[_Playbook] = []
        self._tasks: dict[str, tuple[TaskKey, int]] = {}
        self._counted: dict[str, dict[str, int]] = {}
        self._run: dict[str, Any] = {}
        self._inventory_hosts: int | None = None
        self._first: float | None = None
        self._last: float | None = None

    def feed(self, event: Any) -> None:  # noqa: ANN401 -- decoded JSON of any shape
        """Take one event; anything that is not one is passed over."""
        if not isinstance(event, Mapping):
            return
        kind = event.get("event")
        created = event.get("created")
        if isinstance(created, int | float) and not isinstance(created, bool) and 0 < created < 1e11:  # noqa: PLR2004
            self._first = created if self._first is None else self._first
            self._last = created
        if kind == "start":
            self._run = {
                "ansibleVersion": _text(event.get("ansible"), 64),
                "checkMode": event.get("check") if isinstance(event.get("check"), bool) else None,
                "diffMode": event.get("diff") is True,
            } | ({"partial": True} if event.get("partial") is True or self._run.get("partial") else {})
            self._counted = {}
            self._tasks = {}
        elif kind == "playbook_on_start":
            self._begin_playbook(event)
        elif self._playbooks:
            self._feed_playbook(self._playbooks[-1], str(kind), event)

    def _begin_playbook(self, event: Mapping[str, Any]) -> None:
        path = _text(event.get("playbook"))
        if path and len(self._playbooks) < MOST_PLAYBOOKS:
            self._playbooks.append(_Playbook(self._name_of(path), _count(event.get("plays"))))

    def _feed_playbook(self, playbook: _Playbook, kind: str, event: Mapping[str, Any]) -> None:
        if kind == "playbook_on_play_start":
            playbook.plays_begun.add(_text(event.get("uuid")))
            hosts = _count(event.get("inventory_hosts"))
            self._inventory_hosts = self._inventory_hosts if hosts is None else hosts
        elif kind == "playbook_on_task_start":
            self._describe(playbook, event)
        elif kind == "play_end":
            removed = event.get("removed")
            playbook.removed.update(map(_host, removed if isinstance(removed, list) else ()))
        elif kind == "playbook_on_stats":
            self._close(playbook, event.get("stats"))
        elif kind.startswith("runner_on_"):
            self._result(playbook, kind.removeprefix("runner_on_"), event)

    def _describe(self, playbook: _Playbook, event: Mapping[str, Any]) -> None:
        path = _text(event.get("task_path"))
        key = TaskKey(
            path=self._name_of(path) if path else "",
            name=_text(event.get("name")),
            action=_text(event.get("resolved_action")),
        )
        uuid = _text(event.get("uuid"))
        if uuid not in self._tasks:
            self._tasks[uuid] = (key, len(self._tasks))
        if event.get("handler") is True:
            playbook.handlers.add(key)

    def _result(self, playbook: _Playbook, kind: str, event: Mapping[str, Any]) -> None:
        host = _host(event.get("host"))
        key, step = self._tasks.get(_text(event.get("uuid")), (None, 0))
        if not host or key is None or (host not in playbook.hosts and len(playbook.hosts) >= MOST_HOSTS):
            return
        playbook.hosts[host] = None
        if kind == "start":
            playbook.open[(host, _text(event.get("uuid")))] = key
            return
        result = _task_result(kind, event)
        if result is None:
            return
        playbook.open.pop((host, _text(event.get("uuid"))), None)
        playbook.last_step[host] = max(step, playbook.last_step.get(host, -1))
        if result in ("failed", "unreachable"):
            playbook.failed_at = max(playbook.failed_at, step)
        check = event.get("check")
        check = check if isinstance(check, bool) else self._run.get("checkMode")
        if check is not None:
            (playbook.checked if check else playbook.really).add(host)
        _keep_worst(playbook.tasks.setdefault(key, {}), host, result)
        code = event.get("rc")
        if isinstance(code, int) and not isinstance(code, bool) and code:
            playbook.codes.setdefault(key, {})[host] = code
        duration = event.get("duration")
        if isinstance(duration, int | float) and not isinstance(duration, bool) and 0 <= duration < 1e9:  # noqa: PLR2004
            playbook.durations[key] = max(duration, playbook.durations.get(key, 0.0))

    def _close(self, playbook: _Playbook, statistics: Any) -> None:  # noqa: ANN401 -- decoded JSON of any shape
        """The closing statistics; Ansible counts on from playbook to playbook of one command: take the difference."""
        if not isinstance(statistics, Mapping):
            return
        counts: dict[str, dict[str, int]] = {}
        for name, found in statistics.items():
            host = _host(name)
            if not host or not isinstance(found, Mapping) or len(counts) >= MOST_HOSTS:
                continue
            total = dict.fromkeys(COUNTS, 0)
            for count, value in found.items():
                plain = _STATISTICS.get(count, count)
                if plain in total:
                    total[plain] = _count(value) or 0
            before = self._counted.get(host, {})
            counts[host] = {count: max(0, total[count] - before.get(count, 0)) for count in COUNTS}
            self._counted[host] = total
        playbook.counts = {host: own for host, own in counts.items() if host in playbook.hosts or any(own.values())}

    @property
    def started(self) -> bool:
        """Whether Ansible got as far as starting a playbook."""
        return bool(self._playbooks)

    @property
    def complete(self) -> bool:
        """Whether every playbook that started reached its closing statistics."""
        return all(playbook.counts is not None for playbook in self._playbooks)

    @property
    def span(self) -> tuple[float, float] | None:
        """When the first and the last event were made, seconds since 1970 UTC; None without events."""
        return None if self._first is None or self._last is None else (self._first, self._last)

    def facts(self) -> dict[str, Any]:
        """Everything that the events say, JSON-able; see `evidence.RESULT_SCHEMA`."""
        told: dict[str, Any] = {
            "checkMode": self._run.get("checkMode"),
            "diffMode": self._run.get("diffMode", False),
            "playbooks": [
                _playbook_facts(playbook, self._run.get("checkMode"), self._knows_removed)
                for playbook in self._playbooks
            ],
        }
        if self._run.get("ansibleVersion"):
            told["ansibleVersion"] = self._run["ansibleVersion"]
        if self._run.get("partial"):
            told["partial"] = True
        if self._inventory_hosts is not None:
            told["inventoryHosts"] = self._inventory_hosts
        return told


def decode_lines(lines: Iterable[bytes]) -> Iterable[Any]:
    """Decode event lines; a half-written or damaged line (the writer was killed) is passed over."""
    for line in lines:
        try:
            yield msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue


def _task_result(kind: str, event: Mapping[str, Any]) -> TaskResult | None:
    if kind == "ok":
        if event.get("launched") is True:
            return "launched"
        return "changed" if event.get("changed") is True else "ok"
    if kind == "failed":
        return "ignored" if event.get("ignored") is True else "failed"
    if kind == "skipped":
        return "skipped"
    return "unreachable" if kind == "unreachable" else None


def _playbook_facts(playbook: _Playbook, check_mode: bool | None, knows_removed: bool) -> dict[str, Any]:  # noqa: FBT001 -- private
    counts = playbook.counts
    complete = counts is not None
    if not complete:
        for (host, _uuid), key in playbook.open.items():
            _keep_worst(playbook.tasks.setdefault(key, {}), host, "unknown")
    cut_off = set() if counts is None else _cut_off(playbook, counts, knows_removed)
    hosts: dict[str, Any] = {}
    for host in sorted({*playbook.hosts, *(counts or {})}):
        own = None if counts is None else counts.get(host)
        hosts[host] = {
            "outcome": "unknown" if own is None or host in cut_off else _outcome(own),
            "check": False if host in playbook.really else True if host in playbook.checked else check_mode,
            **(own if own is not None else _seen(playbook, host)),
        }
    return {
        "path": playbook.path,
        "complete": complete,
        "changed": any(host["changed"] for host in hosts.values()),
        "hosts": hosts,
        "tasks": [_task_facts(playbook, key, results) for key, results in playbook.tasks.items()],
    }


def _cut_off(playbook: _Playbook, counts: Mapping[str, Mapping[str, int]], knows_removed: bool) -> set[str]:  # noqa: FBT001 -- private
    """Hosts that look fine in the recap but on which the playbook was not played to its end.

    `any_errors_fatal`, `max_fail_percentage`, a failed `run_once` task and a batch in which every host failed all stop
    hosts that did nothing wrong. Without a failure anywhere a host that left early did so on purpose (`end_host`).
    """
    bad = {host for host, own in counts.items() if own["failed"] or own["unreachable"]}
    if not bad:
        return set()
    fine = set(counts) - bad
    if playbook.plays is not None and len(playbook.plays_begun) < playbook.plays:
        return fine
    if knows_removed:
        return fine & playbook.removed
    return {host for host in fine if playbook.last_step.get(host, -1) <= playbook.failed_at}


def _keep_worst(results: dict[str, TaskResult], host: str, result: TaskResult) -> None:
    if host not in results or _SEVERITY[result] < _SEVERITY[results[host]]:
        results[host] = result


def _outcome(counts: Mapping[str, int]) -> HostOutcome:
    if counts["unreachable"]:
        return "unreachable"
    return "failed" if counts["failed"] else "succeeded"


def _seen(playbook: _Playbook, host: str) -> dict[str, int]:
    """Counts from the results that were seen, for a run that did not reach its statistics."""
    counts = dict.fromkeys(COUNTS, 0)
    for results in playbook.tasks.values():
        result = results.get(host)
        if result in ("changed", "launched"):
            counts["ok"] += 1
            counts["changed"] += 1
        elif result == "ignored":
            counts["ok"] += 1
            counts["ignored"] += 1
        elif result in counts:
            counts[result] += 1
    return counts


def _task_facts(playbook: _Playbook, key: TaskKey, results: Mapping[str, TaskResult]) -> dict[str, Any]:
    """One task: its hosts grouped by result, so that a thousand equal results cost one list."""
    grouped: dict[str, list[str]] = {}
    for host in sorted(results):
        grouped.setdefault(results[host], []).append(host)
    told: dict[str, Any] = {"path": key.path, "action": key.action, "results": grouped}
    if key.name:
        told["name"] = key.name
    if key in playbook.handlers:
        told["handler"] = True
    if key in playbook.codes:
        told["returnCodes"] = dict(sorted(playbook.codes[key].items()))
    if key in playbook.durations:
        told["seconds"] = round(playbook.durations[key], 3)
    return told


def _text(value: Any, longest: int = LONGEST_TEXT) -> str:  # noqa: ANN401 -- decoded JSON of any shape
    if not isinstance(value, str):
        return ""
    text = value[:longest]
    return text if text.isprintable() else "".join(sign if sign.isprintable() else " " for sign in text)


def _host(value: Any) -> str:  # noqa: ANN401 -- decoded JSON of any shape
    return _text(value, LONGEST_HOST)


def _count(value: Any) -> int | None:  # noqa: ANN401 -- decoded JSON of any shape
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else None
