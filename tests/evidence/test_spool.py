"""The spool: acknowledged is on disk, the same twice is once, and what is damaged is set aside, never lost or fatal."""

from __future__ import annotations

import errno
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from infratrack.errors import InputError, Unreachable
from infratrack.evidence import durable_files
from infratrack.evidence.envelope import seal
from infratrack.evidence.keys import SigningKey
from infratrack.evidence.predicates import COMMAND, RUN_START, Run, RunPredicate
from infratrack.evidence.spool import Spool
from infratrack.evidence.statement import bare_subject, build_statement
from infratrack.values import Digest, Instant, format_instant, sha256_digest

KEY = SigningKey.from_seed(bytes(32))
BLOBS = {sha256_digest(content): content for content in (b"plan", b"", b"x" * 100_000)}


class Killed(BaseException):
    """As if the process were killed here."""


def killed(*_: object) -> None:
    raise Killed


def evidence(run_id: str, started: int, finished: int | None = None, kind: str = COMMAND) -> bytes:
    run = Run(
        run_id,
        started_at=format_instant(Instant(started)),
        finished_at=None if finished is None else format_instant(Instant(finished)),
    )
    payload = build_statement(
        subjects=[bare_subject(None, run_id)], predicate_type=kind, predicate=RunPredicate(run=run)
    )
    return seal(payload, KEY)


def start_of(run_id: str, started: int = 1) -> bytes:
    return evidence(run_id, started, kind=RUN_START)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "home", "dc-west")


def lines(spool: Spool) -> list[bytes]:
    return [one.line for one in spool.pending()]


