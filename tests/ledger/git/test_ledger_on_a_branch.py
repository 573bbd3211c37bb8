"""The whole ledger on a branch: appended to by many at once, read, verified, exported, guarded against rewriting."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec import structs

from infratrack.errors import InputError, IntegrityFailure, Unreachable
from infratrack.ledger.bundle import export_bundle, import_bundle, verify_bundle
from infratrack.ledger.check import LedgerDamage
from infratrack.ledger.checkpoint import Checkpoint, sign_checkpoint
from infratrack.ledger.entry import read_entry, write_entry
from infratrack.ledger.log import Closed, Ledger
from infratrack.ledger.open import NoLedgerYet, open_ledger
from infratrack.ledger.proof import read_proof, verify_proof, write_proof
from infratrack.ledger.storage.git import layout
from infratrack.ledger.verify import verify_ledger
from infratrack.testing.builders import signing_key
from infratrack.testing.ledgers import append, incoming, trust_in
from infratrack.values import Digest, sha256_digest
from tests.ledger.git.daemon import GitDaemon, bare_repository, git, git_daemon

CI = signing_key("ci")
BRANCH = "infratrack/ledger"
Opener = Callable[..., Ledger]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[GitDaemon]:
    bare_repository(tmp_path / "served" / "project.git")
    with git_daemon(tmp_path / "served") as daemon:
        yield daemon


@pytest.fixture
def bare(daemon: GitDaemon) -> Path:
    return daemon.root / "project.git"


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def opener(daemon: GitDaemon, tmp_path: Path, told: list[str]) -> Iterator[Opener]:
    with ExitStack() as stack:

        def open_one(machine: str = "machine", settings: str = "", *, create: bool = True) -> Ledger:
            environ = {
                "PATH": "/usr/bin:/bin",
                "HOME": str(tmp_path / "no-home"),
                "INFRATRACK_HOME": str(tmp_path / machine),
            }
            ledger = open_ledger(
                f"git+{daemon.url('project.git')}#{BRANCH}{settings}",
                tmp_path,
                project_id="sample",
                create=create,
                environ=environ,
                report=told.append,
            )
            stack.callback(ledger.close)
            return ledger

        yield open_one


def rewritten(bare: Path, files: dict[str, bytes | None]) -> None:
    """What somebody with the right to push could do: replace files on the branch, or take them away (None)."""
    stream = [
        f"commit refs/heads/{BRANCH}\ncommitter x <x@example.org> now\ndata 0\nfrom refs/heads/{BRANCH}^0\n".encode()
    ]
    for path, content in files.items():
        change = f"D {path}\n" if content is None else f"M 100644 inline {path}\ndata {len(content)}\n"
        stream += [change.encode(), b"" if content is None else content + b"\n"]
    subprocess.run(
        ["git", f"--git-dir={bare}", "fast-import", "--quiet", "--date-format=now"], input=b"".join(stream), check=True
    )


def test_a_ledger_that_is_not_there_is_not_made_by_the_way(opener: Opener, bare: Path) -> None:
    with pytest.raises(NoLedgerYet, match="there is no ledger on refs/heads/infratrack/ledger at git://"):
        opener(create=False)
    assert git("for-each-ref", folder=bare) == ""


def test_what_one_machine_appends_another_one_reads_verifies_and_proves(opener: Opener, tmp_path: Path) -> None:
    first = opener("first")
    append(first, [incoming(number, blob=b"blob %d" % number) for number in range(3)])
    assert append(first, [incoming(1, blob=b"blob 1")])[0].index == 1
    second = opener("second", create=False)
    assert (second.origin(), second.checkpoint()) == (first.origin(), first.checkpoint())
    assert [entry.line for entry in second.entries()] == [incoming(n, blob=b"blob %d" % n).line for n in range(3)]
    verified = verify_ledger(second, trust_in(CI))
    assert (verified.entries, verified.trusted, verified.blobs, verified.keys) == (3, 3, 3, 1)
    proof = read_proof(write_proof(second.proof(2)))
    assert verify_proof(proof, next(second.entries(2, 3)).entry, [CI.public_key]).size == 3
    export_bundle(second, tmp_path / "bundle")
    assert verify_bundle(tmp_path / "bundle", trust_in(CI)).entries == 3


def test_an_exported_log_fills_an_empty_branch_as_it_is(opener: Opener, tmp_path: Path, bare: Path) -> None:
    first = opener()
    append(first, [incoming(number, blob=b"x" if number == 0 else None) for number in range(300)])
    export_bundle(first, tmp_path / "bundle")
    git("update-ref", "-d", f"refs/heads/{BRANCH}", folder=bare)
    again = opener("another")
    imported = import_bundle(tmp_path / "bundle", again, trust_in(CI), lambda items: append(again, items))
    assert imported.restored
    assert (again.origin(), again.checkpoint()) == (first.origin(), first.checkpoint())
    assert verify_ledger(opener("third"), trust_in(CI)).blobs == 1


@pytest.mark.slow
def test_several_machines_appending_at_once_lose_and_fork_nothing(opener: Opener) -> None:
    machines, each = 6, 2
    ledgers = [opener(f"machine-{number}") for number in range(machines)]
    acknowledged: dict[int, Digest] = {}

    def work(number: int) -> None:
        for turn in range(each):
            one = append(ledgers[number], [incoming(number * each + turn)])[0]
            acknowledged[one.index] = one.digest

    threads = [threading.Thread(target=work, args=(number,)) for number in range(machines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader = opener("reader")
    assert {entry.index: entry.digest for entry in reader.entries()} == acknowledged
    assert len(set(acknowledged.values())) == machines * each
    assert verify_ledger(reader, trust_in(CI)).entries == machines * each


def test_an_answer_that_is_lost_adds_nothing_twice(opener: Opener, daemon: GitDaemon) -> None:
    ledger = opener()
    append(ledger, [incoming(0)])
    daemon.lose_answer = True
    assert append(ledger, [incoming(1)])[0].index == 1
    assert append(opener("another"), [incoming(1)])[0].new is False
    assert ledger.size() == 2


def test_a_rewound_branch_is_told_and_nothing_is_appended(opener: Opener, bare: Path) -> None:
    ledger = opener()
    append(ledger, [incoming(0)])
    before = git("rev-parse", BRANCH, folder=bare)
    append(ledger, [incoming(1)])
    git("update-ref", f"refs/heads/{BRANCH}", before, folder=bare)
    for attempt in (lambda: append(ledger, [incoming(2)]), opener):
        with pytest.raises(IntegrityFailure, match="rolled back: this machine saw 2 entries on its branch"):
            attempt()
    assert git("rev-parse", BRANCH, folder=bare) == before


def test_a_branch_that_was_deleted_is_told_and_not_begun_anew(opener: Opener, bare: Path) -> None:
    ledger = opener()
    append(ledger, [incoming(0)])
    git("update-ref", "-d", f"refs/heads/{BRANCH}", folder=bare)
    for attempt in (lambda: append(ledger, [incoming(1)]), opener):
        with pytest.raises(IntegrityFailure, match="the ledger's branch is gone: this machine saw 1 entries"):
            attempt()
    assert git("for-each-ref", folder=bare) == ""


def test_a_forked_branch_is_told_by_everybody_who_saw_it_before(opener: Opener, bare: Path, tmp_path: Path) -> None:
    victim = opener("victim")
    append(victim, [incoming(0)])
    before = git("rev-parse", BRANCH, folder=bare)
    append(victim, [incoming(1)])
    # Somebody takes one entry out and goes on from there, with a trusted key: the log itself is sound.
    git("update-ref", f"refs/heads/{BRANCH}", before, folder=bare)
    forger = opener("forger")
    append(forger, [incoming(2)])
    for attempt in (lambda: append(victim, [incoming(3)]), lambda: opener("victim")):
        with pytest.raises(IntegrityFailure, match="forked: its first 2 entries are not those that this machine saw"):
            attempt()
    append(forger, [incoming(4), incoming(5)])
    with pytest.raises(IntegrityFailure, match="forked: its first 2 entries") as raised:
        opener("victim")
    # What the hint says makes it go on.
    Path(raised.value.hint.rpartition(" ")[2]).unlink()
    assert opener("victim").size() == 4


@pytest.mark.slow
def test_a_branch_that_grew_is_no_fork_however_far(opener: Opener) -> None:
    ledger, other = opener("one"), opener("two")
    grown = 0
    for more in (1, 2, 13, 17, 240, 3):
        append(other, [incoming(number) for number in range(grown, grown + more)])
        grown += more
        append(ledger, [incoming(1_000_000 + grown)])
        grown += 1
    assert verify_ledger(ledger, trust_in(CI)).entries == grown


def test_another_log_in_its_place_is_told(opener: Opener, bare: Path) -> None:
    append(opener("one"), [incoming(0)])
    git("update-ref", "-d", f"refs/heads/{BRANCH}", folder=bare)
    append(opener("two"), [incoming(0)])
    with pytest.raises(IntegrityFailure, match="holds another log"):
        opener("one")


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A remote with 260 entries, and a machine that has a copy of them."""
    folder = tmp_path_factory.mktemp("grown")
    bare_repository(folder / "project.git")
    ledger = local_ledger(folder, "knows")
    append(ledger, [incoming(number) for number in range(260)])
    assert verify_ledger(ledger, trust_in(CI)).entries == 260
    ledger.close()
    return folder


