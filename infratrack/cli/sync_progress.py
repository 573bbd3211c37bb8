"""What a person sees while a sync reads and writes, on standard error: a bar on a terminal, else a rare line."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, Protocol

from infratrack.cli.messages import say
from infratrack.values import printable

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


SECONDS_BETWEEN_LINES: Final = 5.0


class _Shown(Protocol):
    def __call__(self, what: str, done: int, total: int, /) -> None:
        """Show it."""


class SyncProgress:
    """What to report to. It shows something only inside of `shown`."""

    def __init__(self) -> None:
        self._shown: _Shown | None = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Pass on what is being done."""
        if self._shown is not None:
            with contextlib.suppress(OSError, ValueError):
                self._shown(what, done, total)

    @contextlib.contextmanager
    def shown(self) -> Iterator[None]:
        """Show it in a way that suits standard error, and leave nothing of a bar behind."""
        try:
            yield from self._suitable()
        finally:
            self._shown = None

    def _suitable(self) -> Iterator[None]:
        if sys.stderr is None or not sys.stderr.isatty():
            self._shown = _Lines()
            yield
        else:
            from rich.console import Console  # noqa: PLC0415 -- only for a terminal
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415 -- likewise

            columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
            with Progress(*columns, console=Console(stderr=True, highlight=False), transient=True) as progress:
                self._shown = _Bars(progress)
                yield


class _Lines:
    """A line now and then, as a log keeps it; none for what is quick."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, what: str, done: int, total: int, /) -> None:
        if time.monotonic() - self._last >= SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            say(f"{what}: {done} of {total}" if total else what)


class _Bars:
    """One bar a stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stages: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int, /) -> None:
        if what not in self._stages:
            self._stages[what] = self._progress.add_task(printable(what), total=total or None)
        self._progress.update(self._stages[what], completed=done, total=total or None)
