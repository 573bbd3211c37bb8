"""A terminal to print results to: colour only where it is wanted, and wide enough where nobody sets a width."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from rich.console import Console
from rich.text import Text

from infratrack.progress.criterion import Decision
from infratrack.progress.status import Status
from infratrack.report.words import Glyphs, filled

PIPED_WIDTH: Final = 110
STYLES: Final = {
    Status.NOT_STARTED: "dim",
    Status.IN_PROGRESS: "cyan",
    Status.COMPLETE: "green",
    Status.ACCEPTED: "bold green",
    Status.REGRESSED: "bold red",
    Status.STALE: "yellow",
    Status.UNKNOWN: "dim",
}
DECISION_STYLES: Final = {Decision.SATISFIED: "green", Decision.UNSATISFIED: "bold red", Decision.UNKNOWN: "yellow"}


def terminal(output: IO[str] | None = None) -> Console:
    """Standard output (or another file); NO_COLOR, COLUMNS and being piped are respected."""
    console = Console(file=output or sys.stdout, highlight=False, markup=False, emoji=False, soft_wrap=False)
    if not console.is_terminal and not os.environ.get("COLUMNS"):
        console.width = PIPED_WIDTH
    return console


@contextmanager
def tidied(console: Console) -> Iterator[None]:
    """Print what is printed inside without the blanks that pad wrapped lines."""
    with console.capture() as captured:
        yield
    console.file.write("\n".join(line.rstrip(" ") for line in captured.get().split("\n")))


def bar(share: float | None, cells: int, signs: Glyphs, style: str = "green") -> Text:
    """A bar of so many cells."""
    full = filled(share, cells)
    return Text.assemble((signs.full * full, style), (signs.empty * (cells - full), "dim"))
