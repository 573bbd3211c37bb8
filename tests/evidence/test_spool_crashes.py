"""SIGKILL at any instant: nothing acknowledged is lost, nothing is half there, and the next command carries on."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest

from infratrack.evidence.spool import Spool
from infratrack.values import sha256_digest

# Writes runs without end and says what is acknowledged; the parent kills it at some instant.
WRITER = """
import sys
from pathlib import Path
from infratrack.evidence.spool import Spool
from infratrack.values import sha256_digest
spool = Spool(Path(sys.argv[1]), "x")
blob = b"b" * 5000
for number in range(100_000):
    name = f"{sys.argv[2]}-{number}"
    run = spool.start(name, b"start " + name.encode())
    print("start", name, flush=True)
    run.finish(b"end " + name.encode(), {sha256_digest(blob): blob})
    print("end", name, flush=True)
    spool.remove(sha256_digest(b"start " + name.encode()))
    print("removed", name, flush=True)
"""
BLOB = b"b" * 5000


@pytest.mark.slow
def test_killed_writers_lose_nothing_and_leave_nothing_half_there(tmp_path: Path) -> None:
    chance = random.Random(7)  # noqa: S311 -- instants to kill at, the same in every run
    spool = Spool(tmp_path, "x")
    for trial in range(25):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), f"t{trial}"], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        wanted = chance.randrange(1, 9)
        told = [writer.stdout.readline().split() for _ in range(wanted)]
        # A moment longer, so that it dies between two lines, anywhere in the work.
        for _ in range(chance.randrange(40_000)):
            pass
        writer.kill()
        told += [line.split() for line in writer.stdout.read().splitlines()]
        writer.wait()
        writer.stdout.close()
        acknowledged = {(what, name) for what, name in told}

        abandoned = {run.run_id: run for run in spool.abandoned()}
        waiting = {one.line: one for one in spool.pending()}
        assert spool.damaged() == []
        assert not list(spool.folder.rglob(".writing-*"))
        for what, name in acknowledged:
            if what == "end":
                end = waiting[b"end " + name.encode()]
                assert end.read_blobs() == {sha256_digest(BLOB): BLOB}
                assert name not in abandoned
            elif what == "start" and ("removed", name) not in acknowledged:
                told_of = b"start " + name.encode() in waiting or b"end " + name.encode() in waiting
                assert told_of
        for run_id, run in abandoned.items():
            assert b"end " + run_id.encode() not in waiting
            run.finish(b"lost " + run_id.encode())
        assert len(abandoned) <= 1
        assert spool.abandoned() == []
        for one in spool.pending():
            spool.remove(one.digest)
        assert [path for path in spool.folder.rglob("*") if path.is_file()] == []
