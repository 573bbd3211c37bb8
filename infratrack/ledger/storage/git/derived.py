"""Is a ledger's branch what its entries lead to? Every file is worked out again and compared by its object id."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from infratrack.errors import IntegrityFailure
from infratrack.ledger.storage.git import layout
from infratrack.ledger.storage.git.growth import Growth, finished_groups
from infratrack.ledger.storage.git.lookup import leaf_paths

if TYPE_CHECKING:
    from infratrack.ledger.storage.git.branch import Branch
    from infratrack.ledger.storage.interface import LedgerReader

MAXIMUM_SENTENCES: Final = 100
_PAGE: Final = 1_000
_OLDER_GROUPS: Final = layout.WIDTH // layout.GROUP


def differences(branch: Branch, reader: LedgerReader) -> list[str]:
    """A sentence for every file that is missing, altered, or no part of a ledger; blobs are looked at elsewhere.

    `reader` gives the entries of this very branch. Raises IntegrityFailure for a branch that cannot be read at all.
    """
    names = dict(branch.names())
    object_id = _object_ids(branch.tip.commit)
    found: list[str] = []
    try:
        for path, content in _expected(branch, reader):
            there = names.pop(path, None)
            if there is None:
                found.append(f"branch: {path} is missing")
            elif there != object_id(content):
                found.append(f"branch: {path} is not what the entries lead to: it was altered")
            if len(found) >= MAXIMUM_SENTENCES:
                return found
    except IntegrityFailure as error:
        # Without all leaves nothing can be worked out, and everything else would look altered.
        return [error.message, *found]
    return found + _strangers(names, branch.count())[: MAXIMUM_SENTENCES - len(found)]


def _expected(branch: Branch, reader: LedgerReader) -> Iterator[tuple[str, bytes]]:
    head = branch.head()
    yield layout.ORIGIN, layout.write_origin(head.origin)
    if head.note is not None:
        yield layout.CHECKPOINT, head.note.encode()
    for keyid, raw in branch.keys().items():
        yield layout.key_path(keyid), layout.write_key(raw)
    growth, count = Growth({}), reader.count()
    digests: dict[str, list[bytes]] = {}
    for start in range(0, count, _PAGE):
        for row in reader.entries(start, min(start + _PAGE, count)):
            if row.index != growth.size:
                break
            yield layout.envelope_path(row.index), row.line
            digests.setdefault(layout.digest_path(row.digest), []).append(layout.digest_line(row.digest, row.index))
            growth.add(row.entry)
        if growth.size != min(start + _PAGE, count):
            break
    if growth.size != count:
        raise layout.damaged(leaf_paths([growth.size], count)[0], f"entry {growth.size} cannot be read")
    if growth.size:
        yield from growth.files().items()
    for path, lines in digests.items():
        yield path, b"".join(lines)


def _strangers(names: Mapping[str, str], size: int) -> list[str]:
    # Of the bundle before, groups lie there until others take their places.
    older = {layout.group_path(group) for group in range(finished_groups(size), _OLDER_GROUPS)} if size else set()
    return [
        f"branch: {path[:120]!a} is no part of a ledger"
        for path in names
        if path not in older and not layout.fanned_in(layout.BLOBS, path)
    ]


def _object_ids(commit: str) -> Callable[[bytes], str]:
    """How this repository names a file's content (SHA-1, or SHA-256 where its ids are longer)."""
    algorithm = "sha256" if len(commit) == hashlib.sha256().digest_size * 2 else "sha1"

    def object_id(content: bytes) -> str:
        named = hashlib.new(algorithm, b"blob %d\0" % len(content), usedforsecurity=False)
        named.update(content)
        return named.hexdigest()

    return object_id
