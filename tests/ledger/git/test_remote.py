"""The transport against real Git: a bare remote behind `git daemon` on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from infratrack.errors import IntegrityFailure, Unreachable
from infratrack.ledger.storage.git.remote import GitRemote, Tip
from tests.ledger.git.daemon import GitDaemon, bare_repository, git, git_daemon

Opener = Callable[..., GitRemote]
REF = "refs/heads/infratrack/ledger"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[GitDaemon]:
    bare_repository(tmp_path / "served" / "ledger.git")
    with git_daemon(tmp_path / "served") as daemon:
        yield daemon


@pytest.fixture
def bare(daemon: GitDaemon) -> Path:
    return daemon.root / "ledger.git"


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def opener(daemon: GitDaemon, tmp_path: Path, told: list[str]) -> Iterator[Opener]:
    with ExitStack() as stack:

        def open_one(machine: str = "machine", url: str | None = None) -> GitRemote:
            url = url or daemon.url("ledger.git")
            environ = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path / "no-home")}
            remote = GitRemote.open(url, "infratrack/ledger", tmp_path / machine, report=told.append, environ=environ)
            stack.callback(remote.close)
            return remote

        yield open_one


def first(remote: GitRemote, **more: bytes) -> Tip:
    tip = remote.commit(None, {"checkpoint": b"0", "envelopes/00/00/00": b"zero", **more}, "First")
    assert remote.push(tip, None)
    return tip


def test_a_branch_that_is_not_there_has_no_tip(opener: Opener) -> None:
    assert opener().tip() is None


def test_what_one_machine_writes_another_reads(opener: Opener) -> None:
    written = first(opener("one"))
    other = opener("two")

    tip = other.tip()

    assert tip == written
    paths = ["checkpoint", "envelopes/00/00/00", "envelopes/00/00/01", "nowhere/at/all"]
    assert other.read(tip, paths) == {"checkpoint": b"0", "envelopes/00/00/00": b"zero"}
    assert other.read_all(tip, "envelopes") == {"envelopes/00/00/00": b"zero"}
    assert other.read_all(tip, "") == {"checkpoint": b"0", "envelopes/00/00/00": b"zero"}
    assert other.read_all(tip, "nowhere") == {}
    assert set(other.names(tip)) == {"checkpoint", "envelopes/00/00/00"}
    assert set(other.names(tip, "envelopes/00")) == {"envelopes/00/00/00"}


def test_a_commit_keeps_the_siblings_that_were_never_fetched(opener: Opener, bare: Path) -> None:
    first(opener("one"), **{"envelopes/01/00/00": b"far away"})
    other = opener("two")
    base = other.tip()
    assert base is not None

    new = other.commit(base, {"checkpoint": b"1", "envelopes/00/00/01": b"one", "new/folder": b"\0\xff"}, "Second")

    assert other.push(new, base)
    assert git("ls-tree", "-r", "--name-only", REF, folder=bare).split() == [
        "checkpoint",
        "envelopes/00/00/00",
        "envelopes/00/00/01",
        "envelopes/01/00/00",
        "new/folder",
    ]
    assert git("rev-list", "--count", REF, folder=bare) == "2"
    git("fsck", "--strict", folder=bare)
    assert other.read(new, ["checkpoint", "new/folder"]) == {"checkpoint": b"1", "new/folder": b"\0\xff"}


def test_the_slower_of_two_changes_nothing(opener: Opener, bare: Path) -> None:
    one, two = opener("one"), opener("two")
    base = first(one)
    assert two.tip() == base
    faster, slower = (remote.commit(base, {"checkpoint": name}, "m") for remote, name in ((one, b"1"), (two, b"2")))

    assert one.push(faster, base) is True
    assert two.push(slower, base) is False

    assert git("rev-parse", REF, folder=bare) == faster.commit
    tip = two.tip()
    assert tip == faster
    again = two.commit(tip, {"checkpoint": b"2"}, "m")
    assert two.push(again, tip) is True


def test_of_two_first_commits_one_wins(opener: Opener, bare: Path) -> None:
    one, two = opener("one"), opener("two")
    tips = [remote.commit(None, {"checkpoint": name}, "m") for remote, name in ((one, b"1"), (two, b"2"))]

    assert one.push(tips[0], None) is True
    assert two.push(tips[1], None) is False
    assert git("rev-parse", REF, folder=bare) == tips[0].commit


def test_of_many_at_once_exactly_one_wins(opener: Opener, bare: Path) -> None:
    remotes = [opener(f"machine{number}") for number in range(6)]
    base = first(remotes[0])
    for remote in remotes:
        assert remote.tip() == base
    news = [remote.commit(base, {"checkpoint": f"{number}".encode()}, "m") for number, remote in enumerate(remotes)]

    with ThreadPoolExecutor() as pool:
        results = list(pool.map(lambda pair: pair[0].push(pair[1], base), zip(remotes, news, strict=True)))

    assert results.count(True) == 1
    assert git("rev-parse", REF, folder=bare) == news[results.index(True)].commit


def test_a_branch_that_was_rewound_is_not_pushed_over(opener: Opener, bare: Path) -> None:
    remote = opener()
    old = first(remote)
    base = remote.commit(old, {"checkpoint": b"1"}, "m")
    assert remote.push(base, old)
    new = remote.commit(base, {"checkpoint": b"2"}, "m")
    git("update-ref", REF, old.commit, folder=bare)

    assert remote.push(new, base) is False
    assert git("rev-parse", REF, folder=bare) == old.commit


def test_a_push_whose_answer_was_lost_is_known_to_have_arrived(opener: Opener, bare: Path, daemon: GitDaemon) -> None:
    remote = opener()
    base = first(remote)
    new = remote.commit(base, {"checkpoint": b"1"}, "m")
    daemon.lose_answer = True

    assert remote.push(new, base) is True
    assert daemon.lose_answer is False
    assert git("rev-parse", REF, folder=bare) == new.commit


def test_a_push_that_is_done_already_is_done(opener: Opener) -> None:
    remote = opener()
    base = first(remote)
    assert remote.push(base, None) is True


def test_what_a_hook_of_the_server_refuses_is_told_in_its_words(opener: Opener, bare: Path) -> None:
    hook = bare / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho 'no pushes on \033[31mSundays\n::set-output name=x::y' >&2\nexit 1\n")
    hook.chmod(0o755)
    remote = opener()
    tip = remote.commit(None, {"checkpoint": b"0"}, "m")

    with pytest.raises(Unreachable) as refused:
        remote.push(tip, None)

    assert "no pushes on" in refused.value.message
    assert "Sundays" in refused.value.message
    assert "pre-receive hook declined" in refused.value.message
    assert "\033" not in refused.value.message
    assert "\n" not in refused.value.message


def test_a_server_that_is_not_there_is_unreachable(opener: Opener) -> None:
    with pytest.raises(Unreachable, match="Connection refused") as refused:
        opener(url="git://127.0.0.1:1/ledger.git").tip()
    assert "git ls-remote" in refused.value.hint


def test_a_repository_that_is_not_there_is_unreachable(opener: Opener, daemon: GitDaemon) -> None:
    with pytest.raises(Unreachable, match="not exported"):
        opener(url=daemon.url("other.git")).tip()


def test_nothing_of_a_session_stays_on_the_machine(opener: Opener, tmp_path: Path) -> None:
    remote = opener("one")
    first(remote)
    assert list((tmp_path / "one").iterdir())
    remote.close()
    assert [path.name for path in (tmp_path / "one").iterdir()] == []


def test_what_is_fetched_does_not_grow_with_the_branch(opener: Opener, daemon: GitDaemon) -> None:
    writer = opener("writer")
    small = writer.commit(None, files(64), "m")
    assert writer.push(small, None)
    costs = [append_bytes(opener("small"), daemon, 64)]
    tip = writer.tip()
    large = writer.commit(tip, files(8192), "m")
    assert writer.push(large, tip)
    costs.append(append_bytes(opener("large"), daemon, 8192))

    assert costs[1] < costs[0] + 12_000  # names in three folders, never all of them
    assert costs[1] < 24_000


def files(count: int) -> dict[str, bytes]:
    names = (f"{number:06x}" for number in range(count))
    return {f"envelopes/{n[:2]}/{n[2:4]}/{n[4:]}": n.encode() * 200 for n in names} | {"checkpoint": b"%d" % count}


def append_bytes(remote: GitRemote, daemon: GitDaemon, index: int) -> int:
    daemon.reset()
    tip = remote.tip()
    assert tip is not None
    assert remote.read(tip, ["checkpoint"]) == {"checkpoint": b"%d" % index}
    name = f"{index:06x}"
    path = f"envelopes/{name[:2]}/{name[2:4]}/{name[4:]}"
    assert remote.push(remote.commit(tip, {"checkpoint": b"new", path: b"new"}, "m"), tip)
    return daemon.counted.bytes


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        (("uploadpackfilter.tree.maxDepth", "0"), ""),
        (("uploadpackfilter.tree.allow", "false"), "refuses to leave folders out"),
        (("uploadpackfilter.allow", "false"), "does not filter"),
        (("uploadpack.allowFilter", "false"), "does not filter"),
    ],
)
def test_a_server_that_filters_less_costs_more_and_works(
    opener: Opener, bare: Path, told: list[str], setting: tuple[str, str], words: str
) -> None:
    git("config", *setting, folder=bare)
    first(opener("one"), **files(40))

    for machine in ("two", "two", "three"):
        remote = opener(machine)
        tip = remote.tip()
        assert tip is not None
        assert remote.read(tip, ["envelopes/00/00/05", "nothing"]) == {"envelopes/00/00/05": b"000005" * 200}
        assert len(remote.names(tip, "envelopes")) == 40
        assert len(remote.read_all(tip, "envelopes")) == 40
        new = remote.commit(tip, {"checkpoint": machine.encode()}, "m")
        assert remote.push(new, tip)
        assert remote.tip() == new
        remote.close()

    if words:
        assert words in told[-1]
    else:
        assert told == []
    git("fsck", "--strict", folder=bare)


def test_a_server_without_filters_sends_only_what_is_new_to_a_machine_that_came_before(
    opener: Opener, bare: Path, daemon: GitDaemon
) -> None:
    git("config", "uploadpack.allowFilter", "false", folder=bare)
    writer = opener("writer")
    assert writer.push(writer.commit(None, files(2_000), "m"), None)
    assert opener("reader").tip() is not None
    daemon.reset()

    costs = append_bytes(opener("reader"), daemon, 2_000)

    assert costs < 8_000


@pytest.mark.parametrize("setting", [("uploadpack.allowFilter", "false"), ("uploadpackfilter.tree.allow", "false")])
def test_processes_that_share_a_repository_lose_nothing(opener: Opener, bare: Path, setting: tuple[str, str]) -> None:
    git("config", *setting, folder=bare)
    first(opener("shared"))

    def append(number: int) -> None:
        remote = opener("shared")
        for _ in range(20):
            tip = remote.tip()
            assert tip is not None
            assert remote.read(tip, ["checkpoint"])
            if remote.push(remote.commit(tip, {f"envelopes/00/00/{number:02x}": b"x" * number}, "m"), tip):
                return
        raise AssertionError

    with ThreadPoolExecutor() as pool:
        list(pool.map(append, range(1, 6)))

    other, another = opener("another"), opener("another")
    tip = other.tip()
    assert tip is not None
    assert len(another.read_all(tip, "envelopes")) == 6
    shared = next(bare.parent.parent.glob("shared/*.git"))
    assert git("for-each-ref", "--format=%(refname)", folder=shared) == "refs/infratrack/tip"


def test_a_damaged_repository_of_ours_is_made_anew(opener: Opener, bare: Path, tmp_path: Path) -> None:
    git("config", "uploadpack.allowFilter", "false", folder=bare)
    tip = first(opener("machine"))
    for damage in ("objects", "HEAD", "refs"):
        assert opener("machine").tip() == tip
        path = tmp_path / "machine" / "whole.git" / damage
        for file in [path, *path.rglob("*")]:
            if file.is_file():
                file.chmod(0o600)
                file.write_bytes(b"")
        remote = opener("machine")
        assert remote.tip() == tip
        assert remote.read(tip, ["checkpoint"]) == {"checkpoint": b"0"}


def test_a_remote_with_sha256_ids_works(opener: Opener, daemon: GitDaemon) -> None:
    bare_repository(daemon.root / "sha256.git", object_format="sha256")
    url = daemon.url("sha256.git")
    writer = opener("one", url)
    assert writer.tip() is None
    tip = first(writer)
    assert len(tip.commit) == 64
    reader = opener("two", url)
    assert reader.tip() == tip
    assert reader.read(tip, ["checkpoint"]) == {"checkpoint": b"0"}


@pytest.mark.parametrize("what", ["link", "submodule", "file in place of a folder", "folder in place of a file"])
def test_a_branch_with_what_no_ledger_writes_is_an_integrity_failure(opener: Opener, bare: Path, what: str) -> None:
    blob = git("hash-object", "-w", "--stdin", folder=bare)
    tree = git("mktree", folder=bare)
    entry = {
        "link": f"120000,{blob},envelopes/00",
        "submodule": f"160000,{'1' * 40},envelopes/00",
        "file in place of a folder": f"100644,{blob},envelopes/00",
        "folder in place of a file": f"100644,{blob},envelopes/00/00/00/deep",
    }[what]
    assert tree
    git("update-index", "--add", "--cacheinfo", entry, folder=bare)
    commit = git("commit-tree", "-m", "m", git("write-tree", folder=bare), folder=bare)
    git("update-ref", REF, commit, folder=bare)
    remote = opener()
    tip = remote.tip()
    assert tip is not None

    with pytest.raises(IntegrityFailure, match="where it cannot be"):
        remote.read(tip, ["envelopes/00/00/00"])
    with pytest.raises(IntegrityFailure):
        remote.commit(tip, {"envelopes/00/00/00": b"x"}, "m")


def test_a_ref_that_is_no_commit_is_an_integrity_failure(opener: Opener, bare: Path) -> None:
    blob = git("hash-object", "-w", "--stdin", folder=bare)
    git("update-ref", "refs/infratrack/blob", blob, folder=bare)
    remote = GitRemote.open(str(bare), "refs/infratrack/blob", bare.parent.parent / "cache", report=print)
    with pytest.raises(IntegrityFailure, match="no branch of commits"):
        remote.tip()
    remote.close()
