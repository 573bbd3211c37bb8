"""What a person sees while a sync reads and writes: a bar on a terminal, a line a stage elsewhere. Standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

from infratrack.cli.messages import printable, say

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


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
    """A line when a stage begins, as a log keeps it."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def __call__(self, what: str, done: int, total: int, /) -> None:
        # What is first told of when it is over is not worth a line.
        if what not in self._said and not 0 < total <= done:
            say(f"{what} ({total})" if total > 1 else what)
        self._said.add(what)


class _Bars:
    """One bar a stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stages: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int, /) -> None:
        if what not in self._stages:
            self._stages[what] = self._progress.add_task(printable(what), total=total or None)
        self._progress.update(self._stages[what], completed=done, total=total or None)
