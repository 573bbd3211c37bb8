"""`infratrack comment`: the one comment on a pull request or merge request that is kept up to date."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from infratrack.cli.messages import say
from infratrack.cli.options import format_option, policy_ref_option, project_option
from infratrack.cli.telling import plan_options
from infratrack.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from infratrack.pipelines.forge.place import Place
    from infratrack.pipelines.forge.post import Attempt
    from infratrack.pipelines.telling import Telling

LARGEST_EVENT: Final = 32 << 20
LONGEST_CONTEXT: Final = 100
EPILOG = """\b
Examples:
  infratrack comment --plan tfplan
  infratrack comment --provider gitlab --plan plan.json --topic staging
  infratrack comment --commit-status
  infratrack comment --provider github --dry-run

Exit codes: 0 told, or not told and said why: a job never fails because of a comment (--strict makes it: 4 the forge
could not be reached, 5 the token is missing or may not do it), 2 bad input, 6 the ledger is damaged, or not the one
that was read before."""


@click.command("comment", epilog=EPILOG)
@click.option(
    "--provider", type=click.Choice(["github", "gitlab"]), help="The forge.  [default: the one whose pipeline this is]"
)
@plan_options
@click.option("--number", metavar="N", type=click.IntRange(1, 10**12 - 1), help="The pull request or merge request.")
@click.option("--topic", metavar="NAME", help="Keep one comment for each NAME, say an environment's.")
@click.option("--commit-status", "sets_status", is_flag=True, help="Set a status on the commit, too.")
@click.option("--context", metavar="NAME", default="infratrack", show_default=True, help="The commit status's name.")
@click.option("--dry-run", is_flag=True, help="Print the comment and ask nobody.")
@click.option("--strict", is_flag=True, help="Fail when it cannot be told.")
@format_option("text", "json")
@policy_ref_option
@project_option
def comment(  # noqa: PLR0913 -- one parameter an option
    *,
    provider: str | None,
    plans: tuple[Path, ...],
    directory: str | None,
    workspace: str | None,
    number: int | None,
    topic: str | None,
    sets_status: bool,
    context: str,
    dry_run: bool,
    strict: bool,
    output_format: str,
    policy_ref: str | None,
    project: Path,
) -> None:
    """Keep one comment on the pull request: plans, deliverables that will complete or regress, what fails, the status.

    The comment is written once and brought up to date afterwards; comments of others are never touched. The token
    comes from GITHUB_TOKEN or GH_TOKEN, for GitLab from INFRATRACK_GITLAB_TOKEN or GITLAB_TOKEN. A missing token or
    permission, a fork without secrets, a rate limit that does not end: a sentence says so, and the job goes on.
    """
    from infratrack.capture.clock import now  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.telling import Asked, gather  # noqa: PLC0415 -- likewise
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.damaged_evidence import refuse_damage  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.comment import comment_mark, comment_markdown  # noqa: PLC0415 -- likewise
    from infratrack.pipelines.forge.post import Post, posted  # noqa: PLC0415 -- likewise

    _check_name(context)
    environ = dict(os.environ)
    opened = Workspace.open(project, environ=environ, policy_ref=policy_ref)
    telling = gather(opened, Asked(plans, directory, workspace))
    mark = comment_mark(telling.project, topic)
    body = comment_markdown(telling, mark, topic)
    attempts: list[Attempt] = []
    if not dry_run:
        post = Post(telling, mark, body, context if sets_status else None)
        attempts = posted(post, lambda: _place(provider, environ, number), environ, lambda: now() / 1_000_000)
    _print(attempts, telling, body, output_format)
    if telling.state is not None:
        refuse_damage(telling.state)
    for attempt in attempts if strict else ():
        if attempt.error is not None:
            raise attempt.error


def _check_name(context: str) -> None:
    if not context.isprintable() or not context.strip() or len(context) > LONGEST_CONTEXT:
        raise click.BadParameter("a commit status needs a short name that can be printed", param_hint="--context")


def _place(provider: str | None, environ: Mapping[str, str], number: int | None) -> Place:
    """The pull request and commit that this pipeline is about; InputError where that cannot be told."""
    from infratrack.pipelines.forge.place import github_place, gitlab_place, provider_of  # noqa: PLC0415 -- as above

    chosen = provider or provider_of(environ)
    if chosen is None:
        raise InputError("this is no pipeline of GitHub or GitLab", "name the forge with --provider")
    if chosen == "gitlab":
        return gitlab_place(environ, number)
    return github_place(environ, _event(environ.get("GITHUB_EVENT_PATH")), number)


def _event(path: str | None) -> object:
    """What set the workflow going; None where that cannot be read."""
    from infratrack.project.include_files import read_at_most  # noqa: PLC0415 -- as above

    if not path:
        return None
    try:
        return msgspec.json.decode(read_at_most(Path(path), LARGEST_EVENT))
    except (InputError, ValueError, RecursionError):
        return None


def _print(attempts: Sequence[Attempt], telling: Telling, body: str, output_format: str) -> None:
    """Without attempts it is the comment that is printed."""
    if output_format == "json":
        from infratrack.pipelines.telling_json import telling_document  # noqa: PLC0415 -- one format is printed
        from infratrack.report.status_json import written  # noqa: PLC0415 -- likewise

        told = {one.what: {"outcome": one.outcome, "url": one.url, "reason": one.reason} for one in attempts}
        click.echo(written({**telling_document(telling), "told": told, "body": body}), nl=False)
        return
    if not attempts:
        click.echo(body, nl=False)
    for one in attempts:
        say(f"{one.what}: {one.outcome}" + (f" ({one.reason})" if one.reason else ""))
