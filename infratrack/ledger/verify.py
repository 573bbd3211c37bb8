"""Verifying a ledger: everything that is stored is compared with what can be worked out again.

The signed checkpoint covers every leaf; a leaf names its envelope by digest; an envelope's signature covers the
statement; a statement names its blobs by digest. Row digests, subtree hashes, keys and origin are worked out again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from infratrack.errors import InputError, IntegrityFailure
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.trust import Trust
from infratrack.ledger.check import Findings, LogCheck, Record, SoundRecord, checkpoint_keys, trusted_keyids
from infratrack.ledger.checkpoint import SignedNote, read_note
from infratrack.ledger.heads import SignedHead, check_head, check_seen, read_seen
from infratrack.ledger.log import PAGE, Ledger, stored_key
from infratrack.ledger.storage.interface import Head, LedgerStorage, StoredEntry
from infratrack.ledger.workers import checked_pages
from infratrack.values import Digest

Progress = Callable[[int, int], None]
"""Told how many entries of how many are checked."""
_LONGEST_GAP: Final = 10
"""After so many pages without a single row, nothing more is looked for."""


class Verified(Struct, frozen=True):
    """What was verified, in counts, and under which checkpoint."""

    origin: str
    size: int
    root: bytes
    signer: str
    """The key id that the checkpoint's trust rests on."""
    signer_name: str
    entries: int
    """Leaves with their envelopes and signatures."""
    trusted: int
    """How many of them are signed by a key that the trust root names."""
    hashes: int
    """Tree hashes compared."""
    keys: int
    blobs: int
    removed_blobs: int
    """Named, absent, and excused by a tombstone."""
    unread: int = 0
    """Envelopes of jobs that sigstore vouches for, where the package to verify that is missing."""


class CountedBlobs(Struct, frozen=True):
    """How many named blobs are sound, and how many are absent and excused."""

    sound: int
    removed: int


def nobody_watches(done: int, total: int) -> None:
    """Progress that goes nowhere."""


def verify_ledger(
    ledger: Ledger, trust: Trust, on_progress: Progress = nobody_watches, *, seen: Sequence[str] = ()
) -> Verified:
    """Verify a whole ledger; returns what was verified.

    `seen` are checkpoints (signed notes) that this machine saw before: the ledger must still begin with each of them.
    Raises LedgerDamage naming every place that is not sound, IntegrityFailure when there is no trust root or nothing
    to verify, Unreachable when the ledger or a blob cannot be read now.
    """
    trusted_keyids(trust)  # where nobody is trusted, that is what has to be said first
    findings = Findings()
    for sentence in ledger.storage.damage():
        findings.add(sentence)
    head = findings.guard(ledger.storage.head, Head("", None))
    count = findings.guard(ledger.storage.count, 0)
    if head.note is None and not count and not findings:
        raise IntegrityFailure("the ledger is empty, so nothing was verified", "`infratrack run -- COMMAND` fills it")
    note = _read_note(head, findings)
    keys = _read_keys(ledger.storage, findings)
    seen_heads = read_seen(seen, findings)
    check = LogCheck(trust, findings, frozenset(one.size for one in seen_heads))
    size = max(note.checkpoint.size if note else 0, count)
    _check_entries(ledger.storage, check, keys, size, on_progress)
    signed = check_head(note, check, checkpoint_keys(trust, check, keys), findings, known=keys)
    check_seen(seen_heads, head.origin, check, findings)
    blobs = check_blobs(ledger.blobs.get, check, findings)
    return conclude(signed, check, findings, keys=len(keys), blobs=blobs)


def check_blobs(get: Callable[[Digest], bytes], check: LogCheck, findings: Findings) -> CountedBlobs:
    """Read every blob that the log names."""
    sound = removed = 0
    for digest, index in check.named_blobs.items():
        try:
            get(digest)
            sound += 1
        except InputError:
            if digest in check.removed_blobs:
                removed += 1
            else:
                findings.add(f"blob {digest}: it is missing, entry {index} names it")
        except IntegrityFailure as error:
            findings.add(f"blob {digest}: {error.message} (entry {index} names it)")
    return CountedBlobs(sound, removed)


