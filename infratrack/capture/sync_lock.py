"""One sync of a CMDB writes at a time on this machine: two would both create what neither found."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from infratrack.errors import Unreachable
from infratrack.evidence.durable_files import PRIVATE_FILE, make_private_folder, reaching
from infratrack.values import sha256_digest


@contextlib.contextmanager
def only_writer(home: Path, project_id: str, cmdb: str) -> Iterator[None]:
    """Hold the right to write to a CMDB for a project. Unreachable when another process of this machine has it.

    The lock goes with its process, however that ends.
    """
    folder = home / "sync"
    name = sha256_digest(f"{project_id}\0{cmdb}".encode()).removeprefix("sha256:")[:32]
    with reaching(folder, "written"):
        make_private_folder(folder)
        descriptor = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Unreachable(
                f"another sync writes to {cmdb} for this project right now", "wait until it has ended, then sync again"
            ) from error
        yield
    finally:
        os.close(descriptor)
