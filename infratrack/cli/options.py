"""Options that several commands share, so that they read alike everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from infratrack.values import Instant

Command = TypeVar("Command", bound=Callable[..., Any])


def project_option(command: Command) -> Command:
    """`--project/-C FILE_OR_FOLDER`, handed over as `project: Path`: where the search upward for the file begins."""
    return click.option(
        "--project",
        "-C",
        metavar="FILE_OR_FOLDER",
        type=click.Path(path_type=Path),
        default=Path(),
        help="The project file, or a folder in or under the project.  [default: this folder]",
    )(command)


def policy_ref_option(command: Command) -> Command:
    """`--policy-ref`, handed over as `policy_ref: str | None`: where it stands whom to trust."""
    return click.option(
        "--policy-ref",
        metavar="REF",
        help="Read whom to trust and who may accept at this ref, `.` for these files as they lie here.  "
        "[default: INFRATRACK_POLICY_REF, the target of the pull request, or the remote's default branch]",
    )(command)


def format_option(*formats: str) -> Callable[[Command], Command]:
    """`--format` with one of `formats`, handed over as `output_format: str`; the first one is the default."""

    def decorate(command: Command) -> Command:
        return click.option(
            "--format",
            "output_format",
            type=click.Choice(formats),
            default=formats[0],
            show_default=True,
            help="How to print the result.",
        )(command)

    return decorate


def instant_since(text: str | None) -> Instant | None:
    """What `--since` names: an instant (2026-01-05T09:30Z), a date, or how long ago (7d). InputError for neither."""
    from infratrack.capture.clock import now  # noqa: PLC0415 -- not for --help
    from infratrack.errors import InputError  # noqa: PLC0415 -- likewise
    from infratrack.values import Instant, parse_duration, parse_instant  # noqa: PLC0415 -- likewise

    if text is None:
        return None
    try:
        ago = parse_duration(text)
    except InputError:
        return parse_instant(text)
    return Instant(max(0, now() - ago))
