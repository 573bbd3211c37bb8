import stat
from pathlib import Path

import pytest

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.ledger.blobs import BlobStore
from infratrack.values import Digest, sha256_digest

ABSENT = Digest("sha256:" + "0" * 64)


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "blobs")


def place(blobs: BlobStore, digest: Digest) -> Path:
    name = digest.removeprefix("sha256:")
    return Path(blobs.address) / "sha256" / name[:2] / name


def test_a_blob_lies_under_its_digest_and_is_private(blobs: BlobStore) -> None:
    digest = blobs.put(b"content")
    assert digest == sha256_digest(b"content")
    assert blobs.get(digest) == b"content"
    assert place(blobs, digest).read_bytes() == b"content"
    assert stat.S_IMODE(place(blobs, digest).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(blobs.address).stat().st_mode) == 0o700


def test_the_same_content_is_kept_once(blobs: BlobStore) -> None:
    digests = {blobs.put(b"content"), blobs.put(b"content"), blobs.put(b"")}
    assert set(blobs.list()) == digests
    assert all(blobs.has(digest) for digest in digests)


def test_a_blob_left_short_by_a_crash_is_made_whole(blobs: BlobStore) -> None:
    digest = blobs.put(b"content")
    place(blobs, digest).write_bytes(b"con")
    assert blobs.put(b"content") == digest
    assert blobs.get(digest) == b"content"


def test_a_blob_that_is_not_there(blobs: BlobStore) -> None:
    assert not blobs.has(ABSENT)
    assert list(blobs.list()) == []
    with pytest.raises(InputError, match="there is no blob"):
        blobs.get(ABSENT)


def test_content_that_is_not_its_name_is_damage(blobs: BlobStore) -> None:
    digest = blobs.put(b"content")
    place(blobs, digest).write_bytes(b"cOntent")
    with pytest.raises(IntegrityFailure, match="is damaged"):
        blobs.get(digest)


def test_files_that_are_no_blobs_are_not_listed(blobs: BlobStore) -> None:
    digest = blobs.put(b"content")
    (Path(blobs.address) / "notes.txt").write_text("hello")
    assert list(blobs.list()) == [digest]


def test_a_store_that_cannot_be_reached_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    blocked = BlobStore(tmp_path / "file")
    for action in (lambda: blocked.put(b"x"), lambda: blocked.get(ABSENT), lambda: blocked.has(ABSENT)):
        with pytest.raises(Unreachable, match="could not be reached"):
            action()


def test_an_object_store_keeps_blobs_too() -> None:
    remote = BlobStore("memory:///")
    digest = remote.put(b"content")
    assert remote.get(digest) == b"content"
    assert remote.put(b"content") == digest
    assert list(remote.list()) == [digest]
