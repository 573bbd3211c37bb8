"""A ledger on a branch does not get dearer with age: one append to a long one against one to a short one.

Each append is one of a job on a machine that has never seen the ledger, against a bare remote behind `git daemon` on
loopback. Bytes are those on the wire, both ways, without the evidence itself.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from infratrack.ledger.log import Incoming, Ledger
from infratrack.ledger.open import open_ledger
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import SAMPLE_START, incoming
from tests.benchmarks.measure import Measure, median
from tests.ledger.git.daemon import GitDaemon, bare_repository, git_daemon

SHORT = 100
LONG = 100_000
BATCH = 10_000
ROUNDS = 9
LONGEST = 1.5
MOST_BYTES = 64 * 1024
CI = signing_key("ci")


def machine(daemon: GitDaemon, name: str, home: Path) -> Ledger:
    """The ledger as a machine with this home opens it."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(home), "INFRATRACK_HOME": str(home / "infratrack")}
    address = f"git+{daemon.url(name)}#infratrack/ledger"
    return open_ledger(address, home, project_id="bench", create=True, environ=environ)


def append(ledger: Ledger, items: Sequence[Incoming]) -> None:
    """One batch whose signatures were checked before."""
    ledger.append(items, signer=CI, signer_name="ci", clock=lambda: SAMPLE_START, verified=True)


def filled(daemon: GitDaemon, name: str, entries: int, home: Path) -> None:
    """A remote with so many entries."""
    bare_repository(daemon.root / name)
    home.mkdir()
    ledger = machine(daemon, name, home)
    for start in range(0, entries, BATCH):
        append(ledger, [incoming(number) for number in range(start, min(start + BATCH, entries))])
    ledger.close()


def append_once(daemon: GitDaemon, name: str, home: Path, number: int) -> tuple[float, int]:
    """Seconds, and bytes beyond the evidence, of one append from a machine that is new."""
    home.mkdir()
    item = incoming(number)
    daemon.reset()
    begin = time.perf_counter()
    ledger = machine(daemon, name, home)
    append(ledger, [item])
    ledger.close()
    return time.perf_counter() - begin, daemon.counted.bytes - len(item.line)


def measure() -> Iterator[Measure]:
    """Time and bytes of one append, long against short."""
    with tempfile.TemporaryDirectory() as folder, git_daemon(Path(folder) / "served") as daemon:
        for name, entries in (("short", SHORT), ("long", LONG)):
            filled(daemon, name, entries, Path(folder) / f"home-{name}")
        found: dict[str, list[tuple[float, int]]] = {"short": [], "long": []}
        numbers = count(10 * LONG)
        for turn in range(ROUNDS):
            for name, appends in found.items():
                appends.append(append_once(daemon, name, Path(folder) / f"{name}-{turn}", next(numbers)))
    seconds = {name: [took for took, _ in appends] for name, appends in found.items()}
    moved = {name: [sent for _, sent in appends] for name, appends in found.items()}
    yield Measure(
        f"one append to a branch of {LONG:,} entries",
        min(seconds["long"]),
        f"the same at {SHORT}",
        min(seconds["short"]),
        LONGEST,
        f"medians {median(seconds['long']):.2f} s and {median(seconds['short']):.2f} s",
    )
    yield Measure(
        f"bytes beyond the evidence at {LONG:,} entries",
        max(moved["long"]),
        "64 KiB",
        MOST_BYTES,
        1.0,
        f"at {SHORT} entries {max(moved['short']):,}",
        "bytes",
    )
