"""The ledger against pymerkle (appending), the disk's own rate of fsync, bare Ed25519 and bare SHA-256."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import count, islice
from pathlib import Path

import pymerkle

from infratrack.ledger.log import Incoming, Ledger
from infratrack.ledger.merkle import GrowingTree
from infratrack.ledger.open import open_ledger
from infratrack.ledger.verify import verify_ledger
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import SAMPLE_ADDRESS, SAMPLE_START, incoming, trust_in
from tests.benchmarks.measure import Measure, interleaved

BATCH = 20_000
SINGLE = 50
SINGLE_ROUNDS = 60  # short and many: the minima hold on a busy machine too
LEAVES = 1_000_000
LEAF = b"x" * 270
CI = signing_key("ci")


def seconds(action: Callable[[], object]) -> float:
    """How long it takes."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


def append(ledger: Ledger, items: list[Incoming]) -> None:
    """One batch whose signatures were checked before."""
    ledger.append(items, signer=CI, signer_name="ci", clock=lambda: SAMPLE_START, verified=True)


def append_each(ledger: Ledger, items: Iterable[Incoming]) -> None:
    """Each in a batch of its own: a transaction, a signed checkpoint and an fsync a piece."""
    for item in items:
        append(ledger, [item])


def new_ledger(folder: Path) -> Ledger:
    """An empty one."""
    return open_ledger(SAMPLE_ADDRESS, folder, project_id="bench", create=True)


def pymerkle_append(path: Path, lines: list[bytes]) -> None:
    """The same lines into pymerkle's tree on SQLite, in its quickest way."""
    with pymerkle.SqliteTree(str(path), algorithm="sha256") as tree:
        tree.append_entries(lines)


def flushed_bytes(folder: Path) -> int:
    """How many bytes one append brings to the disk before it is acknowledged: the growth of the write-ahead log."""
    ledger = new_ledger(folder)
    append(ledger, [incoming(0)])
    log = folder / ".infratrack" / "ledger.db-wal"
    before = log.stat().st_size
    append_each(ledger, [incoming(number) for number in range(1, 1 + SINGLE)])
    grown = log.stat().st_size - before
    ledger.close()
    return grown // SINGLE


def fsyncs(path: Path, content: bytes) -> None:
    """A log file that grows by as much as the ledger's, flushed each time."""
    with path.open("wb", buffering=0) as file:
        for _ in range(SINGLE):
            file.write(content)
            os.fsync(file.fileno())


def bare_verifications(times: int) -> None:
    """As many Ed25519 checks as entries, and nothing else."""
    message = b"x" * 500
    signature = CI.sign(message)
    for _ in range(times):
        CI.public_key.verify(signature, message)


def bare_on_all_cores(times: int) -> None:
    """The checks shared out among as many processes as there are cores."""
    cores = os.cpu_count() or 1
    running = [
        multiprocessing.get_context("fork").Process(target=bare_verifications, args=(times // cores,))
        for _ in range(cores)
    ]
    for process in running:
        process.start()
    for process in running:
        process.join()


def grow_tree() -> None:
    """The Merkle part of verifying: every leaf and every inner node hashed."""
    tree = GrowingTree()
    for _ in range(LEAVES):
        tree.add(LEAF)
    tree.root()


def hash_all() -> None:
    """As many hashes of leaves and of nodes, without a tree."""
    leaf, node = b"\x00" + LEAF, b"\x01" + bytes(64)
    for _ in range(LEAVES):
        hashlib.sha256(leaf).digest()
        hashlib.sha256(node).digest()


def batches(folder: Path, arriving: Iterator[Incoming]) -> Measure:
    """Four rounds of a new ledger each; minima."""
    ours, peers = [], []
    for turn in range(4):
        place = folder / f"batch {turn}"
        ledger = new_ledger(place)
        items = list(islice(arriving, BATCH))
        peers.append(seconds(partial(pymerkle_append, place / "peer.db", [item.line for item in items])))
        ours.append(seconds(partial(append, ledger, items)))
        ledger.close()
    our, peer = min(ours), min(peers)
    note = f"{BATCH / our:,.0f} entries a second; pymerkle {BATCH / peer:,.0f}"
    # 50,000 entries a second where pymerkle manages 209,000.
    return Measure("append a batch, durable", our, "pymerkle (SQLite)", peer, 4.2, note)


def singles(folder: Path, ledger: Ledger, arriving: Iterator[Incoming]) -> Measure:
    """One by one into a ledger that holds a batch already."""
    size = flushed_bytes(folder / "measured")
    items = list(islice(arriving, SINGLE * SINGLE_ROUNDS))
    waiting = iter(items)
    ours, peers = interleaved(
        lambda: append_each(ledger, islice(waiting, SINGLE)),
        partial(fsyncs, folder / "raw", b"x" * size),
        SINGLE_ROUNDS,
    )
    note = f"{SINGLE / ours:,.0f} entries a second; {SINGLE / peers:,.0f} times {size:,} bytes written and flushed"
    return Measure("append one by one, durable", ours, "write + fsync", peers, 1 / 0.7, note)


def measure() -> Iterable[Measure]:
    """Interleaved rounds, the minimum of each."""
    arriving = (incoming(number) for number in count())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield batches(folder, arriving)
        ledger = new_ledger(folder)
        append(ledger, list(islice(arriving, BATCH)))
        yield singles(folder, ledger, arriving)
        size = ledger.size()
        ours, peers = interleaved(
            partial(verify_ledger, ledger, trust_in(CI)), partial(bare_on_all_cores, size), rounds=3
        )
        note = f"{size / ours:,.0f} entries a second on all cores"
        yield Measure("verify a ledger", ours, "bare Ed25519, all cores", peers, 1.25, note)
        ledger.close()
    ours, peers = interleaved(grow_tree, hash_all, rounds=2)
    # 5 seconds where plain hashing manages 560,000 leaves a second.
    yield Measure(f"the tree over {LEAVES:,} entries", ours, "its hashes alone", peers, 2.8)
