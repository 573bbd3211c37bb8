"""A ledger on a branch of a real Git remote: the contract of every store, and what is particular to a branch."""

from __future__ import annotations

from pathlib import Path

from infratrack.ledger.storage.git.memory import Memory
from infratrack.ledger.storage.git.remote import GitRemote
from infratrack.ledger.storage.git.store import GitStorage
from infratrack.ledger.storage.interface import LedgerStorage
from infratrack.testing.ledger_storage import LedgerStorageContract
from tests.ledger.git.daemon import bare_repository


def open_branch(folder: Path, machine: str = "machine", url: str | None = None) -> GitStorage:
    environ = {"PATH": "/usr/bin:/bin", "HOME": str(folder / "no-home")}
    cache = folder / machine
    remote = GitRemote.open(
        url or str(folder / "remote.git"), "infratrack/ledger", cache, report=print, environ=environ
    )
    storage = GitStorage(remote, Memory(cache))
    storage.create("infratrack/test/00000000")
    return storage


class TestGitStorage(LedgerStorageContract):
    EACH = 4

    def open_storage(self, folder: Path) -> LedgerStorage:
        if not (folder / "remote.git").exists():
            bare_repository(folder / "remote.git")
        return open_branch(folder)
