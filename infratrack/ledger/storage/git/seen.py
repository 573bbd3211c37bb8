"""Does a branch still begin with the log that this machine saw there last? Pure: the hashes come from a reader."""

from __future__ import annotations

from typing import Final

from infratrack.errors import IntegrityFailure
from infratrack.ledger.checkpoint import Checkpoint
from infratrack.ledger.edge import head_checkpoint, subtree_hashes
from infratrack.ledger.merkle import consistency_spans, is_consistent, places, proof_hashes
from infratrack.ledger.storage.interface import Head, LedgerReader

_HINT: Final = (
    "somebody pushed over the branch: restore it from a clone or an export. If it was done on purpose and everybody "
    "agrees, remove the file"
)


def check_grown(reader: LedgerReader, head: Head, seen: Checkpoint, forget: str) -> None:
    """IntegrityFailure unless the log is the one seen before, or one that it has grown to.

    `forget` is what to remove so that it is taken for granted again.
    """
    now = head_checkpoint(head)
    hint = f"{_HINT} {forget}"
    if now.origin != seen.origin:
        raise IntegrityFailure(
            f"the ledger's branch holds another log ({now.origin[:80]!a}) than this machine saw ({seen.origin[:80]!a})",
            hint,
        )
    if now.size < seen.size:
        raise IntegrityFailure(
            f"the ledger was rolled back: this machine saw {seen.size} entries on its branch, there are {now.size}",
            hint,
        )
    if now.size == seen.size:
        proof: tuple[bytes, ...] = ()
    else:
        spans = consistency_spans(seen.size, now.size)
        hashes = subtree_hashes(reader, [place for span in spans for place in places(span)])
        proof = proof_hashes(spans, hashes.__getitem__)
    if not is_consistent(seen.size, now.size, seen.root, now.root, proof):
        raise IntegrityFailure(
            f"the ledger was forked: its first {seen.size} entries are not those that this machine saw on its branch",
            hint,
        )


def gone(seen: Checkpoint, forget: str) -> IntegrityFailure:
    """The branch is not there any more."""
    return IntegrityFailure(
        f"the ledger's branch is gone: this machine saw {seen.size} entries of {seen.origin[:80]!a} there",
        f"{_HINT} {forget}",
    )
