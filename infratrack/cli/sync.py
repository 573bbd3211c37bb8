"""`infratrack sync`: bring a CMDB into agreement with what the project's sources say, or show what that would take."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

import click

from infratrack.cli.linking import key_option, linking_options
from infratrack.cli.messages import say
from infratrack.cli.options import format_option, project_option
from infratrack.errors import AnswerIsNo

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from infratrack.capture.sync import Plan
    from infratrack.capture.workspace import Workspace
    from infratrack.cli.sync_output import SyncOutput
    from infratrack.report.sync_applied import Applied

INTERRUPTED: Final = 130
NOT_DELIVERED: Final = 4
EPILOG = """\b
Examples:
  infratrack sync netbox
  infratrack sync netbox --check --format markdown
  infratrack sync netbox --out plan.json; infratrack sync netbox --apply --plan plan.json
  infratrack sync netbox --apply --take-ours status
  infratrack sync netbox --undo 0198f2c4

Exit codes: 0 planned, or all that the plan carries out is written (conflicts are left alone and shown); 1 with --check
when anything differs, when the plan is not true any more, when a write failed, or the answer to the question was no;
2 bad input; 4 the CMDB, the ledger or the spool could not be reached, or with --require-delivery the evidence did not
reach the ledger; 130 canceled by ^C: what was written until then is recorded."""


def _names(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from infratrack.cli.sync_completion import complete_names  # noqa: PLC0415 -- only for the shell

    return complete_names(context.params.get("project") or Path(), incomplete)


def _runs(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    from infratrack.cli.sync_completion import complete_runs  # noqa: PLC0415 -- only for the shell

    return complete_runs(context.params.get("project") or Path(), context.params.get("name"), incomplete)


@click.command("sync", epilog=EPILOG)
@click.argument("name", shell_complete=_names)
@click.option("--check", is_flag=True, help="Exit 1 when anything differs. Writes nothing.")
@click.option("--apply", "applies", is_flag=True, help="Carry the plan out, and leave signed evidence of it.")
@click.option("--yes", is_flag=True, help="Do not ask before writing. Without a terminal nothing is asked anyway.")
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Save the plan, to be applied as shown.")
@click.option(
    "--plan", "saved", metavar="FILE", type=click.Path(path_type=Path), help="Apply exactly the plan in FILE, or stop."
)
@click.option("--prune", is_flag=True, help="Delete records of ours that nothing desires any more.")
@click.option(
    "--take-ours", multiple=True, metavar="FIELD", help="Decide conflicts and adoptions in this field for our value."
)
@click.option("--undo", metavar="RUN", shell_complete=_runs, help="Plan the reverse of one run of `sync --apply`.")
@click.option("--all", "everything", is_flag=True, help="List what is the same and what is not managed here, too.")
@linking_options
@click.option("--require-delivery", is_flag=True, help="Fail (4) when the evidence does not reach the ledger.")
@key_option
@project_option
@format_option("table", "json", "markdown")
@click.pass_context
def sync(  # noqa: PLR0913 -- one parameter an option
    context: click.Context,
    /,
    *,
    name: str,
    project: Path,
    key: str | None,
    output_format: str,
    everything: bool,
    require_delivery: bool,
    check: bool,
    applies: bool,
    yes: bool,
    out: Path | None,
    saved: Path | None,
    prune: bool,
    take_ours: tuple[str, ...],
    undo: str | None,
    **links: Any,  # noqa: ANN401 -- named and typed by the options above
) -> None:
    """Compare the CMDB NAME with what the project's mappings desire, and show what differs.

    Without --apply nothing is written: a token that may only read is enough, and no signing key is needed. What
    somebody else changed since this project wrote it is a conflict and left alone. --apply carries the plan out and
    leaves what was written, with the values before and after, as signed evidence.
    """
    from infratrack.capture.context import Linking  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.sync import opened_sync  # noqa: PLC0415 -- likewise
    from infratrack.capture.sync_plan_file import load_plan  # noqa: PLC0415 -- likewise
    from infratrack.capture.sync_planning import Asked  # noqa: PLC0415 -- likewise
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.sync_output import SyncOutput  # noqa: PLC0415 -- likewise
    from infratrack.cli.sync_progress import SyncProgress  # noqa: PLC0415 -- likewise

    asked = Asked(prune, take_ours, undo)
    _refuse_contradictions(check=check, applies=applies, saved=saved, out=out, plain=asked == Asked())
    workspace = Workspace.open(project, environ=dict(os.environ), key_name=key)
    _deliver_own(workspace)
    progress, output = SyncProgress(), SyncOutput(output_format, everything=everything)
    with contextlib.ExitStack() as stack:
        canceled = stack.enter_context(_interrupts_remembered()) if applies else None
        with progress.shown():
            shown = None if saved is None else load_plan(saved, workspace.project.id, name)
            asked = asked if shown is None else shown.asked
            opened = stack.enter_context(opened_sync(workspace, name, asked, progress, canceled=canceled))
            plan = opened.plan() if shown is None else opened.as_shown(shown)
        if out is not None:
            opened.save(plan, out)
        if canceled is None:
            output.plan(plan)
            _check(plan, name, asked=check)
            return
        output.before(plan)
        if not yes and not canceled() and _would_write(plan):
            _ask(output, plan)
        if canceled():
            context.exit(INTERRUPTED)
        with progress.shown():
            applied = opened.apply(plan, Linking(**links), say)
    delivered = _deliver(workspace)
    output.applied(plan, applied, delivered=delivered)
    context.exit(_exit_code(applied) or (NOT_DELIVERED if require_delivery and not delivered else 0))


def _refuse_contradictions(*, check: bool, applies: bool, saved: Path | None, out: Path | None, plain: bool) -> None:
    if check and applies:
        raise click.UsageError("--check writes nothing: leave out --check or --apply")
    if saved is not None and not applies:
        raise click.UsageError("--plan FILE says what --apply carries out: add --apply")
    if saved is not None and not plain:
        raise click.UsageError("--plan FILE has its own --prune, --take-ours and --undo: leave them out")
    if out is not None and applies:
        raise click.UsageError("--out saves a plan for later: leave out --out or --apply")


def _deliver_own(workspace: Workspace) -> None:
    """Bring what waits on this machine to the ledger first: it says what was written last."""
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- after the options were understood

    if workspace.spool.folder.is_dir():
        try_to_send(workspace, say)


def _deliver(workspace: Workspace) -> bool:
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- after the work

    return try_to_send(workspace, say)


@contextlib.contextmanager
def _interrupts_remembered() -> Iterator[Callable[[], bool]]:
    """^C and requests to end are remembered: the request under way is finished, and what was written recorded."""
    asked: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if not asked:
            say("canceling: the request under way is finished, and what was written is recorded")
        asked.append(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, remember) for number in numbers}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _would_write(plan: Plan) -> bool:
    from infratrack.capture.sync_plan_file import is_written  # noqa: PLC0415 -- loaded by now

    return any(is_written(one) for one in plan.real.records)


def _ask(output: SyncOutput, plan: Plan) -> None:
    """Ask a person who sits at a terminal; AnswerIsNo unless the answer is yes."""
    if sys.stdin is None or not sys.stdin.isatty():
        return
    output.for_question(plan)
    try:
        agreed = click.confirm("apply?", default=False, err=True)
    except click.Abort:
        agreed = False
    if not agreed:
        raise AnswerIsNo("nothing was written")


def _check(plan: Plan, name: str, *, asked: bool) -> None:
    from infratrack.report.sync_words import counts_line, differs  # noqa: PLC0415 -- loaded by now

    if asked and differs(plan.real):
        raise AnswerIsNo(f"{name} differs: {', '.join(counts_line(plan.real))}", f"infratrack sync {name} --apply")


def _exit_code(applied: Applied) -> int:
    if applied.outcome == "canceled":
        return INTERRUPTED
    return 0 if applied.outcome == "succeeded" else applied.code or AnswerIsNo.exit_code
