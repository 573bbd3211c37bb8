"""The fold: (project definition, ledger up to a size, instant) → state. The same three give the same state anywhere.

What a deliverable's words amount to does not depend on the instant asked about, as long as that is not before the last
of them. So it is kept in the index, and folded again only when words about its subjects, sign-offs or links arrive, or
when definition, trust or code change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from infratrack.errors import InputError
from infratrack.evidence.trust import Trust
from infratrack.progress.criterion import Criterion, Decision, Reference, Verdict
from infratrack.progress.folding import Folder, Promise, promised
from infratrack.progress.index.counting import Counting, what_counts
from infratrack.progress.index.refresh import code_fingerprint
from infratrack.progress.index.store import FactsIndex
from infratrack.progress.notes import not_counted
from infratrack.progress.patterns import SubjectCatalog
from infratrack.progress.standing import DeliverableFold, Standing, standing
from infratrack.progress.status import (
    OTHER_PROJECT,
    UNREADABLE,
    Acceptance,
    DeliverableState,
    LedgerPoint,
    PhaseState,
    ProjectState,
    Status,
)
from infratrack.progress.summary import phase_progress, shares, task_states
from infratrack.progress.tree import Leaf
from infratrack.progress.unrecorded_count import unrecorded_changes
from infratrack.project.model import Deliverable, Project
from infratrack.values import Instant

_EXIT = "phase:"
"""Marks exit criteria of a phase among the deliverables; no deliverable's id holds a colon."""

_DECODER = msgspec.msgpack.Decoder(DeliverableFold)


def project_state(  # noqa: PLR0913, PLR0917 -- the inputs of the fold
    project: Project,
    index: FactsIndex,
    criteria: Mapping[str, Criterion],
    trust: Trust,
    as_of: Instant,
    at_size: int | None = None,
) -> ProjectState:
    """The state of everything in the project at `as_of`, knowing the first `at_size` ledger entries (None: all read).

    Raises InputError when `at_size` is more than the ledger has.
    """
    size = _size(index, at_size)
    counting = what_counts(index, project.id, trust, size, as_of)
    folder = Folder(project, index, criteria, counting.trust, counting)
    promises = [promised(one) for one in (*project.deliverables, *_exits(project))]
    folds = _folds(folder, promises, index, _key(project, trust, criteria, index, counting), counting)
    states = _states(promises, folds, index, counting.trust, as_of)
    deliverables = tuple(states[one.id] for one in project.deliverables)
    tasks = task_states(project.tasks, deliverables)
    progress, earned, at_risk = shares(deliverables)
    return ProjectState(
        project=project.id,
        name=project.name,
        as_of=as_of,
        ledger=LedgerPoint(size, _root(index, size)),
        progress=progress,
        earned=earned,
        at_risk=at_risk,
        evidence=counting.counts,
        deliverables=deliverables,
        tasks=tasks,
        phases=tuple(
            PhaseState(
                phase.id,
                phase.name,
                phase_progress(phase.id, project.tasks, deliverables),
                states.get(_EXIT + phase.id),
            )
            for phase in project.phases
        ),
        notes=_project_notes(counting),
        definition=project.definition.digest,
        unrecorded=unrecorded_changes(index, counting),
    )


def explained_deliverable(  # noqa: PLR0913, PLR0917 -- the inputs of the fold, and which deliverable
    project: Project,
    index: FactsIndex,
    criteria: Mapping[str, Criterion],
    trust: Trust,
    as_of: Instant,
    wanted: str,
    at_size: int | None = None,
) -> ProjectState:
    """The state of one deliverable (it must be in the project), with the newest word about each of its subjects.

    The rest of the project is left out, and so are its progress and changes that do not concern the deliverable.
    """
    size = _size(index, at_size)
    counting = what_counts(index, project.id, trust, size, as_of)
    folder = Folder(project, index, criteria, counting.trust, counting)
    promise = promised(next(one for one in project.deliverables if one.id == wanted))
    folds = folder.fold([promise], with_findings=True)
    return ProjectState(
        project=project.id,
        name=project.name,
        as_of=as_of,
        ledger=LedgerPoint(size, _root(index, size)),
        evidence=counting.counts,
        deliverables=(_states([promise], folds, index, counting.trust, as_of)[wanted],),
        notes=_project_notes(counting),
        definition=project.definition.digest,
        unrecorded=tuple(one for one in unrecorded_changes(index, counting) if wanted in one.deliverables),
    )


