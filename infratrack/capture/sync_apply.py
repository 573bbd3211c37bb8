"""Carries a plan out between its signed start and its signed end, so that nothing that was written is ever unknown.

The start, with everything that is about to be written, is on disk before the first request; it is sent to the ledger
too where that can be reached, because a machine can be lost together with its disk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import Struct, structs

from infratrack import __version__
from infratrack.capture.assemble import Execution
from infratrack.capture.clock import now
from infratrack.capture.context import Linking, Say
from infratrack.capture.leave import Desk
from infratrack.capture.recording import Recording
from infratrack.capture.sync_result import SyncFrame, sync_result
from infratrack.capture.sync_writing import Ended, Stop, write_all
from infratrack.capture.workspace import Workspace
from infratrack.errors import AnswerIsNo, InfratrackError
from infratrack.hookspecs import Collected
from infratrack.reconciliation.interface import Inventory, WriteContext
from infratrack.reconciliation.records import Binding, Write, Written
from infratrack.values import Digest

INTERRUPTED: Final = 130
LARGEST_PART: Final = 8 << 20
"""Bytes that the writes of one run take as evidence: with what comes of them they must fit into one statement."""


class Task(Struct, frozen=True):
    """What is to be carried out."""

    inventory: Inventory
    predicate_type: str
    frame: SyncFrame
    writes: Sequence[Write]
    bindings: Sequence[Binding]
    stop: Stop
    secrets: frozenset[str] = frozenset()


class Run(Struct, frozen=True):
    """One run: its id, its evidence, and how its writing ended. Numbers count from the plan's first write."""

    id: str
    evidence: Digest
    ended: Ended


def apply(task: Task, workspace: Workspace, linking: Linking, say: Say) -> Iterator[Run]:
    """Write, and yield each run once its evidence is safe on this machine.

    Nearly always that is one; a plan too large for one statement is carried out in several, each with a start and an
    end of its own. Raises Unreachable when a start or an end cannot be written: nothing is written unrecorded.
    """
    desk = Desk(workspace, linking, say)
    _warn_of_untrusted_key(workspace, say)
    bindings = task.bindings
    for begin, part in _parts(task.writes):
        recording = desk.recording()
        run = _recorded(structs.replace(task, writes=part, bindings=bindings), recording, workspace, linking)
        bindings = ()
        written = {begin + number: one for number, one in run.ended.written.items()}
        yield structs.replace(run, ended=structs.replace(run.ended, written=written))
        if task.stop() or run.ended.problem:
            return


def _recorded(task: Task, recording: Recording, workspace: Workspace, linking: Linking) -> Run:
    """Write between a start that foretells everything and an end that says what came of it."""
    scrubber = recording.scrubber(task.secrets)

    def collected(written: Mapping[int, Written], otherwise: str) -> Collected:
        result = sync_result(task.frame, task.writes, written, task.bindings, scrubber, otherwise=otherwise)
        return Collected(task.predicate_type, result, "infratrack", __version__, secrets=task.secrets)

    began, run_id = now(), recording.context.run_id
    recording.start(Execution(started_at=began), collected({}, "intended"))
    _send_early(workspace)
    context = WriteContext(run_id, _message(task, run_id, linking))
    ended = write_all(task.inventory, task.writes, context, task.stop)
    ended = structs.replace(ended, problem=scrubber.text(ended.problem))
    code = {"succeeded": 0, "canceled": INTERRUPTED}.get(ended.outcome, ended.code or AnswerIsNo.exit_code)
    execution = Execution(exit_code=code, outcome=ended.outcome, started_at=began, finished_at=now())
    return Run(run_id, recording.end(execution, collected(ended.written, ended.otherwise)), ended)


def _warn_of_untrusted_key(workspace: Workspace, say: Say) -> None:
    """What an untrusted key writes is nobody's of this project: better known before the first write."""
    key = workspace.signing_key
    if key.key.keyid not in workspace.trust.signers:
        say(f"the key of {key.source} is not under the project's `trust`: what it writes will look like others' work")


def _send_early(workspace: Workspace) -> None:
    """Try to bring the start to the ledger; what cannot be sent now is sent later, and said then."""
    try:
        workspace.send_spool()
    except InfratrackError:
        return


def _message(task: Task, run_id: str, linking: Linking) -> str:
    """For the CMDB's own change log. The run id comes first: the server may cut the rest."""
    undone = f", undo of {task.frame.undoes}" if task.frame.undoes else ""
    change = f", change {linking.change}" if linking.change else ""
    return f"infratrack {run_id}{undone}{change}"


def _parts(writes: Sequence[Write]) -> Iterator[tuple[int, Sequence[Write]]]:
    """The writes in order, in parts that fit into a statement; one empty part when there are none."""
    begin = size = 0
    for number, write in enumerate(writes):
        size += _size(write)
        if size > LARGEST_PART and number > begin:
            yield begin, writes[begin:number]
            begin, size = number, _size(write)
    yield begin, writes[begin:]


def _size(write: Write) -> int:
    return len(msgspec.json.encode(write))
