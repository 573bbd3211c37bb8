"""`infratrack run`: the command runs whatever is wrong with us, and what can be recorded of it is.

The walk: prepare (project, key, collector), start (signed start on disk), launch, collect (facts), end (signed end on
disk), send. Every part but the launch is fenced: a failure becomes one line, and the command's own code is returned.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from msgspec import structs

from infratrack.capture.assemble import Execution
from infratrack.capture.child_environment import without_signing_key
from infratrack.capture.clock import now
from infratrack.capture.context import Say
from infratrack.capture.launch import InterruptedBeforeStart, launch
from infratrack.capture.outcome import ASKING, SIGNALED, outcome_of
from infratrack.capture.request import RunRequest
from infratrack.errors import InfratrackError
from infratrack.hookspecs import CommandEnd

if TYPE_CHECKING:
    from infratrack.capture.preparation import Preparation

NOT_DELIVERED: Final = 4
INTERRUPTED: Final = "whoever waited for the facts asked to stop"

Part = TypeVar("Part")


class Fence:
    """Runs our own parts so that nothing in them can reach the command: a failure becomes a line for people."""

    def __init__(self, say: Say, report_bug: Callable[[BaseException], object]) -> None:
        self._say = say
        self._report_bug = report_bug

    def __call__(self, what: str, part: Callable[[], Part]) -> Part | None:
        """Do a part; None when it failed, which was then said as `what`. ^C and its like pass through."""
        try:
            return part()
        except InfratrackError as error:
            self._say(f"{what}: {error.message}" + (f" ({error.hint})" if error.hint else ""))
        except OSError as error:
            self._say(f"{what}: {error.strerror or type(error).__name__}")
        except Exception as error:  # noqa: BLE001 -- the fence: a bug of ours must not break a pipeline
            self._say(f"{what}, because of a bug in infratrack ({type(error).__name__})")
            with contextlib.suppress(Exception):
                self._report_bug(error)
        return None


def run_wrapped(
    request: RunRequest, environ: Mapping[str, str], say: Say, report_bug: Callable[[BaseException], object]
) -> int:
    """Run the command and return the code to exit with: the command's own, but for `require_delivery`."""
    fence = Fence(say, report_bug)
    preparation = fence("this run is not recorded", lambda: _prepared(request, environ, say))
    execution = Execution(argv=request.argv, started_at=now())
    environment = without_signing_key(environ)
    if preparation is not None:
        environment.update(preparation.finder.environment)
        execution = structs.replace(execution, tool=preparation.finder.tool)
        fence("an earlier run that was lost has no end yet", preparation.end_lost_runs)
        try:
            fence("the start of this run is not recorded", lambda: preparation.start(execution))
        except KeyboardInterrupt:
            _take_back(preparation, fence)
            raise
    log = preparation.log if preparation else None
    try:
        launched = launch(
            request.argv,
            environment,
            redirection=log.redirection if log else None,
            after_spawn=log.start if log else _nothing,
        )
    except InterruptedBeforeStart as interrupted:
        if preparation is not None:
            _take_back(preparation, fence)
        return SIGNALED + interrupted.number
    if launched.problem:
        say(launched.problem)
    execution = structs.replace(
        execution,
        exit_code=launched.ending.code,
        outcome=outcome_of(launched.ending, accepted=request.accepted, asked_to_stop=launched.asked_to_stop),
        finished_at=now(),
    )
    delivered = preparation is not None and _finish(
        preparation, execution, fence, say, accepted=launched.ending.code in request.accepted
    )
    if request.require_delivery and not delivered and execution.outcome == "succeeded":
        return NOT_DELIVERED
    return launched.ending.code


def _prepared(request: RunRequest, environ: Mapping[str, str], say: Say) -> Preparation:
    from infratrack.capture.preparation import Preparation  # noqa: PLC0415 -- inside the fence, should it not import

    preparation = Preparation(request, environ, say)
    try:
        preparation.prepare()
    except BaseException:
        preparation.close()
        raise
    return preparation


def _take_back(preparation: Preparation, fence: Fence) -> None:
    """Somebody asked us to stop before the command was started."""
    fence("the start of a run that did not happen could not be taken back", preparation.never_began)
    preparation.close()


def _finish(preparation: Preparation, execution: Execution, fence: Fence, say: Say, *, accepted: bool) -> bool:
    """Collect, sign, spool and send; whether the evidence is in the ledger.

    Asking us to stop now shortens what may be shortened (facts, delivery), never what must be kept (the signed end).
    `accepted`: the caller said that this exit code is success, so the collector has no say in it.
    """
    end = CommandEnd(execution.exit_code or 0, execution.outcome or "indeterminate")
    with _asking_raises():
        try:
            facts = fence("no facts are recorded", lambda: preparation.collect(end))
            facts = facts or preparation.finder.without_facts("a bug in infratrack")
        except KeyboardInterrupt:
            facts = preparation.finder.without_facts(INTERRUPTED)
    if facts.outcome is not None and not accepted:
        execution = structs.replace(execution, outcome=facts.outcome)
    with _asking_waits():
        kept = fence("this run is not recorded", lambda: preparation.end(execution, facts))
        preparation.close()
    if not kept:
        return False
    with _asking_raises():
        try:
            return bool(fence("the evidence waits in the spool", preparation.send))
        except KeyboardInterrupt:
            say("the evidence waits in the spool: delivery was interrupted; send it with `infratrack spool send`")
            return False


@contextlib.contextmanager
def _asking_raises() -> Iterator[None]:
    """Signals by which somebody asks us to stop raise KeyboardInterrupt; those ignored on purpose stay ignored."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in ASKING}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:
            signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _asking_waits() -> Iterator[None]:
    """Signals by which somebody asks us to stop wait until the evidence is safe."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ASKING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _nothing() -> None:
    """Nothing to do after the command was started."""
