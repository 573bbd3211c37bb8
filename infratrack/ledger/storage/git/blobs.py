"""Blobs of a ledger on a branch: small ones lie there, large ones elsewhere, if its address says where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from infratrack.errors import InputError, IntegrityFailure
from infratrack.ledger.blobs import BlobStore
from infratrack.ledger.storage.git import layout
from infratrack.ledger.storage.git.store import GitStorage
from infratrack.values import Digest, sha256_digest

_ONE_BY_ONE: Final = 8
"""So many blobs are fetched each by itself; whoever reads more is given all."""


class BranchBlobs:
    """Content by digest; what is put goes to the branch with the ledger's next write.

    `elsewhere` keeps blobs of more than `limit` bytes; without it they are refused. What is not kept evidence says
    itself, signed: a mark on the branch could be made by whoever removes a blob.
    """

    def __init__(
        self,
        storage: GitStorage,
        limit: int,
        elsewhere: BlobStore | None,
        local: Path,
    ) -> None:
        self._storage: Final = storage
        self._limit: Final = limit
        self._elsewhere: Final = elsewhere
        self._local: Final = BlobStore(local)
        self._asked = 0

    def put(self, content: bytes) -> Digest:
        """Keep the content with the next write; returns its digest.

        Unreachable when it cannot be kept elsewhere, InputError when it is too large and there is no such place.
        """
        digest = sha256_digest(content)
        if len(content) <= self._limit:
            self._storage.put_with_next_write(layout.blob_path(digest), content)
        elif self._elsewhere is not None:
            self._elsewhere.put(content)
        else:
            raise InputError(
                f"an artifact has {len(content)} bytes, and more than {self._limit} do not go to the ledger's branch: "
                "say in the ledger's address where they may go (`blobs=URL`), or a larger `blob_limit`"
            )
        return digest

    def get(self, digest: Digest) -> bytes:
        """The content. InputError when there is none, IntegrityFailure when it is not what its name says."""
        content = self._on_branch(digest)
        if content is None and self._elsewhere is not None and self._elsewhere.has(digest):
            return self._elsewhere.get(digest)
        if content is None:
            raise InputError(f"there is no blob {digest} on {self._storage.name}")
        if sha256_digest(content) != digest:
            raise IntegrityFailure(f"the blob {digest} is damaged: its content is {sha256_digest(content)}")
        return content

    def has(self, digest: Digest) -> bool:
        """Whether there is a blob of this name."""
        if self._storage.file(layout.blob_path(digest)) is not None:
            return True
        return self._elsewhere is not None and self._elsewhere.has(digest)

    def list(self) -> Iterator[Digest]:
        """The digests of all blobs, in no order."""
        for path in self._storage.files(layout.BLOBS):
            name = layout.fanned_in(layout.BLOBS, path)
            if name is not None:
                yield Digest(f"sha256:{name}")
        if self._elsewhere is not None:
            yield from self._elsewhere.list()

    def _on_branch(self, digest: Digest) -> bytes | None:
        path = layout.blob_path(digest)
        self._asked += 1
        if self._asked == _ONE_BY_ONE:
            for content in self._storage.files(layout.BLOBS).values():
                self._local.put(content)
        elif self._asked > _ONE_BY_ONE and self._local.has(digest):
            return self._local.get(digest)
        return self._storage.file(path)
