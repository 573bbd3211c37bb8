"""Ansible evidence: the shape of its facts and the line that sums them up. Pure.

`schemas/v1/evidence/ansible-run.schema.json` is this schema as a file; a test holds them together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from infratrack.api import Word
from infratrack_ansible.events import COUNTS, WORST_FIRST
from infratrack_ansible.words import words_of

ANSIBLE_RUN: Final = "urn:infratrack:evidence:ansible-run:v1"

_COUNT: Final = {"type": "integer", "minimum": 0}
_HOST: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "How a playbook ended on one host, with Ansible's own counts of that playbook.",
    "properties": {
        "outcome": {
            "description": "`unknown`: the run was killed, or the playbook was cut short on this host.",
            "enum": ["succeeded", "failed", "unreachable", "unknown"],
        },
        "check": {
            "description": "Whether everything on this host ran in check mode; null: the source does not say.",
            "type": ["boolean", "null"],
        },
        **dict.fromkeys(COUNTS, _COUNT),
    },
    "required": ["outcome", "check", *COUNTS],
    "additionalProperties": False,
}
_TASK: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "One task; its hosts grouped by result.",
    "properties": {
        "path": {"description": "File and line, relative to the project folder where inside it.", "type": "string"},
        "name": {"description": "The name as written in the file, before templating.", "type": "string"},
        "action": {"description": "The action's full name (`ansible.builtin.copy`).", "type": "string"},
        "handler": {"const": True},
        "results": {
            "description": "Result → host names. `launched`: started in the background, its end not seen.",
            "type": "object",
            "properties": {result: {"type": "array", "items": {"type": "string"}} for result in WORST_FIRST},
            "additionalProperties": False,
        },
        "returnCodes": {
            "description": "Host → return code, where it was not 0.",
            "type": "object",
            "additionalProperties": {"type": "integer"},
        },
        "seconds": {"description": "The longest time that it took on a host.", "type": "number", "minimum": 0},
    },
    "required": ["path", "action", "results"],
    "additionalProperties": False,
}
_TEXTS: Final = {"type": "array", "items": {"type": "string"}}
RESULT_SCHEMA: Final[Mapping[str, Any]] = {
    "description": "What an ansible-playbook run did, per playbook, host and task; nothing of any task's result.",
    "type": "object",
    "properties": {
        "source": {
            "description": "Where the facts come from.",
            "enum": ["callback", "runner-artifacts", "json-callback", "awx"],
        },
        "ansibleVersion": {"type": "string"},
        "checkMode": {
            "description": "Whether the run was given `--check`; null: the source does not say.",
            "type": ["boolean", "null"],
        },
        "diffMode": {"type": "boolean"},
        "partial": {
            "description": "The run left tasks out on request (`--tags`, `--skip-tags`, `--start-at-task`).",
            "const": True,
        },
        "inventory": {"description": "Inventories given on the command line, or the name of the job's.", **_TEXTS},
        "inventoryHosts": {"description": "How many hosts the inventory holds.", **_COUNT},
        "limit": {"type": "string"},
        "tags": _TEXTS,
        "skipTags": _TEXTS,
        "startedAt": {"description": "The first event, RFC 3339.", "type": "string"},
        "finishedAt": {"description": "The last event, RFC 3339.", "type": "string"},
        "job": {
            "description": "The job of AWX that it was.",
            "type": "object",
            "properties": {
                "server": {"description": "The server's address, without credentials.", "type": "string"},
                "id": {"type": "integer", "minimum": 1},
                "template": {"description": "The name of the job's template.", "type": "string"},
                "revision": {"description": "The commit of the playbooks.", "type": "string"},
            },
            "required": ["server", "id"],
            "additionalProperties": False,
        },
        "playbooks": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "path": {
                        "description": "Relative to the project folder where inside it; empty: not known.",
                        "type": "string",
                    },
                    "complete": {"description": "Whether it came to its closing statistics.", "type": "boolean"},
                    "changed": {"description": "Whether anything was changed on any host.", "type": "boolean"},
                    "hosts": {"type": "object", "additionalProperties": _HOST},
                    "tasks": {"type": "array", "items": _TASK},
                },
                "required": ["path", "complete", "changed", "hosts", "tasks"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["source", "checkMode", "diffMode", "playbooks"],
    "additionalProperties": False,
    "examples": [
        {
            "source": "callback",
            "ansibleVersion": "2.19.14",
            "checkMode": False,
            "diffMode": False,
            "inventoryHosts": 1,
            "playbooks": [
                {
                    "path": "ansible/site.yml",
                    "complete": True,
                    "changed": True,
                    "hosts": {
                        "core-1": {
                            "outcome": "succeeded", "check": False, "ok": 1, "changed": 1, "failed": 0,
                            "unreachable": 0, "skipped": 0, "rescued": 0, "ignored": 0,
                        },
                    },
                    "tasks": [
                        {
                            "path": "ansible/site.yml:4",
                            "name": "Write the banner",
                            "action": "ansible.builtin.copy",
                            "results": {"changed": ["core-1"]},
                            "seconds": 0.412,
                        },
                    ],
                },
            ],
        },
    ],
}  # fmt: skip


class AnsibleRun:
    """`urn:infratrack:evidence:ansible-run:v1`: words per host and per task of each playbook."""

    predicate_type: Final = ANSIBLE_RUN
    schema: Final = RESULT_SCHEMA

    def words(self, predicate: Mapping[str, Any]) -> Sequence[Word]:
        """What the run says about every host and task that it touched."""
        return words_of(predicate.get("result"))

    def summary(self, predicate: Mapping[str, Any]) -> str:
        """`site.yml: 2 hosts ok, 1 failed (check mode)`."""
        result = predicate.get("result")
        result = result if isinstance(result, Mapping) else {}
        parts = [*_playbook_summaries(result.get("playbooks"))] or ["ansible-playbook: no playbook was started"]
        return "; ".join(parts) + (" (check mode)" if result.get("checkMode") is True else "")


def _playbook_summaries(playbooks: Any) -> Iterator[str]:  # noqa: ANN401 -- decoded JSON of any shape
    for playbook in playbooks if isinstance(playbooks, Sequence) else ():
        if not isinstance(playbook, Mapping):
            continue
        hosts = playbook.get("hosts")
        outcomes: dict[str, int] = {}
        for host in hosts.values() if isinstance(hosts, Mapping) else ():
            outcome = str(host.get("outcome")) if isinstance(host, Mapping) else "unknown"
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        told = [
            f"{count} {'host' if count == 1 else 'hosts'} {'ok' if outcome == 'succeeded' else outcome}"
            for outcome, count in sorted(outcomes.items(), key=lambda item: _ORDER.get(item[0], len(_ORDER)))
        ]
        yield f"{playbook.get('path') or 'a playbook'}: {', '.join(told) or 'no hosts'}"


_ORDER: Final = {"succeeded": 0, "failed": 1, "unreachable": 2, "unknown": 3}
