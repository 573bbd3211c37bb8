"""The output of Ansible's `json` callback (`ansible.posix.json`), brought into our events. Pure.

The document is `{"plays": [{"tasks": [{"task": …, "hosts": {…}}]}], "stats": {…}}`; warnings and other lines before it
are passed over. It names a playbook only where newer versions give the plays' paths, and never says whether this was a
check run: that stays unknown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from infratrack_ansible.runner_artifacts import bare_name, result_facts

_BEGINNING: Final = re.compile(rb"^[ \t]*\{", re.MULTILINE)
_LINE: Final = re.compile(r":\d+$")
MOST_BEGINNINGS: Final = 20
"""How many lines that begin with a brace are tried as the document's beginning."""


def find_document(content: bytes) -> Mapping[str, Any] | None:
    """The document in an output that may have other lines around it; None where there is none."""
    for number, found in enumerate(_BEGINNING.finditer(content)):
        if number == MOST_BEGINNINGS:
            break
        end = content.rfind(b"}") + 1
        try:
            decoded = msgspec.json.decode(content[found.start() : end])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        if is_document(decoded):
            return decoded  # type: ignore[no-any-return]  # is_document has looked
    return None


def is_document(decoded: Any) -> bool:  # noqa: ANN401 -- decoded JSON of any shape
    """Whether decoded JSON has the shape of this callback's output."""
    return (
        isinstance(decoded, Mapping)
        and isinstance(decoded.get("plays"), list)
        and isinstance(decoded.get("stats"), Mapping)
        and all(isinstance(play, Mapping) and isinstance(play.get("tasks"), list) for play in decoded["plays"])
    )


def playbook_of(document: Mapping[str, Any]) -> str:
    """The playbook that all plays stand in; empty where the document does not tell (or several files are involved)."""
    paths = {_LINE.sub("", str(_member(play, "play").get("path") or "")) for play in document["plays"]}
    return paths.pop() if len(paths) == 1 else ""


def events_of(document: Mapping[str, Any], keep_name: Callable[[str], bool]) -> Iterator[dict[str, Any]]:
    """Our events, in the order of the document."""
    yield {"event": "start", "check": None}
    yield {"event": "playbook_on_start", "playbook": playbook_of(document) or "?"}
    for number, play in enumerate(document["plays"]):
        yield {"event": "playbook_on_play_start", "uuid": str(number)}
        for place, entry in enumerate(play["tasks"]):
            uuid = f"{number}.{place}"
            hosts = _member(entry, "hosts")
            task = _member(entry, "task")
            name = bare_name(task.get("name"))
            yield {
                "event": "playbook_on_task_start",
                "uuid": uuid,
                "task_path": task.get("path"),
                "resolved_action": _action(hosts),
                "name": name if keep_name(name) else None,
            }
            for host, result in hosts.items():
                yield _result(uuid, host, result)
    yield {"event": "playbook_on_stats", "stats": document["stats"]}


def _result(uuid: str, host: str, result: Any) -> dict[str, Any]:  # noqa: ANN401 -- decoded JSON of any shape
    told = result if isinstance(result, Mapping) else {}
    if told.get("unreachable") is True:
        kind = "runner_on_unreachable"
    elif told.get("failed") is True:
        kind = "runner_on_failed"
    else:
        kind = "runner_on_skipped" if told.get("skipped") is True else "runner_on_ok"
    return {"event": kind, "uuid": uuid, "host": host, **result_facts(told)}


def _action(hosts: Mapping[str, Any]) -> str:
    actions: Sequence[Any] = [_member(hosts, host).get("action") for host in hosts]
    return next((action for action in actions if isinstance(action, str)), "")


def _member(value: Any, name: str) -> Mapping[str, Any]:  # noqa: ANN401 -- decoded JSON of any shape
    member = value.get(name) if isinstance(value, Mapping) else None
    return member if isinstance(member, Mapping) else {}
