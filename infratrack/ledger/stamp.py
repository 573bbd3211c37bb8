"""Has the ledger changed since it was last read? Told from its files, without opening it."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from infratrack.ledger.address import SqliteAddress, read_address
from infratrack.values import MICROSECONDS_PER_SECOND, Instant

_SETTLED: Final = 2 * MICROSECONDS_PER_SECOND
_NANOSECONDS: Final = 1_000


def ledger_stamp(address: str, folder: Path, now: Instant) -> str | None:
    """A text that changes whenever the ledger does; None when that cannot be told.

    It is made of size, time and inode of the database file and its write-ahead log; of a ledger elsewhere only asking
    tells: None. File times are coarse, so a file that was written within the last two seconds, or in the future, may be
    written again under the same time: None.
    """
    where = read_address(address)
    if not isinstance(where, SqliteAddress):
        return None
    path = folder / where.path
    parts = [str(path)]
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            state = file.stat()
        except FileNotFoundError:
            parts.append("none")
            continue
        except OSError:
            return None
        if state.st_mtime_ns // _NANOSECONDS > now - _SETTLED:
            return None
        parts.append(f"{state.st_size} {state.st_mtime_ns} {state.st_ino}")
    return None if parts[1] == "none" else "\0".join(parts)
