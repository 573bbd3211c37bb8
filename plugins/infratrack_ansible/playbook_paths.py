"""How playbooks and task files are named, and when a name in a criterion means one of them. Pure.

A file inside the project folder is named by its path relative to that folder, any other by its absolute path; a
playbook of a collection by its qualified name (`acme.network.site`). As the scope of a word, a relative path begins
with `./`: `./ansible/site.yml`. A criterion's `playbook: site.yml` means every playbook whose name ends in `/site.yml`,
on a path boundary: so it means a run of `ansible/site.yml`, whether it was started as that, as `./site.yml` from inside
`ansible/`, or with its full path. `./site.yml` in a criterion means only the one in the project folder itself.
"""

from __future__ import annotations

import posixpath
import re
from typing import Final

_COLLECTION: Final = re.compile(r"/ansible_collections/(\w+)/(\w+)/playbooks/(.+)\.ya?ml$")
_QUALIFIED: Final = re.compile(r"\w+(\.\w+){2,}")
_TASK_FILE: Final = re.compile(r"\.ya?ml(:[0-9*]+)?$")
_LINE: Final = re.compile(r":[0-9]+$")


def project_folder(cwd: str, scope_folder: str) -> str:
    """The project folder, from where a command runs and where that lies in the project."""
    parts = [part for part in scope_folder.split("/") if part not in ("", ".")]
    folder = cwd
    for part in reversed(parts):
        if posixpath.basename(folder) != part:
            return cwd
        folder = posixpath.dirname(folder)
    return folder


def name_of(path: str, folder: str) -> str:
    """How a file is named: relative to the project folder where it lies inside, else as it is.

    A relative path is taken as relative to the project folder. A line number (`site.yml:12`) stays. An empty `folder`
    means that the project folder is not known.
    """
    collection = _COLLECTION.search(path)
    if collection:
        return ".".join((collection[1], collection[2], *collection[3].split("/")))
    path = posixpath.normpath(path)
    if not folder:
        return path
    prefix = folder.rstrip("/") + "/"
    return path.removeprefix(prefix)


def scope_of(name: str) -> str:
    """The scope of words about a playbook of this name."""
    return name if name.startswith("/") or _is_qualified(name) else "./" + name


def scope_pattern(playbook: str) -> str:
    """The scopes that a criterion's `playbook` means."""
    if playbook.startswith("./"):
        return "./" + posixpath.normpath(playbook)
    if _is_qualified(playbook):
        return playbook
    return "*/" + posixpath.normpath(playbook).lstrip("/")


def task_aliases(path: str, name: str, action: str) -> tuple[str, ...]:
    """What a task may be called in a criterion: its name (else its action), its action, its file, its file and line.

    Relative paths begin with `./`, so that `*/main.yml` finds every such file on a path boundary.
    """
    aliases = dict.fromkeys((name or action, action))
    if path:
        place = path if path.startswith("/") else "./" + path
        aliases.update(dict.fromkeys((_LINE.sub("", place), place)))
    return tuple(alias for alias in aliases if alias)


def task_pattern(task: str) -> str:
    """The aliases that a criterion's `task` means: a file on a path boundary, else exactly this name or action."""
    if _TASK_FILE.search(task) and " " not in task:
        return "*/" + posixpath.normpath(task).lstrip("/")
    return task


def _is_qualified(name: str) -> bool:
    return _QUALIFIED.fullmatch(name) is not None and not name.endswith((".yml", ".yaml"))
