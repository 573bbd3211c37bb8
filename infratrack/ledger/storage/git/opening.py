"""Opening a ledger on a branch: which remote, how to reach it, and where this machine remembers what it saw."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from infratrack.evidence.redaction.urls import strip_credentials
from infratrack.ledger.address import NOWHERE, GitAddress
from infratrack.ledger.blobs import BlobStore
from infratrack.ledger.storage.git.authentication import given_remote, named_remote
from infratrack.ledger.storage.git.blobs import BranchBlobs
from infratrack.ledger.storage.git.memory import Memory
from infratrack.ledger.storage.git.remote import GitRemote
from infratrack.ledger.storage.git.store import GitStorage

_FOLDER: Final = "git-ledgers"
_DIGITS: Final = 16


def open_branch(
    address: GitAddress, folder: Path, *, home: Path, environ: Mapping[str, str], report: Callable[[str], None]
) -> tuple[GitStorage, BranchBlobs]:
    """The storage and the blobs of a ledger on a branch; the remote is not asked for anything yet.

    `folder` is the project's, `home` where this machine keeps what it remembers. InputError when there is no such
    remote. `report` hears what makes things dearer.
    """
    if address.url is None:
        found = named_remote(folder, address.remote, environ)
    else:
        found = given_remote(address.url, folder, environ)
    # Without credentials: a job's token is another one every time.
    place = hashlib.sha256(f"{strip_credentials(found.url)}\0{address.ref}".encode(errors="replace")).hexdigest()
    memory = Memory(home / _FOLDER / place[:_DIGITS])
    remote = GitRemote.open(
        found.url, address.ref, memory.folder, settings=found.settings, report=report, environ=environ
    )
    storage = GitStorage(remote, memory)
    elsewhere = None if address.blobs in {None, NOWHERE} else BlobStore(str(address.blobs))
    return storage, BranchBlobs(storage, address.blob_limit, elsewhere, memory.blobs_path)
