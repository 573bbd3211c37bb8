"""Writes files that were not there before: whole or not at all, and never over another."""

from __future__ import annotations

import os
from pathlib import Path

from infratrack.errors import InputError, Unreachable


def write_new(path: Path, content: bytes) -> None:
    """Write a new file, on disk when this returns. InputError if it exists, Unreachable if it cannot be written."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(temporary, path)  # a link never replaces a file; a rename would
        finally:
            temporary.unlink()
    except FileExistsError as error:
        raise InputError(f"{path} is there already", "move it away first: nothing is overwritten") from error
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = (error.strerror or "unknown reason").lower()
        raise Unreachable(f"{path} cannot be written: {reason}", "check the folder's permissions and space") from error
