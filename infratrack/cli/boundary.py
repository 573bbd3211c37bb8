"""The one error boundary: known failures, bugs and ^C end differently, and none of them in a traceback."""

from __future__ import annotations

import os
import sys
from typing import Final, NoReturn

import click

from infratrack.cli.commands import infratrack
from infratrack.errors import InfratrackError

INTERRUPTED: Final = 130
BUG: Final = 3


def main() -> NoReturn:
    """Run the command line; always ends the process with one of the stable exit codes."""
    try:
        code = infratrack.main(prog_name="infratrack", standalone_mode=False)
    except click.exceptions.Abort:
        click.echo("infratrack: interrupted", err=True)
        _leave(INTERRUPTED)
    except KeyboardInterrupt:
        click.echo("infratrack: interrupted", err=True)
        _leave(INTERRUPTED)
    except click.exceptions.Exit as exit_request:
        _leave(exit_request.exit_code)
    except click.ClickException as error:
        error.show()
        _leave(error.exit_code)
    except InfratrackError as error:
        click.echo(f"infratrack: {error.message}", err=True)
        if error.hint:
            click.echo(f"  → {error.hint}", err=True)
        _leave(error.exit_code)
    except BrokenPipeError:
        # The reader went away (`| head`): not an error, but nothing more can be said on standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(0)
    except Exception as error:  # noqa: BLE001 -- the boundary: a bug becomes a report file and exit code 3
        from infratrack.cli.bug_report import write_bug_report  # noqa: PLC0415 -- only needed for a bug

        path = write_bug_report(error)
        click.echo(f"infratrack: this is a bug in infratrack ({type(error).__name__})", err=True)
        click.echo(f"  → please attach {path} to a report" if path else "  → no report file could be written", err=True)
        _leave(BUG)
    _leave(code if isinstance(code, int) else 0)


def _leave(code: int) -> NoReturn:
    """Flush and exit; a full or closed standard output must not turn into a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)
