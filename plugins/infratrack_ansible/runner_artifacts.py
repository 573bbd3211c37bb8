"""The artifact folder that ansible-runner leaves (`job_events/*.json`, `rc`, `status`), brought into our events. Pure.

Only the allow-listed facts are read. `event_data.task` is a name after templating and may hold a secret: it is kept
only where a criterion of the project names exactly this task, for then it stands in Git anyway. Of the `command` file
only three answers are kept: the working folder, whether `--check` was given, whether tasks were left out (`--tags`).
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack.api import Outcome
from infratrack_ansible.command_line import arguments_of, parse_arguments

STATUS_OUTCOMES: Final[Mapping[str, Outcome]] = {
    "successful": "succeeded",
    "failed": "failed",
    "canceled": "indeterminate",  # only the process group was killed; workers may have gone on
    "timeout": "indeterminate",
}
_STATISTICS: Final = ("ok", "changed", "failures", "dark", "skipped", "rescued", "ignored")


class CommandFile(msgspec.Struct, frozen=True):
    """What is kept of the `command` file: where it started, whether it was a check run (None: not told) or partial."""

    folder: str = ""
    check: bool | None = None
    partial: bool = False


def read_command(content: bytes | None) -> CommandFile:
    """Read the `command` file; without a usable one, nothing is known."""
    try:
        decoded = msgspec.json.decode(content or b"null")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return CommandFile()
    if not isinstance(decoded, Mapping):
        return CommandFile()
    argv, folder = decoded.get("command"), decoded.get("cwd")
    arguments = None
    if isinstance(argv, list) and all(isinstance(part, str) for part in argv):
        arguments = arguments_of(argv)
    return CommandFile(
        folder=folder if isinstance(folder, str) else "",
        check=None if arguments is None else any(_is_check(part) for part in arguments),
        partial=_is_partial(arguments or ()),
    )


def events_of(
    event: Any,  # noqa: ANN401 -- decoded JSON of any shape
    command: CommandFile,
    keep_name: Callable[[str], bool],
    seen: set[str],
) -> list[dict[str, Any]]:
    """Our events for one of ansible-runner's. `seen` remembers the tasks that were described already."""
    if not isinstance(event, Mapping):
        return []
    kind, data = event.get("event"), event.get("event_data")
    data = data if isinstance(data, Mapping) else {}
    if kind == "playbook_on_start":
        playbook = data.get("playbook")
        path = posixpath.join(command.folder, playbook) if isinstance(playbook, str) else ""
        return [
            {"event": "start", "check": command.check, "partial": command.partial},
            {"event": kind, "playbook": path},
        ]
    if kind == "playbook_on_play_start":
        return [{"event": kind, "uuid": data.get("play_uuid")}]
    if kind == "playbook_on_stats":
        return [{"event": kind, "stats": _statistics(data)}]
    if not isinstance(kind, str) or not kind.startswith("runner_on_") or not isinstance(data.get("task_uuid"), str):
        return []
    uuid = data["task_uuid"].split("_")[0]
    events: list[dict[str, Any]] = []
    if uuid not in seen:
        seen.add(uuid)
        events.append(_description(uuid, data, keep_name))
    return [*events, _result(kind, uuid, data)]


def bare_name(name: Any) -> str:  # noqa: ANN401 -- decoded JSON of any shape
    """A task's name without the role in front (`web : Restart`)."""
    return name.rpartition(" : ")[2] if isinstance(name, str) else ""


def result_facts(result: Any) -> dict[str, Any]:  # noqa: ANN401 -- decoded JSON of any shape
    """What is kept of a task's result: whether it changed something, its return code, whether it still goes on."""
    if not isinstance(result, Mapping):
        return {}
    facts: dict[str, Any] = {"changed": result.get("changed") is True, "rc": result.get("rc")}
    if "ansible_job_id" in result and result.get("finished") in (0, False):
        facts["launched"] = True
    return facts


def _description(uuid: str, data: Mapping[str, Any], keep_name: Callable[[str], bool]) -> dict[str, Any]:
    name = bare_name(data.get("task"))
    described = {
        "event": "playbook_on_task_start",
        "uuid": uuid,
        "task_path": data.get("task_path"),
        "resolved_action": data.get("resolved_action") or data.get("task_action"),
    }
    return {**described, "name": name} if keep_name(name) else described


def _result(kind: str, uuid: str, data: Mapping[str, Any]) -> dict[str, Any]:
    facts = {"event": kind, "uuid": uuid, "host": data.get("host"), "duration": data.get("duration")}
    if data.get("ignore_errors") is True:
        facts["ignored"] = True
    return {**facts, **result_facts(data.get("res"))}


def _statistics(data: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Ansible-runner groups the recap by count; turn it into counts by host."""
    hosts: dict[str, dict[str, Any]] = {}
    for count in ("processed", *_STATISTICS):
        members = data.get(count)
        for host, number in members.items() if isinstance(members, Mapping) else ():
            own = hosts.setdefault(host, {})
            if count != "processed":
                own[count] = number
    return hosts


def _is_partial(arguments: Sequence[str]) -> bool:
    given = parse_arguments(arguments)
    some = bool(given.tags) and "all" not in given.tags
    return some or bool(given.skip_tags) or any(part.startswith("--start-at-task") for part in arguments)


def _is_check(argument: str) -> bool:
    joined_short = (
        argument[:1] == "-" and argument[:2] != "--" and argument[1:].isalpha() and set(argument[1:]) <= _FLAGS
    )
    return argument == "--check" or (joined_short and "C" in argument)


_FLAGS: Final = frozenset("vkKbJCD")
"""Short options without a value, which may be written as one (`-vC`)."""
