"""What `infratrack init` proposes for Terraform configuration that it finds: reads `*.tf` files, runs nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infratrack.api import Proposal

_RESOURCE: Final = re.compile(r'^\s*resource\s+"([\w-]+)"\s+"([\w-]+)"', re.MULTILINE)
_ROOT_MARK: Final = re.compile(r'^\s*(?:terraform\s*\{|provider\s+"|module\s+")', re.MULTILINE)
_IDENTIFIER: Final = re.compile(r"[^A-Za-z0-9._-]+")
_SKIPPED: Final = frozenset({"node_modules", "venv", "__pycache__", "modules"})
_MOST_FOLDERS: Final = 20
_LARGEST_FILE: Final = 1 << 20
_DEEPEST: Final = 4


def proposals(folder: Path) -> list[Proposal]:
    """One deliverable and one pipeline for each folder that looks like a root module."""
    found: list[Proposal] = []
    for root, resources in _roots(folder):
        relative = root.relative_to(folder).as_posix()
        name = "infrastructure" if relative == "." else relative
        identifier = _IDENTIFIER.sub("-", name).strip("-._") or "infrastructure"
        where = {} if relative == "." else {"directory": relative}
        found.append(
            Proposal(
                comment=f"{'This folder' if relative == '.' else relative + '/'} holds Terraform configuration "
                f"with {resources} resource{'' if resources == 1 else 's'}",
                deliverable={
                    "id": identifier,
                    "name": f"Terraform in {relative} is applied" if where else "Terraform is applied",
                    "done_when": {
                        "all": [
                            {"terraform.applied": {"resources": "*", **where}},
                            {"terraform.converged": {**where, "within": "30d"}},
                        ]
                    },
                },
                pipeline={
                    "id": identifier,
                    "steps": [{name: {"directory": relative}} for name in ("terraform.plan", "terraform.apply")],
                    "deliverables": [identifier],
                },
            )
        )
    return found


def _roots(folder: Path) -> Iterator[tuple[Path, int]]:
    """Folders with Terraform resources that no other folder uses as a module, and how many resources each has."""
    left = _MOST_FOLDERS
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(
            name for name in folders if depth < _DEEPEST and not name.startswith(".") and name not in _SKIPPED
        )
        text = "\n".join(_text(Path(place) / name) for name in sorted(files) if name.endswith(".tf"))
        resources = len(_RESOURCE.findall(text))
        if resources or (text and _ROOT_MARK.search(text)):
            yield Path(place), resources
            left -= 1
        if not left:
            return


def _text(path: Path) -> str:
    try:
        return path.read_bytes()[:_LARGEST_FILE].decode(errors="replace") if path.is_file() else ""
    except OSError:
        return ""
