"""What a branch must still be after it was seen once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import cast

import pytest

from infratrack.errors import IntegrityFailure
from infratrack.ledger.checkpoint import Checkpoint, sign_checkpoint
from infratrack.ledger.merkle import GrowingTree, Place
from infratrack.ledger.storage.git.seen import check_grown, gone
from infratrack.ledger.storage.interface import Head, LedgerReader
from infratrack.testing.builders import signing_key

LOG = "infratrack/x/00000000"


class Hashes:
    """A reader of a log of these leaves that knows nothing but hashes."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.tree = GrowingTree()
        self.known: dict[Place, bytes] = {}
        for index, leaf in enumerate(leaves):
            completed = self.tree.add(leaf)
            for level in range(len(completed) // 32):
                self.known[Place(level, index >> level)] = completed[32 * level :][:32]

    def hashes(self, wanted: Collection[Place]) -> Mapping[Place, bytes]:
        return {place: self.known[place] for place in wanted if place in self.known}

    def checkpoint(self, origin: str = LOG) -> Checkpoint:
        return Checkpoint(origin, self.tree.size, self.tree.root())

    def head(self) -> Head:
        return Head(LOG, sign_checkpoint(self.checkpoint(), signing_key(), "ci"))


def leaves(number: int, *, from_two: bytes = b"") -> list[bytes]:
    return [b"%d" % index + (from_two if index >= 2 else b"") for index in range(number)]


def check(now: Hashes, seen: Checkpoint) -> None:
    check_grown(cast("LedgerReader", now), now.head(), seen, "/home/seen")


def test_a_log_that_is_the_same_or_grew_is_fine() -> None:
    for before in range(1, 20):
        for now in range(before, 20):
            check(Hashes(leaves(now)), Hashes(leaves(before)).checkpoint())


@pytest.mark.parametrize("now", [3, 4, 7, 8, 19])
def test_a_log_with_other_entries_is_a_fork(now: int) -> None:
    with pytest.raises(IntegrityFailure, match="forked: its first 3 entries are not those") as raised:
        check(Hashes(leaves(now, from_two=b"x")), Hashes(leaves(3)).checkpoint())
    assert raised.value.hint.endswith("remove the file /home/seen")


def test_a_shorter_log_was_rolled_back_even_to_nothing() -> None:
    seen = Hashes(leaves(3)).checkpoint()
    with pytest.raises(IntegrityFailure, match="saw 3 entries on its branch, there are 2"):
        check(Hashes(leaves(2)), seen)
    with pytest.raises(IntegrityFailure, match="there are 0"):
        check_grown(cast("LedgerReader", Hashes([])), Head(LOG, None), seen, "/home/seen")


def test_another_log_is_told_before_anything_else() -> None:
    with pytest.raises(IntegrityFailure, match="holds another log"):
        check(Hashes(leaves(9)), Hashes(leaves(3)).checkpoint("infratrack/x/11111111"))


def test_hashes_that_are_not_there_are_damage() -> None:
    now = Hashes(leaves(9))
    now.known.clear()
    with pytest.raises(IntegrityFailure, match="lacks its stored hash"):
        check(now, Hashes(leaves(3)).checkpoint())


def test_a_branch_that_is_gone_is_told_with_what_it_held() -> None:
    assert "saw 3 entries" in gone(Hashes(leaves(3)).checkpoint(), "/home/seen").message
