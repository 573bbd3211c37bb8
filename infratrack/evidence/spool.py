"""The spool: evidence is safe here, signed and on disk, before any network is touched.

    INFRATRACK_HOME/spool/<project id>/
      waiting/<sha-256 of the line>/line      what waits for delivery: the envelope's line and a line feed …
      waiting/<sha-256 of the line>/<blob>    … and its blobs, by their SHA-256
      runs/<run id>                           a run that started; its process holds a lock on this file
      runs/<run id>.end/                      the end of that run, on its way to waiting/
      damaged/                                what could not be read is set aside here, never deleted
      seen                                    the last checkpoint known
      keys/                                   public keys of signers (see `spooled_keys.py`)

A folder is written under a temporary name and renamed, so it is there whole or not at all. Liveness is the lock, not
a process id: ids are used again. Any number of processes may use one spool.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from infratrack.errors import InfratrackError, InputError
from infratrack.evidence.durable_files import (
    TEMPORARY_PREFIX,
    make_private_folder,
    new_folder,
    place_file,
    reaching,
    remove_leftovers,
    sync_folder,
    try_lock,
    write_file,
)
from infratrack.evidence.envelope import MAXIMUM_LINE_BYTES, open_envelope
from infratrack.evidence.predicates import ENDORSEMENT, RUN_START
from infratrack.evidence.statement import read_statement
from infratrack.values import IDENTIFIER_PATTERN, Digest, sha256_digest

_IDENTIFIER: Final = re.compile(IDENTIFIER_PATTERN)
_HEX_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LINE: Final = "line"
_END: Final = ".end"
_ATTEMPTS: Final = 5
_OCCUPIED: Final = frozenset({errno.EEXIST, errno.ENOTEMPTY, errno.ENOTDIR})
_MAXIMUM_SEEN_BYTES: Final = 65_536


class SpooledEvidence(Struct, frozen=True):
    """One piece of evidence that waits: the envelope's line (no line feed) and the digests of its blobs."""

    digest: Digest
    line: bytes
    blobs: tuple[Digest, ...]
    path: Path

    def read_blobs(self) -> dict[Digest, bytes]:
        """The blobs whose content is intact; a blob that is damaged or gone is left out."""
        found = {}
        for digest in self.blobs:
            with contextlib.suppress(OSError):
                content = (self.path / _hex(digest)).read_bytes()
                if sha256_digest(content) == digest:
                    found[digest] = content
        return found


