"""`kill -9` at any instant loses nothing that was acknowledged, and leaves a ledger that opens and verifies."""

import contextlib
import multiprocessing
import random
import signal
from multiprocessing.context import ForkServerContext
from pathlib import Path

import pytest

from infratrack.ledger.open import NoLedgerYet, open_ledger
from infratrack.ledger.verify import verify_ledger
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import SAMPLE_ADDRESS, append_until_killed, trust_in
from infratrack.values import Digest, sha256_digest

TRIALS = 200
LEDGERS = 10
"""Each takes a share of the trials one after the other, so that it goes through many crashes in its life."""

CI = signing_key("ci")
TRUST = trust_in(CI)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def nursery() -> ForkServerContext:
    """Children come from a process that has everything imported, so that a trial takes no longer than it lives."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["infratrack.testing.ledgers", "infratrack.ledger.storage.sql.store", "sqlalchemy.dialects.sqlite", "obstore"]
    )
    return context


def crash_once(nursery: ForkServerContext, folder: Path, first: int, wait_for: int, seconds: float) -> list[Digest]:
    """Start a child that appends; kill it some time after so many acknowledgements. Returns all it acknowledged."""
    hearing, telling = nursery.Pipe(duplex=False)
    child = nursery.Process(target=append_until_killed, args=(folder, first, telling))
    child.start()
    telling.close()
    acknowledged = [Digest(hearing.recv_bytes().decode()) for _ in range(wait_for)]
    child.join(seconds)
    child.kill()
    child.join()
    assert child.exitcode == -signal.SIGKILL
    # A message that was cut off by the kill was not acknowledged; the stream ends there.
    with contextlib.suppress(EOFError, OSError):
        while True:
            acknowledged.append(Digest(hearing.recv_bytes().decode()))
    hearing.close()
    return acknowledged


@pytest.mark.parametrize("life", range(LEDGERS))
def test_sigkill_at_any_instant_loses_nothing_acknowledged(
    nursery: ForkServerContext, tmp_path: Path, life: int
) -> None:
    chance = random.Random(life)  # noqa: S311 -- reproducible, not secret
    acknowledged: set[Digest] = set()
    for trial in range(TRIALS // LEDGERS):
        # Every fourth is killed at any instant from its birth on, while it makes or opens the file; the others while
        # they append, after a few acknowledgements and within about the time that an append takes.
        early = trial % 4 == 0
        wait_for, seconds = (0, chance.uniform(0, 0.15)) if early else (chance.randint(1, 12), chance.uniform(0, 0.004))
        told = crash_once(nursery, tmp_path, 100_000 * trial, wait_for, seconds)
        acknowledged.update(told)
        try:
            ledger = open_ledger(SAMPLE_ADDRESS, tmp_path, project_id="sample")
        except NoLedgerYet:
            assert not acknowledged
            continue
        try:
            present = {entry.digest for entry in ledger.entries()}
            assert acknowledged <= present
            if present:
                assert verify_ledger(ledger, TRUST).entries == len(present)
            # Blobs come before the entries that name them: every stray one is whole.
            assert all(sha256_digest(ledger.blobs.get(digest)) == digest for digest in ledger.blobs.list())
        finally:
            ledger.close()
