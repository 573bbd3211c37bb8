"""The state as it would be if plans were carried out: the same fold, over the facts and what the plans foresee.

Nothing of this is ever kept: it works on a copy of the facts index in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence

from msgspec import structs

from infratrack.evidence.trust import Trust, TrustedSigner, narrow
from infratrack.progress.binding import bind_rule, selected
from infratrack.progress.criterion import SUBJECT_SEPARATOR, BindContext, Criterion, Rule, Word
from infratrack.progress.fold import project_state
from infratrack.progress.foreseen import Foreseen, PlannedChange
from infratrack.progress.index.projection import EvidenceFacts, encoded_words
from infratrack.progress.index.store import KNOWN, FactsIndex
from infratrack.progress.index.writer import IndexWriter, key_entries
from infratrack.progress.patterns import SubjectCatalog
from infratrack.progress.status import ProjectState
from infratrack.progress.tree import flatten
from infratrack.project.model import Project
from infratrack.values import Instant

_RUN = "foreseen"


def foreseen_state(  # noqa: PLR0913, PLR0917 -- the inputs of the fold, and what is foreseen
    project: Project,
    index: FactsIndex,
    criteria: Mapping[str, Criterion],
    trust: Trust,
    as_of: Instant,
    foreseen: Sequence[Foreseen],
) -> ProjectState | None:
    """What would be true at `as_of` if evidence of all that is foreseen came in at that instant, signed by a signer.

    None where no key of the project's signers is in use: then no evidence of it would count either.
    """
    if trust.identities:
        # A job of theirs would bring a key of its own.
        coming = {_RUN: TrustedSigner(trust.identities[0].name, None)}
        trust = structs.replace(trust, signers={**coming, **trust.signers})
    ends = narrow(trust, key_entries(index))
    signer = next((keyid for keyid in sorted(trust.signers) if ends.holds(keyid, index.size)), None)
    if signer is None:
        return None
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        index.connection.backup(connection)
        ahead = FactsIndex(None, connection)
        ahead.root_at = lambda _: bytes(32)
        facts = [
            _facts(one, number, signer, project.id, as_of) for number, one in enumerate(foreseen, start=index.size)
        ]
        size = index.size + len(facts)
        if facts:
            IndexWriter(ahead, size, lambda _: None).add(facts)
        ahead.set_meta("size", str(size))
        return project_state(project, ahead, criteria, trust, as_of)
    finally:
        connection.close()


def _facts(one: Foreseen, entry: int, signer: str, project: str, at: Instant) -> EvidenceFacts:
    """Evidence that nobody made, as the index would have it."""
    name = f"{_RUN}-{entry}"
    return EvidenceFacts(
        entry=entry, digest=name, payload=name, predicate_type=_RUN, keyid=signer, project=project, definition="",
        state=KNOWN, instant=at, recorded=at, run=name, outcome="succeeded", commit=None, actor=None, run_url=None,
        problem="",
        words=encoded_words(one.words),
    )  # fmt: skip


def touched_deliverables(
    project: Project, criteria: Mapping[str, Criterion], trust: Trust, foreseen: Sequence[Foreseen]
) -> Mapping[str, tuple[PlannedChange, ...]]:
    """The planned changes that each deliverable's criteria speak of; those that nothing touches are left out."""
    subjects = [(change, word) for one in foreseen for change, word in _changed(one)]
    catalog = SubjectCatalog((number, word.kind, word.scope, word.name) for number, (_, word) in enumerate(subjects))
    touched = {}
    for deliverable in project.deliverables:
        context = BindContext(deliverable.id, project.people, trust.people)
        calls = flatten(deliverable.done_when)[1]
        rules = ((call, bind_rule(call, criteria, context)) for call in calls)
        found = (selected(call, rule, catalog) for call, rule in rules if isinstance(rule, Rule))
        numbers = {number for leaf in found if not isinstance(leaf, str) for some in leaf for number in some}
        if numbers:
            touched[deliverable.id] = tuple(dict.fromkeys(subjects[number][0] for number in sorted(numbers)))
    return touched


def _changed(one: Foreseen) -> Iterator[tuple[PlannedChange, Word]]:
    """Every word about a thing that is changed, or about a part of it."""
    changes = {change.name: change for change in one.changes}
    for word in one.words:
        change = changes.get(word.name.partition(SUBJECT_SEPARATOR)[0])
        if change is not None:
            yield change, word