def _size(index: FactsIndex, at_size: int | None) -> int:
    size = index.size if at_size is None else at_size
    if not 0 <= size <= index.size:
        raise InputError(f"the ledger has {index.size} entries, not {size}", f"give a size from 0 to {index.size}")
    return size


def _root(index: FactsIndex, size: int) -> str:
    if size == index.size and index.root:
        return index.root
    return index.root_at(size).hex() if index.root_at is not None else hashlib.sha256(b"").hexdigest()


def _exits(project: Project) -> list[Deliverable]:
    """Exit criteria of phases, to be folded like deliverables."""
    return [
        Deliverable(_EXIT + phase.id, f"exit of {phase.name}", phase.exit) for phase in project.phases if phase.exit
    ]


def _key(
    project: Project, trust: Trust, criteria: Mapping[str, Criterion], index: FactsIndex, counting: Counting
) -> str:
    """Under what kept results hold: the same definition, trust, code and knowledge of keys and older definitions."""
    people, vouched = sorted(trust.people.items()), sorted(counting.vouched.items())
    # Not the keys that endorsements brought: an endorsement makes nothing count that stands before it.
    trusted = (sorted(trust.signers), people, trust.identities)
    parts = (project.definition.digest, trusted, index.meta("epoch", "0"), vouched)
    return hashlib.sha256(f"{parts!r}{code_fingerprint(criteria.values())}{sorted(criteria)}".encode()).hexdigest()


def _folds(
    folder: Folder, promises: Sequence[Promise], index: FactsIndex, key: str, counting: Counting
) -> Mapping[str, DeliverableFold]:
    """Fold what has to be folded, and take the rest from what was kept."""
    if counting.size < index.size:
        return folder.fold(promises)
    kept = _kept(index, key)
    new = _touched(promises, index, kept)
    folds = {name: fold for name, (_, fold) in kept.items() if name not in new}
    # What was kept may know later words than were asked for: then it is computed for the instant, and not kept.
    late = {name for name, fold in folds.items() if fold.last is not None and fold.last > counting.as_of}
    folds.update(folder.fold([one for one in promises if one.deliverable.id in new | late]))
    if counting.everything and new:
        encode = msgspec.msgpack.encode
        index.keep_folds(key, index.size, {name: encode(folds[name]) for name in new})
    return folds


def _kept(index: FactsIndex, key: str) -> dict[str, tuple[int, DeliverableFold]]:
    """Results that were kept; none when they cannot be read."""
    try:
        return {name: (size, _DECODER.decode(state)) for name, (size, state) in index.folds(key).items()}
    except msgspec.MsgspecError:
        return {}


def _touched(
    promises: Sequence[Promise], index: FactsIndex, kept: Mapping[str, tuple[int, DeliverableFold]]
) -> set[str]:
    """The deliverables about which something arrived since they were folded."""
    new = {one.deliverable.id for one in promises} - kept.keys()
    for size in sorted({size for size, _ in kept.values()} - {index.size}):
        catalog = SubjectCatalog(index.subjects(size))
        named = {row[0] for row in index.rows("SELECT DISTINCT deliverable FROM link WHERE entry >= ?", size)}
        named |= {row[0] for row in index.rows("SELECT DISTINCT deliverable FROM signoff WHERE entry >= ?", size)}
        # A key that is taken out of use, or a payload that comes a second time, may take effect anywhere.
        everywhere = bool(
            index.rows("SELECT 1 FROM key_entry WHERE entry >= ? UNION SELECT 1 FROM twin WHERE entry >= ?", size, size)
        )
        for promise in promises:
            name = promise.deliverable.id
            if name in new or kept[name][0] != size:
                continue
            if everywhere or name in named or any(map(catalog.wakes, kept[name][1].watched)):
                new.add(name)
    return new


