"""Opening the ledger that a project file names: a database file, or a branch of a Git remote (see `address`)."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.evidence.key_store import home_folder
from infratrack.ledger.address import GitAddress, read_address
from infratrack.ledger.blobs import BlobStore
from infratrack.ledger.log import Ledger


class NoLedgerYet(InputError):
    """The address is fine, but nothing was recorded there yet."""


def tell(sentence: str) -> None:
    """Say a sentence of our own on standard error."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"infratrack: {sentence}\n")


def open_ledger(  # noqa: PLR0913 -- what there is around a ledger, all by keyword
    address: str,
    folder: Path,
    *,
    project_id: str,
    create: bool = False,
    environ: Mapping[str, str] | None = None,
    report: Callable[[str], None] = tell,
) -> Ledger:
    """Open the ledger at an address; a relative path starts at `folder`, the project's.

    It is made (folder 0700, file 0600; on a Git remote, the branch) when it is absent and `create` is set. `environ`
    (this process's by default) says where this machine remembers what it saw, and how git reaches the network;
    `report` hears what makes a ledger slow. Raises InputError for an address of an unknown kind,
    NoLedgerYet for a ledger that is not there, Unreachable when it cannot be opened, IntegrityFailure when what is
    there is no ledger, or not the one that this machine saw.
    """
    where = read_address(address)
    if isinstance(where, GitAddress):
        environ = os.environ if environ is None else environ
        return _open_git(where, folder, project_id, address, create=create, environ=environ, report=report)
    path = folder / where.path
    blobs = path.parent / "blobs" if where.blobs is None else where.blobs
    try:
        there = path.stat().st_size if path.exists() else None
        if there is None:
            if not create:
                raise NoLedgerYet(
                    f"there is no ledger at {path} yet", "the first evidence makes it: `infratrack run -- COMMAND`"
                )
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unreachable(f"the ledger at {path} could not be opened ({error.strerror})", "check the path") from error
    if there == 0:
        raise IntegrityFailure(
            f"the ledger at {path} is an empty file", "restore it from an export, or delete the file"
        )
    return _open_sqlite(path, blobs, project_id, address, create=there is None)


def new_origin(project_id: str) -> str:
    """A name for a new log that no other log has: `infratrack/<project id>/<8 random hexadecimal digits>`."""
    return f"infratrack/{project_id}/{secrets.token_hex(4)}"


def _open_git(  # noqa: PLR0913 -- `open_ledger` is for others
    where: GitAddress,
    folder: Path,
    project_id: str,
    address: str,
    *,
    create: bool,
    environ: Mapping[str, str],
    report: Callable[[str], None],
) -> Ledger:
    from infratrack.ledger.storage.git.opening import open_branch  # noqa: PLC0415 -- only for such a ledger

    storage, blobs = open_branch(where, folder, home=home_folder(environ), environ=environ, report=report)
    try:
        there = storage.is_there()
        if create and not there:
            storage.create(new_origin(project_id))
    except BaseException:
        storage.close()
        raise
    if not (there or create):
        storage.close()
        raise NoLedgerYet(
            f"there is no ledger on {storage.name} yet", "the first evidence makes it: `infratrack run -- COMMAND`"
        )
    return Ledger(storage, blobs, project_id=project_id, address=address)


def _open_sqlite(path: Path, blobs: Path | str, project_id: str, address: str, *, create: bool) -> Ledger:
    from infratrack.ledger.storage.sql import sqlite  # noqa: PLC0415 -- SQLAlchemy costs seven times what click does
    from infratrack.ledger.storage.sql.store import SqlStorage  # noqa: PLC0415 -- likewise

    what = f"the ledger at {path}"
    if create:
        with sqlite.explained(what):
            sqlite.create_file(path, new_origin(project_id))
    engine = sqlite.sqlite_engine(path, read_only=_only_readable(path))
    storage = SqlStorage(engine, sqlite.begin_writing, lambda: sqlite.explained(what), sqlite.damage)
    try:
        storage.prepare()
    except BaseException:
        storage.close()
        raise
    return Ledger(storage, BlobStore(blobs), project_id=project_id, address=address)


def _only_readable(path: Path) -> bool:
    """Whether the folder cannot be written, so that SQLite can neither lock nor keep its shared memory there."""
    return not os.access(path.parent, os.W_OK) and not path.with_name(path.name + "-wal").exists()
