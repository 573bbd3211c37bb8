"""`infratrack summary`: what a job has to tell, where the CI system shows it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from infratrack.cli.messages import say
from infratrack.cli.options import format_option, policy_ref_option, project_option
from infratrack.cli.telling import plan_options

if TYPE_CHECKING:
    from infratrack.pipelines.telling import Telling

STEP_SUMMARY = "GITHUB_STEP_SUMMARY"
EPILOG = """\b
Examples:
  infratrack summary
  infratrack summary --plan tfplan --code-quality gl-code-quality-report.json
  infratrack summary --out summary.md

Exit codes: 0 told, also when something has regressed (`infratrack status --check` asks about that), 2 bad input,
6 the ledger is damaged, or not the one that was read before."""


@click.command("summary", epilog=EPILOG)
@plan_options
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Write the summary into this file.")
@click.option(
    "--code-quality",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write failing criteria as a GitLab code quality report.",
)
@click.option(
    "--annotations/--no-annotations",
    default=None,
    help="Print failing criteria as GitHub annotations.  [default: in GitHub Actions]",
)
@format_option("markdown", "json")
@policy_ref_option
@project_option
def summary(  # noqa: PLR0913 -- one parameter an option
    *,
    plans: tuple[Path, ...],
    directory: str | None,
    workspace: str | None,
    out: Path | None,
    code_quality: Path | None,
    annotations: bool | None,
    output_format: str,
    policy_ref: str | None,
    project: Path,
) -> None:
    """Tell the status, what fails and why, and what plans would turn, as the summary of a job.

    In GitHub Actions it becomes part of the job's summary page (GITHUB_STEP_SUMMARY), and failing criteria are
    annotated at the lines where they are written. Elsewhere, or with --format json, it is printed. What a plan would
    turn is worked out by the project's own criteria, as if evidence of exactly this apply had come in.
    """
    from infratrack.capture.telling import Asked, gather  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.damaged_evidence import refuse_damage  # noqa: PLC0415 -- likewise

    environ = dict(os.environ)
    opened = Workspace.open(project, environ=environ, policy_ref=policy_ref)
    telling = gather(opened, Asked(plans, directory, workspace))
    if code_quality is not None:
        from infratrack.pipelines.annotations import code_quality_report  # noqa: PLC0415 -- rarely asked for

        _write(code_quality, code_quality_report(telling.failing))
    if output_format == "json":
        _print_json(telling)
    else:
        _tell(telling, out, environ.get(STEP_SUMMARY))
        if annotations if annotations is not None else environ.get("GITHUB_ACTIONS") == "true":
            _annotate(telling)
    if telling.state is not None:
        refuse_damage(telling.state)


def _tell(telling: Telling, out: Path | None, step_summary: str | None) -> None:
    from infratrack.pipelines.summary import LARGEST_SUMMARY, summary_markdown  # noqa: PLC0415 -- one format is printed

    if out is not None:
        _write(out, summary_markdown(telling).encode())
    elif step_summary:
        try:
            _append(Path(step_summary), telling, LARGEST_SUMMARY)
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not a path"
            say(f"the job's summary cannot be written ({reason}): {STEP_SUMMARY}")
    else:
        click.echo(summary_markdown(telling), nl=False)


def _append(page: Path, telling: Telling, most: int) -> None:
    """Add to what earlier commands of this step wrote; what all of them write must not be too large."""
    from infratrack.pipelines.summary import summary_markdown  # noqa: PLC0415 -- loaded by now

    with page.open("ab") as file:
        left = most - file.tell()
        text = summary_markdown(telling, max(left, 0)).encode()
        if len(text) > left:
            say("the job's summary has no room left for this one")
            return
        file.write(text)


def _annotate(telling: Telling) -> None:
    from infratrack.pipelines.annotations import github_annotations  # noqa: PLC0415 -- only for GitHub

    for line in github_annotations(telling.failing):
        click.echo(line)


def _print_json(telling: Telling) -> None:
    from infratrack.pipelines.telling_json import telling_document  # noqa: PLC0415 -- one format is printed
    from infratrack.report.status_json import written  # noqa: PLC0415 -- likewise

    click.echo(written(telling_document(telling)), nl=False)


def _write(path: Path, content: bytes) -> None:
    from infratrack.errors import InputError  # noqa: PLC0415 -- only for a failure

    try:
        path.write_bytes(content)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a path"
        raise InputError(f"{path} cannot be written: {reason}", "name a file in a folder that is there") from error