def conclude(
    signed: SignedHead | None, check: LogCheck, findings: Findings, *, keys: int, blobs: CountedBlobs
) -> Verified:
    """The result; LedgerDamage when anything was found, IntegrityFailure when nothing was there to verify."""
    findings.raise_if_any()
    if signed is None or not check.sound:
        raise IntegrityFailure("there are no entries, so nothing was verified")
    return Verified(
        origin=signed.checkpoint.origin,
        size=signed.checkpoint.size,
        root=signed.checkpoint.root,
        signer=signed.keyid,
        signer_name=signed.name,
        entries=check.sound,
        trusted=check.trusted,
        hashes=check.hashes,
        keys=keys,
        blobs=blobs.sound,
        removed_blobs=blobs.removed,
        unread=check.unread,
    )


def _check_entries(
    storage: LedgerStorage, check: LogCheck, keys: Mapping[str, PublicKey], size: int, on_progress: Progress
) -> None:
    """Follow the stored rows, each compared with what it must be."""
    for page, results in checked_pages(_pages(storage, size), keys, size):
        for record, result in zip(page, results, strict=True):
            found = result
            if isinstance(record, _Stored):
                expected = hashlib.sha256(record.line).digest() if isinstance(record.line, bytes) else None
                if isinstance(result, SoundRecord) and (record.index != check.size or record.digest != expected):
                    found = "the row's index or digest is not that of its envelope"
                if check.take(record, found) != record.hashes:
                    check.find(f"entry {check.size - 1}: the stored hashes of the tree are not those of its leaves")
            else:
                check.take(record, result)
        on_progress(check.size, size)


class _Stored(Record, frozen=True, gc=False):
    """A row, with the columns that are compared here and not in the workers."""

    digest: bytes
    hashes: bytes


def _pages(storage: LedgerStorage, size: int) -> Iterator[list[Record]]:
    """The rows, page by page, up to a gap that only a size that somebody made up can have."""
    gap = 0
    for start in range(0, size, PAGE):
        stop = min(start + PAGE, size)
        try:
            rows = list(storage.entries(start, stop))
        except IntegrityFailure:
            rows = []
        if [row.index for row in rows] == list(range(start, stop)):
            yield [_stored(row) for row in rows]
        else:
            # Something on this page cannot be read or is missing: one by one, so that the entry can be named.
            page = [_one(storage, index) for index in range(start, stop)]
            gap = 0 if any(isinstance(one, _Stored) for one in page) else gap + 1
            yield page
            if gap == _LONGEST_GAP:
                return


def _one(storage: LedgerStorage, index: int) -> Record:
    try:
        rows = storage.entries(index, index + 1)
    except IntegrityFailure:
        rows = []
    return _stored(rows[0]) if len(rows) == 1 and rows[0].index == index else Record(index, b"", b"")


def _stored(row: StoredEntry) -> _Stored:
    return _Stored(row.index, row.entry, row.line, row.digest, row.hashes)


def _read_note(head: Head, findings: Findings) -> SignedNote | None:
    if head.note is None:
        findings.add("checkpoint: it is missing")
        return None
    try:
        note = read_note(head.note)
    except IntegrityFailure as error:
        findings.add(f"checkpoint: {error.message}")
        return None
    if note.checkpoint.origin != head.origin:
        findings.add(f"checkpoint: it is of the log {note.checkpoint.origin[:80]!a}, not of {head.origin[:80]!a}")
    return note


def _read_keys(storage: LedgerStorage, findings: Findings) -> dict[str, PublicKey]:
    keys: dict[str, PublicKey] = {}
    stored: Mapping[str, bytes] = {}
    for keyid, raw in findings.guard(storage.keys, stored).items():
        try:
            keys[keyid] = stored_key(keyid, raw)
        except IntegrityFailure as error:
            findings.add(f"keys: {error.message}")
    return keys
