"""Reasons in plain words: what the newest words say, and how old they are."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from infratrack.progress.criterion import SUBJECT_SEPARATOR, Decision, Judgement, Selector
from infratrack.progress.judging import Track
from infratrack.values import MICROSECONDS_PER_SECOND, Instant, format_instant

NAMED = 3
"""How many subjects a reason names before it says "and n more"."""

_UNITS = (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1))


class Finding(Struct, frozen=True):
    """The newest word about one subject and what it means to the criterion."""

    name: str
    """The subject's name, as people read it."""
    scope: str
    """Where the subject is; empty where that says nothing."""
    judgement: Judgement
    note: str
    entry: int
    at: Instant

    @property
    def subject(self) -> str:
        """The subject with where it is."""
        return f"{self.name} in {self.scope}" if self.scope else self.name


def subject_name(name: str) -> str:
    """A name as people read it: its parts joined by ›."""
    return name.replace(SUBJECT_SEPARATOR, " › ")


def scope_name(scope: str | None, name: str) -> str:
    """Where a subject is, empty where that says nothing more than the name."""
    return "" if scope in {None, "", ".", "*", name} else str(scope)


def selector_name(selector: Selector) -> str:
    """What a selector looks for, as people read it."""
    if selector.label:
        return selector.label
    scope = scope_name(selector.scope, selector.name)
    name = selector.name if selector.match is None else selector.name + "…"
    return f"{selector.kind} {subject_name(name)}" + (f" in {scope}" if scope else "")


def findings(track: Track) -> tuple[Finding, ...]:
    """The newest word about each subject, in the order of names."""
    found = []
    for one in track.judged:
        judged = track.notes[one.values[-1]]
        name, scope = one.history.name, scope_name(one.history.scope, one.history.name)
        found.append(
            Finding(
                subject_name(name), scope, judged.judgement, judged.note, one.entries[-1], Instant(one.instants[-1])
            )
        )
    return tuple(found)


def deciding(decision: Decision, found: Sequence[Finding]) -> list[Finding]:
    """The findings that the decision rests on."""
    by_decision = {
        Decision.SATISFIED: ({Judgement.MEETS}, {Judgement.GONE}),
        Decision.UNSATISFIED: ({Judgement.FAILS, Judgement.GONE}, {Judgement.MEETS}),
        Decision.UNKNOWN: ({Judgement.UNKNOWN}, {Judgement.MEETS}),
    }
    for judgements in by_decision[decision]:
        chosen = [one for one in found if one.judgement in judgements]
        if chosen:
            return chosen
    return []


def reason(decision: Decision, track: Track, found: Sequence[Finding], wants: str) -> str:
    """Why the criterion is decided so, in a sentence or two."""
    if track.leaf.rule is None:
        return track.leaf.problem
    if decision == Decision.SATISFIED:
        return told(deciding(decision, found)) or "nothing speaks against it"
    against = [one for one in found if one.judgement in {Judgement.FAILS, Judgement.GONE}]
    unknown = [one for one in found if one.judgement == Judgement.UNKNOWN]
    parts = []
    if against and decision == Decision.UNSATISFIED:
        parts.append(told(against))
    if decision == Decision.UNKNOWN:
        if track.unfound:
            parts.append(f"no evidence yet of {_listed([selector_name(one) for one in track.unfound])}")
        if unknown:
            parts.append(told(unknown))
    if not parts and found:
        meeting = sum(one.judgement == Judgement.MEETS for one in found)
        parts.append(
            f"{meeting} of {len(found)} found so far {'meets' if meeting == 1 else 'meet'} it, which does not settle it"
        )
    return "; ".join(parts) or f"no evidence yet (wanted: {wants})"


def told(found: Sequence[Finding]) -> str:
    """Findings with the same note and place told together: `a, b and 3 more in core: applied`."""
    together: dict[tuple[str, str], list[str]] = {}
    for one in found:
        together.setdefault((one.note, one.scope), []).append(one.name)
    notes = [
        _listed(names) + (f" in {scope}" if scope else "") + (f": {note}" if note else "")
        for (note, scope), names in together.items()
    ]
    shown = notes[:NAMED]
    more = len(notes) - len(shown)
    return "; ".join(shown) + (f"; and {more} more findings" if more else "")


def aged(reason: str, confirmed: Instant, within: int, ended: Instant) -> str:
    """What a satisfied criterion says once its evidence is too old."""
    return (
        f"too old: last confirmed {moment(confirmed)}, counted for {span(within)} until {moment(ended)}; "
        f"it said: {reason}"
    )


def _listed(names: Sequence[str]) -> str:
    if len(names) > NAMED + 1:
        return f"{', '.join(names[:NAMED])} and {len(names) - NAMED} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def moment(instant: Instant) -> str:
    """An instant for people, to the minute: `2026-01-05 09:30 UTC`."""
    text = format_instant(instant)
    return f"{text[:10]} {text[11:16]} UTC"


def span(microseconds: int) -> str:
    """Elapsed time for people, in its two largest units: `7d`, `1d 12h`, `90s` as `1m 30s`."""
    seconds = microseconds // MICROSECONDS_PER_SECOND
    parts = []
    for unit, size in _UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2]) or "0s"