def local_ledger(folder: Path, machine: str) -> Ledger:
    environ = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "INFRATRACK_HOME": str(folder / machine)}
    address = f"git+project.git#{BRANCH}"
    return open_ledger(address, folder, project_id="sample", create=True, environ=environ, report=lambda _: None)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({"envelopes/00/00/03": b"{}"}, "envelopes/00/00/03 is not what the entries lead to|entry 3"),
        ({"envelopes/00/00/03": None}, "envelopes/00/00/03 is missing|entry 3"),
        ({layout.bundle_path(0): b""}, "tile/entries/000 is not what|000: entry 0 cannot be read"),
        ({layout.tile_path(0, 0): b"x" * 8192}, "tile/0/000 is not what the entries lead to"),
        ({layout.NEWEST: b""}, "edge/newest is not what|entry 256"),
        ({layout.digest_path(b"\xab" * 32): b"0\n"}, "digests/a/b/a/b"),
        ({"digests/readme": b"0\n"}, "'digests/readme' is no part of a ledger"),
        ({"readme": b"hello"}, "'readme' is no part of a ledger"),
        ({"blobs/readme": b"hello"}, "'blobs/readme' is no part of a ledger"),
        ({"checkpoint": b"no note"}, "checkpoint"),
        ({"edge/frontier": b"1\n"}, "edge/frontier"),
        ({"edge/frontier": b"260\n<\n"}, "edge/frontier: '<' is not base64"),
        ({"edge/frontier": None}, "edge/frontier: it is missing"),
        ({"origin": None}, "origin: it is missing"),
        ({"keys/readme": b""}, "keys/readme"),
    ],
)
def test_whatever_is_altered_on_the_branch_verification_finds_with_and_without_a_copy(
    grown: Path, tmp_path: Path, files: dict[str, bytes | None], found: str
) -> None:
    folder = shutil.copytree(grown, tmp_path / "grown")
    # The address names another place now; what the machine knows of the branch is found under the address's digest.
    places = folder / "knows" / "git-ledgers"
    (known,) = places.iterdir()
    local_ledger(folder, "elsewhere").close()
    (place,) = (folder / "elsewhere" / "git-ledgers").iterdir()
    known.rename(places / place.name)
    rewritten(folder / "project.git", files)
    for machine in ("knows", "fresh"):
        with pytest.raises(IntegrityFailure) as raised:
            verify_ledger(local_ledger(folder, machine), trust_in(CI))
        sentences = [raised.value.message, *getattr(raised.value, "findings", ())]
        assert any(re.search(found, sentence) for sentence in sentences), (machine, sentences)


