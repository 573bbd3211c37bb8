"""The folders and files of a branch that are here, and fetching of those that are not, level by level and by id."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Final

from infratrack.errors import IntegrityFailure, Unreachable
from infratrack.ledger.storage.git import answers
from infratrack.ledger.storage.git.objects import TreeEntry, read_tree, tree_of_commit
from infratrack.ledger.storage.git.plumbing import Ended
from infratrack.ledger.storage.git.session import Session
from infratrack.ledger.storage.git.trees import DEEPEST, find

LARGEST_FILE: Final = 1 << 26
"""Bytes (64 MiB) of one file on the branch."""

_BY_HAND: Final = "somebody wrote to the ledger's branch by hand: restore it from an export or a mirror"


class Fetched:
    """What a session has of a branch. `refused` makes the error for what git or the server says."""

    def __init__(self, session: Session, refused: Callable[[str, Ended], Unreachable]) -> None:
        self._session = session
        self._refused = refused
        self.folders: dict[str, Mapping[str, TreeEntry]] = {}
        """The trees that were read: object id → name → entry."""
        self._here: set[str] = set()

    def forget(self) -> None:
        """Nothing is here any more."""
        self.folders.clear()
        self._here.clear()

    def commit(self, name: str, branch: str) -> tuple[str, str]:
        """The ids of the commit with this name (id or ref of ours) and of its root tree. `branch` is what it is called.

        IntegrityFailure when it is no commit.
        """
        commit, tree = self._session.repository.objects([name, f"{name}^{{tree}}"])
        if commit is None or commit.type != "commit":
            raise IntegrityFailure(f"{branch} is no branch of commits", _BY_HAND)
        root = tree_of_commit(commit.content)
        self._here.add(commit.object_id)
        if tree is not None and tree.object_id == root:
            self._keep(root, tree.content)
        return commit.object_id, root

    def find(self, root: str, paths: Collection[str], *, to_read: bool = False) -> Mapping[str, TreeEntry]:
        """The entries at these paths below a root tree; those that are not there are left out.

        `to_read`: their contents are wanted next, and fetched along with folders on the way to others.
        """
        for _ in range(DEEPEST):
            search = find(root, paths, self.folders)
            if not search.unread:
                return search.found
            files = [entry.object_id for entry in search.found.values() if entry.kind == "file"] if to_read else []
            self.load(search.unread, beside=files)
        raise IntegrityFailure("the ledger's branch has folders deeper than a ledger's", _BY_HAND)

    def folder(self, tree: str) -> Mapping[str, TreeEntry]:
        """What a tree holds."""
        self.load({tree})
        return self.folders[tree]

    def load(self, trees: Collection[str], beside: Collection[str] = ()) -> None:
        """Read trees, fetching those that are not here; `beside` are other objects to fetch on the same way."""
        missing = self._read_trees([tree for tree in trees if tree not in self.folders])
        if missing:
            self._fetch(sorted({*missing, *(one for one in beside if one not in self._here)}))
            self._here.update(beside)
            if self._read_trees(missing):
                raise _lacking("folder")

    def contents(self, files: Mapping[str, str]) -> Mapping[str, bytes]:
        """The bytes of files, given their object ids by path."""
        ids = sorted(set(files.values()))
        self.bring(ids)
        objects = self._session.repository.many_objects(ids, LARGEST_FILE)
        if len(objects) < len(ids):
            raise _lacking("file")
        return {path: objects[object_id].content for path, object_id in files.items()}

    def bring(self, ids: Collection[str], depth: int | None = None) -> None:
        """Fetch the objects with these ids that are not here, and nothing below them."""
        missing = self._missing(ids)
        if missing:
            self._fetch(missing, depth)
        self._here.update(ids)

    def _fetch(self, ids: Collection[str], depth: int | None = None) -> None:
        ended = self._session.fetch(ids, self._session.mode.more_filter, depth)
        while answers.refusal_of(ended) == "filter refused" and self._session.fall_back():
            ended = self._session.fetch(ids, self._session.mode.more_filter, depth)
        if ended.code != 0:
            raise self._refused("read", ended)

    def _read_trees(self, trees: Collection[str]) -> list[str]:
        """Read those that are here; returns the others."""
        names = list(trees)
        missing: list[str] = []
        for tree, found in zip(names, self._session.repository.objects(names), strict=True):
            if found is None:
                missing.append(tree)
            elif found.type != "tree":
                raise _lacking("folder")
            else:
                self._keep(tree, found.content)
        return missing

    def _missing(self, ids: Collection[str]) -> list[str]:
        unsure = sorted(one for one in ids if one not in self._here)
        sizes = self._session.repository.sizes(unsure)
        return [one for one, size in zip(unsure, sizes, strict=True) if size is None]

    def _keep(self, tree: str, content: bytes) -> None:
        self.folders[tree] = read_tree(content, len(tree) // 2)
        self._here.add(tree)


def _lacking(what: str) -> Unreachable:
    return Unreachable(
        f"the ledger's branch names a {what} that the Git server does not send",
        "try again: the branch may just have been rewritten; if it stays, restore the branch from a mirror",
    )