class StartedRun:
    """A run that has started and has no end yet. Whoever holds this object holds the run's lock."""

    def __init__(self, spool: Spool, run_id: str, line: bytes, descriptor: int) -> None:
        self.run_id: Final = run_id
        self.line: Final = line
        """The signed run-start statement."""
        self._spool = spool
        self._descriptor = descriptor

    def finish(self, line: bytes, blobs: Mapping[Digest, bytes] | None = None) -> Digest:
        """Put the run's end and let go of the run, as one step: a crash leaves no end, or exactly this one."""
        digest = self._spool.put_end(self.run_id, line, blobs or {})
        self.let_go()
        return digest

    def release(self) -> None:
        """The run needs no end any more (it was `put` already, or the run never began)."""
        with reaching(self._spool.folder, "written"):
            self._spool.forget_run(self.run_id)
        self.let_go()

    def let_go(self) -> None:
        """Give up the lock and leave the run without an end, for a later command to deal with."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


AbandonedStart = StartedRun
"""A start whose process died; the holder of this object has taken over the lock."""


class Spool:
    """The spool of one project on this machine. Nothing is made on disk before the first write."""

    def __init__(self, home: Path, project_id: str) -> None:
        _check_name(project_id, "project")
        self.folder: Final = home / "spool" / project_id
        self._waiting = self.folder / "waiting"
        self._runs = self.folder / "runs"
        self._damaged = self.folder / "damaged"
        self._seen = self.folder / "seen"

    def start(self, run_id: str, line: bytes) -> StartedRun:
        """Make a run's start durable, before its command begins. Raises Unreachable when that cannot be done."""
        _check_name(run_id, "run")
        with reaching(self.folder, "written"):
            make_private_folder(self._runs)
            descriptor = place_file(self._runs / run_id, _sealed_start(line))
        started = StartedRun(self, run_id, line, descriptor)
        try:
            self.put(line, {})
        except BaseException:
            started.let_go()
            raise
        return started

    def put(self, line: bytes, blobs: Mapping[Digest, bytes] | None = None) -> Digest:
        """Make evidence durable; returns its digest. The same line again changes nothing.

        Raises Unreachable when it cannot be written; nothing half-written is left.
        """
        digest = sha256_digest(line)
        with reaching(self.folder, "written"):
            make_private_folder(self._waiting)
            with new_folder(self._waiting, _files(line, blobs or {})) as folder:
                self._move_in(folder, digest)
        return digest

    def put_end(self, run_id: str, line: bytes, blobs: Mapping[Digest, bytes]) -> Digest:
        """Put the end of a run whose lock the caller holds (`StartedRun.finish`)."""
        with reaching(self.folder, "written"):
            make_private_folder(self._waiting)
            with new_folder(self._runs, _files(line, blobs)) as folder:
                end = self._runs / (run_id + _END)
                folder.rename(end)
                sync_folder(self._runs)
                # From here on the end is kept: whoever comes next carries it on, should this process die now.
                self.forget_run(run_id)
                self._move_in(end, sha256_digest(line))
        return sha256_digest(line)

    def forget_run(self, run_id: str) -> None:
        """Drop a run's start from the list of runs (its statement still waits for delivery)."""
        (self._runs / run_id).unlink(missing_ok=True)
        sync_folder(self._runs)

    def abandoned(self) -> list[AbandonedStart]:
        """Starts without an end whose process is gone, oldest first. The caller holds their locks from now on."""
        with reaching(self.folder, "read"):
            self._carry_on()
            found = []
            for path in sorted(_entries(self._runs)):
                if path.name.endswith(_END):
                    continue
                descriptor = try_lock(path)
                if descriptor is None:
                    continue
                line = _opened_start(path)
                if line is None or not _IDENTIFIER.match(path.name):
                    self._set_aside(path)
                    os.close(descriptor)
                else:
                    found.append(StartedRun(self, path.name, line, descriptor))
        return found

    def pending(self) -> list[SpooledEvidence]:
        """What waits for delivery, in order of time, a start before its end. What is damaged is set aside."""
        found = []
        with reaching(self.folder, "read"):
            self._carry_on()
            for path in _entries(self._waiting):
                evidence = _read_evidence(path)
                if evidence is not None:
                    found.append(evidence)
                elif os.path.lexists(path):  # it may just have been delivered by another process
                    self._set_aside(path)
        return sorted(found, key=_delivery_order)

    def count(self) -> int:
        """How many pieces of evidence wait, without reading them."""
        with reaching(self.folder, "read"):
            return len(_entries(self._waiting))

    def remove(self, digest: Digest) -> None:
        """Forget evidence that was delivered. Not being there is fine."""
        with reaching(self.folder, "written"):
            path = self._waiting / _hex(digest)
            with contextlib.suppress(FileNotFoundError), new_folder(self._waiting, {}) as grave:
                path.rename(grave / "delivered")
                sync_folder(self._waiting)

    def damaged(self) -> list[Path]:
        """What was set aside because it could not be read."""
        with reaching(self.folder, "read"):
            return sorted(_entries(self._damaged))

    def read_seen(self) -> str | None:
        """The last checkpoint known, as a signed note; None when there is none (or it cannot be read)."""
        try:
            with self._seen.open("rb") as file:
                return file.read(_MAXIMUM_SEEN_BYTES).decode() or None
        except (OSError, UnicodeDecodeError):
            return None

    def write_seen(self, note: str) -> None:
        """Remember the last checkpoint known."""
        with reaching(self.folder, "written"):
            make_private_folder(self.folder)
            write_file(self._seen, note.encode())

    def _move_in(self, folder: Path, digest: Digest) -> None:
        """Rename a whole folder into waiting/; when it is there already, only what it lacks is added."""
        target = self._waiting / _hex(digest)
        for _ in range(_ATTEMPTS):
            if _read_evidence(target) is not None:
                _add_missing(folder, target)
                break
            if os.path.lexists(target):
                self._set_aside(target)
            try:
                folder.rename(target)
            except FileNotFoundError:
                return  # another process carried it on
            except OSError as error:
                if error.errno not in _OCCUPIED:
                    raise
            else:
                break
        else:
            raise OSError(errno.EBUSY, "another process kept interfering", str(target))
        sync_folder(self._waiting)

    def _carry_on(self) -> None:
        """Finish what killed processes began: ends on their way to waiting/, leftovers under temporary names."""
        for folder in (self._waiting, self._runs, self.folder):
            remove_leftovers(folder)
        for end in _entries(self._runs):
            if not end.name.endswith(_END):
                continue
            start = self._runs / end.name.removesuffix(_END)
            descriptor = try_lock(start)
            if descriptor is None and start.exists():
                continue  # its process lives and is about to move it
            evidence = _read_line(end)
            if evidence is None:
                self._set_aside(end)
            else:
                start.unlink(missing_ok=True)
                make_private_folder(self._waiting)
                self._move_in(end, sha256_digest(evidence))
            if descriptor is not None:
                os.close(descriptor)

    def _set_aside(self, path: Path) -> None:
        make_private_folder(self._damaged)
        with contextlib.suppress(FileNotFoundError):
            path.rename(self._damaged / f"{path.name}-{os.urandom(4).hex()}")
            sync_folder(self._damaged)


