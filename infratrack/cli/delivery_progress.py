"""What a person sees while a pipeline runs: a live line on a terminal, plain lines elsewhere. On standard error."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from infratrack.values import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from infratrack.capture.deliver import StepResult, Watcher
    from infratrack.project.model import Step


@contextlib.contextmanager
def shown_progress() -> Iterator[Watcher]:
    """A watcher that suits standard error."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield PlainProgress()
        return
    from rich.console import Console  # noqa: PLC0415 -- only for a terminal

    console = Console(stderr=True, highlight=False)
    with console.status("") as status:
        yield LiveProgress(console, status)


def opening(number: int, count: int, step: Step) -> str:
    """`step 2/3 terraform.apply: Build the VLANs`."""
    name = f": {step.name}" if step.name else ""
    return printable(f"step {number}/{count} {step.type}{name}")


def closing(result: StepResult) -> str:
    """`terraform.apply failed (1): …`."""
    code = f" ({result.exit_code})" if result.exit_code else ""
    why = f": {result.message}" if result.message else ""
    return printable(f"{result.type} {result.outcome}{code}{why}")


class PlainProgress:
    """One line after the other, as a log keeps it."""

    def begins(self, number: int, count: int, step: Step) -> None:
        """Say which step begins."""
        self._write(opening(number, count, step))

    def says(self, line: str) -> None:
        """Pass on what the step says, indented."""
        self._write("  " + printable(line))

    def ended(self, result: StepResult) -> None:
        """Say how the step ended."""
        self._write(closing(result))

    def _write(self, line: str) -> None:
        with contextlib.suppress(OSError, ValueError, AttributeError):
            click.echo(line, err=True)


class LiveProgress:
    """The running step under a spinner; what it says scrolls by above."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console = console
        self._status = status

    def begins(self, number: int, count: int, step: Step) -> None:
        """Show which step runs."""
        from rich.markup import escape  # noqa: PLC0415 -- rich is loaded already

        self._status.update(escape(opening(number, count, step)))

    def says(self, line: str) -> None:
        """Pass on what the step says."""
        self._console.print("  " + printable(line), markup=False)

    def ended(self, result: StepResult) -> None:
        """Leave a line about the step."""
        colour = "green" if result.outcome == "succeeded" else "red"
        self._console.print(closing(result), style=colour, markup=False)
