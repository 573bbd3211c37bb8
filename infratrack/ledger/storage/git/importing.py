"""New and replaced files as one commit: the words that `git fast-import` understands. Pure.

fast-import reads the trees on the way to a changed file and no others, so that siblings which were never fetched are
kept by their ids. Format: git-fast-import(1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from infratrack.errors import InputError

AUTHOR: Final = "infratrack <ledger@infratrack.invalid>"
_PATH: Final = re.compile(r"[A-Za-z0-9_+=@-][A-Za-z0-9._+=@-]*(/[A-Za-z0-9_+=@-][A-Za-z0-9._+=@-]*)*")
_LONGEST_PATH: Final = 1_000


def check_path(path: str) -> str:
    """The path, if the ledger may write it; InputError otherwise. Names are plain ASCII and never begin with a dot."""
    if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path):
        raise InputError(
            f"{path[:120]!a} is no path that a ledger on a branch may have", "this is a fault of infratrack"
        )
    return path


def commit_stream(*, branch: str, base: str | None, files: Mapping[str, bytes], message: str) -> bytes:
    """What to feed to `git fast-import --done --date-format=now`: it answers with the id of the new commit.

    `branch` is a ref of our own repository; `base` the parent (None: the commit has none). InputError for a path that
    no ledger has.
    """
    told = message.encode(errors="replace")
    head = f"commit {branch}\nmark :1\nauthor {AUTHOR} now\ncommitter {AUTHOR} now\ndata {len(told)}\n"
    parts = [head.encode(), told, b"\n", b"" if base is None else f"from {base}\n".encode()]
    for path in sorted(files):
        content = files[path]
        parts += (f"M 100644 inline {check_path(path)}\ndata {len(content)}\n".encode(), content, b"\n")
    parts.append(b"\nget-mark :1\ndone\n")
    return b"".join(parts)
