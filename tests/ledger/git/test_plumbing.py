"""Starting git: deadlines, bounds, and what is left behind."""

from __future__ import annotations

import os
import time
from contextlib import closing
from pathlib import Path

import pytest

from infratrack.errors import InputError, Unreachable
from infratrack.ledger.storage.git import fetched, plumbing, repository
from infratrack.ledger.storage.git.plumbing import TooMuch, run_git
from infratrack.ledger.storage.git.remote import GitRemote
from tests.ledger.git.daemon import bare_repository, git, git_daemon


@pytest.fixture
def stand_in(tmp_path: Path) -> Path:
    """A folder for PATH whose `git` a test writes: what real git does only on a very bad day."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def write_git(folder: Path, script: str) -> dict[str, str]:
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}"}


def test_output_and_errors_and_the_exit_code_come_back(stand_in: Path, tmp_path: Path) -> None:
    environment = write_git(stand_in, 'cat; echo "$1" >&2; exit 3')
    ended = run_git(["word"], folder=tmp_path, environment=environment, stdin=b"x" * 300_000)
    assert (ended.code, ended.output, ended.errors) == (3, b"x" * 300_000, b"word\n")


def test_who_does_not_listen_is_not_waited_for(stand_in: Path, tmp_path: Path) -> None:
    environment = write_git(stand_in, "exec <&-; echo done")
    ended = run_git([], folder=tmp_path, environment=environment, stdin=b"x" * 300_000)
    assert (ended.code, ended.output) == (0, b"done\n")


def test_at_the_deadline_git_ends_with_everything_it_started(stand_in: Path, tmp_path: Path) -> None:
    environment = write_git(stand_in, f"sleep 60 & echo $! >{tmp_path}/child; echo said; wait")
    begun = time.monotonic()
    ended = run_git([], folder=tmp_path, environment=environment, deadline=0.7)
    assert (ended.code, ended.output) == (None, b"said\n")
    assert time.monotonic() - begun < 20
    child = int((tmp_path / "child").read_text())
    for _ in range(100):
        if not running(child):
            break
        time.sleep(0.05)
    assert not running(child)


def running(process: int) -> bool:
    """Whether it lives; one that nobody has buried yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_git_that_closed_its_mouth_but_stays_is_stopped(stand_in: Path, tmp_path: Path) -> None:
    environment = write_git(stand_in, "exec <&- >&- 2>&-; sleep 60")
    assert run_git([], folder=tmp_path, environment=environment, deadline=0.7).code is None


def test_an_output_without_end_is_stopped(stand_in: Path, tmp_path: Path) -> None:
    environment = write_git(stand_in, "while :; do echo yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy; done")
    with pytest.raises(TooMuch):
        run_git([], folder=tmp_path, environment=environment, largest_output=100_000)


def test_a_complaint_without_end_is_cut_short(stand_in: Path, tmp_path: Path) -> None:
    environment = write_git(stand_in, "head -c 1000000 /dev/zero >&2")
    assert len(run_git([], folder=tmp_path, environment=environment).errors) == 1 << 16


def test_no_git_and_no_folder_are_told_apart(stand_in: Path, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="git is not installed"):
        run_git([], folder=tmp_path, environment={"PATH": str(stand_in)})
    with pytest.raises(Unreachable, match="is gone"):
        run_git([], folder=tmp_path / "nowhere", environment={"PATH": os.environ["PATH"]})
    (stand_in / "git").write_text("no script")
    (stand_in / "git").chmod(0o755)
    with pytest.raises(Unreachable, match="could not be started"):
        run_git([], folder=tmp_path, environment={"PATH": str(stand_in)})


def test_a_server_that_never_answers_is_unreachable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(repository, "DEADLINE_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"git://127.0.0.1:{silent.getsockname()[1]}/x"
        remote = GitRemote.open(url, "x", tmp_path / "cache", report=print)
        with closing(remote), pytest.raises(Unreachable, match=r"no answer within 0\.5 s"):
            remote.tip()
    assert plumbing.DEADLINE_SECONDS > 1


@pytest.fixture
def huge(tmp_path: Path) -> Path:
    """A branch with a file of 3 MiB that cannot be compressed."""
    bare = bare_repository(tmp_path / "served" / "huge.git")
    (tmp_path / "content").write_bytes(os.urandom(3 << 20))
    blob = git("hash-object", "-w", tmp_path / "content", folder=bare)
    git("update-index", "--add", "--cacheinfo", f"100644,{blob},checkpoint", folder=bare)
    git(
        "update-ref",
        "refs/heads/x",
        git("commit-tree", "-m", "m", git("write-tree", folder=bare), folder=bare),
        folder=bare,
    )
    return bare


def test_a_file_larger_than_any_ledgers_is_not_read(
    huge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetched, "LARGEST_FILE", 1 << 20)
    with closing(GitRemote.open(str(huge), "x", tmp_path / "cache", report=print)) as remote:
        tip = remote.tip()
        assert tip is not None
        with pytest.raises(TooMuch, match="3145728 bytes"):
            remote.read(tip, ["checkpoint"])


def test_a_server_that_sends_without_end_is_stopped(
    huge: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "LARGEST_FETCH", 1 << 20)
    git("config", "uploadpack.allowFilter", "false", folder=huge)
    with git_daemon(huge.parent) as daemon:
        url = daemon.url("huge.git")
        with closing(GitRemote.open(url, "x", tmp_path / "cache", report=print)) as remote, pytest.raises(TooMuch):
            remote.tip()


def test_what_a_killed_process_left_is_removed_by_the_next(huge: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    left = cache / ".writing-0123456789abcdef" / "ledger.git"
    left.mkdir(parents=True)
    with closing(GitRemote.open(str(huge), "x", cache, report=print)) as living:
        assert living.tip() is not None
        with closing(GitRemote.open(str(huge), "x", cache, report=print)) as other:
            assert other.tip() is not None
        assert not left.exists()
        assert living.tip() is not None
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_a_sentence(huge: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    remote = GitRemote.open(str(huge), "x", tmp_path / "file", report=print)
    with closing(remote), pytest.raises(Unreachable, match="could not be written"):
        remote.tip()


def test_an_address_that_runs_something_is_refused_before_git_sees_it(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        GitRemote.open(f"ext::touch {tmp_path}/ran", "x", tmp_path / "cache", report=print)
    assert not (tmp_path / "ran").exists()
