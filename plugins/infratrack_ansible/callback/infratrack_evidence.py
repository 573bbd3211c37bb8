"""Ansible callback: writes what happened, host by host and task by task, as JSON lines. Loaded by Ansible itself.

It runs inside somebody's own `ansible-playbook`, perhaps under another Python (3.9 or newer) with another ansible-core
(2.14 or newer), so: one file, the standard library and Ansible's stable callback interface only. It never raises,
never prints, and leaves every other callback as it is. What it writes is an allow-list: no task result ever leaves
this file, only whether there was a change, the return code and how long it took. Task names are taken as written in
the playbook, because a name that went through the templating can hold a secret.

The file to write to is named by the environment variable INFRATRACK_ANSIBLE_EVENTS; without it nothing is written.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
from typing import TYPE_CHECKING

from ansible import __version__ as ansible_version
from ansible import context
from ansible.plugins.callback import CallbackBase

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Concatenate, ParamSpec

    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import TaskResult
    from ansible.inventory.host import Host
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task

    Parameters = ParamSpec("Parameters")

DOCUMENTATION = """
    name: infratrack_evidence
    type: notification
    short_description: Writes what happened on which host to a file, without any task result
    description:
      - Writes one JSON line for each event to the file named by INFRATRACK_ANSIBLE_EVENTS.
