"""The fold over 100,000 pieces of evidence (8 resources each) and 1,000 deliverables, in a fresh process each time.

The peer reads the same 800,000 words as rows with sqlite3's `fetchall`, and does nothing else with them. The bars are
the seconds that are aimed at (2 s in full, 0.2 s when ten pieces are new), written as multiples of the peer's time.
"""

from __future__ import annotations

import hashlib
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from infratrack.evidence.trust import Trust, TrustedSigner
from infratrack.progress.criterion import BindContext, Judged, Judgement, Rule, Selector, at_least
from infratrack.progress.fold import project_state
from infratrack.progress.index.projection import EvidenceFacts
from infratrack.progress.index.store import KNOWN, FactsIndex, writing
from infratrack.progress.index.writer import IndexWriter
from infratrack.project.model import CriterionCall, Definition, Deliverable, Project
from infratrack.values import Digest, Instant, parse_duration

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from tests.benchmarks.measure import Measure

EVIDENCES: Final = 100_000
RESOURCES: Final = 8
DELIVERABLES: Final = 1_000
KEYID: Final = "a" * 64
BEGIN: Final = 1_767_571_200_000_000
SECONDS_FULL: Final = 2.0
SECONDS_TEN_NEW: Final = 0.2

_VALUES: Final = (b'{"presence":"present"}', b'{"presence":"tainted"}', b'{"presence":"absent"}')
_JUDGED: Final = {
    "present": Judged(Judgement.MEETS, "applied"),
    "tainted": Judged(Judgement.FAILS, "tainted"),
    "absent": Judged(Judgement.GONE, "gone"),
}


class Applied:
    """Stands in for `terraform.applied`, so that no plugin is measured."""

    name = "bench.applied"
    schema: Mapping[str, Any] = {}

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        """Select a pattern; a week's freshness."""
        selector = Selector("terraform.resource", parameters["resources"], scope=".")
        return Rule((selector,), self._judge, at_least(2), "resources", within=parse_duration("7d"))

    @staticmethod
    def _judge(_kind: str, value: Mapping[str, Any]) -> Judged | None:
        return _JUDGED[value["presence"]]


def project() -> Project:
    """A thousand deliverables, each of eight resources."""
    deliverables = tuple(
        Deliverable(
            f"d{number}",
            f"Rack {number}",
            CriterionCall("bench.applied", {"resources": f"module.rack{number}.port[*]"}),
        )
        for number in range(DELIVERABLES)
    )
    return Project("bench", "Bench", Definition(Digest("sha256:" + "0" * 64), b""), deliverables=deliverables)


def facts(begin: int, end: int) -> Iterable[EvidenceFacts]:
    """Evidence about eight ports of one rack each; one word in ten is bad news."""
    chance = random.Random(begin)  # noqa: S311 -- no secret
    for number in range(begin, end):
        rack = chance.randrange(DELIVERABLES)
        words = tuple(
            ("terraform.resource", ".", f"module.rack{rack}.port[{port}]", chance.choices(_VALUES, (90, 6, 4))[0])
            for port in range(RESOURCES)
        )
        digest = "sha256:" + hashlib.sha256(str(number).encode()).hexdigest()
        instant = BEGIN + number * 1_000_000
        yield EvidenceFacts(
            number, digest, digest, "urn:bench", KEYID, "bench", "", KNOWN, instant, instant, f"run-{number}",
            "succeeded", "c" * 40, "ci", None, "", (), None, None, words,
        )  # fmt: skip


def fill(path: Path, begin: int, end: int) -> None:
    """Write evidence into an index."""
    index = FactsIndex.open(path)
    index.connection.execute("BEGIN IMMEDIATE")
    with writing(index.connection):
        IndexWriter(index, end, lambda _: None).add(list(facts(begin, end)))
        index.set_meta("size", str(end))
        index.set_meta("root", "00" * 32)
    index.close()


def fold_once(path: Path) -> float:
    """Seconds that the fold takes in this process."""
    index = FactsIndex.open(path)
    trust = Trust({KEYID: TrustedSigner("ci", None)})
    promised = project()
    begin = time.perf_counter()
    state = project_state(promised, index, {"bench.applied": Applied()}, trust, Instant(BEGIN + 10**12))
    seconds = time.perf_counter() - begin
    if len(state.deliverables) != DELIVERABLES:
        raise AssertionError(state)
    index.close()
    return seconds


def fetch_once(path: Path) -> float:
    """Seconds that sqlite3 takes to hand over the same words as rows."""
    connection = sqlite3.connect(path)
    begin = time.perf_counter()
    connection.execute("SELECT subject, instant, entry, value FROM word").fetchall()
    seconds = time.perf_counter() - begin
    connection.close()
    return seconds


def _in_a_fresh_process(what: str, path: Path) -> float:
    found = subprocess.run([sys.executable, __file__, what, str(path)], check=True, capture_output=True, text=True)
    return float(found.stdout)


def _write_rows(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE word (subject INTEGER, instant INTEGER, entry INTEGER, value INTEGER)")
    rows = (
        (number * RESOURCES % 8_000 + port, BEGIN + number, number, port % 3)
        for number in range(EVIDENCES)
        for port in range(RESOURCES)
    )
    connection.executemany("INSERT INTO word VALUES (?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()


def measure() -> Iterable[Measure]:
    """In full, and with ten new pieces of evidence."""
    with tempfile.TemporaryDirectory() as folder:
        full, rows = Path(folder) / "facts.db", Path(folder) / "rows.db"
        fill(full, 0, EVIDENCES)
        _write_rows(rows)
        in_full, ten_new, peers = [], [], []
        for _ in range(5):
            once = Path(folder) / "once.db"
            shutil.copy(full, once)
            in_full.append(_in_a_fresh_process("fold", once))
            fill(once, EVIDENCES, EVIDENCES + 10)
            ten_new.append(_in_a_fresh_process("fold", once))
            peers.append(_in_a_fresh_process("fetch", rows))
            for path in Path(folder).glob("once.db*"):
                path.unlink()
    peer = min(peers)
    what = f"fold {EVIDENCES:,} × {RESOURCES} into {DELIVERABLES:,} deliverables"
    rows_note = "sqlite3 fetchall of the words"
    yield Measure(what, min(in_full), rows_note, peer, SECONDS_FULL / peer, f"aim: {SECONDS_FULL} s")
    yield Measure(
        "fold again, 10 new", min(ten_new), rows_note, peer, SECONDS_TEN_NEW / peer, f"aim: {SECONDS_TEN_NEW} s"
    )


if __name__ == "__main__":
    sys.stdout.write(str({"fold": fold_once, "fetch": fetch_once}[sys.argv[1]](Path(sys.argv[2]))))
