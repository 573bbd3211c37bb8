import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.evidence.envelope import open_envelope, seal
from infratrack.ledger import merkle
from infratrack.ledger.checkpoint import read_note, verify_note
from infratrack.ledger.log import Incoming, Ledger
from infratrack.ledger.open import open_ledger
from infratrack.ledger.proof import verify_proof
from infratrack.ledger.storage.interface import Head
from infratrack.ledger.storage.sql.store import _Transaction
from infratrack.ledger.verify import verify_ledger
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import (
    SAMPLE_ADDRESS,
    SAMPLE_START,
    append,
    append_and_tell,
    incoming,
    sample_ledger,
    trust_in,
)
from infratrack.values import Digest, Instant, sha256_digest

CI = signing_key("ci")


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return sample_ledger(tmp_path, 0)


def test_an_empty_ledger_has_no_checkpoint(ledger: Ledger) -> None:
    assert (ledger.size(), ledger.checkpoint(), list(ledger.entries())) == (0, None, [])
    assert ledger.root() == ledger.root_at(0) == merkle.EMPTY_ROOT
    assert ledger.append([], signer=CI, signer_name="ci", clock=lambda: SAMPLE_START) == []
    assert ledger.origin().startswith("infratrack/sample/")
    with pytest.raises(InputError, match="nothing to prove"):
        ledger.proof(0)


def test_what_was_appended_is_there_in_order(ledger: Ledger) -> None:
    items = [incoming(number) for number in range(3)]
    assert [(one.index, one.new) for one in append(ledger, items)] == [(0, True), (1, True), (2, True)]
    entries = list(ledger.entries())
    assert [entry.line for entry in entries] == [item.line for item in items]
    assert [entry.index for entry in entries] == [0, 1, 2]
    assert entries[0].digest == sha256_digest(items[0].line)
    assert entries[0].recorded_at == SAMPLE_START
    assert entries[0].keyid == CI.keyid
    assert [entry.index for entry in ledger.entries(1, 2)] == [1]
    assert dict(ledger.known_keys()) == {CI.keyid: CI.public_key}


def test_the_same_envelope_is_one_entry(ledger: Ledger) -> None:
    first = append(ledger, [incoming(0), incoming(1), incoming(0)])
    assert [(one.index, one.new) for one in first] == [(0, True), (1, True), (0, False)]
    checkpoint = ledger.checkpoint()
    assert [one.new for one in append(ledger, [incoming(1), incoming(0)])] == [False, False]
    assert (ledger.size(), ledger.checkpoint()) == (2, checkpoint)


def test_recording_times_never_go_back(ledger: Ledger, tmp_path: Path) -> None:
    def append_at(number: int, instant: int, to: Ledger) -> None:
        to.append([incoming(number)], signer=CI, signer_name="ci", clock=lambda: Instant(instant))

    append_at(0, 2_000_000, ledger)
    append_at(1, 1_000_000, ledger)
    append_at(2, 1_500_000, open_ledger(SAMPLE_ADDRESS, tmp_path, project_id="sample"))
    append_at(3, 3_000_000, ledger)
    assert [entry.recorded_at for entry in ledger.entries()] == [2_000_000, 2_000_000, 2_000_000, 3_000_000]


def test_every_batch_ends_with_a_checkpoint_signed_by_the_appender(ledger: Ledger) -> None:
    other = signing_key("other")
    append(ledger, [incoming(0)])
    append(ledger, [incoming(1)], other)
    note = read_note(ledger.checkpoint() or "")
    assert verify_note(note, [other.public_key]).signers == (other.public_key,)
    assert note.checkpoint.size == 2
    assert note.checkpoint.root == ledger.root() == ledger.root_at(2)
    assert other.keyid in ledger.known_keys()


