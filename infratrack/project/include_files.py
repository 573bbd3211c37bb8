"""Finds the files that `include` names, and keeps them inside the project folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from infratrack.errors import InputError

FILES_AT_MOST: Final = 10_000
ENTRIES_AT_MOST: Final = 1_000_000
_GLOB: Final = frozenset("*?[")


def find_include_files(folder: Path, pattern: str) -> list[Path]:
    """The files that one glob names, in sorted order; InputError with what was expected in its hint.

    Whatever leads out of the folder (an absolute path, `..`, a symbolic link) is refused.
    """
    parts = pattern.split("/")
    if pattern.startswith("/") or "\\" in pattern or "\0" in pattern or ".." in parts or Path(pattern).is_absolute():
        raise InputError(f"the include {pattern[:80]!r} leaves the project folder", "files inside the project folder")
    root = folder.resolve()
    found = []
    try:
        for seen, path in enumerate(folder.glob(pattern)):
            if seen > ENTRIES_AT_MOST:
                raise InputError(f"the include {pattern[:80]!r} names too much to look through", "a narrower pattern")
            if not path.resolve().is_relative_to(root):
                what = f"the include {pattern[:80]!r} leaves the project folder by {path.name[:80]!r}"
                raise InputError(what, "files inside the project folder, links followed")
            if path.is_file():
                found.append(path)
    except (OSError, RuntimeError, ValueError, NotImplementedError, IndexError) as error:
        raise InputError(f"the include {pattern[:80]!r} cannot be looked up", "a path or a glob") from error
    if len(found) > FILES_AT_MOST:
        raise InputError(f"the include {pattern[:80]!r} names {len(found)} files", f"at most {FILES_AT_MOST:,}")
    if not found:
        what = "matches no file" if _GLOB & set(pattern) else "is not there"
        raise InputError(f"the include {pattern[:80]!r} {what}", "a file below the project folder")
    return sorted(found)


def read_at_most(path: Path, most: int) -> bytes:
    """The content of a regular file, and one byte more than `most` of a larger one; InputError if it cannot be read."""
    try:
        # A named pipe or a device would never end (or never begin): only regular files are opened.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
        with os.fdopen(descriptor, "rb") as file:
            if not path.is_file():
                raise InputError(f"{path.name} is not a regular file", "name a file")
            return file.read(most + 1)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InputError(f"{path.name} cannot be read: {reason}", "check the name and its permissions") from error
