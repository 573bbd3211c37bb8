"""Git's objects as they are read here: trees, commits and the answers of `git cat-file`. Pure; everything is hostile.

Formats: gitformat-pack(5), git-cat-file(1) and the Git documentation's chapter on objects.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

from msgspec import Struct

from infratrack.errors import IntegrityFailure

Kind = Literal["folder", "file", "link", "submodule"]

_KINDS: Final[Mapping[bytes, Kind]] = {
    b"40000": "folder",
    b"100644": "file",
    b"100664": "file",
    b"100755": "file",
    b"120000": "link",
    b"160000": "submodule",
}
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_HEADER: Final = re.compile(rb"([0-9a-f]{40}|[0-9a-f]{64}) ([a-z]+) ([0-9]{1,19})")
_DAMAGED_HINT: Final = "somebody wrote to the ledger's branch by hand: restore it from an export or a mirror"


class TreeEntry(Struct, frozen=True, gc=False):
    """One name in a folder: what it is and the object that holds it."""

    kind: Kind
    object_id: str


class GitObject(Struct, frozen=True, gc=False):
    """One object: its id, its type as git calls it (`blob`, `tree`, `commit`, `tag`) and its bytes."""

    object_id: str
    type: str
    content: bytes


def is_object_id(text: str) -> bool:
    """Whether text is a whole SHA-1 or SHA-256 object id."""
    return _OBJECT_ID.fullmatch(text) is not None


def read_tree(content: bytes, id_bytes: int) -> dict[str, TreeEntry]:
    """The entries of a tree object by name (bytes that are no UTF-8 become surrogates).

    `id_bytes` is 20 for SHA-1 and 32 for SHA-256. IntegrityFailure for a tree that git itself would never write: cut
    short, an unknown mode, a name twice, or one that is empty, `.`, `..` or holds a slash.
    """
    entries: dict[str, TreeEntry] = {}
    position = 0
    while position < len(content):
        space = content.find(b" ", position, position + 8)
        end = content.find(b"\0", space + 1)
        stop = end + 1 + id_bytes
        if space < 0 or end < 0 or stop > len(content):
            raise IntegrityFailure("a folder on the ledger's branch is cut short", _DAMAGED_HINT)
        kind = _KINDS.get(content[position:space])
        name = content[space + 1 : end].decode(errors="surrogateescape")
        if kind is None or name in {"", ".", ".."} or "/" in name or name in entries:
            raise IntegrityFailure(
                f"a folder on the ledger's branch holds an entry that cannot be: {name[:80]!a}", _DAMAGED_HINT
            )
        entries[name] = TreeEntry(kind, content[end + 1 : stop].hex())
        position = stop
    return entries


def tree_of_commit(content: bytes) -> str:
    """The id of the root tree that a commit names; IntegrityFailure when it names none."""
    first = content.partition(b"\n")[0].decode(errors="replace")
    word, _, object_id = first.partition(" ")
    if word != "tree" or not is_object_id(object_id):
        raise IntegrityFailure("the newest commit of the ledger's branch is damaged", _DAMAGED_HINT)
    return object_id


def read_batch(output: bytes) -> list[GitObject | None]:
    """What `git cat-file --batch` answered, in the order of the questions; None for an object that is missing.

    IntegrityFailure for an answer that is none.
    """
    objects: list[GitObject | None] = []
    position = 0
    while position < len(output):
        end = output.find(b"\n", position)
        line = output[position:end] if end >= 0 else b""
        if line.endswith(b" missing"):
            objects.append(None)
            position = end + 1
            continue
        header = _HEADER.fullmatch(line)
        start = end + 1
        stop = start + int(header[3]) if header else 0
        if header is None or output[stop : stop + 1] != b"\n":
            raise IntegrityFailure("git gave an answer that cannot be read", "try again; look at the installed git")
        objects.append(GitObject(header[1].decode(), header[2].decode(), output[start:stop]))
        position = stop + 1
    return objects


def read_sizes(output: bytes) -> list[int | None]:
    """What `git cat-file --batch-check` answered: sizes in bytes in the order of the questions; None for missing ones.

    IntegrityFailure for an answer that is none.
    """
    sizes: list[int | None] = []
    for line in output.splitlines():
        header = _HEADER.fullmatch(line)
        if header is None and not line.endswith(b" missing"):
            raise IntegrityFailure("git gave an answer that cannot be read", "try again; look at the installed git")
        sizes.append(int(header[3]) if header else None)
    return sizes
