from collections.abc import Sequence

import pytest

from infratrack.errors import IntegrityFailure
from infratrack.evidence.envelope import seal
from infratrack.ledger.check import Findings, LedgerDamage, LogCheck, Record, check_record, check_records, named_blobs
from infratrack.ledger.checkpoint import Checkpoint, read_note, sign_checkpoint
from infratrack.ledger.entry import Entry, write_entry
from infratrack.ledger.heads import check_head
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import SAMPLE_START, SAMPLE_TYPE, incoming, trust_in
from infratrack.values import Instant, sha256_digest

CI = signing_key("ci")
KEYS = {CI.keyid: CI.public_key}


def record(line: bytes, index: int = 0, predicate_type: str = SAMPLE_TYPE, at: int = SAMPLE_START) -> Record:
    return Record(index, write_entry(Entry(sha256_digest(line), CI.keyid, predicate_type, Instant(at))), line)


def followed(records: Sequence[Record]) -> tuple[LogCheck, list[str]]:
    findings = Findings()
    check = LogCheck(trust_in(CI), findings)
    for one, result in zip(records, check_records(records, {CI.keyid: CI.public_key.raw}), strict=True):
        check.take(one, result)
    return check, sentences(findings)


def sentences(findings: Findings) -> list[str]:
    try:
        findings.raise_if_any()
    except LedgerDamage as damage:
        return list(damage.findings)
    return []


def test_a_statement_that_cannot_be_read_is_damage() -> None:
    with pytest.raises(IntegrityFailure, match="not a readable in-toto statement"):
        check_record(record(seal(b'{"predicateType": "x"}', CI)), KEYS)


def test_a_leaf_of_another_type_than_its_envelope_is_damage() -> None:
    with pytest.raises(IntegrityFailure, match="the leaf says it is 'urn:other', the envelope 'urn:infratrack"):
        check_record(record(incoming(0).line, predicate_type="urn:other"), KEYS)


def test_a_line_that_cannot_be_read_names_no_blobs() -> None:
    assert named_blobs(b"nonsense") == ()
    assert named_blobs(incoming(0, blob=b"x").line) == (sha256_digest(b"x"),)


def test_an_envelope_stands_once_and_time_does_not_go_back() -> None:
    lines = [incoming(number).line for number in range(2)]
    _, found = followed([record(lines[0]), record(lines[1], 1), record(lines[0], 2)])
    assert found == ["entry 2: it holds the same envelope as entry 0"]
    _, found = followed([record(lines[0]), record(lines[1], 1, at=SAMPLE_START - 1)])
    assert found[0].startswith("entry 1: it says it was recorded at 2026-01-05T08:59:59.999999Z, before entry 0")


def test_a_checkpoint_with_lines_of_its_own_is_told() -> None:
    check, _ = followed([record(incoming(0).line)])
    text = sign_checkpoint(Checkpoint("log", 1, check.root()), CI, "ci").replace("\n\n", "\nmore\n\n")
    findings = Findings()
    assert check_head(read_note(text), check, KEYS, findings, known=KEYS) is None
    assert sentences(findings) == [
        "checkpoint: it holds lines besides origin, size and root",
        "checkpoint: the checkpoint's signature by 'ci' does not fit: the checkpoint was altered",
    ]


def test_findings_take_the_place_of_what_could_not_be_read() -> None:
    findings = Findings()

    def fail() -> int:
        raise IntegrityFailure("broken")

    assert findings.guard(fail, 7) == 7
    assert findings.guard(lambda: 5, 7) == 5
    assert sentences(findings) == ["broken"]
    assert findings
