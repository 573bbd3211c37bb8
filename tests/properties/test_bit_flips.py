"""Whatever single bit changes in an exported bundle, or in any value that a ledger's file keeps, is found."""

import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from infratrack.errors import InfratrackError, IntegrityFailure
from infratrack.ledger.bundle import export_bundle, verify_bundle
from infratrack.ledger.open import open_ledger
from infratrack.ledger.verify import verify_ledger
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import SAMPLE_ADDRESS, append, incoming, sample_ledger, trust_in

TRUST = trust_in(signing_key("ci"))
BUNDLE_FLIPS = 10_000
LEDGER_FLIPS = 2_000

pytestmark = pytest.mark.slow


def flipped(content: bytes, bit: int) -> bytes:
    altered = bytearray(content)
    altered[bit // 8] ^= 1 << bit % 8
    return bytes(altered)


@pytest.mark.parametrize("worker", range(4))
def test_ten_thousand_flips_over_a_bundle_and_its_blobs_are_all_found(tmp_path: Path, worker: int) -> None:
    """A quarter of them each, so that they can run beside each other."""
    ledger = sample_ledger(tmp_path, 2, blobs=1)
    append(ledger, [incoming(100, signing_key("other"))], signing_key("ci"))
    bundle = tmp_path / "bundle"
    export_bundle(ledger, bundle)
    verify_bundle(bundle, TRUST)
    files = [(path, path.read_bytes()) for path in sorted(bundle.rglob("*")) if path.is_file()]
    # Files are chosen evenly, so that the small ones (keys, checkpoint, a blob) are hit as often as the large ones.
    chance = random.Random(worker)  # noqa: S311 -- reproducible, not secret
    unnoticed = []
    for _ in range(BUNDLE_FLIPS // 4):
        path, content = chance.choice(files)
        bit = chance.randrange(len(content) * 8)
        path.write_bytes(flipped(content, bit))
        try:
            verify_bundle(bundle, TRUST)
            unnoticed.append((path.name, bit))
        except IntegrityFailure:
            pass
        path.write_bytes(content)
    assert unnoticed == []
    verify_bundle(bundle, TRUST)


def every_bit(folder: Path) -> list[tuple[Path, int]]:
    return [
        (path, bit)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for bit in range(max(0, path.stat().st_size * 8 - 24), path.stat().st_size * 8)
    ]


def test_flips_in_the_last_bytes_are_found(tmp_path: Path) -> None:
    """Final line feeds, and the padding bits of base64 at the end of a line."""
    bundle = tmp_path / "bundle"
    export_bundle(sample_ledger(tmp_path, 1, blobs=1), bundle)
    for path, bit in every_bit(bundle):
        content = path.read_bytes()
        path.write_bytes(flipped(content, bit))
        with pytest.raises(IntegrityFailure):
            verify_bundle(bundle, TRUST)
        path.write_bytes(content)


def values(path: Path) -> object:
    """Every value that the file keeps, read without our code; None when it no longer reads."""
    try:
        connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
        try:
            tables = ["alembic_version", "head", "entries", "keys"]
            kept = [connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in tables]  # noqa: S608 -- fixed names
            schema = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError):
        return None
    return kept, schema


def test_flips_over_the_database_that_change_a_value_are_all_found(tmp_path: Path) -> None:
    sample_ledger(tmp_path, 6).close()
    path = tmp_path / ".infratrack" / "ledger.db"
    assert not path.with_name("ledger.db-wal").exists()
    content = path.read_bytes()
    before = values(path)
    chance = random.Random(7)  # noqa: S311 -- reproducible, not secret
    # Most of the pages is free space: flip where there is content, and now and then anywhere.
    used = [index for index, byte in enumerate(content) if byte]
    unnoticed = []
    changed = 0
    for number in range(LEDGER_FLIPS):
        index = chance.randrange(len(content)) if number % 10 == 0 else chance.choice(used)
        path.write_bytes(flipped(content, index * 8 + chance.randrange(8)))
        if values(path) == before:
            continue
        changed += 1
        for left in ("ledger.db-wal", "ledger.db-shm"):
            path.with_name(left).unlink(missing_ok=True)
        try:
            ledger = open_ledger(SAMPLE_ADDRESS, tmp_path, project_id="sample")
            try:
                verify_ledger(ledger, TRUST)
            finally:
                ledger.close()
            unnoticed.append(index)
        except InfratrackError:
            pass
    assert unnoticed == []
    assert changed > LEDGER_FLIPS // 2


def test_a_copy_of_the_file_alone_still_verifies(tmp_path: Path) -> None:
    """What the flips are made in is the whole ledger: nothing waits in a log beside it."""
    sample_ledger(tmp_path, 3, blobs=0).close()
    (tmp_path / "copy" / ".infratrack").mkdir(parents=True)
    shutil.copy(tmp_path / ".infratrack" / "ledger.db", tmp_path / "copy" / ".infratrack")
    assert verify_ledger(open_ledger(SAMPLE_ADDRESS, tmp_path / "copy", project_id="sample"), TRUST).entries == 3
