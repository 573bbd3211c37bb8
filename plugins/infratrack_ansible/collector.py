"""Follows one ansible-playbook: adds our callback for that child only, and reads afterwards what it wrote."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from infratrack.api import Collected, CommandContext, CommandEnd, Instant, Watch, format_instant
from infratrack_ansible.command_line import PlaybookCommand, arguments_of, parse_arguments, secrets_in
from infratrack_ansible.configuration import VARIABLE, callback_path
from infratrack_ansible.events import RunFacts, decode_lines
from infratrack_ansible.evidence import ANSIBLE_RUN
from infratrack_ansible.files import CALLBACK_FOLDER, find_ansible_cfg, home, read_lines
from infratrack_ansible.playbook_paths import name_of, project_folder

EVENT_FILE_VARIABLE: Final = "INFRATRACK_ANSIBLE_EVENTS"
EVENT_FILE: Final = "ansible-events.jsonl"
DROPPED: Final = ("task results", "task arguments", "loop items", "diffs", "host facts", "templated names")


class AnsibleCollector:
    """`ansible-playbook`: by name, by its full path, or as `python -m ansible playbook`."""

    name: Final = "ansible"

    def recognises(self, argv: Sequence[str]) -> bool:
        """Whether this plays something; a syntax check, a listing or help does not and stays a plain command."""
        arguments = arguments_of(argv)
        return arguments is not None and not parse_arguments(arguments).lists_only

    def begin(self, context: CommandContext) -> Watch:
        """Make the event file and the two variables for the child."""
        events = context.scratch / EVENT_FILE
        os.close(os.open(events, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        environment = callback_environment(events, context.environment, context.cwd)
        return AnsibleWatch(context, events, environment)


class AnsibleWatch:
    """One ansible-playbook that is being followed."""

    def __init__(self, context: CommandContext, events: Path, environment: Mapping[str, str]) -> None:
        self.environment: Mapping[str, str] = environment
        self._events = events
        self._command = parse_arguments(arguments_of(context.argv) or ())
        self._folder = project_folder(str(context.cwd), context.scope_folder)
        cwd = str(context.cwd)
        playbooks = [name_of(posixpath.join(cwd, path), self._folder) for path in self._command.playbooks]
        self.unseen: Collected | None = unseen_run(playbooks, self._command)

    def finish(self, end: CommandEnd) -> Collected:
        """The facts that the callback wrote; without any, what is missing and why."""
        run = RunFacts(lambda path: name_of(path, self._folder))
        for event in decode_lines(read_lines(self._events)):
            run.feed(event)
        return collected(run, self._command)


def callback_environment(events: Path, environment: Mapping[str, str], cwd: Path) -> dict[str, str]:
    """The variables that make the child's Ansible load our callback beside everything that the user has."""
    path = callback_path(str(CALLBACK_FOLDER), environment, find_ansible_cfg(environment, cwd), str(home(environment)))
    return {VARIABLE: path, EVENT_FILE_VARIABLE: str(events)}


def collected(run: RunFacts, command: PlaybookCommand, *, secrets: frozenset[str] = frozenset()) -> Collected:
    """The evidence of a run that our callback followed."""
    facts: dict[str, Any] = {"source": "callback", **run.facts(), **span_of(run), **_given(command)}
    version = facts.get("ansibleVersion")
    missing = {}
    if version is None:
        missing["playbooks"] = "Ansible ended, or ran without our callback, before it told anything"
    elif not run.started:
        missing["playbooks"] = "Ansible ended before it started a playbook"
    elif not run.complete:
        missing["hosts"] = "the run ended before its closing statistics: what came of its hosts is not known"
    return Collected(
        predicate_type=ANSIBLE_RUN,
        result=facts,
        tool="ansible",
        tool_version=version,
        secrets=secrets | secrets_in(command.extra_vars),
        missing=missing,
        dropped=DROPPED,
    )


def unseen_run(
    playbooks: Sequence[str], command: PlaybookCommand, *, secrets: frozenset[str] = frozenset()
) -> Collected:
    """The evidence of a run whose end nobody will see. It names no host: which ones it reached is not known."""
    facts: dict[str, Any] = {
        "source": "callback",
        "checkMode": None,
        "diffMode": False,
        **_given(command),
        "playbooks": [
            {"path": path, "complete": False, "changed": False, "hosts": {}, "tasks": []} for path in playbooks
        ],
    }
    return Collected(ANSIBLE_RUN, facts, tool="ansible", secrets=secrets | secrets_in(command.extra_vars))


def _given(command: PlaybookCommand) -> dict[str, Any]:
    """What the command line says of where and what it plays."""
    given = {
        "inventory": list(command.inventories),
        "limit": command.limit,
        "tags": list(command.tags),
        "skipTags": list(command.skip_tags),
    }
    return {member: value for member, value in given.items() if value}


def span_of(run: RunFacts) -> dict[str, str]:
    """When the first and the last event happened, RFC 3339; empty without events."""
    if run.span is None:
        return {}
    first, last = (format_instant(Instant(round(seconds * 1_000_000))) for seconds in run.span)
    return {"startedAt": first, "finishedAt": last}
