"""Reads a project's files at a commit, from git's object database: never from a checkout.

Symbolic links inside the repository are followed (by git itself, at that commit); what leads out of it is not there.
A pattern with wildcards does not look into folders that are links.
"""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from infratrack.errors import InputError
from infratrack.project.git_reading import GitReader
from infratrack.project.include_files import FILES_AT_MOST
from infratrack.project.key_files import KEY_FILE_AT_MOST, no_key_file
from infratrack.project.project_files import FolderFiles
from infratrack.project.protected_ref import Protected
from infratrack.project.text import FILE_AT_MOST
from infratrack.project.tree_glob import has_wildcard, literal_folder, matching, parts_of

_HEX_OF_SHA1: Final = 40
_TREE_ENTRY_FIELDS: Final = 3
_ODD_LINKS: Final = frozenset({"symlink", "dangling", "loop", "notdir"})
"""What git says of a link that leads nowhere, or out of the commit."""


class Blob(Struct, frozen=True):
    """A file at a commit: its object id and size in bytes."""

    id: str
    size: int


class CommitFiles:
    """The files of a project as they are at a commit; implements `ProjectFiles`."""

    def __init__(self, git: GitReader, protected: Protected, prefix: str, path: Path) -> None:
        """Of the project file at `path` in a work tree whose folder is `prefix` in the repository."""
        self.main: Final = path.name
        self.protected: Final = protected
        self._folder: Final = path.parent
        self._git = git
        self._prefix = prefix
        self._found: dict[str, Blob | None] = {}

    @property
    def main_is_new(self) -> bool:
        """Whether the commit that is checked out has no such project file: somebody here is writing it just now."""
        return self._objects([f"HEAD:{self._prefix}{self.main}"]) == [None]

    @property
    def exists(self) -> bool:
        """Whether the commit has the project file. InputError when the clone does not have the commit."""
        if self._blob(self.main) is not None:
            return True
        if self._objects([f"{self.protected.commit}^{{commit}}"]) == [None]:
            raise InputError(
                f"the commit of {self.protected.short} is not in this clone, so nothing says whom this project trusts",
                "fetch it first",
            )
        return False

    def equals(self, checkout: FolderFiles) -> bool:
        """Whether a checkout's files, as far as they were read, are those of the commit, byte for byte."""
        names = [self._inside(name) for name in checkout.contents]
        if None in names:
            return False
        self._look_up([name for name in names if name is not None])
        for name, content in zip(names, checkout.contents.values(), strict=True):
            blob = self._found[name or ""]
            if blob is None or blob.id != _blob_id(content, len(blob.id)):
                return False
        return all(
            [name for name in self._named(pattern) if name != self.main] == list(found)
            for pattern, found in checkout.patterns.items()
            if has_wildcard(pattern)
        )

    def read(self, name: str) -> bytes:
        """See `ProjectFiles`."""
        blob = self._blob(name)
        if blob is None:
            raise InputError(f"{name} is not there at {self.protected.short}", "check the name")
        return self._content(blob, FILE_AT_MOST)

    def included(self, pattern: str) -> Sequence[str]:
        """See `ProjectFiles`."""
        found = self._named(pattern) if ".." not in pattern.split("/") else []
        if not found:
            what = "matches no file" if has_wildcard(pattern) else "is not there"
            raise InputError(f"the include {pattern[:80]!r} {what}", "a file below the project folder")
        if len(found) > FILES_AT_MOST:
            raise InputError(f"the include {pattern[:80]!r} names {len(found)} files", f"at most {FILES_AT_MOST:,}")
        return [name for name in found if name != self.main]

    def size(self, names: Sequence[str]) -> int:
        """See `ProjectFiles`."""
        self._look_up(names)
        return sum(blob.size for blob in map(self._found.__getitem__, names) if blob is not None)

    def key(self, name: str) -> bytes:
        """See `ProjectFiles`."""
        inside = self._inside(name)
        if inside is None:
            raise InputError(f"the key file {name[:80]!r} lies outside the project folder", "a file inside it")
        blob = self._blob(inside)
        if blob is None:
            raise no_key_file(name)
        return self._content(blob, KEY_FILE_AT_MOST)

    def label(self, name: str) -> str:
        """A file's name as git takes it: `origin/main:infratrack.yaml`."""
        return f"{self.protected.short}:{self._prefix}{name}"

    def _inside(self, name: str) -> str | None:
        """A key file's name relative to the project folder; None where it leads out of it."""
        if name.startswith("/"):
            path = Path(name)
            name = path.relative_to(self._folder).as_posix() if path.is_relative_to(self._folder) else ".."
        normal = posixpath.normpath(name)
        return None if normal == ".." or normal.startswith("../") or "\n" in normal or "\0" in normal else normal

    def _named(self, pattern: str) -> list[str]:
        """The files that a pattern names, the project file among them, in the order of their paths."""
        if not has_wildcard(pattern):
            name = "/".join(parts_of(pattern))
            return [name] if "\n" not in name and self._blob(name) is not None else []
        folder = literal_folder(pattern)
        inside = f"{folder}/" if folder else ""
        root = f"{self._prefix}{folder}".rstrip("/")
        (tree,) = self._objects([f"{self.protected.commit}:{root}"])
        if tree is None or tree[0] != "tree":
            return []
        listed = self._git.ask("ls-tree", "-r", "-z", "--name-only", "--full-tree", tree[1].id)
        names = (inside + one for one in listed.decode(errors="surrogateescape").split("\0") if one)
        found = [name for name in matching(pattern, names) if "\n" not in name]
        self._look_up(found)
        return sorted((name for name in found if self._found[name] is not None), key=lambda name: name.split("/"))

    def _blob(self, name: str) -> Blob | None:
        self._look_up([name])
        return self._found[name]

    def _look_up(self, names: Iterable[str]) -> None:
        """Find the objects of files that were not looked up yet, all at once."""
        new = [name for name in dict.fromkeys(names) if name not in self._found]
        objects = self._objects([f"{self.protected.commit}:{self._prefix}{name}" for name in new])
        for name, found in zip(new, objects, strict=True):
            self._found[name] = found[1] if found is not None and found[0] == "blob" else None

    def _objects(self, expressions: Sequence[str]) -> list[tuple[str, Blob] | None]:
        """Kind, id and size of what each expression means; None for what is not there."""
        if not expressions:
            return []
        given = "".join(f"{one}\n" for one in expressions).encode(errors="surrogateescape")
        answer = self._git.ask("cat-file", "--batch-check", "--follow-symlinks", given=given)
        return _read_objects(answer)

    def _content(self, blob: Blob, most: int) -> bytes:
        """A file's content; of one that is too large, as much as shows that it is, without reading it."""
        if blob.size > most:
            return bytes(most + 1)
        return self._git.ask("cat-file", "blob", blob.id)


def _read_objects(answer: bytes) -> list[tuple[str, Blob] | None]:
    """Read `git cat-file --batch-check --follow-symlinks`: a line each, for odd links the target below it."""
    found: list[tuple[str, Blob] | None] = []
    while answer:
        line, _, answer = answer.partition(b"\n")
        parts = line.decode(errors="surrogateescape").split(" ")
        if parts[0] in _ODD_LINKS and len(parts) == _TREE_ENTRY_FIELDS - 1 and parts[1].isdigit():
            answer = answer[int(parts[1]) + 1 :]
            found.append(None)
        elif len(parts) == _TREE_ENTRY_FIELDS and parts[2].isdigit():
            found.append((parts[1], Blob(parts[0], int(parts[2]))))
        else:
            found.append(None)
    return found


def _blob_id(content: bytes, digits: int) -> str:
    """The object id that git gives a file's content, in a repository with ids of so many digits."""
    framed = b"blob %d\0" % len(content) + content
    if digits == _HEX_OF_SHA1:
        return hashlib.sha1(framed, usedforsecurity=False).hexdigest()
    return hashlib.sha256(framed).hexdigest()