def test_a_branch_of_something_else_is_not_written_to(opener: Opener, bare: Path) -> None:
    tree = git("hash-object", "-t", "tree", "-w", "--stdin", folder=bare)
    commit = git("commit-tree", tree, "-m", "work", folder=bare)
    git("update-ref", f"refs/heads/{BRANCH}", commit, folder=bare)
    with pytest.raises(InputError, match="holds something else than a ledger"):
        opener()
    assert git("rev-parse", BRANCH, folder=bare) == commit


def test_small_blobs_lie_on_the_branch_and_large_ones_where_the_address_says(
    opener: Opener, tmp_path: Path, told: list[str]
) -> None:
    large = b"y" * 200
    here = opener("here", f"?blob_limit=100&blobs=file://{tmp_path / 'store'}")
    (tmp_path / "store").mkdir()
    append(here, [incoming(0, blob=b"small"), incoming(1, blob=large)])
    there = opener("there", f"?blob_limit=100&blobs=file://{tmp_path / 'store'}")
    assert {there.blobs.get(digest) for digest in there.blobs.list()} == {b"small", large}
    assert verify_ledger(there, trust_in(CI)).blobs == 2
    assert told == []


def test_a_blob_that_is_too_large_and_not_marked_so_is_not_taken_in(opener: Opener) -> None:
    ledger = opener(settings="?blob_limit=100&blobs=none")
    append(ledger, [incoming(0, blob=b"small")])
    with pytest.raises(InputError, match="200 bytes, and more than 100 do not go to the ledger's branch"):
        append(ledger, [incoming(1, blob=b"y" * 200)])
    assert ledger.size() == 1


