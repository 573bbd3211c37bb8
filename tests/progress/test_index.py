"""The facts index: a cache that can be thrown away, and that is never quietly wrong."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from infratrack.errors import InputError, IntegrityFailure
from infratrack.evidence.predicates import KEY, SIGNOFF
from infratrack.ledger.entry import LedgerEntry
from infratrack.progress.index.refresh import CHUNK, NothingRecorded, code_fingerprint, refresh, unchanged
from infratrack.progress.index.store import FactsIndex, discard, is_damage
from infratrack.progress.index.verify import compare_index
from infratrack.progress.signoff_words import key_entry, signed_decision
from infratrack.progress.status import Status
from infratrack.project.model import Signer
from infratrack.testing.builders import signing_key
from infratrack.values import Digest
from tests.progress.world import HOUR, T0, TOY, Toy, World, fine, promised


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(promised(), promised("e", fine("b")), index=tmp_path / "deep" / "facts.db")


def test_a_second_look_reads_only_what_is_new_and_verifies_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say(T0, a="ok")
    world.say(T0, b="ok")
    before = world.state()
    asked: list[tuple[int, int | None]] = []
    entries = world.ledger.entries

    def watched(begin: int, end: int) -> Iterator[LedgerEntry]:
        asked.append((begin, end))
        return entries(begin, end)

    monkeypatch.setattr(world.ledger, "entries", watched)
    assert world.state() == before
    assert asked == []
    world.say(T0 + HOUR, a="bad")
    assert world.one().status is Status.REGRESSED
    assert asked == [(2, 3)]


def test_only_deliverables_about_which_something_arrived_are_folded_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infratrack.progress.folding import Folder

    folded: list[list[str]] = []
    fold = Folder.fold

    def watched(self: Folder, promises: list[object], **more: bool) -> object:
        folded.append([one.deliverable.id for one in promises])  # type: ignore[attr-defined] # promises
        return fold(self, promises, **more)  # type: ignore[arg-type] # likewise

    monkeypatch.setattr(Folder, "fold", watched)
    world.say(T0, a="ok", b="ok")
    world.state()
    world.state()
    world.say(T0 + HOUR, b="bad")
    world.state()
    world.say(T0 - HOUR, a="bad", recorded=T0 + HOUR)
    world.state()
    world.say(T0 + 2 * HOUR, c="ok", deliverables=("e",))
    world.state()
    world.sign(T0 + 3 * HOUR, deliverable="d")
    world.state()
    world.end_key(T0 + 4 * HOUR, "ci", by="ci")
    world.state()
    assert folded == [["d", "e"], [], ["e"], ["d"], ["e"], ["d"], ["d", "e"]]


def test_a_change_of_trust_needs_no_second_look_at_signatures(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.ledger.keys[signing_key("new").keyid] = signing_key("new").public_key
    world.say(T0, key="new", a="ok")
    assert world.one().status is Status.NOT_STARTED
    world.project = structs.replace(world.project, signers=(Signer("new", keyid=signing_key("new").keyid),))
    monkeypatch.setattr("infratrack.progress.index.projection.verify", None)
    assert world.one().status is Status.COMPLETE


def test_evidence_of_a_key_that_becomes_known_is_verified_then(world: World) -> None:
    world.say(T0, key="new", a="ok")
    world.project = structs.replace(world.project, signers=(Signer("new", keyid=signing_key("new").keyid),))
    assert world.one().status is Status.NOT_STARTED, "the key itself is not known, so nothing was verified"
    world.state()
    world.ledger.keys[signing_key("new").keyid] = signing_key("new").public_key
    assert world.one().status is Status.COMPLETE


def test_a_claimed_key_that_did_not_sign_is_found_when_it_becomes_known(world: World) -> None:
    payload = world.statement(TOY, {"words": {"a": "ok"}}, at=T0)
    world.append(payload, TOY, key="mallory", recorded=T0)
    ci = signing_key("ci").keyid
    forged = world.ledger.lines[0].line.replace(signing_key("mallory").keyid.encode(), ci.encode())
    world.ledger.lines.clear()
    world.ledger.append(forged, T0, ci, TOY)
    state = world.state()
    assert state.deliverables[0].status is Status.NOT_STARTED
    assert state.evidence.unreadable == 1


def test_a_forged_line_is_found_when_its_key_becomes_known(world: World) -> None:
    world.say(T0, key="mallory", a="ok")
    new, mallory = signing_key("new"), signing_key("mallory").keyid
    forged = world.ledger.lines[0].line.replace(mallory.encode(), new.keyid.encode())
    world.ledger.lines.clear()
    world.ledger.append(forged, T0, new.keyid, TOY)
    world.project = structs.replace(world.project, signers=(Signer("new", keyid=new.keyid),))
    assert world.state().evidence.untrusted == {new.keyid: 1}
    world.ledger.keys[new.keyid] = new.public_key
    state = world.state()
    assert (state.evidence.untrusted, state.evidence.unreadable) == ({}, 1)
    assert state.deliverables[0].status is Status.NOT_STARTED


def test_when_the_types_change_everything_is_read_again_but_signatures_are_not(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.say(T0, a="ok")
    world.types = {}
    assert world.one().status is Status.NOT_STARTED
    monkeypatch.setattr("infratrack.progress.index.projection.verify", None)
    world.types = {TOY: Toy()}
    assert world.one().status is Status.COMPLETE


def test_a_ledger_that_lost_entries_or_has_others_is_not_taken(world: World) -> None:
    world.say(T0, a="ok")
    world.say(T0, b="ok")
    world.state()
    kept = world.ledger.lines.pop()
    with pytest.raises(IntegrityFailure, match="2 entries were seen on this machine, it has only 1"):
        world.state()
    world.say(T0, b="bad")
    with pytest.raises(IntegrityFailure, match="its root over them is another one") as caught:
        world.state()
    assert str(world.index_path) in caught.value.hint
    world.ledger.lines[1] = kept
    assert world.state().ledger.size == 2


def test_a_ledger_that_is_gone_is_not_an_empty_one(world: World) -> None:
    nothing = NothingRecorded()
    assert refresh(None, nothing, world.trust, world.types).size == 0
    assert not nothing.blobs.has(Digest("x"))
    with pytest.raises(KeyError):
        nothing.blobs.get(Digest("x"))
    assert not list(nothing.entries())
    world.say(T0, a="ok")
    world.state()
    with pytest.raises(IntegrityFailure, match="it has only 0"):
        refresh(world.index_path, nothing, world.trust, world.types)


def test_a_ledger_that_hands_over_too_little_is_not_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.say(T0, a="ok")
    monkeypatch.setattr(world.ledger, "entries", lambda _begin, _end: iter(()))
    with pytest.raises(IntegrityFailure, match="says that it has 1 entries but handed over only 0"):
        world.state()


def test_a_damaged_line_is_a_problem_of_that_entry_only(world: World) -> None:
    world.say(T0, a="ok")
    world.say(T0, b="ok")
    world.ledger.lines[0] = structs.replace(world.ledger.lines[0], line=b"{}")
    state = world.state()
    assert [one.status for one in state.deliverables] == [Status.NOT_STARTED, Status.COMPLETE]
    assert state.evidence.unreadable == 1


@pytest.mark.parametrize("damage", ["garbage", "page", "older"])
def test_a_damaged_index_is_made_anew(world: World, damage: str) -> None:
    world.say(T0, a="ok")
    before = world.state()
    path = world.index_path
    assert path is not None
    if damage == "garbage":
        path.write_bytes(b"no database at all, and long enough to be looked at" * 100)
    elif damage == "page":
        content = bytearray(path.read_bytes())
        content[4096:] = b"\xff" * (len(content) - 4096)
        path.write_bytes(content)
    else:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 99")
    assert world.state() == before


def test_an_index_that_cannot_be_written_is_kept_in_memory(world: World, tmp_path: Path) -> None:
    world.say(T0, a="ok")
    (tmp_path / "file").write_text("in the way")
    world.index_path = tmp_path / "file" / "facts.db"
    assert world.one().status is Status.COMPLETE
    (tmp_path / "folder.db" / "full").mkdir(parents=True)
    world.index_path = tmp_path / "folder.db"
    assert world.one().status is Status.COMPLETE


def test_an_index_that_another_process_holds_is_left_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.say(T0, a="ok")
    world.state()
    world.say(T0 + HOUR, a="bad")
    path = world.index_path
    assert path is not None
    monkeypatch.setattr("infratrack.progress.index.store._BUSY_SECONDS", 0.01)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert world.one().status is Status.REGRESSED
        other.execute("PRAGMA user_version = 99")
        other.execute("COMMIT")
        other.execute("BEGIN IMMEDIATE")
        assert world.one().status is Status.REGRESSED
    assert path.exists()


def test_kept_results_that_cannot_be_read_are_computed_again(world: World) -> None:
    world.say(T0, a="ok")
    before = world.state()
    index = world.refreshed()
    index.connection.execute("UPDATE fold SET state = X'00'")
    index.close()
    assert world.state() == before
    index = world.refreshed()
    index.discard()
    assert world.index_path is not None
    assert not world.index_path.exists()
    in_memory = FactsIndex.open(None)
    in_memory.discard()


def test_damage_is_told_from_a_bad_moment(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        sqlite3.connect(tmp_path / "no" / "folder.db")
    assert not is_damage(caught.value)
    assert not is_damage(OSError())
    assert is_damage(sqlite3.DatabaseError())
    (tmp_path / "folder").mkdir()
    assert not discard(tmp_path / "folder")


def test_an_index_that_breaks_while_it_is_looked_at_is_read_anew(world: World) -> None:
    world.say(T0, a="ok")
    index = world.refreshed()
    index.keep_stamp("stamp")
    index.connection.execute("DROP TABLE meta")
    index.close()
    assert unchanged(world.index_path, "stamp", world.types) is None
    assert world.one().status is Status.COMPLETE


def test_many_entries_are_read_in_several_transactions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    world = World(index=tmp_path / "facts.db")
    for number in range(5):
        world.say(T0 + number, a="ok")
    monkeypatch.setattr("infratrack.progress.index.refresh.CHUNK", 2)
    told: list[tuple[int, int]] = []
    index = refresh(
        world.index_path, world.ledger, world.trust, world.types, lambda done, total: told.append((done, total))
    )
    assert told == [(2, 5), (4, 5), (5, 5)]
    assert index.size == 5
    assert CHUNK > 2
    index.close()


def test_an_unchanged_ledger_need_not_be_opened(world: World) -> None:
    world.say(T0, a="ok")
    assert unchanged(world.index_path, "stamp", world.types) is None, "there is no index yet"
    index = world.refreshed()
    index.keep_stamp(None)
    index.keep_stamp("stamp")
    index.keep_stamp("stamp")
    index.close()
    assert unchanged(world.index_path, None, world.types) is None
    assert unchanged(None, "stamp", world.types) is None
    assert unchanged(world.index_path, "other", world.types) is None
    assert unchanged(world.index_path, "stamp", {}) is None
    again = unchanged(world.index_path, "stamp", world.types)
    assert again is not None
    assert again.size == 1
    again.close()
    world.say(T0, key="unknown", b="ok")
    index = world.refreshed()
    index.keep_stamp("stamp 2")
    index.close()
    assert unchanged(world.index_path, "stamp 2", world.types) is None, "a key may have become known"


def test_the_code_fingerprint_knows_the_files_beside_a_plugin() -> None:
    assert code_fingerprint([Toy()]) != code_fingerprint([])
    assert code_fingerprint([Toy()]) == code_fingerprint([Toy()])
    assert code_fingerprint([object()]) == code_fingerprint([])


class TestComparison:
    def test_an_index_that_agrees(self, world: World) -> None:
        world.say(T0, a="ok", b="ok")
        world.sign(T0)
        world.state()
        assert world.index_path is not None
        compared = compare_index(world.index_path, world.ledger, world.trust, world.types)
        assert compared is not None
        assert (compared.evidence, compared.words, compared.differences) == (2, 3, ())

    def test_no_index_is_no_difference(self, world: World, tmp_path: Path) -> None:
        assert compare_index(tmp_path / "none.db", world.ledger, world.trust, world.types) is None

    @pytest.mark.parametrize(
        ("statement", "difference"),
        [
            ("UPDATE evidence SET instant = 1", "the index differs from the ledger in evidence 0"),
            ("UPDATE value SET json = '{}'", "the index differs from the ledger in the words about toy a"),
            ("DELETE FROM history", "the index differs from the ledger in the words about toy a"),
            ("DELETE FROM signoff", "the index lacks signoff 1"),
            (
                "UPDATE history SET entries = X'00'",
                "the index file is damaged (bytes length not a multiple of item size)",
            ),
            ("INSERT INTO twin VALUES ('sha256:x', 7)", "the index has twin sha256:x"),
        ],
    )
    def test_what_was_changed_is_named(self, world: World, statement: str, difference: str) -> None:
        world.say(T0, a="ok")
        world.sign(T0)
        world.state()
        assert world.index_path is not None
        with contextlib.closing(sqlite3.connect(world.index_path)) as connection:
            connection.execute(statement)
            connection.commit()
        compared = compare_index(world.index_path, world.ledger, world.trust, world.types)
        assert compared is not None
        assert difference in compared.differences


def test_definitions_come_from_blobs_only_when_they_are_what_they_say(world: World) -> None:
    digest = world.project.definition.digest
    world.ledger.blobs.kept[digest] = b"something else"
    world.say(T0, a="ok")
    index = world.refreshed()
    assert index.definition(digest) is None
    index.close()
    world.ledger.blobs.kept[digest] = world.project.definition.document
    world.say(T0, a="ok")
    index = world.refreshed()
    assert index.definition(digest) == world.project.definition.document
    index.close()


def test_blobs_that_cannot_be_reached_are_done_without(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(digest: Digest) -> bool:
        raise InputError("no")

    monkeypatch.setattr(world.ledger.blobs, "has", fails)
    world.say(T0, a="ok")
    assert world.one().status is Status.COMPLETE


@pytest.mark.parametrize(
    "result",
    [None, [], {}, {"deliverable": 1, "decision": "accepted"}, {"deliverable": "d", "decision": "maybe"}],
)
def test_a_sign_off_that_says_nothing_is_read_as_nothing(world: World, result: object) -> None:
    assert signed_decision({"result": result}) is None
    payload = world.statement(SIGNOFF, result, at=T0)
    world.append(payload, SIGNOFF, key="ana", recorded=T0)
    assert world.one().status is Status.NOT_STARTED


def test_a_sign_off_without_comment_has_none() -> None:
    signed = signed_decision({"result": {"deliverable": "d", "decision": "accepted"}})
    assert signed is not None
    assert signed.comment == ""


@pytest.mark.parametrize("result", [None, {}, {"keyid": 1, "action": "end"}, {"keyid": "k"}])
def test_a_key_entry_that_says_nothing_is_read_as_nothing(world: World, result: object) -> None:
    assert key_entry({"result": result}) is None
    payload = world.statement(KEY, result, at=T0)
    world.append(payload, KEY, key="ana", recorded=T0)
    assert world.one().status is Status.NOT_STARTED


def test_kept_results_that_cannot_be_written_are_done_without(world: World) -> None:
    world.say(T0, a="ok")
    index = world.refreshed()
    index.connection.execute("PRAGMA busy_timeout = 0")
    assert world.index_path is not None
    with contextlib.closing(sqlite3.connect(world.index_path)) as other:
        other.execute("BEGIN IMMEDIATE")
        index.keep_folds("key", 1, {"d": b""})
        index.keep_stamp("stamp")
    assert index.folds("key") == {}
    index.close()
    assert FactsIndex.open(None).path is None
