"""The command line of ansible-playbook: whether it is one, whether it plays anything, and with what. Pure."""

from __future__ import annotations

import argparse
import posixpath
import re
from collections.abc import Sequence
from typing import Final, NoReturn

from msgspec import Struct

_PYTHON: Final = re.compile(r"python(3(\.\d+)?)?")
_SECRET_NAME: Final = re.compile(r"pass|secret|token|key|credential|auth|private|vault", re.IGNORECASE)
_ASSIGNMENT: Final = re.compile(r"""([\w.-]+)=("[^"]*"|'[^']*'|\S*)""")
SHORTEST_SECRET: Final = 6

_LISTINGS: Final = ("--syntax-check", "--list-hosts", "--list-tasks", "--list-tags", "--version", "-h", "--help")
_FLAGS: Final = (
    ("-v", "--verbose"), ("-k", "--ask-pass"), ("-K", "--ask-become-pass"), ("-b", "--become"),
    ("-J", "--ask-vault-password", "--ask-vault-pass"), ("--force-handlers",), ("--flush-cache",), ("--step",),
)  # fmt: skip
_VALUES: Final = (
    ("--private-key", "--key-file"), ("-u", "--user"), ("-c", "--connection"), ("-T", "--timeout"),
    ("--ssh-common-args",), ("--sftp-extra-args",), ("--scp-extra-args",), ("--ssh-extra-args",),
    ("--connection-password-file", "--conn-pass-file"), ("--become-method",), ("--become-user",),
    ("--become-password-file", "--become-pass-file"), ("--vault-id",), ("--vault-password-file", "--vault-pass-file"),
    ("-f", "--forks"), ("-M", "--module-path"), ("--start-at-task",),
)  # fmt: skip


class PlaybookCommand(Struct, frozen=True):
    """What an ansible-playbook command line asks for."""

    playbooks: tuple[str, ...] = ()
    inventories: tuple[str, ...] = ()
    limit: str | None = None
    tags: tuple[str, ...] = ()
    skip_tags: tuple[str, ...] = ()
    extra_vars: tuple[str, ...] = ()
    lists_only: bool = False
    """Help, a syntax check or a listing: nothing is played."""


class _Unclear(Exception):
    """The command line is not one that ansible-playbook would take."""


class _Parser(argparse.ArgumentParser):
    """Ansible's own option rules (abbreviations, joined short options), without printing or exiting."""

    def error(self, message: str) -> NoReturn:
        raise _Unclear


def arguments_of(argv: Sequence[str]) -> tuple[str, ...] | None:
    """What follows `ansible-playbook` (by name or full path) or `python -m ansible playbook`; None for others."""
    if not argv:
        return None
    program = posixpath.basename(argv[0])
    if program == "ansible-playbook":
        return tuple(argv[1:])
    if _PYTHON.fullmatch(program) and tuple(argv[1:4]) == ("-m", "ansible", "playbook"):
        return tuple(argv[4:])
    return None


def parse_arguments(arguments: Sequence[str]) -> PlaybookCommand:
    """Read the arguments; what ansible-playbook would refuse gives nothing but `lists_only`."""
    parser = _Parser(add_help=False)
    for listing in _LISTINGS:
        parser.add_argument(listing, dest="lists_only", action="store_true")
    for number, flags in enumerate(_FLAGS):
        parser.add_argument(*flags, dest=f"flag{number}", action="count")
    for number, options in enumerate(_VALUES):
        parser.add_argument(*options, dest=f"value{number}", action="append")
    parser.add_argument("-C", "--check", action="store_true")
    parser.add_argument("-D", "--diff", action="store_true")
    parser.add_argument("-i", "--inventory", "--inventory-file", action="append", default=[])
    parser.add_argument("-l", "--limit", dest="limit")
    parser.add_argument("-t", "--tags", action="append", default=[])
    parser.add_argument("--skip-tags", action="append", default=[])
    parser.add_argument("-e", "--extra-vars", action="append", default=[])
    parser.add_argument("playbooks", nargs="+")
    try:
        found = parser.parse_args(list(arguments))
    except (_Unclear, argparse.ArgumentError):
        return PlaybookCommand(lists_only=any(argument in _LISTINGS for argument in arguments))
    return PlaybookCommand(
        playbooks=tuple(found.playbooks),
        inventories=tuple(found.inventory),
        limit=found.limit,
        tags=_split(found.tags),
        skip_tags=_split(found.skip_tags),
        extra_vars=tuple(found.extra_vars),
        lists_only=found.lists_only,
    )


def secrets_in(extra_vars: Sequence[str]) -> frozenset[str]:
    """Values of `-e name=value` whose name sounds secret, 6 characters or more."""
    found = set()
    for text in extra_vars:
        for name, value in _ASSIGNMENT.findall(text):
            plain = value.strip("\"'")
            if _SECRET_NAME.search(name) and len(plain) >= SHORTEST_SECRET:
                found.add(plain)
    return frozenset(found)


def secret_values(name: str, value: object) -> frozenset[str]:
    """The texts of 6 characters or more in a variable whose name, or the name of a member, sounds secret."""
    if isinstance(value, dict):
        return frozenset().union(*(secret_values(f"{name}.{key}", member) for key, member in value.items()))
    if isinstance(value, list):
        return frozenset().union(*(secret_values(name, member) for member in value))
    secret = _SECRET_NAME.search(name) and isinstance(value, str) and len(value) >= SHORTEST_SECRET
    return frozenset({str(value)}) if secret else frozenset()


def _split(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(part.strip() for value in values for part in value.split(",") if part.strip())
