"""Bundles: a ledger as a folder of plain files that anyone can verify offline, written, verified and read back.

Verification is strict, on bytes: a bundle is either exactly what an export writes, or damaged. The trust root comes
from outside, never from the bundle.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.evidence.durable_files import sync_folder
from infratrack.evidence.keys import PublicKey
from infratrack.evidence.trust import Trust
from infratrack.ledger.bundle_format import BLOBS, CHECKPOINT, ENTRIES, ENVELOPES, KEYS, read_keys, write_keys
from infratrack.ledger.bundle_read import BundleFiles
from infratrack.ledger.check import Findings, LogCheck, Record, checkpoint_keys, named_blobs, trusted_keyids
from infratrack.ledger.checkpoint import read_note, verify_note
from infratrack.ledger.entry import read_entry
from infratrack.ledger.heads import check_head
from infratrack.ledger.log import PAGE, Appended, Incoming, Ledger
from infratrack.ledger.storage.interface import Head
from infratrack.ledger.verify import Progress, Verified, check_blobs, conclude, nobody_watches
from infratrack.ledger.workers import checked_pages
from infratrack.values import Digest


class Exported(Struct, frozen=True):
    """What an export wrote; `absent` are blobs that entries name and the ledger does not have."""

    entries: int
    blobs: int
    absent: tuple[Digest, ...]


class Imported(Struct, frozen=True):
    """What an import did; `restored` when it filled an empty ledger with the bundle's log as it is."""

    verified: Verified
    added: int
    restored: bool


def export_bundle(ledger: Ledger, folder: Path, on_progress: Progress = nobody_watches) -> Exported:
    """Write the ledger as a bundle. `folder` must not exist, or be empty; it appears as a whole or not at all.

    Raises InputError for a folder that is in use and for an empty ledger, IntegrityFailure for an entry or a blob that
    cannot be what it says, Unreachable when it could not be written.
    """
    folder = folder.absolute()
    draft = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.new")
    note = ledger.checkpoint()
    if note is None:
        raise InputError("the ledger is empty: there is nothing to export")
    try:
        if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
            raise InputError(f"{folder} is in use", "name a folder that does not exist yet, or an empty one")
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft.mkdir(0o700)
        try:
            exported = _write(ledger, note, draft, on_progress)
            draft.rename(folder)
            sync_folder(folder.parent)
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise Unreachable(
            f"the bundle {folder} could not be written: {error.strerror or error}", "check the path and the disk"
        ) from error
    return exported


def verify_bundle(folder: Path, trust: Trust, on_progress: Progress = nobody_watches) -> Verified:
    """Verify a bundle with no ledger at hand; returns what was verified.

    Raises LedgerDamage naming everything that is not exactly as an export writes it, IntegrityFailure when there is no
    trust root or nothing to verify, InputError when there is no such folder.
    """
    trusted_keyids(trust)  # where nobody is trusted, that is what has to be said first
    findings = Findings()
    files = BundleFiles(folder, findings)
    written_keys = findings.guard(files.keys, b"")
    keys: dict[str, PublicKey] = {}
    if written_keys:
        keys = findings.guard(lambda: read_keys(written_keys), keys)
    note = findings.guard(lambda: read_note(files.checkpoint()), None)
    check = LogCheck(trust, findings)
    total = note.checkpoint.size if note else 0
    try:
        for page, results in checked_pages(files.pages(), keys, total):
            for record, result in zip(page, results, strict=True):
                check.take(record, result)
            on_progress(check.size, total)
    except IntegrityFailure as error:
        findings.add(error.message)
    signed = check_head(note, check, checkpoint_keys(trust, check, keys), findings, known=keys)
    if signed is not None and set(keys) != check.keyids | {signed.keyid}:
        findings.add(f"{KEYS}: it does not hold exactly the keys that signed the entries and the checkpoint")
    blobs = check_blobs(files.blob, check, findings)
    for name in sorted(files.blobs - {digest.removeprefix("sha256:") for digest in check.named_blobs}):
        findings.add(f"{BLOBS}/{name}: no entry names it")
    return conclude(signed, check, findings, keys=len(keys), blobs=blobs)


def import_bundle(
    folder: Path,
    ledger: Ledger,
    trust: Trust,
    append: Callable[[Sequence[Incoming]], Sequence[Appended]],
    on_progress: Progress = nobody_watches,
) -> Imported:
    """Verify a bundle, then bring its envelopes into the ledger. Doing it again adds nothing.

    An empty ledger becomes the bundle's log as it is: same leaves and recording times, same root, checkpoint and
    origin. In any other, the envelopes that are missing are appended in the bundle's order; the time they are recorded
    at is ours, since that is when this ledger came to know of them. `append` is the ledger's, with signer and clock.
    """
    verified = verify_bundle(folder, trust, on_progress)
    files = BundleFiles(folder, Findings())
    keys = read_keys(files.keys())
    for name in sorted(files.blobs):
        ledger.blobs.put(files.blob(Digest(f"sha256:{name}")))
    if ledger.checkpoint() is None:
        note = files.checkpoint()
        head = Head(read_note(note).checkpoint.origin, note)
        ledger.restore(head, lambda: ((one.entry, one.line) for page in files.pages() for one in page), keys)
        return Imported(verified, verified.entries, restored=True)
    added = 0
    for page in files.pages():
        items = [_incoming(record, keys) for record in page]
        added += sum(one.new for one in append(items))
    return Imported(verified, added, restored=False)


def _incoming(record: Record, keys: Mapping[str, PublicKey]) -> Incoming:
    keyid = read_entry(record.entry).keyid
    if keyid not in keys:
        raise IntegrityFailure(f"entry {record.index}: the key {keyid[:16]} that signed it is not known")
    return Incoming(record.line, keyid, keys[keyid])


def _write(ledger: Ledger, note: str, draft: Path, on_progress: Progress) -> Exported:
    """Write every file of the bundle into the draft, each on disk before the next."""
    head = read_note(note)
    size = head.checkpoint.size
    known = ledger.known_keys()
    used = {key.keyid: key for key in verify_note(head, known.values()).signers}
    named: dict[Digest, None] = {}
    with (draft / ENTRIES).open("wb") as entries, (draft / ENVELOPES).open("wb") as envelopes:
        for entry in ledger.entries(0, size):
            if entry.keyid not in known:
                raise IntegrityFailure(f"entry {entry.index}: the key {entry.keyid[:16]} that signed it is not known")
            used[entry.keyid] = known[entry.keyid]
            named.update(dict.fromkeys(named_blobs(entry.line)))
            entries.write(entry.entry + b"\n")
            envelopes.write(entry.line + b"\n")
            if entry.index % PAGE == 0:
                on_progress(entry.index, size)
        for file in (entries, envelopes):
            file.flush()
            os.fsync(file.fileno())
    _write_file(draft / KEYS, write_keys(used))
    _write_file(draft / CHECKPOINT, note.encode())
    absent = tuple(digest for digest in named if not _write_blob(ledger, digest, draft / BLOBS))
    for changed in (draft, draft / "blobs", draft / BLOBS):
        if changed.is_dir():
            sync_folder(changed)
    return Exported(size, len(named) - len(absent), absent)


def _write_blob(ledger: Ledger, digest: Digest, folder: Path) -> bool:
    """Whether the ledger has the blob; IntegrityFailure when it is damaged there."""
    if not ledger.blobs.has(digest):
        return False
    folder.mkdir(parents=True, exist_ok=True)
    _write_file(folder / digest.removeprefix("sha256:"), ledger.blobs.get(digest))
    return True


def _write_file(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