def test_nobody_who_can_push_can_excuse_a_blob_that_is_gone(opener: Opener, bare: Path) -> None:
    append(opener(), [incoming(0, blob=b"small")])
    name = sha256_digest(b"small")
    rewritten(bare, {layout.blob_path(name): None, layout.blob_path(name).replace("blobs", "absent"): b"9999999\n"})
    with pytest.raises(LedgerDamage) as raised:
        verify_ledger(opener("auditor"), trust_in(CI))
    assert f"blob {name}: it is missing, entry 0 names it" in raised.value.findings


def test_nobody_who_can_push_can_have_evidence_taken_for_delivered(opener: Opener, bare: Path) -> None:
    append(opener(), [incoming(number) for number in range(20)])
    wanted = incoming(99)
    digest = hashlib.sha256(wanted.line).digest()
    for index in (3, 19):
        rewritten(bare, {layout.digest_path(digest): layout.digest_line(digest, index)})
        with pytest.raises(Closed, match=f"at entry {index} stands no envelope with the digest"):
            append(opener(f"job-{index}"), [wanted])
    rewritten(bare, {layout.digest_path(digest): layout.digest_line(digest, 20)})
    with pytest.raises(Closed, match="it names entry 20, which there is not"):
        append(opener("job-20"), [wanted])
    # Not even with a leaf that says so: the hashes of the log do not lead to it.
    leaves = [leaf for _, leaf in sorted(opener().storage.leaves(range(16)).items())]
    entry = read_entry(leaves[3])
    leaves[3] = write_entry(structs.replace(entry, envelope=Digest(f"sha256:{digest.hex()}")))
    digests = layout.digest_line(digest, 3)
    rewritten(bare, {layout.digest_path(digest): digests, layout.group_path(0): layout.write_bundle(leaves)})
    with pytest.raises(Closed, match="at entry 3 stands no envelope with the digest"):
        append(opener("job"), [wanted])


