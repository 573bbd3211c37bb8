"""Artifacts kept by their SHA-256, through obstore: a local folder by default, or any object store it speaks to.

A blob lies at `sha256/<first two digits>/<64 digits>`. It is written only if it is not there yet, and its content is
compared with its name whenever it is read. On a local folder it is on disk (fsync) before `put` returns.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.values import Digest, sha256_digest

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_PATH: Final = re.compile(r"sha256/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_TRY_AGAIN: Final = "check the path, the permissions and the network"


class Blobs(Protocol):
    """What a ledger needs of the place that keeps its blobs; see BlobStore."""

    def put(self, content: bytes) -> Digest:
        """Keep the content; durable at the latest when entries that name it are written after it."""

    def get(self, digest: Digest) -> bytes:
        """The content. InputError when there is no such blob, IntegrityFailure when it is not what its name says."""

    def has(self, digest: Digest) -> bool:
        """Whether there is a blob of this name."""

    def list(self) -> Iterator[Digest]:
        """The digests of all blobs, in no order."""


class BlobStore:
    """Content by digest. `address` is a local folder (Path) or an object store's URL (`s3://bucket/prefix`)."""

    def __init__(self, address: Path | str) -> None:
        self.address: Final = address
        self._opened: ObjectStore | None = None

    def put(self, content: bytes) -> Digest:
        """Keep the content, durably; returns its digest. Unreachable when it cannot be kept."""
        from obstore.exceptions import AlreadyExistsError  # noqa: PLC0415 -- compiled code, only for blobs

        digest = sha256_digest(content)
        path = _path(digest)
        try:
            if isinstance(self.address, Path):
                self.address.mkdir(mode=0o700, parents=True, exist_ok=True)
            store = self._store()
            try:
                store.put(path, content, mode="create")
            except AlreadyExistsError:
                # An earlier crash of the machine may have left it short.
                if bytes(store.get(path).bytes()) == content:
                    return digest
                store.put(path, content)
            if isinstance(self.address, Path):
                _make_durable(self.address, self.address / path)
        except Exception as error:
            raise self._unreachable(error) from error
        return digest

    def get(self, digest: Digest) -> bytes:
        """The content. InputError when there is no such blob, IntegrityFailure when it is not what its name says."""
        from obstore.exceptions import NotFoundError  # noqa: PLC0415 -- compiled code, only for blobs

        try:
            content = bytes(self._store().get(_path(digest)).bytes())
        except (NotFoundError, FileNotFoundError) as error:
            raise InputError(f"there is no blob {digest} in {self.address}") from error
        except Exception as error:
            raise self._unreachable(error) from error
        if sha256_digest(content) != digest:
            raise IntegrityFailure(f"the blob {digest} is damaged: its content is {sha256_digest(content)}")
        return content

    def has(self, digest: Digest) -> bool:
        """Whether there is a blob of this name (its content is not looked at)."""
        from obstore.exceptions import NotFoundError  # noqa: PLC0415 -- compiled code, only for blobs

        try:
            self._store().head(_path(digest))
        except (NotFoundError, FileNotFoundError):
            return False
        except Exception as error:
            raise self._unreachable(error) from error
        return True

    def list(self) -> Iterator[Digest]:
        """The digests of all blobs, in no order."""
        try:
            for page in self._store().list():
                for one in page:
                    if found := _PATH.fullmatch(one["path"]):
                        yield Digest(f"sha256:{found[2]}")
        except FileNotFoundError:
            return
        except Exception as error:
            raise self._unreachable(error) from error

    def _store(self) -> ObjectStore:
        if self._opened is None:
            from obstore.store import LocalStore, from_url  # noqa: PLC0415 -- compiled code, only for blobs

            if isinstance(self.address, Path) and not self.address.exists():
                # Nothing was put yet; obstore would call that an error of its own kind.
                raise FileNotFoundError(self.address)
            self._opened = LocalStore(self.address) if isinstance(self.address, Path) else from_url(self.address)
        return self._opened

    def _unreachable(self, error: Exception) -> Unreachable:
        reason = " ".join(str(error).partition("\n\n")[0].split())[:300]
        return Unreachable(f"the blobs in {self.address} could not be reached ({reason})", _TRY_AGAIN)


def _path(digest: Digest) -> str:
    name = digest.removeprefix("sha256:")
    return f"sha256/{name[:2]}/{name}"


def _make_durable(root: Path, path: Path) -> None:
    """Flush the file and each folder up to the root; the file is its owner's only."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fchmod(descriptor, 0o600)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    for folder in (path.parent, *path.parent.parents):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if folder == root:
            break
