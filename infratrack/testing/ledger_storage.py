"""The contract of a ledger's storage, as tests: a store's test class inherits them and says how to open one.

class TestSqliteStorage(LedgerStorageContract):
    def open_storage(self, folder: Path) -> LedgerStorage: ...
"""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import ClassVar, Final

import pytest

from infratrack.errors import IntegrityFailure
from infratrack.ledger.merkle import GrowingTree, Place
from infratrack.ledger.storage.interface import Head, LedgerStorage, LedgerWriter, StoredEntry

KEYID: Final = "0a" * 32
_TREE: Final = GrowingTree()
_TURN: Final = threading.Lock()
_ROWS: Final[list[StoredEntry]] = []


def row(index: int) -> StoredEntry:
    """A row of a real tree, whose leaf and line tell its index."""
    with _TURN:
        while len(_ROWS) <= index:
            number = len(_ROWS)
            leaf, line = b"entry %d" % number, b"line %d" % number
            _ROWS.append(StoredEntry(number, hashlib.sha256(line).digest(), _TREE.add(leaf), leaf, line))
    return _ROWS[index]


class LedgerStorageContract:
    """What every store promises (see `infratrack.ledger.storage.interface`)."""

    EACH: ClassVar[int] = 20
    """How often each of several threads appends; a store far away may do with less."""

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
        def work(writer: LedgerWriter) -> None:
            head = Head(writer.head().origin, note)
            writer.write(head, [row(index) for index in range(start, stop)], {KEYID: b"k" * 32})

        storage.write(work)

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
        assert dict(storage.keys()) == {KEYID: b"k" * 32}

    def test_what_work_returns_is_returned(self, storage: LedgerStorage) -> None:
        assert storage.write(lambda writer: writer.head().origin) == storage.head().origin

    def test_leaves_and_indexes_are_found_and_those_missing_left_out(self, storage: LedgerStorage) -> None:
        self.fill(storage, 0, 3)
        assert storage.leaves([2, 7]) == {2: b"entry 2"}
        assert storage.indexes_of([row(1).digest, b"x" * 32]) == {row(1).digest: 1}
        assert storage.leaves([]) == {}
        assert storage.hashes([]) == {}
        assert storage.indexes_of([]) == {}

    def test_hashes_of_complete_subtrees_are_found_and_those_missing_left_out(self, storage: LedgerStorage) -> None:
        size = 2 * 256 + 7
        for start, stop in ((0, 1), (1, 300), (300, size)):
            self.fill(storage, start, stop)
        for level in range(10):
            for position in (0, 1, 2, 255, 256, size - 1):
                place = Place(level, position)
                found = storage.hashes([place])
                if place.last_leaf < size:
                    hashes = row(place.last_leaf).hashes
                    assert found == {place: hashes[32 * level : 32 * level + 32]}
                else:
                    assert found == {}

    def test_a_writer_finds_the_right_edge_too(self, storage: LedgerStorage) -> None:
        size = 256 + 7
        self.fill(storage, 0, size)

        def work(writer: LedgerWriter) -> None:
            assert writer.count() == size
            assert writer.leaves([size - 1, size]) == {size - 1: row(size - 1).entry}
            last_of_each = {Place(8, 0): 255, Place(2, 64): 259, Place(1, 130): 261, Place(0, 262): 262}
            expected = {place: row(last).hashes[32 * place.level :][:32] for place, last in last_of_each.items()}
            assert writer.hashes(list(last_of_each)) == expected
            assert writer.indexes_of([row(3).digest, b"x" * 32]) == {row(3).digest: 3}

        storage.write(work)

    def test_lookups_may_be_long(self, storage: LedgerStorage) -> None:
        stored = 1300
        self.fill(storage, 0, stored)
        assert len(storage.leaves(range(2000))) == stored
        assert len(storage.indexes_of([row(index).digest for index in range(2000)])) == stored

    def test_a_writer_sees_what_it_wrote(self, storage: LedgerStorage) -> None:
        def work(writer: LedgerWriter) -> None:
            writer.write(Head("log", "first"), [row(0)], {})
            assert writer.head() == Head("log", "first")
            assert writer.count() == 1
            assert writer.leaves([0]) == {0: row(0).entry}
            assert writer.hashes([Place(0, 0)]) == {Place(0, 0): row(0).hashes}
            assert writer.indexes_of([row(0).digest]) == {row(0).digest: 0}
            assert list(writer.entries(0, 1)) == [row(0)]
            assert dict(writer.keys()) == {}

        storage.write(work)

    def test_work_that_fails_leaves_nothing(self, storage: LedgerStorage) -> None:
        before = storage.head()

        def work(writer: LedgerWriter) -> None:
            writer.write(Head("other", "note"), [row(0)], {KEYID: b"k" * 32})
            raise RuntimeError("on the way")

        with pytest.raises(RuntimeError, match="on the way"):
            storage.write(work)
        assert (storage.head(), storage.count(), dict(storage.keys())) == (before, 0, {})

    def test_a_key_that_is_there_stays_as_it_is(self, storage: LedgerStorage) -> None:
        self.fill(storage, 0, 1)
        other = KEYID[::-1]
        storage.write(lambda writer: writer.write(writer.head(), [], {KEYID: b"x" * 32, other: b"y" * 32}))
        assert dict(storage.keys()) == {KEYID: b"k" * 32, other: b"y" * 32}

    @pytest.mark.parametrize("taken", [(0, 5), (5, 0)])
    def test_no_index_and_no_digest_stands_twice(self, storage: LedgerStorage, taken: tuple[int, int]) -> None:
        self.fill(storage, 0, 1)
        index, digest = taken
        twin = StoredEntry(index, row(digest).digest, b"h", b"e", b"l")
        with pytest.raises(IntegrityFailure):
            storage.write(lambda writer: writer.write(writer.head(), [twin], {}))
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

    def test_of_two_writers_the_later_one_sees_what_the_earlier_one_wrote(
        self, storage: LedgerStorage, folder: Path
    ) -> None:
        other = self.open_storage(folder)
        inside = threading.Event()

        def second(writer: LedgerWriter) -> None:
            writer.write(Head("log", f"{writer.head().note}, second after {writer.count()}"), [row(writer.count())], {})

        def first(writer: LedgerWriter) -> None:
            inside.set()
            count = writer.count()
            rows = [row(count), row(count + 1)]
            writer.write(Head("log", f"{writer.head().note}, first after {count}"), rows, {})

        def wait_and_write() -> None:
            inside.wait()
            other.write(second)

        thread = threading.Thread(target=wait_and_write)
        thread.start()
        storage.write(first)
        thread.join()
        assert storage.head().note in {"None, first after 0, second after 2", "None, second after 0, first after 1"}
        assert list(storage.entries(0, 9)) == [row(0), row(1), row(2)]

    def test_a_writer_that_failed_stands_in_nobodys_way(self, storage: LedgerStorage, folder: Path) -> None:
        self.fill(storage, 0, 2)
        with pytest.raises(IntegrityFailure):
            self.fill(storage, 1, 3, "failed")
        other = self.open_storage(folder)
        self.fill(other, 2, 3, "other")
        self.fill(storage, 3, 4, "last")
        assert (storage.head().note, storage.count()) == ("last", 4)

    def test_threads_may_share_a_store(self, storage: LedgerStorage) -> None:
        each, threads = self.EACH, 4

        def work(writer: LedgerWriter) -> None:
            writer.write(writer.head(), [row(writer.count())], {})

        def add() -> None:
            for _ in range(each):
                storage.write(work)
                storage.count()

        running = [threading.Thread(target=add) for _ in range(threads)]
        for thread in running:
            thread.start()
        for thread in running:
            thread.join()
        assert list(storage.entries(0, 1000)) == [row(index) for index in range(each * threads)]
