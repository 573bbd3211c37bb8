"""Who may sign a deliverable off, and which sign-offs in the ledger count. Pure.

A key that belongs to no person in today's project file is a machine and can never accept. Whether the person had the
right is judged by the definition that held when they signed: the one that the sign-off pins, provided that trusted
evidence pins it too (or that it is today's), so that nobody can bring a definition of their own. Failing that, today's.
Nor can anybody go back to an older one: where trusted evidence has brought a newer definition into the ledger before
the sign-off, the right must stand in that one too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

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
    recorded: Instant
    """When the ledger came to know of it; never before `instant`."""


def why_outside(people: Sequence[Person], person_id: str, at: Instant, recorded: Instant) -> str:
    """Why what a person signed at an instant falls outside of their time in the project; empty when it does not.

    `from` and `to` are whole days in UTC, both included. The last day is held against the time of recording, since
    whoever has left could still write an earlier time into what they sign.
    """
    person = next((one for one in people if one.id == person_id), None)
    if person is None:
        return f"{person_id} is not among the project's people"
    if person.start is not None and format_instant(at)[:10] < person.start:
        return f"{person_id} belongs to the project only from {person.start}"
    day = format_instant(recorded)[:10]
    if person.end is not None and day > person.end:
        late = "" if day == format_instant(at)[:10] else f", and this was recorded on {day}"
        return f"{person_id} belonged to the project only until {person.end}{late}"
    return ""


def why_not(deliverable: Deliverable, people: Sequence[Person], person_id: str, at: Instant, recorded: Instant) -> str:
    """Why this person may not sign the deliverable off; empty when they may."""
    outside = why_outside(people, person_id, at, recorded)
    if outside:
        return outside
    person = next(one for one in people if one.id == person_id)
    if not deliverable.accepted_by:
        return f"{deliverable.id} names nobody under accepted_by"
    if person_id not in deliverable.accepted_by and not set(person.roles) & set(deliverable.accepted_by):
        return f"{deliverable.id} is accepted by {' or '.join(deliverable.accepted_by)}, not by {person_id}"
    return ""


def judge_signoffs(
    signoffs: Sequence[RawSignOff],
    deliverable: Deliverable,
    people_of_keys: Mapping[str, str],
    judged_by: Callable[[RawSignOff], Sequence[Project]],
) -> tuple[tuple[SignOff, ...], Mapping[int, str]]:
    """The sign-offs that count, in order, and by entry a note on each one that does not.

    `judged_by` gives the project as each definition has it in which the right to sign must stand.
    """
    valid: list[SignOff] = []
    notes: dict[int, str] = {}
    for one in signoffs:
        person = people_of_keys[one.keyid]
        problems = (_problem(project, deliverable, person, one) for project in judged_by(one))
        problem = next(filter(None, problems), "")
        if problem:
            notes[one.entry] = f"entry {one.entry} ({one.decision} by {person}) does not count: {problem}"
        else:
            valid.append(SignOff(one.instant, one.entry, one.decision, person, one.keyid, one.comment))
    return tuple(valid), notes


def signed_outside(
    signoffs: Iterable[RawSignOff],
    people_of_keys: Mapping[str, str],
    judged_by: Callable[[RawSignOff], Sequence[Project]],
) -> frozenset[int]:
    """Entries of sign-offs outside of their person's time in the project: these satisfy no criterion either."""
    return frozenset(
        one.entry
        for one in signoffs
        for project in judged_by(one)
        if why_outside(project.people, people_of_keys[one.keyid], one.instant, one.recorded)
    )


def _problem(project: Project, deliverable: Deliverable, person: str, signed: RawSignOff) -> str:
    """Why the sign-off does not count by one definition; empty when it does."""
    promised = next((known for known in project.deliverables if known.id == deliverable.id), deliverable)
    return why_not(promised, project.people, person, signed.instant, signed.recorded)
