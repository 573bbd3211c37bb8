"""One sync of one CMDB: opened, planned, and carried out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from infratrack.capture.context import Linking, Say
from infratrack.capture.sync_apply import Run, Task, apply
from infratrack.capture.sync_evidence import earlier_syncs, named_run
from infratrack.capture.sync_lock import only_writer
from infratrack.capture.sync_masking import masked_fields, masked_plan
from infratrack.capture.sync_plan_file import SavedPlan, as_shown, save_plan
from infratrack.capture.sync_planning import (
    Asked,
    Desired,
    desired,
    last_changes,
    make,
    nothing_desired,
    policy_of,
    undo,
)
from infratrack.capture.sync_result import SyncFrame, unlike
from infratrack.capture.sync_session import Session, known_reconciler, opened
from infratrack.capture.sync_writing import Ended, Stop
from infratrack.capture.workspace import Workspace
from infratrack.errors import InfratrackError
from infratrack.evidence.redaction import Scrubber
from infratrack.progress.reasons import moment
from infratrack.reconciliation.interface import Report
from infratrack.reconciliation.pinning import plan_digest
from infratrack.reconciliation.records import LastChange, SyncPlan, Write, Written
from infratrack.reconciliation.writes import writes_of
from infratrack.report.sync_applied import Applied, WriteResult
from infratrack.report.sync_json import plan_document
from infratrack.values import Digest


class Plan(Struct, frozen=True):
    """A plan: as it is carried out, and as it may be shown."""

    real: SyncPlan
    shown: SyncPlan
    digest: Digest
    """Of the plan as it is shown: no digest of a secret goes anywhere."""
    asked: Asked
    """With the whole id of a run that it takes back."""


class Sync:
    """One CMDB, opened for one sync."""

    def __init__(  # noqa: PLR0913 -- made by `opened_sync` only
        self, workspace: Workspace, session: Session, *, asked: Asked, wanted: Desired, scrubber: Scrubber, stop: Stop
    ) -> None:
        self._workspace = workspace
        self._session = session
        self._asked = asked
        self._wanted = wanted
        self._scrubber = scrubber
        self._stop = stop

    def plan(self) -> Plan:
        """What is to be done. InputError, Unreachable, IntegrityFailure (a damaged ledger)."""
        session, workspace, asked = self._session, self._workspace, self._asked
        earlier = earlier_syncs(workspace, session.reconciler.predicate_type, session.identity)
        if asked.undo is not None:
            run = named_run(earlier, asked.undo, session.name)
            return self._told(undo(session, run, earlier, self._scrubber), structs.replace(asked, undo=run.run))
        policy = policy_of(asked, workspace.project.cmdb[session.name])
        return self._told(make(session, self._wanted, earlier, policy, self._scrubber), asked)

    def as_shown(self, saved: SavedPlan) -> Plan:
        """The plan of a file, if all that it rests on is as it was shown; AnswerIsNo names what is not."""
        fresh = self.plan()
        return self._told(as_shown(saved, fresh.real, fresh.shown), fresh.asked)

    def save(self, plan: Plan, path: Path) -> None:
        """Write the plan to a file. Unreachable when that cannot be done."""
        document = plan_document(plan.shown, plan.digest)
        save_plan(path, document, plan.real, plan.shown, project=self._workspace.project.id, asked=plan.asked)

    def apply(self, plan: Plan, linking: Linking, say: Say) -> Applied:
        """Carry the plan out, and leave evidence of it. Raises Unreachable when it could not be recorded.

        Whatever else happens is in the answer: what was written, what was not, and why.
        """
        session, real = self._session, plan.real
        pairs = writes_of(real)
        frame = SyncFrame(
            cmdb=session.name,
            identity=session.identity,
            server=session.description,
            plan_digest=plan.digest,
            summary=real.summary,
            sources=self._wanted.sources,
            notes=plan.shown.notes,
            undoes=plan.asked.undo,
        )
        task = Task(
            inventory=session.inventory,
            predicate_type=session.reconciler.predicate_type,
            frame=frame,
            writes=[write for _, write in pairs],
            bindings=real.bindings,
            stop=self._stop,
            secrets=self._wanted.secrets,
        )
        runs = list(apply(task, self._workspace, linking, say))
        place = {id(record): number for number, record in enumerate(real.records)}
        return self._applied(task, runs, [place[id(record)] for record, _ in pairs])

    def _applied(self, task: Task, runs: Sequence[Run], records: Sequence[int]) -> Applied:
        """What came of it, told without secrets. `records`: each write's record, by its number in the plan."""
        written = {number: one for run in runs for number, one in run.ended.written.items()}
        last = runs[-1].ended
        return Applied(
            outcome="succeeded" if all(run.ended.outcome == "succeeded" for run in runs) else last.outcome,
            runs=tuple((run.id, str(run.evidence)) for run in runs),
            results=tuple(self._results(task.writes, records, last, written)),
            bound=len(task.bindings),
            problem=last.problem,
            code=last.code,
            unlike=tuple(self._scrubber.text(one) for one in unlike(task.writes, written)),
        )

    def _results(
        self, writes: Sequence[Write], records: Sequence[int], ended: Ended, written: Mapping[int, Written]
    ) -> Iterator[WriteResult]:
        """What came of each write; of one that found its record moved, who moved it."""
        movers = self._movers(writes, written)
        for number, write in enumerate(writes):
            came = written.get(number)
            told = [came.reason if came else "", movers.get(number, "")]
            yield WriteResult(
                action=write.action,
                type=self._scrubber.text(write.type),
                key=masked_fields(write.key, self._scrubber),
                id=self._id(came.id if came else None, write.id),
                outcome=came.outcome if came else ended.otherwise,
                reason=self._scrubber.text(", ".join(filter(None, told))),
                requests=tuple(map(self._scrubber.text, came.requests)) if came else (),
                record=records[number],
            )

    def _id(self, *known: str | None) -> str | None:
        return next((self._scrubber.text(one) for one in known if one), None)

    def _movers(self, writes: Sequence[Write], written: Mapping[int, Written]) -> Mapping[int, str]:
        """Who changed the records that writes found moved, as far as the CMDB says."""
        moved = {
            number: (writes[number].type, writes[number].id or "")
            for number, one in written.items()
            if one.outcome == "moved"
        }
        found: Mapping[tuple[str, str], LastChange] = {}
        with contextlib.suppress(InfratrackError):  # what was written is to be told, whether or not this can be
            found = last_changes(self._session, set(moved.values()), self._scrubber)
        return {
            number: f"last changed by {found[place].by}, {moment(found[place].at)}"
            for number, place in moved.items()
            if place in found
        }

    def _told(self, plan: SyncPlan, asked: Asked) -> Plan:
        shown = masked_plan(plan, self._scrubber)
        return Plan(plan, shown, plan_digest(shown), asked)


@contextlib.contextmanager
def opened_sync(
    workspace: Workspace, name: str, asked: Asked, report: Report, *, canceled: Callable[[], bool] | None = None
) -> Iterator[Sync]:
    """Read the sources and open the CMDB of that name, closed after use.

    `canceled` is given where the plan may be carried out: no other sync of this machine may write to it meanwhile.
    """
    known_reconciler(workspace, name)
    wanted = desired(workspace, name, report) if asked.undo is None else nothing_desired(workspace)
    scrubber = Scrubber(wanted.secrets, [workspace.project.id])
    stop = Stop(canceled or _never, lambda what, done, total: report(scrubber.text(what), done, total))
    with contextlib.ExitStack() as stack:
        if canceled is not None:
            stack.enter_context(only_writer(workspace.home, workspace.project.id, name))
        session = stack.enter_context(opened(workspace, name, scrubber, stop))
        yield Sync(workspace, session, asked=asked, wanted=wanted, scrubber=scrubber, stop=stop)


def _never() -> bool:
    return False