def _files(line: bytes, blobs: Mapping[Digest, bytes]) -> dict[str, bytes]:
    return {**{_hex(digest): content for digest, content in blobs.items()}, _LINE: line + b"\n"}


def _add_missing(folder: Path, target: Path) -> None:
    """Give evidence that waits already the blobs that it lacks. It may be delivered, and gone, at any moment."""
    with contextlib.suppress(FileNotFoundError):
        for path in _entries(folder):
            if not (target / path.name).exists():
                path.rename(target / path.name)
        sync_folder(target)
    shutil.rmtree(folder, ignore_errors=True)


def _entries(folder: Path) -> list[Path]:
    """What stands in a folder under a final name; nothing when there is no folder yet."""
    try:
        return [path for path in folder.iterdir() if not path.name.startswith(TEMPORARY_PREFIX)]
    except FileNotFoundError:
        return []


def _read_line(folder: Path) -> bytes | None:
    """The line in a folder of evidence; None when it is not whole."""
    try:
        with (folder / _LINE).open("rb") as file:
            content = file.read(MAXIMUM_LINE_BYTES + 2)
    except OSError:
        return None
    return content[:-1] if content.endswith(b"\n") else None


def _read_evidence(folder: Path) -> SpooledEvidence | None:
    line = _read_line(folder)
    if line is None or hashlib.sha256(line).hexdigest() != folder.name:
        return None
    names = sorted(path.name for path in _entries(folder))
    blobs = tuple(Digest(f"sha256:{name}") for name in names if _HEX_DIGEST.fullmatch(name))
    return SpooledEvidence(Digest(f"sha256:{folder.name}"), line, blobs, folder)


def _delivery_order(evidence: SpooledEvidence) -> tuple[int, int, Digest]:
    """Endorsements of keys, then by event time, starts before ends.

    A key's evidence counts from its endorsement on. A line that cannot be read goes first; the ledger will say what is
    wrong.
    """
    try:
        statement = read_statement(open_envelope(evidence.line).payload)
    except InfratrackError:
        return (0, 0, evidence.digest)
    started = statement.started_at or 0
    if statement.predicate_type == ENDORSEMENT:
        return (0, 1, evidence.digest)
    if statement.predicate_type == RUN_START:
        return (started, 0, evidence.digest)
    return (max(started, statement.finished_at or 0), 1, evidence.digest)


def _sealed_start(line: bytes) -> bytes:
    return b"%b\n%b\n" % (line, hashlib.sha256(line).hexdigest().encode())


def _opened_start(path: Path) -> bytes | None:
    """The line of a start; None when the file is not whole."""
    try:
        line, digest, rest = path.read_bytes().split(b"\n")
    except (OSError, ValueError):
        return None
    return line if not rest and hashlib.sha256(line).hexdigest().encode() == digest else None


def _hex(digest: Digest) -> str:
    return digest.removeprefix("sha256:")


def _check_name(name: str, what: str) -> None:
    """Names become file names: nothing that could leave the folder."""
    if not _IDENTIFIER.fullmatch(name):
        raise InputError(f"{name[:80]!r} cannot be a {what} id", "use letters, digits, dots, dashes and underscores")
