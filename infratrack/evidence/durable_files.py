"""Durable writes: acknowledged means on disk, and a crash at any instant leaves the old content or the new.

Everything is written under a temporary name whose file is held with `flock` while its writer lives; leftovers of a
killed writer are those whose lock is free.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from infratrack.errors import Unreachable

PRIVATE_FILE: Final = 0o600
PRIVATE_FOLDER: Final = 0o700
TEMPORARY_PREFIX: Final = ".writing-"

_ATTEMPTS: Final = 5


@contextlib.contextmanager
def reaching(path: Path, doing: str) -> Iterator[None]:
    """Turn a file system's refusal (full disk, no permission, read-only) into Unreachable, in one sentence."""
    try:
        yield
    except OSError as error:
        raise Unreachable(
            f"{path} could not be {doing}: {error.strerror or error}",
            "make room or give permission, or point INFRATRACK_HOME at a folder that can be written",
        ) from error


def make_private_folder(folder: Path) -> None:
    """Make the folder and its parents, for this user only, and make their names durable."""
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for one in reversed(missing):
        if not one.is_dir():
            with contextlib.suppress(FileExistsError):
                one.mkdir(PRIVATE_FOLDER)
            sync_folder(one.parent)


def sync_folder(folder: Path) -> None:
    """Make names in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_new_file(path: Path, content: bytes) -> int:
    """Write and fsync a private file that must not exist yet; returns its open descriptor, locked."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        view = memoryview(content)
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except BaseException:
        os.close(descriptor)
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return descriptor


def place_file(path: Path, content: bytes) -> int:
    """Put a file in place atomically, replacing what stood there; returns its descriptor, locked, for liveness."""
    for attempt in range(_ATTEMPTS):
        temporary = _temporary(path.parent)
        try:
            descriptor = write_new_file(temporary, content)
        except BlockingIOError:  # somebody tidied up at the very instant the file was made
            continue
        try:
            temporary.rename(path)
            sync_folder(path.parent)
        except BaseException as error:
            os.close(descriptor)
            with contextlib.suppress(OSError):
                temporary.unlink()
            if isinstance(error, FileNotFoundError) and attempt + 1 < _ATTEMPTS:
                continue
            raise
        return descriptor
    raise _disturbed(path)


def write_file(path: Path, content: bytes) -> None:
    """Put a file in place atomically and durably."""
    os.close(place_file(path, content))


@contextlib.contextmanager
def new_folder(beside: Path, files: Mapping[str, bytes]) -> Iterator[Path]:
    """A private temporary folder in `beside` with these files, all durable, to be renamed into place.

    The folder is locked until the block ends, and deleted then when it has not been renamed.
    """
    folder, descriptor = _locked_folder(beside)
    try:
        for name, content in files.items():
            os.close(write_new_file(folder / name, content))
        os.fsync(descriptor)
        yield folder
    finally:
        os.close(descriptor)
        shutil.rmtree(folder, ignore_errors=True)


def try_lock(path: Path) -> int | None:
    """Lock what stands at the path; None when its owner lives, or when it is no longer there."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def remove_leftovers(folder: Path) -> None:
    """Delete what killed writers left under a temporary name."""
    for path in folder.glob(TEMPORARY_PREFIX + "*"):
        descriptor = try_lock(path)
        if descriptor is not None:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)
            os.close(descriptor)


def _locked_folder(beside: Path) -> tuple[Path, int]:
    for _ in range(_ATTEMPTS):
        folder = _temporary(beside)
        folder.mkdir(PRIVATE_FOLDER)
        descriptor = try_lock(folder)
        if descriptor is not None:
            return folder, descriptor
    raise _disturbed(beside)


def _disturbed(path: Path) -> BlockingIOError:
    """Somebody tidied up at the very instant between making and locking, time and again."""
    return BlockingIOError(errno.EAGAIN, "another process kept interfering", str(path))


def _temporary(folder: Path) -> Path:
    return folder / f"{TEMPORARY_PREFIX}{os.urandom(8).hex()}"
