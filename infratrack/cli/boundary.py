"""The one error boundary: known failures, bugs and ^C end differently, and none of them in a traceback."""

from __future__ import annotations

import os
import sys
from typing import Final, NoReturn

import click

from infratrack.cli.commands import infratrack
from infratrack.cli.messages import say
from infratrack.errors import InfratrackError
from infratrack.values import printable

INTERRUPTED: Final = 130
BUG: Final = 3


def main() -> NoReturn:
    """Run the command line; always ends the process with one of the stable exit codes."""
    try:
        code = infratrack.main(prog_name="infratrack", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        say("interrupted")
        _leave(INTERRUPTED)
    except click.exceptions.Exit as exit_request:
        _leave(exit_request.exit_code)
    except click.ClickException as error:
        error.show()
        _leave(error.exit_code)
    except InfratrackError as error:
        _explain(error)
        _leave(error.exit_code)
    except BrokenPipeError:
        # The reader went away (`| head`): not an error, but nothing more can be said on standard output.
        _abandon_output()
        _leave(0)
    except Exception as error:  # noqa: BLE001 -- the boundary: a bug becomes a report file and exit code 3
        from infratrack.cli.bug_report import write_bug_report  # noqa: PLC0415 -- only needed for a bug

        path = write_bug_report(error)
        say(f"this is a bug in infratrack ({type(error).__name__})")
        _hint(f"please attach {path} to a report" if path else "no report file could be written")
        _leave(BUG)
    _leave(code if isinstance(code, int) else 0)


def _explain(error: InfratrackError) -> None:
    """The message, which may have several lines (all problems of a project file), and what to do next."""
    first, *more = error.message.split("\n")
    say(first)
    for line in more:
        click.echo(printable(line), err=True)
    if error.hint:
        _hint(error.hint)


def _hint(text: str) -> None:
    click.echo("  → " + printable(text), err=True)


def _leave(code: int) -> NoReturn:
    """Flush and exit; a full or closed standard output must not turn into a traceback."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:
        _abandon_output()
    sys.exit(code)


def _abandon_output() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
