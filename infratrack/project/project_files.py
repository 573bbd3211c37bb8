"""Where the files of a project are read from: a folder, as they lie there now (or a commit: see `at_commit`)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from infratrack.project.include_files import find_include_files, read_at_most
from infratrack.project.key_files import KEY_FILE_AT_MOST, key_file_path
from infratrack.project.text import FILE_AT_MOST


class ProjectFiles(Protocol):
    """The project file and what it names. Names are relative to the project folder, `/`-separated."""

    @property
    def main(self) -> str:
        """The name of the project file itself."""
        ...

    def read(self, name: str) -> bytes:
        """The content of the project file or an included one, and one byte more than `FILE_AT_MOST` of a larger one.

        InputError if it cannot be read.
        """
        ...

    def included(self, pattern: str) -> Sequence[str]:
        """The files that a pattern under `include` names, without the project file; InputError for none."""
        ...

    def size(self, names: Sequence[str]) -> int:
        """The bytes of some files together."""
        ...

    def key(self, name: str) -> bytes:
        """The content of a key file; InputError if it cannot be read or leaves the project folder."""
        ...

    def label(self, name: str) -> str:
        """A file's name as people know it."""
        ...


class FolderFiles:
    """The files as they lie in the project folder; remembers what was read, to compare it with a commit."""

    def __init__(self, path: Path) -> None:
        """Of the project file at `path`."""
        self.main: Final = path.name
        self.folder: Final = path.parent
        self.contents: Final[dict[str, bytes]] = {}
        """What was read, by name."""
        self.patterns: Final[dict[str, Sequence[str]]] = {}
        """What every pattern named."""

    def read(self, name: str) -> bytes:
        """See `ProjectFiles`."""
        self.contents[name] = content = read_at_most(self.folder / name, FILE_AT_MOST)
        return content

    def included(self, pattern: str) -> Sequence[str]:
        """See `ProjectFiles`."""
        itself = (self.folder / self.main).resolve()
        found = find_include_files(self.folder, pattern)
        names = [path.relative_to(self.folder).as_posix() for path in found if path.resolve() != itself]
        self.patterns[pattern] = names
        return names

    def size(self, names: Sequence[str]) -> int:
        """See `ProjectFiles`."""
        return sum((self.folder / name).stat().st_size for name in names)

    def key(self, name: str) -> bytes:
        """See `ProjectFiles`."""
        path = key_file_path(self.folder, name)
        self.contents[name] = content = read_at_most(path, KEY_FILE_AT_MOST)
        return content

    def label(self, name: str) -> str:
        """A file's name relative to where people are, if it is below."""
        path = self.folder / name
        try:
            return str(path.relative_to(Path.cwd()))
        except (ValueError, OSError):
            return os.fspath(path)