def files_under(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_an_untouched_spool_is_empty_and_makes_nothing(spool: Spool) -> None:
    assert (spool.pending(), spool.abandoned(), spool.damaged(), spool.count(), spool.read_seen()) == (
        [],
        [],
        [],
        0,
        None,
    )
    spool.remove(sha256_digest(b"never put"))
    assert not spool.folder.exists()


def test_evidence_waits_with_its_blobs_until_it_is_removed(spool: Spool) -> None:
    digest = spool.put(b"line", BLOBS)
    assert digest == sha256_digest(b"line")
    (waiting,) = spool.pending()
    assert (waiting.digest, waiting.line, set(waiting.blobs)) == (digest, b"line", set(BLOBS))
    assert waiting.read_blobs() == BLOBS
    assert spool.count() == 1
    spool.remove(digest)
    spool.remove(digest)
    assert (spool.pending(), files_under(spool.folder)) == ([], [])


def test_everything_in_the_spool_is_private(spool: Spool) -> None:
    spool.put(b"line", BLOBS)
    spool.write_seen("note")
    started = spool.start("run-1", start_of("run-1"))
    for path in spool.folder.parent.parent.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    started.release()


def test_the_same_line_twice_is_once_and_blobs_add_up(spool: Spool) -> None:
    (first, content), *rest = BLOBS.items()
    spool.put(b"line", {first: content})
    spool.put(b"line", dict(rest))
    spool.put(b"line")
    (waiting,) = spool.pending()
    assert waiting.read_blobs() == BLOBS
    assert sorted(path.name for path in (spool.folder / "waiting").iterdir()) == [waiting.path.name]


def test_delivery_goes_by_time_and_a_start_comes_before_its_end(spool: Spool) -> None:
    order = [
        b"no statement at all",
        start_of("a", 10),
        evidence("b", 10, 10),
        start_of("c", 20),
        evidence("c", 20),
        evidence("d", 30, 25),
        evidence("a", 10, 40),
    ]
    for line in reversed(order):
        spool.put(line)
    assert lines(spool) == order


def test_a_run_that_lives_is_not_abandoned_and_one_that_ended_is_forgotten(spool: Spool) -> None:
    started = spool.start("run-1", start_of("run-1"))
    assert spool.abandoned() == []
    end = evidence("run-1", 1, 2)
    assert started.finish(end, BLOBS) == sha256_digest(end)
    assert spool.abandoned() == []
    assert lines(spool) == [start_of("run-1"), end]
    assert spool.pending()[1].read_blobs() == BLOBS
    assert list((spool.folder / "runs").iterdir()) == []


def test_a_run_whose_end_was_put_can_be_released(spool: Spool) -> None:
    started = spool.start("run-1", start_of("run-1"))
    spool.put(evidence("run-1", 1, 2))
    started.release()
    started.release()
    assert spool.abandoned() == []
    assert spool.count() == 2


def test_a_run_that_was_let_go_is_taken_over_by_one_only(spool: Spool) -> None:
    spool.start("run-1", start_of("run-1")).let_go()
    (abandoned,) = spool.abandoned()
    assert (abandoned.run_id, abandoned.line) == ("run-1", start_of("run-1"))
    assert spool.abandoned() == []
    abandoned.let_go()
    (again,) = spool.abandoned()
    again.finish(evidence("run-1", 1))
    assert spool.abandoned() == []
    assert spool.count() == 2


def test_many_may_look_for_abandoned_runs_and_each_is_found_once(spool: Spool) -> None:
    for number in range(20):
        spool.start(f"run-{number}", start_of(f"run-{number}")).let_go()
    with ThreadPoolExecutor(8) as pool:
        found = [run.run_id for runs in pool.map(lambda _: spool.abandoned(), range(8)) for run in runs]
    assert sorted(found) == sorted(f"run-{number}" for number in range(20))


def test_an_end_on_its_way_is_carried_on_by_the_next_command(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    started = spool.start("run-1", start_of("run-1"))
    end = evidence("run-1", 1, 2)
    with monkeypatch.context() as patched:
        patched.setattr(Spool, "forget_run", killed)
        with pytest.raises(Killed):
            started.finish(end, BLOBS)
    assert (spool.folder / "runs" / "run-1.end").is_dir()
    assert spool.abandoned() == []  # its process lives
    assert (spool.folder / "runs" / "run-1.end").is_dir()
    started.let_go()
    assert spool.abandoned() == []
    assert lines(spool) == [start_of("run-1"), end]
    assert spool.pending()[1].read_blobs() == BLOBS
    assert list((spool.folder / "runs").iterdir()) == []


def test_an_end_whose_run_is_forgotten_already_is_carried_on(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    started = spool.start("run-1", start_of("run-1"))
    end = evidence("run-1", 1, 2)
    with monkeypatch.context() as patched:
        patched.setattr(Spool, "_move_in", killed)
        with pytest.raises(Killed):
            started.finish(end)
    assert lines(spool) == [start_of("run-1"), end]


def test_an_end_that_is_damaged_leaves_the_run_abandoned(spool: Spool) -> None:
    spool.start("run-1", start_of("run-1")).let_go()
    (spool.folder / "runs" / "run-1.end").mkdir()
    assert [run.run_id for run in spool.abandoned()] == ["run-1"]
    assert [path.name[:11] for path in spool.damaged()] == [
        "run-1.end-"[:11] + path.name[10:11] for path in spool.damaged()
    ]


@pytest.mark.parametrize("damage", [b"", b"other\n", b"line", b"line\n\n"])
def test_a_damaged_line_is_set_aside_and_the_rest_delivered(spool: Spool, damage: bytes) -> None:
    digest = spool.put(b"line", BLOBS)
    spool.put(b"sound")
    (spool.folder / "waiting" / digest.removeprefix("sha256:") / "line").write_bytes(damage)
    assert lines(spool) == [b"sound"]
    (aside,) = spool.damaged()
    assert (aside / "line").read_bytes() == damage
    assert len(list(aside.iterdir())) == 1 + len(BLOBS)
    spool.put(b"line")
    assert lines(spool) == [b"line", b"sound"] or lines(spool) == [b"sound", b"line"]


def test_damaged_evidence_does_not_stand_in_the_way_of_the_same_again(spool: Spool) -> None:
    digest = spool.put(b"line")
    (spool.folder / "waiting" / digest.removeprefix("sha256:") / "line").unlink()
    spool.put(b"line")
    assert lines(spool) == [b"line"]
    assert len(spool.damaged()) == 1


def test_strange_files_are_set_aside(spool: Spool) -> None:
    spool.put(b"line")
    (spool.folder / "waiting" / "notes.txt").write_text("x")
    (spool.folder / "waiting" / ("0" * 64)).symlink_to("/nowhere")
    assert lines(spool) == [b"line"]
    assert len(spool.damaged()) == 2


def test_a_damaged_or_missing_blob_is_left_out(spool: Spool) -> None:
    digest = spool.put(b"line", BLOBS)
    folder = spool.folder / "waiting" / digest.removeprefix("sha256:")
    first, second, third = BLOBS
    (folder / first.removeprefix("sha256:")).write_bytes(b"other")
    (waiting,) = spool.pending()
    (folder / second.removeprefix("sha256:")).unlink()
    assert waiting.read_blobs() == {third: BLOBS[third]}


@pytest.mark.parametrize("content", [b"", b"line\n", b"line\nwrong\n", b"a\nb\nc\nd\n"])
def test_a_damaged_start_is_set_aside(spool: Spool, content: bytes) -> None:
    spool.start("run-1", start_of("run-1")).let_go()
    (spool.folder / "runs" / "run-1").write_bytes(content)
    assert spool.abandoned() == []
    assert len(spool.damaged()) == 1
    assert lines(spool) == [start_of("run-1")]


def test_leftovers_of_killed_writers_are_cleared_and_those_of_living_ones_are_not(spool: Spool) -> None:
    spool.put(b"line")
    waiting = spool.folder / "waiting"
    (waiting / ".writing-dead").mkdir()
    (waiting / ".writing-dead" / "line").write_bytes(b"ha")
    (spool.folder / ".writing-dead").write_bytes(b"lf")
    with durable_files.new_folder(waiting, {"line": b"x"}) as living:
        descriptor = durable_files.write_new_file(spool.folder / ".writing-live", b"y")
        assert lines(spool) == [b"line"]
        assert living.is_dir()
        assert sorted(path.name for path in spool.folder.iterdir()) == [".writing-live", "waiting"]
        os.close(descriptor)
    spool.pending()
    assert [path.name for path in spool.folder.iterdir()] == ["waiting"]
    assert len(list(waiting.iterdir())) == 1


def test_the_last_checkpoint_known_is_remembered(spool: Spool) -> None:
    for note in ("origin\n1\nAAAA\n", "origin\n2\nBBBB\n\n— ci sig\n"):
        spool.write_seen(note)
        assert spool.read_seen() == note
    (spool.folder / "seen").write_bytes(b"\xff")
    assert spool.read_seen() is None
    (spool.folder / "seen").write_bytes(b"")
    assert spool.read_seen() is None


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "a b", "x" * 129, "a\n"])
def test_names_that_could_leave_the_folder_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be a project id"):
        Spool(tmp_path, name)
    with pytest.raises(InputError, match="cannot be a run id"):
        Spool(tmp_path, "x").start(name, b"line")
    assert list(tmp_path.iterdir()) == []


def test_a_home_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file")
    spool = Spool(tmp_path / "home", "x")
    for attempt in (lambda: spool.put(b"line"), lambda: spool.start("r", b"line"), lambda: spool.write_seen("x")):
        with pytest.raises(Unreachable, match="could not be written: Not a directory"):
            attempt()


@pytest.mark.parametrize("call", ["write", "fsync", "mkdir"])
def test_a_full_disk_is_told_and_leaves_nothing_half_written(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    spool.put(b"before", BLOBS)

    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, full)
        with pytest.raises(Unreachable, match="No space left on device") as caught:
            spool.put(b"after", BLOBS)
        assert caught.value.hint
        with pytest.raises(Unreachable, match="No space left on device"):
            spool.start("run-1", start_of("run-1"))
    assert lines(spool) == [b"before"]
    assert spool.abandoned() == []
    assert len(list((spool.folder / "waiting").iterdir())) == 1


def test_a_start_that_cannot_be_put_is_let_go(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Digest:
        raise Unreachable("no room")

    with monkeypatch.context() as patched:
        patched.setattr(spool, "put", full)
        with pytest.raises(Unreachable, match="no room"):
            spool.start("run-1", start_of("run-1"))
    (abandoned,) = spool.abandoned()  # the run never began, and the next command says so
    abandoned.release()


@pytest.mark.parametrize("times", [1, 4])
def test_a_place_that_is_taken_at_the_last_instant_is_tried_again(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    rename, left = Path.rename, [times]

    def occupied(path: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", occupied)
    spool.put(b"line")
    assert lines(spool) == [b"line"]


@pytest.mark.parametrize(("number", "told"), [(errno.ENOTEMPTY, "kept interfering"), (errno.EIO, "Input/output error")])
def test_a_place_that_cannot_be_had_is_told(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, number: int, told: str
) -> None:
    def refused(path: Path, target: Path) -> Path:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(Unreachable, match=told):
        spool.put(b"line")
    assert lines(spool) == []


@pytest.mark.parametrize("delivered", [False, True])
def test_an_end_that_another_process_carried_on_is_fine(
    spool: Spool, monkeypatch: pytest.MonkeyPatch, *, delivered: bool
) -> None:
    started = spool.start("run-1", start_of("run-1"))
    end = evidence("run-1", 1, 2)
    forget = Spool.forget_run

    def overtaken(self: Spool, run_id: str) -> None:
        forget(self, run_id)
        for one in Spool(self.folder.parent.parent, self.folder.name).pending():
            if delivered:
                self.remove(one.digest)

    with monkeypatch.context() as patched:
        patched.setattr(Spool, "forget_run", overtaken)
        started.finish(end)
    assert lines(spool) == ([] if delivered else [start_of("run-1"), end])


def test_many_may_write_and_deliver_at_once_without_loss(spool: Spool) -> None:
    delivered: list[bytes] = []

    def write(number: int) -> None:
        spool.put(b"line %d" % number, {sha256_digest(b"shared"): b"shared"})

    def deliver(_: int) -> None:
        for one in spool.pending():
            delivered.append(one.line)
            spool.remove(one.digest)

    with ThreadPoolExecutor(8) as pool:
        writing = [pool.submit(write, number) for number in range(60)]
        delivering = [pool.submit(deliver, number) for number in range(20)]
        for job in (*writing, *delivering):
            job.result()
    deliver(0)
    assert set(delivered) == {b"line %d" % number for number in range(60)}
    assert spool.damaged() == []
