"""A bug in infratrack becomes a file to attach to a report: where it happened, never with which values."""

from __future__ import annotations

import contextlib
import os
import platform
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path

from infratrack import __version__

LONGEST_CHAIN = 10


def write_bug_report(error: BaseException) -> Path | None:
    """Write the report into INFRATRACK_HOME/reports, else the temporary folder; its path, None when neither works.

    It holds versions, kinds of exceptions and places in the code. It holds no message, local variable, argument or
    environment variable: any of these may quote a secret.
    """
    text = bug_report(error)
    for folder in _folders():
        with contextlib.suppress(Exception):  # whatever is wrong with one place, the other may work
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor, name = tempfile.mkstemp(prefix="infratrack-bug-", suffix=".txt", dir=folder)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            return Path(name)
    return None


def bug_report(error: BaseException) -> str:
    """The text of the report."""
    lines = [
        f"infratrack {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "This report holds no values: no messages, arguments, variables or environment.",
    ]
    for one in _chain(error):
        lines += ["", f"{type(one).__module__}.{type(one).__qualname__}"]
        lines += [
            f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}"
            for frame in traceback.extract_tb(one.__traceback__)
        ]
    return "\n".join(lines) + "\n"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and what led to it, the newest first."""
    current: BaseException | None = error
    for _ in range(LONGEST_CHAIN):
        if current is None:
            return
        yield current
        current = current.__cause__ or current.__context__


def _short(filename: str) -> str:
    """A source file without the folders that lead to its package: they may name people."""
    parts = Path(filename).parts
    for anchor in ("infratrack", "site-packages"):
        if anchor in parts:
            return "/".join(parts[len(parts) - parts[::-1].index(anchor) - 1 :])
    return "/".join(parts[-2:])


def _folders() -> Iterator[Path]:
    with contextlib.suppress(Exception):
        from infratrack.evidence.key_store import home_folder  # noqa: PLC0415 -- must not stop a report

        yield home_folder(os.environ) / "reports"
    yield Path(tempfile.gettempdir())