"""

EVENT_FILE = "INFRATRACK_ANSIBLE_EVENTS"
FORMAT = 1
COUNTS = ("ok", "changed", "failures", "unreachable", "skipped", "rescued", "ignored")


def quietly(
    method: Callable[Concatenate[CallbackModule, Parameters], None],
) -> Callable[Concatenate[CallbackModule, Parameters], None]:
    """Make a callback method that never raises: after a first failure nothing more is written.

    A file without the closing statistics is read as "the outcome is not known", so silence cannot look like success.
    """

    @functools.wraps(method)
    def guarded(module: CallbackModule, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            method(module, *args, **kwargs)
        except Exception:  # noqa: BLE001 -- a fault of ours must not disturb somebody's run
            module.disabled = True

    return guarded


def _is_partial(arguments: Mapping[str, Any]) -> bool:
    """Whether the run leaves tasks out on request; configuration and environment are in the arguments already."""
    tags = arguments.get("tags") or ("all",)
    return "all" not in tags or bool(arguments.get("skip_tags")) or bool(arguments.get("start_at_task"))


class CallbackModule(CallbackBase):  # type: ignore[misc]  # Ansible ships no types
    """Appends allow-listed facts to the event file; disabled when there is none."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "infratrack_evidence"
    CALLBACK_NEEDS_ENABLED = False

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self._file = -1
        self._counter = 0
        self._check = False
        self._play: Play | None = None
        self._described: set[str] = set()
        self._started: dict[tuple[str, str], float] = {}
        # Taken out of the environment, so that an ansible-playbook started by a task does not write here as well.
        path = os.environ.pop(EVENT_FILE, "")
        if not path:
            self.disabled = True
            return
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
            arguments = context.CLIARGS
            self._check = bool(arguments.get("check", False))
            self._write(
                "start",
                v=FORMAT,
                ansible=str(ansible_version),
                check=self._check,
                diff=bool(arguments.get("diff")),
                partial=_is_partial(arguments),
            )
        except Exception:  # noqa: BLE001 -- a fault of ours must not disturb somebody's run
            self.disabled = True

    def _write(self, event: str, **facts: object) -> None:
        """Append one line. One write each, so that a killed run leaves everything up to that moment."""
        facts["event"] = event
        facts["counter"] = self._counter
        facts["created"] = round(time.time(), 6)  # noqa: TID251 -- another process: this is the clock's edge
        self._counter += 1
        os.write(self._file, json.dumps(facts, separators=(",", ":")).encode("utf-8", "replace") + b"\n")

    def _describe(self, task: Task, *, handler: bool = False) -> str:
        """Write once what a task is: where it stands, which action it resolves to, its name as written."""
        uuid = str(task._uuid)  # noqa: SLF001 -- Ansible offers no other name for it
        if uuid in self._described:
            return uuid
        self._described.add(uuid)
        facts: dict[str, object] = {"uuid": uuid, "task_path": str(task.get_path() or "")}
        action = task.action if isinstance(task.action, str) else ""
        if "{{" not in action and "{%" not in action:  # asking a templated action what it resolves to prints a warning
            facts["resolved_action"] = str(getattr(task, "resolved_action", None) or action)
        source = task.get_ds()
        name = source.get("name") if isinstance(source, dict) else None
        if isinstance(name, str):
            facts["name"] = str(name)
        if handler:
            facts["handler"] = True
        self._write("playbook_on_task_start", **facts)
        return uuid

    def _result(self, event: str, result: TaskResult, **facts: object) -> None:
        """Write how a task ended on a host: flags, return code and duration, nothing of the result itself."""
        modern = hasattr(result, "task")  # ansible-core 2.19 made task and host public
        task = result.task if modern else result._task  # noqa: SLF001 -- the only name before 2.19
        host = (result.host if modern else result._host).get_name()  # noqa: SLF001 -- likewise
        uuid = self._describe(task)
        begun = self._started.pop((host, uuid), None)
        if begun is not None:
            facts["duration"] = round(time.monotonic() - begun, 3)
        if result.is_changed():
            facts["changed"] = True
        content = getattr(result, "_return_data", None)  # the content without another deep copy, where there is one
        if content is None:
            content = result._result  # noqa: SLF001 -- its name before 2.19
        code = content.get("rc")
        if isinstance(code, int) and not isinstance(code, bool):
            facts["rc"] = int(code)
        if task.async_val and str(task.poll) == "0":
            facts["launched"] = True  # started in the background: its end is not known
        check = task.check_mode
        if isinstance(check, bool) and check != self._check:
            facts["check"] = check
        self._write(event, uuid=uuid, host=str(host), **facts)

    def _close_play(self) -> None:
        """Write which hosts left the play early: the recap counts a host that was cut off as if all were well."""
        play, self._play = self._play, None
        removed = sorted({str(host) for host in getattr(play, "_removed_hosts", ())})
        if removed:
            self._write("play_end", removed=removed)

    @quietly
    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        """Which playbook, and how many plays it has."""
        path = os.path.abspath(str(playbook._file_name))  # noqa: PTH100, SLF001 -- as Ansible resolves it
        self._write("playbook_on_start", playbook=path, plays=len(playbook.get_plays()))

    @quietly
    def v2_playbook_on_play_start(self, play: Play) -> None:
        """A play, or one batch of it."""
        self._close_play()
        self._play = play
        hosts = None
        with contextlib.suppress(Exception):  # a fact less, not a run less
            hosts = len(play.get_variable_manager()._inventory.hosts)  # noqa: SLF001 -- Ansible offers no other name
        uuid = str(play._uuid).split("_")[0]  # noqa: SLF001 -- likewise; ansible-runner adds a suffix
        self._write("playbook_on_play_start", uuid=uuid, inventory_hosts=hosts)

    @quietly
    def v2_playbook_on_task_start(self, task: Task, is_conditional: object) -> None:
        """What the task is."""
        self._describe(task)

    @quietly
    def v2_playbook_on_handler_task_start(self, task: Task) -> None:
        """What the handler is."""
        self._describe(task, handler=True)

    @quietly
    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        """A task starts on a host: what is lost, if this is the last that is heard of it."""
        uuid = self._describe(task)
        self._started[(host.get_name(), uuid)] = time.monotonic()
        self._write("runner_on_start", uuid=uuid, host=host.get_name())

    @quietly
    def v2_runner_on_ok(self, result: TaskResult) -> None:
        """Ended well on a host."""
        self._result("runner_on_ok", result)

    @quietly
    def v2_runner_on_failed(self, result: TaskResult, ignore_errors: object = None) -> None:
        """Failed on a host."""
        self._result("runner_on_failed", result, **({"ignored": True} if ignore_errors else {}))

    @quietly
    def v2_runner_on_skipped(self, result: TaskResult) -> None:
        """Skipped on a host."""
        self._result("runner_on_skipped", result)

    @quietly
    def v2_runner_on_unreachable(self, result: TaskResult) -> None:
        """The host could not be reached."""
        self._result("runner_on_unreachable", result)

    @quietly
    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """Ansible's own counts, which mark the end of a playbook."""
        self._close_play()
        hosts = {}
        for host in stats.processed:
            counts = stats.summarize(host)
            hosts[str(host)] = {name: int(counts.get(name, 0)) for name in COUNTS}
        self._write("playbook_on_stats", stats=hosts)
