"""Blobs of a ledger on a branch: small ones lie there, large ones elsewhere or nowhere, as its address says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from infratrack.errors import InputError, IntegrityFailure
from infratrack.ledger.blobs import BlobStore, NotKept
from infratrack.ledger.storage.git import layout
from infratrack.ledger.storage.git.store import GitStorage
from infratrack.values import Digest, sha256_digest

_ONE_BY_ONE: Final = 8
"""So many blobs are fetched each by itself; whoever reads more is given all."""


class BranchBlobs:
    """Content by digest; what is put goes to the branch with the ledger's next write.

    `elsewhere` keeps blobs of more than `limit` bytes; without it only their digests are kept, which `report` is told.
    """

    def __init__(
        self,
        storage: GitStorage,
        limit: int,
        elsewhere: BlobStore | None,
        local: Path,
        report: Callable[[str], None],
    ) -> None:
        self._storage: Final = storage
        self._limit: Final = limit
        self._elsewhere: Final = elsewhere
        self._local: Final = BlobStore(local)
        self._report: Final = report
        self._asked = 0

    def put(self, content: bytes) -> Digest:
        """Keep the content with the next write; returns its digest. Unreachable when it cannot be kept elsewhere."""
        digest = sha256_digest(content)
        if len(content) <= self._limit:
            self._storage.put_with_next_write(layout.blob_path(digest), content)
        elif self._elsewhere is not None:
            self._elsewhere.put(content)
        else:
            self._storage.put_with_next_write(layout.absent_blob_path(digest), layout.write_size(len(content)))
            self._report(
                f"an artifact of {len(content)} bytes is kept as its digest only: more than {self._limit} bytes do not "
                "go to the ledger's branch (`blobs=URL` in its address says where they may go)"
            )
        return digest

    def get(self, digest: Digest) -> bytes:
        """The content. InputError when there is none (NotKept: on purpose), IntegrityFailure when it is another."""
        content = self._on_branch(digest)
        if content is None and self._elsewhere is not None and self._elsewhere.has(digest):
            return self._elsewhere.get(digest)
        if content is None:
            if self._storage.file(layout.absent_blob_path(digest)) is not None:
                raise NotKept(f"the blob {digest} was too large for the ledger's branch: only its digest was kept")
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
