"""What a ledger's address says. Pure.

    sqlite:///relative/path.db, sqlite:////absolute/path.db, with ?blobs=URL where blobs lie elsewhere
    git:BRANCH, git:refs/…    the project's own remote `origin`
    git+URL#BRANCH            any Git remote: https, ssh, git, file, user@host:path, a path

Settings at the end of a Git address: `?blobs=URL` or `?blobs=none` (where blobs above the limit go, or that evidence
names them by digest only), `blob_limit=64KiB` (up to which they lie on the branch), `remote=NAME` (only with `git:`).
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from msgspec import Struct

from infratrack.errors import InputError
from infratrack.ledger.storage.git.refs import check_url, full_ref

DEFAULT_REMOTE: Final = "origin"
DEFAULT_BLOB_LIMIT: Final = 1 << 20
"""Bytes (1 MiB) up to which a blob lies on the branch itself."""
LARGEST_BLOB_LIMIT: Final = 1 << 26
"""Bytes (64 MiB): forges refuse files of 100 MB."""
NOWHERE: Final = "none"

_HINT: Final = "write it like sqlite:///.infratrack/ledger.db, git:infratrack/ledger or git+URL#infratrack/ledger"
_REMOTE: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,99}")
_AMOUNT: Final = re.compile(r"([0-9]{1,9})(|KiB|MiB)")
_UNITS: Final = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20}


class SqliteAddress(Struct, frozen=True):
    """A database file, relative to the project's folder unless absolute; `blobs` is a URL where they lie elsewhere."""

    path: str
    blobs: str | None


class GitAddress(Struct, frozen=True):
    """A ref of a Git remote: of the one at `url`, or (None) of the project's own remote of that name."""

    url: str | None
    remote: str
    ref: str
    blobs: str | None
    """Where blobs above the limit go: a URL, `none`, or None where the address does not say."""
    blob_limit: int
    """Bytes up to which a blob lies on the branch."""


def read_address(text: str) -> SqliteAddress | GitAddress:
    """What an address says; InputError for one of another form."""
    if text.startswith("git:"):
        return _read_git(text, None, text.removeprefix("git:"))
    if text.startswith("git+"):
        url, hash_, rest = text.removeprefix("git+").partition("#")
        if not hash_:
            raise _unreadable(text, "name the branch after a `#`, like git+https://host/project.git#infratrack/ledger")
        return _read_git(text, url, rest)
    try:
        parts = urlsplit(text)
        query = parse_qs(parts.query, strict_parsing=bool(parts.query))
    except ValueError as error:
        raise _unreadable(text) from error
    if parts.scheme != "sqlite":
        raise InputError(f"{_shown(text)} is not a kind of ledger that infratrack knows (sqlite, git)", _HINT)
    name = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not name or "\0" in name or set(query) - {"blobs"}:
        raise _unreadable(text)
    return SqliteAddress(name, query["blobs"][-1] if "blobs" in query else None)


def largest_blob(text: str) -> int | None:
    """Bytes of the largest blob that the ledger at this address keeps; None where it keeps blobs of every size.

    None, too, for an address that cannot be read: whoever opens the ledger is told what is wrong with it.
    """
    try:
        where = read_address(text)
    except InputError:
        return None
    return where.blob_limit if isinstance(where, GitAddress) and where.blobs in {None, NOWHERE} else None


def _read_git(text: str, url: str | None, rest: str) -> GitAddress:
    name, _, settings = rest.partition("?")
    try:
        query = parse_qs(settings, keep_blank_values=True, strict_parsing=bool(settings))
    except ValueError as error:
        raise _unreadable(text) from error
    allowed = {"blobs", "blob_limit", "remote"} if url is None else {"blobs", "blob_limit"}
    if set(query) - allowed or [""] in query.values():
        raise _unreadable(text, f"the settings of this address are {', '.join(sorted(allowed))}")
    if url is not None and _holds_password(url):
        raise InputError(
            "the ledger's address holds a password, and everybody who reads the project reads it",
            "take it out; git's own credential helper, or the environment of the job, hands it over",
        )
    remote = query.get("remote", [DEFAULT_REMOTE])[-1]
    if not _REMOTE.fullmatch(remote):
        raise _unreadable(text, "the remote is a name that `git remote` shows")
    return GitAddress(
        None if url is None else check_url(url),
        remote,
        full_ref(name),
        query["blobs"][-1] if "blobs" in query else None,
        _bytes(text, query["blob_limit"][-1]) if "blob_limit" in query else DEFAULT_BLOB_LIMIT,
    )


def _bytes(text: str, amount: str) -> int:
    found = _AMOUNT.fullmatch(amount)
    size = int(found[1]) * _UNITS[found[2]] if found else -1
    if not 0 <= size <= LARGEST_BLOB_LIMIT:
        raise _unreadable(text, "blob_limit is a number of bytes, KiB or MiB up to 64MiB, like blob_limit=256KiB")
    return size


def _holds_password(url: str) -> bool:
    authority = url.partition("://")[2].partition("/")[0]
    return ":" in authority.rpartition("@")[0]


def _shown(text: str) -> str:
    """The address for a message, without what stands before an `@`."""
    return ascii(re.sub(r"//[^/@]*@", "//…@", text[:200])).replace("\\u2026", "…")


def _unreadable(text: str, hint: str = _HINT) -> InputError:
    return InputError(f"{_shown(text)} is not a ledger address", hint)
