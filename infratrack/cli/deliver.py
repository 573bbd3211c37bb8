"""`infratrack deliver`: run a pipeline that the project declares."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

import click

from infratrack.cli.linking import key_option
from infratrack.cli.messages import say
from infratrack.cli.options import format_option, policy_ref_option, project_option

if TYPE_CHECKING:
    from infratrack.capture.deliver import StepResult

NOT_DELIVERED = 4
EPILOG = """\b
Example:
  infratrack deliver core-network

Exit codes: 0 all steps succeeded; otherwise the failing step's own code (130 when it was canceled by ^C); 2 for an
unknown pipeline or an invalid project; 4 when a step could not be recorded, or with --require-delivery when the
evidence did not reach the ledger."""


@click.command("deliver", epilog=EPILOG)
@click.argument("pipeline")
@click.option("--require-delivery", is_flag=True, help="Fail (4) when the evidence does not reach the ledger.")
@key_option
@policy_ref_option
@project_option
@format_option("table", "json")
@click.pass_context
def deliver(  # noqa: PLR0913, PLR0917 -- one parameter an option
    context: click.Context,
    pipeline: str,
    require_delivery: bool,  # noqa: FBT001 -- click passes it by name
    key: str | None,
    policy_ref: str | None,
    project: Path,
    output_format: str,
) -> None:
    """Run the steps of PIPELINE in order and leave signed evidence of each.

    The first step that does not succeed ends the run. Progress is shown on standard error. ^C cancels the step that
    runs: it gets one interrupt and ten seconds to leave its state whole.
    """
    from infratrack.capture.deliver import deliver as run_steps  # noqa: PLC0415 -- after the options were understood
    from infratrack.capture.deliver import find_pipeline  # noqa: PLC0415 -- likewise
    from infratrack.capture.workspace import Workspace  # noqa: PLC0415 -- likewise
    from infratrack.cli.delivery_progress import shown_progress  # noqa: PLC0415 -- likewise
    from infratrack.cli.sending import try_to_send  # noqa: PLC0415 -- likewise

    workspace = Workspace.open(project, environ=dict(os.environ), key_name=key, policy_ref=policy_ref)
    declared = find_pipeline(workspace, pipeline)
    results: list[StepResult] = []
    delivered = True
    with _interrupts_cancel() as canceled, shown_progress() as watcher:
        for result in run_steps(workspace, declared, watcher, say, canceled):
            results.append(result)
            delivered = try_to_send(workspace, say if delivered else None)
    last = results[-1]
    if output_format == "json":
        _print_json(pipeline, results, delivered=delivered)
    if last.outcome != "succeeded":
        context.exit(last.exit_code)
    context.exit(NOT_DELIVERED if require_delivery and not delivered else 0)


@contextlib.contextmanager
def _interrupts_cancel() -> Iterator[Callable[[], bool]]:
    """^C and requests to end are remembered for the step to see, not raised into it."""
    asked: list[int] = []

    def remember(number: int, frame: FrameType | None) -> None:
        if not asked:
            say("canceling: the step is asked to stop")
        asked.append(number)

    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print_json(pipeline: str, results: list[StepResult], *, delivered: bool) -> None:
    import msgspec  # noqa: PLC0415 -- only needed here

    steps = [
        {
            "name": one.name,
            "type": one.type,
            "outcome": one.outcome,
            "exitCode": one.exit_code,
            "message": one.message,
            "evidence": one.evidence,
        }
        for one in results
    ]
    document = {"pipeline": pipeline, "steps": steps, "delivered": delivered}
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document)).decode() + "\n")