def _states(
    promises: Sequence[Promise],
    folds: Mapping[str, DeliverableFold],
    index: FactsIndex,
    trust: Trust,
    as_of: Instant,
) -> dict[str, DeliverableState]:
    cited = {entry for promise in promises for leaf in folds[promise.deliverable.id].leaves for entry in leaf.entries}
    accepted = (folds[promise.deliverable.id].course.accepted for promise in promises)
    cited.update(signoff.entry for signoff in accepted if signoff is not None)
    references = _references(index, trust, cited)
    return {
        promise.deliverable.id: _state(promise, folds[promise.deliverable.id], references, as_of)
        for promise in promises
    }


def _references(index: FactsIndex, trust: Trust, entries: Iterable[int]) -> dict[int, Reference]:
    return {
        entry: Reference(
            digest=row["digest"],
            predicate_type=row["type"],
            run=row["run"] or None,
            at=Instant(row["instant"]),
            commit=row["commit_id"],
            # The key that signed says who it was; what the statement claims counts only where the key is a machine's.
            actor=trust.people.get(row["key"]) or row["actor"],
            run_url=row["run_url"],
            index=entry,
            signer=trust.name_of(row["key"]),
        )
        for entry, row in index.evidence(entries).items()
    }


def _state(
    promise: Promise, fold: DeliverableFold, references: Mapping[int, Reference], as_of: Instant
) -> DeliverableState:
    deliverable, course = promise.deliverable, fold.course
    now = standing(fold, promise.node, as_of)
    signed = course.accepted
    acceptance = None
    if signed is not None:
        acceptance = Acceptance(signed.person, signed.instant, signed.comment, references.get(signed.entry))
    return DeliverableState(
        id=deliverable.id,
        name=deliverable.name,
        task=deliverable.task,
        weight=deliverable.weight,
        owner=deliverable.owner,
        tags=deliverable.tags,
        accepted_by=deliverable.accepted_by,
        status=now.status,
        since=now.since,
        reason=_why(promise, fold, now),
        criteria=tuple(
            Verdict(
                criterion=call.name,
                decision=now.decisions[number],
                reason=now.reasons[number],
                evidence=tuple(references[entry] for entry in leaf.entries),
                stale_since=now.stale_since[number],
                wants=leaf.wants,
            )
            for number, (call, leaf) in enumerate(zip(promise.calls, fold.leaves, strict=True))
        ),
        tree=promise.node,
        completed=course.completed,
        finished=course.finished,
        acceptance=acceptance,
        notes=fold.notes,
        turns=course.turns,
        regressions=course.regressions,
        untrusted=fold.untrusted,
        signable=now.signable,
        findings=tuple(leaf.findings for leaf in fold.leaves),
    )


def _why(promise: Promise, fold: DeliverableFold, now: Standing) -> str:
    """One line on why a deliverable is not complete; empty when it is."""
    if now.status in {Status.COMPLETE, Status.ACCEPTED}:
        return ""
    reopened = fold.course.reopened
    if reopened is not None:
        return (
            f"reopened by {reopened.person}: {reopened.comment}"
            if reopened.comment
            else f"reopened by {reopened.person}"
        )
    # What contradicts stands before what is merely not known.
    order = sorted(now.blamed, key=lambda number: (now.decisions[number] == Decision.UNKNOWN, number))
    first = order[0]
    negated = not isinstance(promise.node, Leaf) and now.decisions[first] == Decision.SATISFIED
    said = f"{'not ' if negated else ''}{promise.calls[first].name}: {now.reasons[first]}"
    return said + _and_more(len(order) - 1)


def _and_more(count: int) -> str:
    return f" (and {count} more {'criterion' if count == 1 else 'criteria'})" if count else ""


def _project_notes(counting: Counting) -> tuple[str, ...]:
    counts = counting.counts
    return not_counted({**counts.untrusted, OTHER_PROJECT: counts.other_projects, UNREADABLE: counts.unreadable})
