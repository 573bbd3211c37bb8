"""The ledger against pymerkle (appending) and against the disk's own rate of fsync."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from itertools import count
from pathlib import Path

import pymerkle

from infratrack.ledger.log import Incoming, Ledger
from infratrack.ledger.open import open_ledger
from infratrack.ledger.verify import verify_ledger
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import SAMPLE_ADDRESS, SAMPLE_START, incoming, trust_in
from tests.benchmarks.measure import Measure

BATCH = 20_000
SINGLE = 500
PAGE_BYTES = 8_192
CI = signing_key("ci")


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def append(ledger: Ledger, items: list[Incoming]) -> None:
    """One batch whose signatures were checked before."""
    ledger.append(items, signer=CI, signer_name="ci", clock=lambda: SAMPLE_START, verified=True)


def pymerkle_append(path: Path, lines: list[bytes]) -> None:
    """The same lines into pymerkle's tree on SQLite, in its quickest way."""
    with pymerkle.SqliteTree(str(path), algorithm="sha256") as tree:
        tree.append_entries(lines)


def fsyncs(path: Path, times: int) -> None:
    """As many pages, each written and flushed."""
    with path.open("wb", buffering=0) as file:
        for _ in range(times):
            file.write(b"x" * PAGE_BYTES)
            os.fsync(file.fileno())


def append_each(ledger: Ledger, items: list[Incoming]) -> None:
    """Each in a batch of its own: a transaction, a signed checkpoint and an fsync a piece."""
    for item in items:
        append(ledger, [item])


def measure() -> Iterable[Measure]:
    """Interleaved rounds, the minimum of each."""
    numbers = count()
    batch_ours, batch_peers, single_ours, single_peers = [], [], [], []
    verifying = 0.0
    with tempfile.TemporaryDirectory() as name:
        for turn in range(4):
            folder = Path(name) / str(turn)
            ledger = open_ledger(SAMPLE_ADDRESS, folder, project_id="bench", create=True)
            items = [incoming(next(numbers)) for _ in range(BATCH)]
            lines = [item.line for item in items]
            batch_peers.append(seconds(partial(pymerkle_append, folder / "peer.db", lines)))
            batch_ours.append(seconds(partial(append, ledger, items)))
            single_peers.append(seconds(partial(fsyncs, folder / "raw", SINGLE)))
            one_by_one = [incoming(next(numbers)) for _ in range(SINGLE)]
            single_ours.append(seconds(partial(append_each, ledger, one_by_one)))
            verifying = seconds(partial(verify_ledger, ledger, trust_in(CI)))
            ledger.close()
    ours, peers = min(batch_ours), min(batch_peers)
    yield Measure(
        "append a batch, durable", ours, "pymerkle (SQLite)", peers, None,
        f"{BATCH / ours:,.0f} entries a second; pymerkle {BATCH / peers:,.0f}",
    )  # fmt: skip
    ours, peers = min(single_ours), min(single_peers)
    yield Measure(
        "append one by one, durable", ours, "write + fsync", peers, 1 / 0.7,
        f"{SINGLE / ours:,.0f} entries a second; fsync {SINGLE / peers:,.0f}",
    )  # fmt: skip
    message = b"x" * 1000
    signature = CI.sign(message)
    checks = 1000
    bare = min(seconds(partial(CI.public_key.verify, signature, message)) for _ in range(checks))
    yield Measure(
        "verify a ledger", verifying, "its Ed25519 checks alone", bare * (BATCH + SINGLE), None,
        f"{(BATCH + SINGLE) / verifying:,.0f} entries a second",
    )  # fmt: skip
