"""Opening the ledger that a project file names: `sqlite:///relative/path.db` or `sqlite:////absolute/path.db`.

`?blobs=URL` keeps blobs in an object store instead of the folder `blobs` beside the ledger.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.ledger.blobs import BlobStore
from infratrack.ledger.log import Ledger

_EXPECTED: Final = "write it like sqlite:///.infratrack/ledger.db"


class NoLedgerYet(InputError):
    """The address is fine, but nothing was recorded there yet."""


def open_ledger(address: str, folder: Path, *, project_id: str, create: bool = False) -> Ledger:
    """Open the ledger at an address; a relative path starts at `folder`, the project's.

    It is made (folder 0700, file 0600) when it is absent and `create` is set. Raises InputError for an address of an
    unknown kind, NoLedgerYet for a ledger that is not there, Unreachable when it cannot be opened, IntegrityFailure
    when what is there is no ledger.
    """
    path, blobs = resolve_address(address, folder)
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


def resolve_address(address: str, folder: Path) -> tuple[Path, Path | str]:
    """The ledger's file and where its blobs are; InputError for an address of an unknown kind."""
    try:
        parts = urlsplit(address)
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise InputError(f"{address[:200]!a} is not a ledger address", _EXPECTED) from error
    if parts.scheme != "sqlite":
        raise InputError(f"{address[:200]!a} is not a kind of ledger that infratrack knows (sqlite)", _EXPECTED)
    name = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not name or "\0" in name or set(query) - {"blobs"}:
        raise InputError(f"{address[:200]!a} is not a ledger address", _EXPECTED)
    path = folder / name
    if "blobs" in query:
        return path, query["blobs"][-1]
    return path, path.parent / "blobs"