def test_a_size_that_somebody_made_up_keeps_nobody_busy(opener: Opener, bare: Path) -> None:
    append(opener(), [incoming(number) for number in range(3)])
    origin, size = opener().origin(), 1 << 40
    (root,) = frontier = (b"x" * 32,)
    note = sign_checkpoint(Checkpoint(origin, size, root), signing_key("stranger"), "stranger")
    rewritten(bare, {layout.CHECKPOINT: note.encode(), layout.FRONTIER: layout.write_frontier(size, frontier)})
    ledger = opener("fresh")
    with pytest.raises(IntegrityFailure, match="missing from the ledger"):
        list(ledger.entries())
    with pytest.raises(LedgerDamage) as raised:
        verify_ledger(ledger, trust_in(CI))
    assert raised.value.total > 1_000


def test_a_branch_beside_which_there_can_be_none_is_a_sentence(
    opener: Opener, daemon: GitDaemon, tmp_path: Path
) -> None:
    append(opener(), [incoming(0)])
    address = f"git+{daemon.url('project.git')}#infratrack"
    environ = {"PATH": "/usr/bin:/bin", "INFRATRACK_HOME": str(tmp_path / "home")}
    with pytest.raises(Unreachable, match="the server refused to begin refs/heads/infratrack at"):
        open_ledger(address, tmp_path, project_id="sample", create=True, environ=environ)


def test_many_blobs_are_read_together(opener: Opener) -> None:
    ledger = opener()
    append(ledger, [incoming(number, blob=b"blob %d" % number) for number in range(20)])
    reader = opener("reader")
    assert verify_ledger(reader, trust_in(CI)).blobs == 20
    with pytest.raises(InputError, match="there is no blob"):
        reader.blobs.get(sha256_digest(b"none"))


def test_a_copy_that_is_damaged_or_of_another_log_is_made_anew(opener: Opener, tmp_path: Path) -> None:
    ledger = opener()
    append(ledger, [incoming(number) for number in range(3)])
    assert len(list(ledger.entries())) == 3
    ledger.close()
    (copy,) = (tmp_path / "machine" / "git-ledgers").glob("*/copy.db")
    for damage in (b"no database", copy.read_bytes()[:4096]):
        copy.write_bytes(damage)
        append(opener("other"), [incoming(int.from_bytes(damage[:3]))])
        again = opener()
        assert [entry.index for entry in again.entries()] == list(range(again.size()))
        again.close()


def test_a_remote_that_cannot_be_reached_is_a_sentence(opener: Opener, daemon: GitDaemon) -> None:
    ledger = opener()
    daemon.__exit__()
    with pytest.raises(Unreachable, match=r"branch refs/heads/infratrack/ledger at git://127\.0\.0\.1"):
        append(ledger, [incoming(0)])


def test_findings_of_a_branch_are_limited(opener: Opener, bare: Path) -> None:
    ledger = opener()
    append(ledger, [incoming(0)])
    rewritten(bare, {f"more/{number}": b"" for number in range(150)})
    with pytest.raises(LedgerDamage) as raised:
        verify_ledger(opener("fresh"), trust_in(CI))
    assert len(raised.value.findings) <= 101


@pytest.mark.parametrize(("filters", "object_format"), [(True, "sha256"), (False, "sha1"), (False, "sha256")])
def test_servers_of_every_kind_keep_a_ledger(tmp_path: Path, filters: bool, object_format: str) -> None:  # noqa: FBT001 -- a parameter
    bare_repository(tmp_path / "project.git", filters=filters, object_format=object_format)
    first = local_ledger(tmp_path, "first")
    append(first, [incoming(number, blob=b"%d" % number) for number in range(20)])
    second = local_ledger(tmp_path, "second")
    append(second, [incoming(20)])
    append(first, [incoming(21)])
    for ledger in (first, second):
        ledger.close()
    for machine in ("second", "third"):
        reader = local_ledger(tmp_path, machine)
        verified = verify_ledger(reader, trust_in(CI))
        assert (verified.entries, verified.blobs) == (22, 20)
        reader.close()