def test_a_key_is_stored_even_if_the_first_try_failed(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    append(ledger, [incoming(0)])
    other = signing_key("other")

    def full(*_: object) -> None:
        raise Unreachable("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(_Transaction, "write", full)
        with pytest.raises(Unreachable):
            append(ledger, [incoming(1, other)])
    append(ledger, [incoming(1, other)])
    append(ledger, [incoming(2, other)])
    assert set(ledger.known_keys()) == {CI.keyid, other.keyid}
    assert verify_ledger(ledger, trust_in(CI)).entries == 3


def test_proofs_from_the_stored_hashes_hold(ledger: Ledger) -> None:
    for number in range(13):
        append(ledger, [incoming(number)])
    for entry in ledger.entries():
        assert verify_proof(ledger.proof(entry.index), entry.entry, [CI.public_key]).size == 13
    for old in range(14):
        proof = ledger.consistency_proof(old)
        assert merkle.is_consistent(old, 13, ledger.root_at(old), ledger.root(), proof)
    assert ledger.inclusion_proof(2, 7) == ledger.inclusion_proof(2, 7)


def test_questions_beyond_the_ledger_are_answered_with_a_sentence(ledger: Ledger) -> None:
    append(ledger, [incoming(0)])
    with pytest.raises(InputError, match="there is no entry 1"):
        ledger.inclusion_proof(1)
    with pytest.raises(InputError, match="the ledger has 1 entries, not 2"):
        ledger.root_at(2)
    with pytest.raises(InputError, match="cannot have grown from 2"):
        ledger.consistency_proof(2, 1)


def test_an_envelope_that_does_not_verify_is_refused(ledger: Ledger) -> None:
    item, other = incoming(0), signing_key("other")
    with pytest.raises(IntegrityFailure, match="not known"):
        append(ledger, [Incoming(item.line, other.keyid, other.public_key)])
    with pytest.raises(InputError, match="does not belong to the key"):
        append(ledger, [Incoming(item.line, item.keyid, other.public_key)])
    with pytest.raises(IntegrityFailure, match="not a sound DSSE envelope"):
        append(ledger, [Incoming(item.line + b" ", item.keyid, item.public_key)])
    with pytest.raises(InputError, match="not a readable in-toto statement"):
        append(ledger, [Incoming(seal(b"{}", CI), CI.keyid, CI.public_key)])
    assert ledger.size() == 0


def test_a_batch_is_all_or_nothing(ledger: Ledger) -> None:
    with pytest.raises(IntegrityFailure):
        append(ledger, [incoming(0), Incoming(b"{}", CI.keyid, CI.public_key)])
    assert ledger.size() == 0


def test_verified_elsewhere_is_taken_at_the_word_and_must_be_readable(ledger: Ledger) -> None:
    item = incoming(0)
    ledger.append([item], signer=CI, signer_name="ci", clock=lambda: SAMPLE_START, verified=True)
    assert next(ledger.entries()).predicate_type == "urn:infratrack:evidence:command:v1"
    for line in (b"{}", seal(b"{}", CI)):
        with pytest.raises(InputError, match="statement cannot be read"):
            ledger.append(
                [Incoming(line, CI.keyid, CI.public_key)],
                signer=CI, signer_name="ci", clock=lambda: SAMPLE_START, verified=True,
            )  # fmt: skip


def test_blobs_are_kept_under_their_true_name_only(ledger: Ledger) -> None:
    append(ledger, [incoming(0, blob=b"report")])
    assert ledger.blobs.get(sha256_digest(b"report")) == b"report"
    false = Incoming(incoming(1).line, CI.keyid, CI.public_key, {Digest("sha256:" + "0" * 64): b"other"})
    with pytest.raises(InputError, match="a blob is handed over as"):
        append(ledger, [false])
    assert ledger.size() == 1


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        ("UPDATE entries SET entry = (SELECT entry FROM entries WHERE position = 3) WHERE position = 2", "entry 2: "),
        ("UPDATE entries SET hashes = zeroblob(32) WHERE position = 2", "entry 2: "),
        (
            "UPDATE head SET note = replace(note, char(10) || '7' || char(10), char(10) || '6' || char(10))",
            "not lead to",
        ),
        ("UPDATE head SET note = NULL", "has entries but no checkpoint"),
    ],
)
@pytest.mark.parametrize("start", [0, 1, 2])
def test_entries_that_are_not_those_of_the_tree_are_not_handed_over(
    ledger: Ledger, tmp_path: Path, damage: str, found: str, start: int
) -> None:
    append(ledger, [incoming(number) for number in range(7)])
    assert [entry.index for entry in ledger.entries(start)] == list(range(start, 7))
    assert list(ledger.entries(7)) == []
    with sqlite3.connect(tmp_path / SAMPLE_ADDRESS.removeprefix("sqlite:///")) as connection:
        connection.execute(damage)
    connection.close()
    with pytest.raises(IntegrityFailure, match=found):
        list(ledger.entries(start))


def set_head(ledger: Ledger, origin: str, note: str) -> None:
    ledger.storage.write(lambda writer: writer.write(Head(origin, note), [], {}))


def test_nothing_is_appended_to_a_damaged_log(ledger: Ledger, tmp_path: Path) -> None:
    append(ledger, [incoming(0), incoming(1)])
    note = (ledger.checkpoint() or "").replace("\n2\n", "\n1\n")
    set_head(ledger, ledger.origin(), note)
    again = open_ledger(SAMPLE_ADDRESS, tmp_path, project_id="sample")
    with pytest.raises(IntegrityFailure, match="do not lead to the root"):
        append(again, [incoming(2)])
    set_head(ledger, ledger.origin(), note.replace("\n1\n", "\n4\n"))
    with pytest.raises(IntegrityFailure, match="entry 3 lacks its stored hash of level 2"):
        append(again, [incoming(2)])
    set_head(ledger, "another", note)
    with pytest.raises(IntegrityFailure, match="is of the log"):
        again.size()


def test_a_missing_entry_is_named(ledger: Ledger) -> None:
    append(ledger, [incoming(0)])
    set_head(ledger, ledger.origin(), (ledger.checkpoint() or "").replace("\n1\n", "\n2\n"))
    with pytest.raises(IntegrityFailure, match="entry 1 is missing"):
        list(ledger.entries())


def test_several_processes_append_at_once_without_loss_or_fork(tmp_path: Path) -> None:
    names = ["first", "second", "third", "fourth"]
    each = 25
    context = multiprocessing.get_context("spawn")
    hearing, telling = context.Pipe(duplex=False)
    running = [context.Process(target=append_and_tell, args=(tmp_path, name, each, telling)) for name in names]
    for process in running:
        process.start()
    acknowledged: list[str] = [digest for _ in running for digest in hearing.recv()]
    for process in running:
        process.join()
    ledger = open_ledger(SAMPLE_ADDRESS, tmp_path, project_id="sample")
    digests = [entry.digest for entry in ledger.entries()]
    assert sorted(digests) == sorted(acknowledged)
    assert len(set(digests)) == len(names) * each
    assert verify_ledger(ledger, trust_in(*map(signing_key, names))).trusted == len(names) * each


def test_the_line_is_kept_to_the_byte(ledger: Ledger) -> None:
    append(ledger, [incoming(0)])
    assert open_envelope(next(ledger.entries()).line).signatures[0].keyid == CI.keyid
