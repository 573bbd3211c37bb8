"""Durable files: whole or not at all, and a lock tells the living from the dead."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path

import pytest

from infratrack.evidence import durable_files
from infratrack.evidence.durable_files import new_folder, place_file, try_lock, write_file, write_new_file


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    write_file(tmp_path / "a", b"old")
    write_file(tmp_path / "a", b"new" * 100_000)
    assert (tmp_path / "a").read_bytes() == b"new" * 100_000
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_new_file_never_replaces_one(tmp_path: Path) -> None:
    os.close(write_new_file(tmp_path / "a", b"old"))
    with pytest.raises(FileExistsError):
        write_new_file(tmp_path / "a", b"new")
    assert (tmp_path / "a").read_bytes() == b"old"


def test_a_lock_is_held_by_one_and_freed_when_its_owner_is_gone(tmp_path: Path) -> None:
    descriptor = place_file(tmp_path / "a", b"")
    assert try_lock(tmp_path / "a") is None
    os.close(descriptor)
    again = try_lock(tmp_path / "a")
    assert again is not None
    os.close(again)
    assert try_lock(tmp_path / "nothing") is None


def test_a_folder_that_was_not_renamed_is_gone(tmp_path: Path) -> None:
    with new_folder(tmp_path, {"a": b"x"}) as folder:
        assert (folder / "a").read_bytes() == b"x"
        assert try_lock(folder) is None
    with new_folder(tmp_path, {"a": b"x"}) as folder:
        folder.rename(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("disturbed", [1, 4])
def test_somebody_who_tidies_up_at_the_wrong_instant_is_outlasted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disturbed: int
) -> None:
    left = [disturbed]
    write, lock = write_new_file, try_lock

    def tidied(path: Path, content: bytes) -> int:
        descriptor = write(path, content)
        left[0] -= 1
        if left[0] >= 0:
            path.unlink()
        return descriptor

    def taken(path: Path) -> int | None:
        left[0] -= 1
        return None if left[0] >= 0 else lock(path)

    monkeypatch.setattr(durable_files, "write_new_file", tidied)
    write_file(tmp_path / "a", b"x")
    monkeypatch.undo()
    left[0] = disturbed
    monkeypatch.setattr(durable_files, "try_lock", taken)
    with new_folder(tmp_path, {}) as folder:
        folder.rename(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == b"x"
    assert (tmp_path / "b").is_dir()


def test_endless_disturbance_is_an_error_of_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> int:
        raise BlockingIOError

    monkeypatch.setattr(durable_files, "write_new_file", busy)
    monkeypatch.setattr(durable_files, "try_lock", lambda _: None)
    with pytest.raises(BlockingIOError, match="kept interfering"):
        write_file(tmp_path / "a", b"x")
    with pytest.raises(BlockingIOError, match="kept interfering"), new_folder(tmp_path, {}):
        pass


def test_a_rename_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with pytest.raises(IsADirectoryError):
        write_file(tmp_path / "a", b"x")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_file_system_without_locks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    write_file(tmp_path / "a", b"x")
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(OSError, match="No locks available"):
        try_lock(tmp_path / "a")
