import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from infratrack.errors import IntegrityFailure
from infratrack.evidence.predicates import TOMBSTONE
from infratrack.evidence.trust import Trust, TrustedSigner
from infratrack.ledger import workers
from infratrack.ledger.check import LedgerDamage
from infratrack.ledger.checkpoint import encode_base64, read_note
from infratrack.ledger.log import Incoming, Ledger
from infratrack.ledger.open import open_ledger
from infratrack.ledger.verify import Verified, verify_ledger
from infratrack.testing.builders import signed, signing_key
from infratrack.testing.ledgers import SAMPLE_ADDRESS, append, incoming, sample_ledger, trust_in
from infratrack.values import sha256_digest

CI, OTHER = signing_key("ci"), signing_key("other")
TRUST = trust_in(CI)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    sample_ledger(tmp_path, 7).close()
    return tmp_path


def opened(folder: Path) -> Ledger:
    return open_ledger(SAMPLE_ADDRESS, folder, project_id="sample")


def verify(folder: Path, trust: Trust = TRUST, **more: list[str]) -> Verified:
    ledger = opened(folder)
    try:
        return verify_ledger(ledger, trust, seen=more.get("seen", []))
    finally:
        ledger.close()


def findings(folder: Path, trust: Trust = TRUST, **more: list[str]) -> str:
    with pytest.raises(LedgerDamage) as raised:
        verify(folder, trust, **more)
    assert raised.value.exit_code == 6
    return "\n".join(raised.value.findings)


def alter(folder: Path, statement: str, *values: object) -> None:
    connection = sqlite3.connect(folder / ".infratrack" / "ledger.db")
    connection.execute(statement, values)
    connection.commit()
    connection.close()


def blob_path(folder: Path, content: bytes) -> Path:
    name = sha256_digest(content).removeprefix("sha256:")
    return folder / ".infratrack" / "blobs" / "sha256" / name[:2] / name


def test_a_sound_ledger_verifies_and_says_what_was_verified(folder: Path) -> None:
    seen: list[tuple[int, int]] = []
    ledger = opened(folder)
    verified = verify_ledger(ledger, TRUST, lambda done, total: seen.append((done, total)))
    assert (verified.entries, verified.trusted, verified.hashes, verified.keys, verified.blobs) == (7, 7, 11, 1, 2)
    assert (verified.size, verified.root, verified.origin) == (7, ledger.root(), ledger.origin())
    assert (verified.signer, verified.signer_name) == (CI.keyid, "ci")
    assert seen == [(7, 7)]


def test_evidence_of_keys_that_are_not_trusted_is_checked_and_counted_apart(folder: Path) -> None:
    append(opened(folder), [incoming(100, OTHER)], CI)
    verified = verify(folder)
    assert (verified.entries, verified.trusted) == (8, 7)


def test_without_a_trust_root_nothing_is_verified(folder: Path) -> None:
    with pytest.raises(IntegrityFailure, match="no trust root") as raised:
        verify(folder, Trust())
    assert raised.value.exit_code == 6


def test_an_empty_ledger_verifies_nothing(tmp_path: Path) -> None:
    sample_ledger(tmp_path, 0).close()
    with pytest.raises(IntegrityFailure, match="nothing was verified"):
        verify(tmp_path)


def test_a_checkpoint_of_an_untrusted_key_is_not_enough(folder: Path) -> None:
    append(opened(folder), [incoming(100)], OTHER)
    with pytest.raises(LedgerDamage, match="signed by 'ci' with the key") as raised:
        verify(folder)
    assert OTHER.keyid in raised.value.message
    assert f"`keyid: {OTHER.keyid}`" in raised.value.hint
    assert "`infratrack run -- true`" in raised.value.hint
    append(opened(folder), [incoming(101)], CI)
    assert verify(folder).entries == 9


def test_beside_damage_an_untrusted_checkpoint_is_no_matter_of_trust(folder: Path) -> None:
    ledger = opened(folder)
    append(ledger, [incoming(100)], OTHER)
    note = read_note(ledger.checkpoint() or "")
    ledger.close()
    spoiled = encode_base64(note.signatures[0].key_id + bytes(64))
    for statement, value in (
        ("UPDATE head SET note = ?", f"{note.body}\n— ci {spoiled}\n"),
        ("UPDATE entries SET line = zeroblob(length(?)) WHERE position = 3", "damage"),
    ):
        alter(folder, statement, value)
        with pytest.raises(LedgerDamage) as raised:
            verify(folder)
        assert not raised.value.remedy
        assert "backup" in raised.value.hint


