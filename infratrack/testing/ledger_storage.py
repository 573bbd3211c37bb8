"""The contract of a ledger's storage, as tests: a store's test class inherits them and says how to open one.

class TestSqliteStorage(LedgerStorageContract):
    def open_storage(self, folder: Path) -> LedgerStorage: ...
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest

from infratrack.errors import IntegrityFailure
from infratrack.ledger.storage.interface import Head, LedgerStorage, StoredEntry, StoredLeaf


def row(index: int) -> StoredEntry:
    """A row whose every value tells its index."""
    return StoredEntry(
        index, hashlib.sha256(b"%d" % index).digest(), b"hashes %d" % index, b"entry %d" % index, b"line %d" % index
    )


class LedgerStorageContract:
    """What every store promises (see `infratrack.ledger.storage.interface`)."""

    def open_storage(self, folder: Path) -> LedgerStorage:
        """Open the store that lives in this folder, making it when it is not there yet."""
        raise NotImplementedError

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        return tmp_path / "store"

    @pytest.fixture
    def storage(self, folder: Path) -> LedgerStorage:
        folder.mkdir()
        return self.open_storage(folder)

    @staticmethod
    def fill(storage: LedgerStorage, start: int, stop: int, note: str = "note") -> None:
        with storage.writing() as writer:
            head = Head(writer.head().origin, note)
            writer.write(head, [row(index) for index in range(start, stop)], {"key": b"k" * 32})

    def test_a_new_store_is_an_empty_log_with_an_origin(self, storage: LedgerStorage) -> None:
        assert storage.head().note is None
        assert storage.head().origin
        assert storage.count() == 0
        assert list(storage.entries(0, 10)) == []
        assert dict(storage.keys()) == {}
        assert list(storage.damage()) == []

    def test_what_was_written_is_read_back(self, storage: LedgerStorage) -> None:
        rows = [row(index) for index in range(5)]
        self.fill(storage, 0, len(rows))
        assert storage.head().note == "note"
        assert storage.count() == len(rows)
        assert list(storage.entries(0, len(rows))) == rows
        assert list(storage.entries(1, 4)) == [row(1), row(2), row(3)]
        assert list(storage.entries(3, 99)) == [row(3), row(4)]
        assert dict(storage.keys()) == {"key": b"k" * 32}

    def test_leaves_and_indexes_are_found_and_those_missing_left_out(self, storage: LedgerStorage) -> None:
        self.fill(storage, 0, 3)
        assert storage.leaves([2, 7]) == {2: StoredLeaf(b"entry 2", b"hashes 2")}
        assert storage.indexes_of([row(1).digest, b"x" * 32]) == {row(1).digest: 1}
        assert storage.leaves([]) == {}
        assert storage.indexes_of([]) == {}

    def test_lookups_may_be_long(self, storage: LedgerStorage) -> None:
        stored = 1300
        self.fill(storage, 0, stored)
        assert len(storage.leaves(range(2000))) == stored
        assert len(storage.indexes_of([row(index).digest for index in range(2000)])) == stored

    def test_a_writer_sees_what_it_wrote(self, storage: LedgerStorage) -> None:
        with storage.writing() as writer:
            writer.write(Head("log", "first"), [row(0)], {})
            assert writer.head() == Head("log", "first")
            assert writer.count() == 1
            assert writer.leaves([0])
            assert writer.indexes_of([row(0).digest]) == {row(0).digest: 0}
            assert list(writer.entries(0, 1)) == [row(0)]
            assert dict(writer.keys()) == {}

    def test_a_failed_block_leaves_nothing(self, storage: LedgerStorage) -> None:
        before = storage.head()

        def write_and_fail() -> None:
            with storage.writing() as writer:
                writer.write(Head("other", "note"), [row(0)], {"key": b"k" * 32})
                raise RuntimeError("on the way")

        with pytest.raises(RuntimeError, match="on the way"):
            write_and_fail()
        assert (storage.head(), storage.count(), dict(storage.keys())) == (before, 0, {})

    def test_a_key_that_is_there_stays_as_it_is(self, storage: LedgerStorage) -> None:
        self.fill(storage, 0, 1)
        with storage.writing() as writer:
            writer.write(writer.head(), [], {"key": b"x" * 32, "other": b"y" * 32})
        assert dict(storage.keys()) == {"key": b"k" * 32, "other": b"y" * 32}

    @pytest.mark.parametrize("taken", [(0, 5), (5, 0)])
    def test_no_index_and_no_digest_stands_twice(self, storage: LedgerStorage, taken: tuple[int, int]) -> None:
        self.fill(storage, 0, 1)
        index, digest = taken
        twin = StoredEntry(index, row(digest).digest, b"h", b"e", b"l")
        with pytest.raises(IntegrityFailure), storage.writing() as writer:
            writer.write(writer.head(), [twin], {})
        assert storage.count() == 1

    def test_it_is_all_there_after_opening_again(self, storage: LedgerStorage, folder: Path) -> None:
        self.fill(storage, 0, 3)
        head = storage.head()
        storage.close()
        again = self.open_storage(folder)
        assert again.head() == head
        assert list(again.entries(0, 3)) == [row(0), row(1), row(2)]

    def test_another_handle_sees_what_was_written(self, storage: LedgerStorage, folder: Path) -> None:
        other = self.open_storage(folder)
        assert other.head() == storage.head()
        self.fill(storage, 0, 2)
        assert other.count() == storage.count()
        assert other.head().note == "note"

    def test_there_is_one_writer_at_a_time(self, storage: LedgerStorage, folder: Path) -> None:
        other = self.open_storage(folder)
        inside = threading.Event()

        def second() -> None:
            inside.wait()
            with other.writing() as writer:
                # Had it not waited for the first block to end, the log would still be empty here.
                writer.write(Head("log", f"after {writer.count()}"), [], {})

        thread = threading.Thread(target=second)
        thread.start()
        with storage.writing() as writer:
            inside.set()
            writer.write(Head("log", "first"), [row(0), row(1)], {})
        thread.join()
        assert storage.head().note == "after 2"

    def test_a_writer_that_failed_stands_in_nobodys_way(self, storage: LedgerStorage, folder: Path) -> None:
        self.fill(storage, 0, 2)
        with pytest.raises(IntegrityFailure):
            self.fill(storage, 1, 3, "failed")
        other = self.open_storage(folder)
        self.fill(other, 2, 3, "other")
        self.fill(storage, 3, 4, "last")
        assert (storage.head().note, storage.count()) == ("last", 4)

    def test_threads_may_share_a_store(self, storage: LedgerStorage) -> None:
        each, threads = 20, 4

        def add() -> None:
            for _ in range(each):
                with storage.writing() as writer:
                    writer.write(writer.head(), [row(writer.count())], {})
                storage.count()

        running = [threading.Thread(target=add) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        assert list(storage.entries(0, 1000)) == [row(index) for index in range(each * threads)]
