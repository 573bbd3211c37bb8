"""What `infratrack init` proposes for a folder with playbooks in it. Reads files; deciding is in pure functions."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from infratrack.api import Proposal

MOST_FILES: Final = 2_000
MOST_PROPOSALS: Final = 10
LARGEST_FILE: Final = 1 << 20
DEEPEST: Final = 4
_SKIPPED: Final = frozenset({"roles", "collections", "molecule", "group_vars", "host_vars", "node_modules", "venv"})
_INVENTORIES: Final = ("inventory.ini", "inventory.yml", "inventory.yaml", "hosts.ini", "hosts", "inventory", "inv.ini")
_NOT_IDENTIFIER: Final = re.compile(r"[^a-z0-9]+")


def propose(folder: Path) -> list[Proposal]:
    """A deliverable and a pipeline for each playbook found, in the order of their paths."""
    found = []
    for path in _candidates(folder):
        plays = plays_in(_read(path))
        if plays:
            found.append(proposal(path.relative_to(folder).as_posix(), plays, _inventory(path.parent, folder)))
        if len(found) == MOST_PROPOSALS:
            break
    return found


def plays_in(text: str) -> list[str]:
    """The host patterns of the plays in a YAML text; empty where it is no playbook."""
    if "hosts:" not in text:
        return []
    try:
        document = yaml.load(text, Loader=_TagBlindLoader)  # noqa: S506 -- derived from SafeLoader, makes plain values only
    except (yaml.YAMLError, ValueError, RecursionError):
        return []
    if not isinstance(document, list) or not all(isinstance(play, dict) for play in document):
        return []
    return [_pattern(play["hosts"]) for play in document if "hosts" in play]


def proposal(playbook: str, plays: Sequence[str], inventory: str | None) -> Proposal:
    """The proposal for one playbook."""
    identifier = (
        _NOT_IDENTIFIER.sub("-", playbook.lower().removesuffix(".yml").removesuffix(".yaml")).strip("-") or "playbook"
    )
    step: dict[str, Any] = {"playbook": playbook}
    if inventory:
        step["inventory"] = inventory
    count = f"{len(plays)} {'play' if len(plays) == 1 else 'plays'}"
    return Proposal(
        comment=f"{playbook} is an Ansible playbook with {count} for {', '.join(dict.fromkeys(plays))}",
        deliverable={
            "id": f"{identifier}-configured",
            "name": f"{playbook} applied",
            "done_when": {"all": [{"ansible.succeeded": {"playbook": playbook}}]},
        },
        pipeline={"id": identifier, "steps": [{"ansible.playbook": step}]},
    )


class _TagBlindLoader(yaml.SafeLoader):
    """Reads playbooks without knowing `!vault` and other tags: whatever carries one is None."""


_TagBlindLoader.add_multi_constructor("!", lambda _loader, _suffix, _node: None)


def _pattern(hosts: Any) -> str:  # noqa: ANN401 -- decoded YAML of any shape
    texts = hosts if isinstance(hosts, list) else [hosts]
    return ":".join(str(text)[:80] for text in texts)


def _candidates(folder: Path) -> Iterator[Path]:
    seen = 0
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(name for name in folders if name not in _SKIPPED and not name.startswith("."))
        if depth >= DEEPEST:
            folders.clear()
        for name in sorted(files):
            seen += 1
            if seen > MOST_FILES:
                return
            if name.endswith((".yml", ".yaml")):
                yield Path(place, name)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE + 1)
    except OSError:
        return ""
    return content.decode("utf-8", "replace") if len(content) <= LARGEST_FILE else ""


def _inventory(beside: Path, folder: Path) -> str | None:
    for place in dict.fromkeys((beside, folder)):
        for name in _INVENTORIES:
            if (place / name).exists():
                return (place / name).relative_to(folder).as_posix()
    return None
