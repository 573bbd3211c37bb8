"""Who may sign a deliverable off, and which sign-offs in the ledger count. Pure.

A key that belongs to no person in today's project file is a machine and can never accept. Whether the person had the
right is judged by the definition that held when they signed: the one that the sign-off pins, provided that trusted
evidence pins it too (or that it is today's), so that nobody can bring a definition of their own. Failing that, today's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from infratrack.progress.timeline import SignOff
from infratrack.project.model import Deliverable, Person, Project
from infratrack.values import Instant, format_instant


class RawSignOff(Struct, frozen=True):
    """A sign-off as it stands in the ledger: the signature is good, the right to sign not yet looked at."""

    instant: Instant
    entry: int
    deliverable: str
    decision: str
    comment: str
    keyid: str
    definition: str


def why_not(deliverable: Deliverable, people: Sequence[Person], person_id: str, at: Instant) -> str:
    """Why this person may not sign the deliverable off at an instant; empty when they may.

    `from` and `to` are whole days in UTC, both included.
    """
    person = next((one for one in people if one.id == person_id), None)
    if person is None:
        return f"{person_id} is not among the project's people"
    day = format_instant(at)[:10]
    if person.start is not None and day < person.start:
        return f"{person_id} belongs to the project only from {person.start}"
    if person.end is not None and day > person.end:
        return f"{person_id} belonged to the project only until {person.end}"
    if not deliverable.accepted_by:
        return f"{deliverable.id} names nobody under accepted_by"
    if person_id not in deliverable.accepted_by and not set(person.roles) & set(deliverable.accepted_by):
        return f"{deliverable.id} is accepted by {' or '.join(deliverable.accepted_by)}, not by {person_id}"
    return ""


def judge_signoffs(
    signoffs: Sequence[RawSignOff],
    project: Project,
    deliverable: Deliverable,
    people_of_keys: Mapping[str, str],
    held: Callable[[str], Project | None],
) -> tuple[tuple[SignOff, ...], tuple[str, ...]]:
    """The sign-offs that count, in order, and a note on each one that does not.

    `held(digest)` is the project as defined under that digest, None unless that definition is known to have held.
    """
    valid: list[SignOff] = []
    notes: list[str] = []
    for one in signoffs:
        person = people_of_keys[one.keyid]
        then = held(one.definition) or project
        promised = next((known for known in then.deliverables if known.id == deliverable.id), deliverable)
        problem = why_not(promised, then.people, person, one.instant)
        if problem:
            notes.append(f"entry {one.entry} ({one.decision} by {person}) does not count: {problem}")
        else:
            valid.append(SignOff(one.instant, one.entry, one.decision, person, one.keyid, one.comment))
    return tuple(valid), tuple(notes)
