"""The source `ansible.facts`: facts that Ansible gathered and left in files, as far as they are allowed by name.

Facts are full of what belongs nowhere else (environment, keys, mounts), so `allow` lists what may be used. The rest is
never decoded, and the file's bytes are dropped as soon as the allowed facts are taken.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from infratrack.api import InputError, Instant, SourceContext, SourceReading, format_instant, parse_duration
from infratrack_ansible.fact_files import FactFile, host_of, read_facts

HOSTS_AT_MOST: Final = 100_000
FILE_AT_MOST: Final = 1 << 25
_MICROSECOND_NANOSECONDS: Final = 1_000
_NAMED_AT_MOST: Final = 5
_NAMES: Final = {"type": "array", "minItems": 1, "maxItems": HOSTS_AT_MOST, "uniqueItems": True}


class FactsSource:
    """`ansible.facts`: one item a host, with `host` and the facts that `allow` names."""

    name: Final = "ansible.facts"
    schema: Final[Mapping[str, Any]] = {
        "title": "facts that Ansible left",
        "description": "Files of facts, one a host: a cache of the plugin jsonfile, or those of "
        "`ansible -m setup --tree`.",
        "type": "object",
        "properties": {
            "folder": {
                "title": "a folder inside the project folder",
                "description": "Folder with the files, relative to the project folder.",
                "type": "string",
                "minLength": 1,
                "examples": ["facts"],
            },
            "allow": {
                "description": "The facts that may be used; every other one is left unread.",
                **_NAMES,
                "items": {
                    "title": "the name of a fact",
                    "type": "string",
                    "pattern": "^(?!host$)[A-Za-z_][A-Za-z0-9_]*$",
                    "examples": ["ansible_hostname", "ansible_default_ipv4"],
                },
            },
            "hosts": {
                "description": "The hosts that there should be, and no others. Without it nobody knows whether one is "
                "missing, and nothing is deleted.",
                **_NAMES,
                "items": {"title": "a host's name in the inventory", "type": "string", "minLength": 1},
            },
            "max_age": {
                "title": "how old facts may be",
                "description": "Where some are older, nothing is deleted.",
                "type": "string",
                "minLength": 2,
                "pattern": "^([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$",
                "maxLength": 40,
                "examples": ["7d", "12h"],
            },
        },
        "required": ["folder", "allow"],
        "additionalProperties": False,
        "examples": [{"folder": "facts", "allow": ["ansible_hostname", "ansible_default_ipv4"], "max_age": "7d"}],
    }

    def read(self, context: SourceContext) -> SourceReading:
        """The hosts in the order of their names. InputError for a folder that is not there."""
        if context.name:
            raise InputError(f"there is no source {self.name}.{context.name[:80]}", f"write `each: {self.name}`")
        folder = _folder(context.folder, str(context.parameters["folder"]))
        files = _files(folder)
        wanted = context.parameters.get("hosts")
        hosts = sorted(files if wanted is None else map(str, wanted))
        allowed = [str(name) for name in context.parameters["allow"]]
        found = _Found(context)
        for host in hosts:
            found.add(host, files.get(host) or files.get(host_of(host)), allowed)
        reasons = list(found.reasons())
        if wanted is None:
            reasons.append("`hosts` does not say which hosts there should be")
        gathered = found.oldest
        return SourceReading(
            tuple(found.items),
            f"ansible facts in {context.parameters['folder']}",
            complete=not reasons,
            reason="; ".join(reasons),
            facts={
                "folder": str(context.parameters["folder"]),
                "hosts": len(found.items),
                "oldest": format_instant(gathered) if gathered is not None else None,
            },
        )


class _Entry(Struct, frozen=True):
    """A file of facts before it is read."""

    path: Path
    changed: Instant


class _Found:
    """Collects hosts, and why some are not there or not fresh."""

    def __init__(self, context: SourceContext) -> None:
        most = context.parameters.get("max_age")
        self._most = parse_duration(str(most)) if most is not None else None
        self._now = context.now
        self._without: dict[str, list[str]] = {}
        self._old: list[str] = []
        self.items: list[dict[str, Any]] = []
        self.oldest: Instant | None = None

    def add(self, host: str, entry: _Entry | None, allowed: list[str]) -> None:
        read = FactFile({}, reason="there is no file of it") if entry is None else _read(entry.path, allowed)
        if read.reason or entry is None:
            self._without.setdefault(read.reason, []).append(host)
            return
        self.items.append({"host": host, **read.facts})
        gathered = entry.changed if read.gathered is None else min(read.gathered, entry.changed)
        self.oldest = gathered if self.oldest is None else min(self.oldest, gathered)
        if self._most is not None and (self._now is None or self._now - gathered > self._most):
            self._old.append(host)

    def reasons(self) -> list[str]:
        told = [f"no facts of {_names(hosts)}: {reason}" for reason, hosts in sorted(self._without.items())]
        if self._old:
            what = "are older than max_age" if self._now is not None else "have an age that nobody can tell"
            told.append(f"facts of {_names(self._old)} {what}")
        return told


def _names(hosts: list[str]) -> str:
    more = len(hosts) - _NAMED_AT_MOST
    shown = ", ".join(host if host.isprintable() else repr(host) for host in hosts[:_NAMED_AT_MOST])
    return f"{shown} and {more} more" if more > 0 else shown


def _folder(project: Path, name: str) -> Path:
    try:
        folder = (project / name).resolve()
        inside, there = folder.is_relative_to(project.resolve()), folder.is_dir()
    except (OSError, RuntimeError, ValueError):
        raise InputError(f"the folder {name[:80]!r} cannot be looked up", "name a folder in the project") from None
    if not inside:
        raise InputError(f"the folder {name[:80]!r} lies outside the project", "name a folder inside it")
    if not there:
        hint = "gather facts first: ansible all -m setup --tree FOLDER, or a fact cache of the plugin jsonfile"
        raise InputError(f"there is no folder {name[:80]!r} with facts", hint)
    return folder


def _files(folder: Path) -> dict[str, _Entry]:
    """Host → its file. Links and everything that is no regular file are left out."""
    found: dict[str, _Entry] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                about = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(about.st_mode):
                    changed = Instant(about.st_mtime_ns // _MICROSECOND_NANOSECONDS)
                    host = host_of(entry.name)
                    if host not in found or found[host].changed < changed:
                        found[host] = _Entry(Path(entry.path), changed)
                if len(found) > HOSTS_AT_MOST:
                    raise InputError(f"{folder.name} holds more than {HOSTS_AT_MOST:,} files", "name another folder")
    except OSError as error:
        raise InputError(f"{folder.name} cannot be read: {error.strerror}", "check its permissions") from None
    return found


def _read(path: Path, allowed: list[str]) -> FactFile:
    try:
        with path.open("rb") as file:
            content = file.read(FILE_AT_MOST + 1)
    except OSError:
        return FactFile({}, reason="its file cannot be read")
    if len(content) > FILE_AT_MOST:
        return FactFile({}, reason="its file is too large")
    return read_facts(content, allowed)