def test_a_key_that_is_trusted_by_its_id_is_looked_up_in_the_ledger(folder: Path) -> None:
    verify(folder, Trust({CI.keyid: TrustedSigner("ci", None)}, {}, {}))
    verify(folder, Trust({}, {CI.keyid: "ada"}, {}))


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("UPDATE entries SET line = zeroblob(9) WHERE position = 3", "entry 3: the envelope is not the one"),
        ("UPDATE entries SET entry = CAST(entry || ' ' AS BLOB) WHERE position = 3", "entry 3: the leaf"),
        ("UPDATE entries SET entry = 'text' WHERE position = 3", "entry 3: it holds a value that is not bytes"),
        ("UPDATE entries SET digest = zeroblob(32) WHERE position = 3", "entry 3: the row's index or digest"),
        ("UPDATE entries SET hashes = zeroblob(96) WHERE position = 3", "entry 3: the stored hashes"),
        ("UPDATE entries SET position = 9 WHERE position = 3", "entry 3: it is missing or cannot be read"),
        ("DELETE FROM entries WHERE position = 3", "entry 3: it is missing or cannot be read"),
        ("DELETE FROM entries WHERE position = 6", "entry 6: it is missing or cannot be read"),
        ("UPDATE head SET origin = 'infratrack/sample/x'", "checkpoint: it is of the log"),
        ("UPDATE head SET note = NULL", "checkpoint: it is missing"),
        ("UPDATE head SET note = 'x'", "checkpoint: the checkpoint cannot be read"),
        (
            "UPDATE head SET note = replace(note, char(10) || '7' || char(10), char(10) || '6' || char(10))",
            "checkpoint: it covers 6 entries, there are 7",
        ),
        ("UPDATE head SET note = replace(note, '— ci', '— co')", "checkpoint: it is signed by 'co'"),
        ("UPDATE head SET id = 2", "the ledger's head has 1 rows"),
        ("DELETE FROM keys", "entry 0: the key"),
        ("UPDATE keys SET public_key = zeroblob(32)", "keys: the stored key"),
        ("UPDATE keys SET public_key = 'text'", "is not an Ed25519 key"),
        ("UPDATE keys SET keyid = 'abc'", "keys: the stored key 'abc' is not the key of that id"),
        ("CREATE TABLE more (id INTEGER)", "the tables are not defined"),
    ],
)
def test_damage_is_named_to_the_entry(folder: Path, statement: str, finding: str) -> None:
    alter(folder, statement)
    assert finding in findings(folder)


def test_a_truncated_log_with_its_old_checkpoint_was_rolled_back(folder: Path, tmp_path: Path) -> None:
    ledger = opened(folder)
    before = ledger.checkpoint() or ""
    append(ledger, [incoming(100)])
    after = ledger.checkpoint() or ""
    ledger.close()
    verify(folder, seen=[before, after])
    alter(folder, "DELETE FROM entries WHERE position = 7")
    alter(folder, "UPDATE head SET note = ?", before)
    assert "the ledger was rolled back" in findings(folder, seen=[after])


def test_another_history_under_the_same_origin_is_a_fork(folder: Path, tmp_path: Path) -> None:
    mine = opened(folder)
    seen = mine.checkpoint() or ""
    elsewhere = tmp_path / "other"
    forked = sample_ledger(elsewhere, 0)
    alter(elsewhere, "UPDATE head SET origin = ?", mine.origin())
    append(forked, [incoming(number) for number in range(50, 60)])
    forked.close()
    text = findings(elsewhere, seen=[seen, "not a note"])
    assert "the first 7 entries are not those that this machine has seen before" in text
    assert "the checkpoint seen before: the checkpoint cannot be read" in text


def test_another_log_seen_before_is_not_compared(folder: Path, tmp_path: Path) -> None:
    other = sample_ledger(tmp_path / "other", 20)
    verify(folder, seen=[other.checkpoint() or ""])


def test_an_envelope_that_stands_twice_is_found(folder: Path) -> None:
    connection = sqlite3.connect(folder / ".infratrack" / "ledger.db")
    row = connection.execute("SELECT hashes, entry, line FROM entries WHERE position = 2").fetchone()
    connection.execute("UPDATE entries SET hashes = ?, entry = ?, line = ? WHERE position = 4", row)
    connection.commit()
    connection.close()
    assert "entry 4: the row's index or digest is not that of its envelope" in findings(folder)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        (lambda path: path.write_bytes(b"blob 1!"), "is damaged"),
        (lambda path: path.unlink(), "it is missing, entry 1 names it"),
    ],
)
def test_a_blob_that_is_altered_or_missing_is_named(
    folder: Path, damage: Callable[[Path], object], finding: str
) -> None:
    damage(blob_path(folder, b"blob 1\n"))
    text = findings(folder)
    assert f"blob {sha256_digest(b'blob 1' + chr(10).encode())}" in text
    assert finding in text


def test_only_a_trusted_tombstone_excuses_a_missing_blob(folder: Path) -> None:
    blob_path(folder, b"blob 1\n").unlink()
    result = {"result": {"digest": sha256_digest(b"blob 1\n"), "reason": "personal data"}}
    ledger = opened(folder)
    append(ledger, [Incoming(signed(TOMBSTONE, result, OTHER), OTHER.keyid, OTHER.public_key)], CI)
    assert "it is missing" in findings(folder)
    append(ledger, [Incoming(signed(TOMBSTONE, result, CI), CI.keyid, CI.public_key)], CI)
    assert verify(folder).removed_blobs == 1


@pytest.mark.parametrize("result", [{}, {"digest": 5}, {"digest": "sha256:x"}, []])
def test_a_tombstone_that_names_nothing_excuses_nothing(folder: Path, result: object) -> None:
    append(opened(folder), [Incoming(signed(TOMBSTONE, {"result": result}, CI), CI.keyid, CI.public_key)], CI)
    blob_path(folder, b"blob 1\n").unlink()
    assert "it is missing" in findings(folder)


def test_many_findings_are_counted(tmp_path: Path) -> None:
    ledger = sample_ledger(tmp_path, 0)
    append(ledger, [incoming(number) for number in range(150)])
    ledger.close()
    alter(tmp_path, "UPDATE entries SET line = zeroblob(3)")
    with pytest.raises(LedgerDamage, match=r"and 149 more findings") as raised:
        verify(tmp_path)
    assert len(raised.value.findings) == 100
    assert raised.value.total == 150


def test_large_logs_are_checked_in_several_processes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = opened(folder)
    append(ledger, [incoming(number) for number in range(100, 2600)])
    ledger.close()
    monkeypatch.setattr(workers, "PAYS_FROM", 10)
    monkeypatch.setattr("infratrack.ledger.verify.PAGE", 100)
    assert verify(folder).entries == 2507
    alter(folder, "UPDATE entries SET line = zeroblob(3) WHERE position = 1234")
    assert "entry 1234: the envelope is not the one" in findings(folder)
