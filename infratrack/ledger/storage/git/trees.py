"""Finding paths in trees of which only some are here yet. Pure.

A path is found level by level; what is missing on the way is named, fetched by others, and the search starts again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Final

from msgspec import Struct

from infratrack.errors import IntegrityFailure
from infratrack.ledger.storage.git.objects import TreeEntry

Folders = Mapping[str, Mapping[str, TreeEntry]]
"""The trees that are here: object id → name → entry."""

DEEPEST: Final = 32
"""How many folders a path may lie in. The ledger needs eight."""


class Search(Struct, frozen=True):
    """How far a search came: entries found by path, and the ids of trees that must be read to go on."""

    found: Mapping[str, TreeEntry]
    unread: frozenset[str]


def find(root: str, paths: Collection[str], folders: Folders) -> Search:
    """Look for paths (`a/b/c`, no leading slash) below a root tree; those that are not there are left out.

    IntegrityFailure when the way leads through a file, a symbolic link or a submodule, or ends in one of the latter.
    """
    found: dict[str, TreeEntry] = {}
    unread: set[str] = set()
    for path in paths:
        entry: TreeEntry | None = TreeEntry("folder", root)
        for name in path.split("/"):
            if entry is None:
                break
            if entry.kind != "folder":
                raise _not_a(entry, path)
            folder = folders.get(entry.object_id)
            if folder is None:
                unread.add(entry.object_id)
                entry = None
                break
            entry = folder.get(name)
        if entry is not None:
            if entry.kind in {"link", "submodule"}:
                raise _not_a(entry, path)
            found[path] = entry
    return Search(found, frozenset(unread))


def file_ids(found: Mapping[str, TreeEntry]) -> dict[str, str]:
    """The object ids of what was found, by path; IntegrityFailure for a folder, where only files may be."""
    for path, entry in found.items():
        if entry.kind != "file":
            raise _not_a(entry, path)
    return {path: entry.object_id for path, entry in found.items()}


class Below(Struct, frozen=True):
    """Everything below a folder, as far as it is here: files by path (from that folder), and unread trees."""

    files: Mapping[str, str]
    unread: frozenset[str]


def below(root: str, folders: Folders) -> Below:
    """All files below a tree. IntegrityFailure for links, submodules, and folders that lie too deep."""
    files: dict[str, str] = {}
    unread: set[str] = set()
    for path, entry in _walk(root, "", folders, unread, 0):
        files[path] = entry.object_id
    return Below(files, frozenset(unread))


def _walk(tree: str, prefix: str, folders: Folders, unread: set[str], depth: int) -> Iterator[tuple[str, TreeEntry]]:
    folder = folders.get(tree)
    if folder is None:
        unread.add(tree)
        return
    for name, entry in folder.items():
        path = f"{prefix}{name}"
        if entry.kind == "file":
            yield path, entry
        elif entry.kind == "folder" and depth < DEEPEST:
            yield from _walk(entry.object_id, f"{path}/", folders, unread, depth + 1)
        else:
            raise _not_a(entry, path)


def _not_a(entry: TreeEntry, path: str) -> IntegrityFailure:
    names = {"file": "a file", "folder": "a folder", "link": "a symbolic link", "submodule": "a submodule"}
    return IntegrityFailure(
        f"the ledger's branch has {names[entry.kind]} where it cannot be: {path[:120]!a}",
        "somebody wrote to the ledger's branch by hand: restore it from an export or a mirror",
    )
