"""Where Ansible looks for callbacks: the environment, else ansible.cfg, else its defaults. Pure.

Setting ANSIBLE_CALLBACK_PLUGINS replaces what the user has, so the whole effective path has to be passed on. The rules
are those of ansible-core (`lib/ansible/config/manager.py`, the same from 2.14 to 2.21); `ansible-config dump` would
answer too, but takes half a second.
"""

from __future__ import annotations

import configparser
import posixpath
import re
from collections.abc import Mapping
from typing import Final

VARIABLE: Final = "ANSIBLE_CALLBACK_PLUGINS"
_EXPANSION: Final = re.compile(r"\$(\w+|\{[^}]*\})")
_SYSTEM_FOLDER: Final = "/usr/share/ansible/plugins/callback"


def callback_path(ours: str, environment: Mapping[str, str], ansible_cfg: tuple[str, str] | None, home: str) -> str:
    """The value for ANSIBLE_CALLBACK_PLUGINS: our folder, then what would have been searched without us.

    `ansible_cfg` is the path and text of the configuration file that Ansible would take, if any.
    """
    theirs = environment.get(VARIABLE)
    if theirs is not None:
        return f"{ours}:{theirs}"
    settings = _defaults(ansible_cfg[1]) if ansible_cfg else {}
    folder = posixpath.dirname(ansible_cfg[0]) if ansible_cfg else ""
    configured = settings.get("callback_plugins")
    if configured is not None:
        return ":".join([ours, *(_resolve(entry, folder, environment, home) for entry in configured.split(":"))])
    ansible_home = environment.get("ANSIBLE_HOME") or _resolve(
        settings.get("home", "~/.ansible"), folder, environment, home
    )
    return f"{ours}:{posixpath.join(ansible_home, 'plugins/callback')}:{_SYSTEM_FOLDER}"


def _defaults(text: str) -> Mapping[str, str]:
    """The section `[defaults]`; empty when the file cannot be read as Ansible reads it (it will say so itself)."""
    parser = configparser.ConfigParser(inline_comment_prefixes=(";",), interpolation=None)
    try:
        parser.read_string(text)
        return dict(parser.items("defaults"))
    except configparser.Error:
        return {}


def _resolve(entry: str, folder: str, environment: Mapping[str, str], home: str) -> str:
    """An entry of a search path, made absolute: variables, `~`, and relative to the configuration file."""
    if "{{CWD}}" in entry:
        return entry  # Ansible fills it in itself
    expanded = _EXPANSION.sub(lambda found: environment.get(found[1].strip("{}"), found[0]), entry)
    if expanded == "~" or expanded.startswith("~/"):
        expanded = home + expanded[1:]
    return expanded if expanded.startswith(("/", "~")) else posixpath.normpath(posixpath.join(folder, expanded))
