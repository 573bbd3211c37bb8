"""Has a CMDB's plugin write, and notes what came of every write, whatever happens meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct, structs

from infratrack.errors import AnswerIsNo, InfratrackError
from infratrack.evidence.predicates import Outcome
from infratrack.plugin_manager import described
from infratrack.reconciliation.interface import Inventory, Report, WriteContext
from infratrack.reconciliation.records import Write, WriteOutcome, Written

_WRITING: Final = "writing"


class Stop:
    """Whether to stop after the request under way: asked for by a person (a signal), or by what came of a write.

    `report` tells the person watching.
    """

    def __init__(self, canceled: Callable[[], bool], report: Report) -> None:
        self._canceled = canceled
        self._asked = False
        self.report = report

    def ask(self) -> None:
        """Stop after the request under way."""
        self._asked = True

    @property
    def canceled(self) -> bool:
        """Whether a person asked."""
        return self._canceled()

    def __call__(self) -> bool:
        """Whether anybody asked."""
        return self._asked or self._canceled()


class Ended(Struct, frozen=True):
    """How the writing ended: what came of each write (by its number), and of those of which nothing came back."""

    written: Mapping[int, Written]
    otherwise: WriteOutcome
    outcome: Outcome
    problem: str = ""
    """Why it did not come to its end, in a sentence."""
    code: int = 0
    """The exit code that the problem has."""


def write_all(inventory: Inventory, writes: Sequence[Write], context: WriteContext, stop: Stop) -> Ended:
    """Carry out the writes until all are done, the CMDB is out of reach, or somebody asks to stop. Never raises.

    The first write that finds its record moved asks to stop: what was shown is not so any more. After that the plugin
    ends by itself once the request under way is answered, so that nothing of its answer is lost.
    """
    written: dict[int, Written] = {}
    problem, code = "", 0
    if writes:
        stop.report(_WRITING, 0, len(writes))
    otherwise: WriteOutcome = "not_reached"
    try:
        for number, one in _usable(inventory.write(writes, context), len(writes)):
            written[number] = one
            stop.report(_WRITING, len(written), len(writes))
            if one.outcome == "moved":
                stop.ask()
    except InfratrackError as error:
        problem, code = error.message, error.exit_code
    except Exception as error:  # noqa: BLE001 -- the plugin's bug; what it wrote and did not say is not known
        problem, code, otherwise = f"the reconciler raised {described(error)}", AnswerIsNo.exit_code, "unknown"
    return Ended(written, otherwise, _outcome(writes, written, stop, problem), problem, code)


def _usable(stream: Iterator[Written], count: int) -> Iterator[tuple[int, Written]]:
    """What the plugin yields, as far as it is what it has to be."""
    for one in stream:
        if not isinstance(one, Written) or not 0 <= one.number < count:
            raise TypeError("a reconciler's write() yields one Written a write, with its number")
        yield one.number, structs.replace(one, id=None if one.id is None else str(one.id))


def _outcome(writes: Sequence[Write], written: Mapping[int, Written], stop: Stop, problem: str) -> Outcome:
    if len(written) == len(writes) and all(one.outcome == "written" for one in written.values()):
        return "succeeded"
    return "canceled" if stop.canceled and not problem else "failed"
