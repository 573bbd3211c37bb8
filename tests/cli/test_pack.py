"""`infratrack spool pack` and `unpack`: evidence travels as a file from a job that may not push to one that may."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from infratrack.capture.pack_format import ABOUT, END, Member, write_about, write_header
from infratrack.evidence.key_store import KeyStore
from tests.capture.workshop import INFRATRACK, PROJECT, Workshop


@pytest.fixture
def job(tmp_path: Path) -> Workshop:
    """A job that may not reach the ledger; the project trusts its key by its id only."""
    (tmp_path / "job").mkdir()
    job = Workshop(tmp_path / "job")
    key = KeyStore(job.home / "infratrack").create("ci").key
    job.write("infratrack.yaml", PROJECT + f"trust: {{signers: [{{name: ci, keyid: {key.keyid}}}]}}\n")
    job.write(".infratrack", "not a folder")
    return job


@pytest.fixture
def deliverer(tmp_path: Path, job: Workshop) -> Workshop:
    """A later job, on another machine, with a key of its own."""
    (tmp_path / "deliverer").mkdir()
    deliverer = Workshop(tmp_path / "deliverer")
    shutil.copy(job.folder / "infratrack.yaml", deliverer.folder)
    KeyStore(deliverer.home / "infratrack").create("deliverer")
    return deliverer


def ok(ended: subprocess.CompletedProcess[str]) -> str:
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_evidence_of_a_job_is_delivered_by_a_later_one(job: Workshop, deliverer: Workshop) -> None:
    job.run("true")
    job.infratrack("run", "--log", "--", "sh", "-c", "echo said; exit 3")
    packed = json.loads(ok(job.infratrack("spool", "pack", "evidence.tar", "--format", "json")))
    assert [one["outcome"] for one in packed["evidence"]] == [None, "succeeded", None, "failed"]
    assert (packed["file"], packed["leftOut"]) == ("evidence.tar", [])
    assert len(job.waiting()) == 4

    pack = str(job.folder / "evidence.tar")
    taken = json.loads(ok(deliverer.infratrack("spool", "unpack", "--require-delivery", pack, "--format", "json")))
    assert taken["delivered"] is True
    assert {one["evidence"] for one in taken["evidence"]} == {one["evidence"] for one in packed["evidence"]}
    assert [one.outcome for one in deliverer.ledger()] == [None, "succeeded", None, "failed"]
    assert b"said" in deliverer.blob(deliverer.ends()[1], "log")
    assert "4 pieces of evidence taken in" in ok(deliverer.infratrack("spool", "unpack", pack))
    assert len(deliverer.ledger()) == 4
    assert deliverer.waiting() == []


def test_what_was_delivered_counts(job: Workshop, deliverer: Workshop) -> None:
    job.run("true")
    ok(job.infratrack("spool", "pack", "evidence.tar"))
    ok(deliverer.infratrack("spool", "unpack", str(job.folder / "evidence.tar")))
    (smoke,) = json.loads(ok(deliverer.infratrack("status", "--format", "json")))["deliverables"]
    assert smoke["status"] == "complete"


def test_packs_of_parallel_jobs_are_taken_in_together_or_not_at_all(job: Workshop, deliverer: Workshop) -> None:
    job.run("true")
    ok(job.infratrack("spool", "pack", "--remove", "first.tar"))
    assert job.waiting() == []
    job.run("true", "again")
    assert "2 pieces of evidence packed into second.tar" in ok(job.infratrack("spool", "pack", "second.tar"))
    first, second = (str(job.folder / name) for name in ("first.tar", "second.tar"))
    damaged = job.folder / "damaged.tar"
    damaged.write_bytes(Path(second).read_bytes()[:-600])
    ended = deliverer.infratrack("spool", "unpack", first, str(damaged))
    assert ended.returncode == 6
    assert "not a sound pack of evidence" in ended.stderr
    assert deliverer.waiting() == []
    ok(deliverer.infratrack("spool", "unpack", first, second))
    assert [one.argv for one in deliverer.ends()] == [("true",), ("true", "again")]


def test_evidence_of_somebody_who_is_not_trusted_is_not_taken_in(job: Workshop, deliverer: Workshop) -> None:
    KeyStore(job.home / "infratrack").create("mallory")
    job.infratrack("run", "--key", "mallory", "--", "true")
    ok(job.infratrack("spool", "pack", "forged.tar"))
    ended = deliverer.infratrack("spool", "unpack", str(job.folder / "forged.tar"))
    assert ended.returncode == 6
    assert "the project does not trust its signer" in ended.stderr
    assert deliverer.waiting() == []
    assert not (deliverer.folder / ".infratrack").exists()


def test_a_run_that_was_killed_is_packed_with_an_end(job: Workshop, deliverer: Workshop) -> None:
    process = subprocess.Popen(
        [INFRATRACK, "run", "--", "sleep", "60"], cwd=job.folder, env=job.environment, start_new_session=True
    )
    while not job.waiting():
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ok(job.infratrack("spool", "pack", "evidence.tar"))
    ok(deliverer.infratrack("spool", "unpack", str(job.folder / "evidence.tar")))
    assert [one.outcome for one in deliverer.ledger()] == [None, "indeterminate"]


def test_nothing_waiting_makes_an_empty_pack_and_nothing_is_overwritten(job: Workshop, deliverer: Workshop) -> None:
    assert "0 pieces of evidence packed" in ok(job.infratrack("spool", "pack", "evidence.tar"))
    assert "0 pieces of evidence taken in" in ok(
        deliverer.infratrack("spool", "unpack", str(job.folder / "evidence.tar"))
    )
    ended = job.infratrack("spool", "pack", "evidence.tar")
    assert ended.returncode == 2
    assert "is there already" in ended.stderr


def test_what_is_no_evidence_stays_and_is_told(job: Workshop) -> None:
    job.run("true")
    job.workspace().spool.put(b"no evidence")
    ended = job.infratrack("spool", "pack", "evidence.tar", "--format", "json")
    assert ended.returncode == 6
    assert len(json.loads(ended.stdout)["evidence"]) == 2
    assert "was not packed: this is not a sound DSSE envelope" in ended.stderr


def test_a_ledger_that_cannot_be_reached_keeps_what_was_taken_in(job: Workshop, deliverer: Workshop) -> None:
    job.run("true")
    ok(job.infratrack("spool", "pack", "evidence.tar"))
    pack = str(job.folder / "evidence.tar")
    deliverer.write(".infratrack", "not a folder")
    assert deliverer.infratrack("spool", "unpack", "--require-delivery", pack).returncode == 4
    assert "evidence waits in the spool" in deliverer.infratrack("spool", "unpack", pack).stderr
    (deliverer.folder / ".infratrack").unlink()
    assert "2 new entries" in ok(deliverer.infratrack("spool", "send"))


def test_a_machine_without_a_key_packs_what_it_has(job: Workshop) -> None:
    job.run("true")
    shutil.rmtree(job.home / "infratrack" / "keys")
    ended = job.infratrack("spool", "pack", "evidence.tar")
    assert "2 pieces of evidence packed" in ok(ended)
    assert "were given no end: there is no signing key" in ended.stderr


def test_evidence_is_packed_with_a_broken_project_file_too(job: Workshop) -> None:
    job.run("true")
    job.write("infratrack.yaml", PROJECT + "nonsense: 1\n")
    ended = job.infratrack("spool", "pack", "evidence.tar")
    assert "2 pieces of evidence packed" in ok(ended)
    assert "no public keys were packed" in ended.stderr


def test_a_pack_gives_no_orders_to_the_ci_system_that_reads_the_log(deliverer: Workshop) -> None:
    about = write_about("##vso[task.prependpath]/tmp/x ::add-path::/tmp/x")
    member = Member(ABOUT, len(about))
    (deliverer.folder / "evidence.tar").write_bytes(write_header(member) + about + bytes(member.padding) + END)
    refused = deliverer.infratrack("spool", "unpack", "evidence.tar")
    assert refused.returncode == 2
    assert "# #vso[task.prependpath]/tmp/x : :add-path::" in refused.stderr
