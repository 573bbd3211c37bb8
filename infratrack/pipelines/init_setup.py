"""What a pipeline has to do: the roots, playbooks and looks of a project, as names that fit into any pipeline. Pure."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack.errors import InputError

DEFAULT_BRANCH: Final = "main"
_FOLDER: Final = re.compile(r"(?!-)[A-Za-z0-9._/-]{1,200}")
_WORD: Final = re.compile(r"[A-Za-z0-9._/=@,:+-]{1,200}")
_BRANCH: Final = re.compile(r"(?![-/.])[A-Za-z0-9._/-]{1,200}(?<![/.])")
_REQUIREMENT: Final = re.compile(r"[A-Za-z0-9._,=<>!~\[\]/+-]{0,200}")


class Setup(Struct, frozen=True):
    """What the pipeline of one project does. Every text in it stands in files and shells as it is, unquoted."""

    branch: str
    """The branch that is delivered."""
    project: str
    """The folder of the project file, relative to the repository; `.` for the repository itself."""
    roots: tuple[str, ...]
    """Folders of Terraform roots, relative to the project, in the order in which they are applied."""
    playbooks: tuple[str, ...]
    """Playbooks with their arguments, relative to the project."""
    looks: tuple[str, ...]
    """What to observe: arguments of `infratrack observe`."""
    requirement: str
    """What pip installs."""


class Work(Struct, frozen=True):
    """What somebody asked for, or what was found: roots, playbooks (with arguments) and looks."""

    roots: tuple[str, ...] = ()
    playbooks: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()


def work_of_steps(steps: Iterable[tuple[str, Mapping[str, Any]]]) -> Work:
    """The roots and playbooks of steps (type, parameters) such as a project's pipelines have, each once, in order.

    Every root is looked at afterwards: what changed behind Terraform's back is seen by that.
    """
    roots: dict[str, None] = {}
    playbooks: dict[str, None] = {}
    for kind, parameters in steps:
        if kind in {"terraform.plan", "terraform.apply"}:
            roots[str(parameters.get("directory", "."))] = None
        elif kind == "ansible.playbook":
            inventory = parameters.get("inventory")
            words = [str(parameters.get("playbook", "")), *(["-i", str(inventory)] if inventory else [])]
            playbooks[" ".join(words)] = None
    return Work(tuple(roots), tuple(playbooks), tuple(f"terraform {root}" for root in roots))


def setup_of(asked: Work, found: Work, *, branch: str, project: str, requirement: str) -> Setup:
    """The setup: what was asked for, and for what nobody asked, what was found.

    Raises InputError for a name that cannot stand in a pipeline as it is, and where there is nothing to do.
    """
    named = asked.roots or asked.playbooks
    roots = tuple(map(_folder, asked.roots if named else found.roots))
    playbooks = asked.playbooks if named else found.playbooks
    looks = asked.looks or tuple(f"terraform {root}" for root in roots)
    if not roots and not playbooks:
        raise InputError(
            "there is nothing to plan, apply or configure here",
            "name it: --terraform FOLDER, --playbook 'site.yml -i inventory.ini'",
        )
    if not _BRANCH.fullmatch(branch) or ".." in branch or "//" in branch:
        raise InputError(f"{branch[:80]!r} cannot be the branch", "name one of letters, digits, dots and dashes")
    if not _REQUIREMENT.fullmatch(requirement):
        raise InputError(f"{requirement[:80]!r} is nothing that pip installs", "write it like infratrack[all]==1.2")
    return Setup(
        branch=branch,
        project=_folder(project),
        roots=roots,
        playbooks=tuple(_words(playbook) for playbook in playbooks),
        looks=tuple(_words(look) for look in looks),
        requirement=requirement,
    )


def requirement_for(version: str, setup: Work) -> str:
    """What pip installs for this work: this very version, with what the forge, Terraform and Ansible need."""
    extras = [
        "forge",
        *(["terraform", "terraform-binary"] if setup.roots else []),
        *(["ansible"] if setup.playbooks else []),
        *(["netbox"] if any(look.split()[:1] == ["netbox"] for look in setup.looks) else []),
    ]
    return f"infratrack[{','.join(extras)}]=={version}"


def _folder(name: str) -> str:
    plain = name.removeprefix("./").rstrip("/") or "."
    if not _FOLDER.fullmatch(plain) or plain.startswith("/") or ".." in plain.split("/"):
        raise InputError(
            f"the folder {name[:80]!r} cannot stand in a pipeline as it is",
            "folders are relative to the project, of letters, digits, dots, dashes, underscores and slashes",
        )
    return plain


def _words(line: str) -> str:
    words: Sequence[str]
    try:
        words = shlex.split(line)
    except ValueError:
        words = ()
    if not words or words[0].startswith("-") or not all(_WORD.fullmatch(word) for word in words):
        raise InputError(
            f"{line[:80]!r} cannot stand in a pipeline as it is",
            "use letters, digits and . _ / = @ , : + - only; put what needs more into a file",
        )
    return " ".join(words)
