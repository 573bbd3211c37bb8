"""Live progress of a playbook: follows our callback's event file while ansible-runner waits for the playbook."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from infratrack_ansible.events import decode_lines

LONGEST_COMPLAINT: Final = 300
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
LARGEST_READ: Final = 1 << 22
_SAID: Final = {"runner_on_ok": "ok", "runner_on_failed": "failed", "runner_on_unreachable": "unreachable"}


class LiveEvents:
    """Tells a person, line by line, which task ended how on which host; nothing of any result or templated name."""

    def __init__(self, path: Path, report: Callable[[str], None], folder_name: Callable[[str], str]) -> None:
        self.path = path
        self._report = report
        self._name_of = folder_name
        self._offset = 0
        self._rest = b""
        self._started = False
        self._tasks: dict[str, str] = {}

    def handle(self, event: Any) -> bool:  # noqa: ANN401 -- whatever ansible-runner hands over
        """Ansible-runner's event handler: never raises, keeps nothing, and has nothing written to disk."""
        self.follow()
        if isinstance(event, dict):
            self._complain(event.get("stdout"))
            event.clear()
        return False

    def _complain(self, line: object) -> None:
        """Ansible's own first word about a playbook or inventory that it cannot start: results come only later."""
        if self._started or not isinstance(line, str):
            return
        plain = _COLOUR.sub("", line).strip()
        if plain.startswith(("ERROR", "[ERROR]")):
            with contextlib.suppress(Exception):
                self._report(plain[:LONGEST_COMPLAINT])

    def with_progress(self, canceled: Callable[[], bool]) -> Callable[[], bool]:
        """Ansible-runner's cancel callback, which it asks about once a second: also a moment to follow the events."""

        def ask() -> bool:
            self.follow()
            try:
                return bool(canceled())
            except Exception:  # noqa: BLE001 -- raising here would leave the playbook running with nobody watching
                return False

        return ask

    def follow(self) -> None:
        """Report what has been written since the last time. Never raises."""
        try:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                fresh = file.read(LARGEST_READ)
            self._offset += len(fresh)
            *lines, self._rest = (self._rest + fresh).split(b"\n")
            for event in decode_lines(lines):
                line = self._line(event) if isinstance(event, Mapping) else None
                if line:
                    self._report(line)
        except Exception:  # noqa: BLE001 -- ansible-runner breaks off, without rc and status, when a handler raises
            return

    def _line(self, event: Mapping[str, Any]) -> str | None:
        """`core-1: changed (ansible/site.yml:12)`."""
        kind, uuid = event.get("event"), str(event.get("uuid"))
        if kind == "playbook_on_start":
            self._started = True
            return f"playbook {self._name_of(str(event.get('playbook')))}"
        if kind == "playbook_on_task_start":
            self._tasks[uuid] = self._name_of(str(event.get("task_path")))
        if kind not in _SAID:
            return None
        said = "changed" if kind == "runner_on_ok" and event.get("changed") is True else _SAID[kind]
        return f"{event.get('host')}: {said} ({self._tasks.get(uuid, 'unknown task')})"
