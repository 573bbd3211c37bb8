"""A criterion looks at the words about its subjects: each word is judged, once per distinct value.

A plugin's rule may raise or answer nonsense. That ends in `RuleFailed` with a reason, and the criterion is unknown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack.progress.criterion import Decision, Judged, Judgement, Rule, Selector, Tally
from infratrack.project.model import CriterionCall
from infratrack.values import Instant

MISSING: Final = 4
"""Beside the four judgements: a required selector that found nothing yet."""
NOWHERE: Final = 5
"""Beside the four judgements: not counted anywhere."""

_SILENT: Final = -1

ValueOf = Callable[[int], Mapping[str, Any]]
"""The value that stands behind a value's number."""


class History(Struct, frozen=True):
    """All words about one subject that count, oldest first; the three sequences run in step."""

    kind: str
    scope: str
    name: str
    instants: Sequence[int]
    entries: Sequence[int]
    """The ledger entry's number, of each word."""
    values: Sequence[int]
    """The number of the value, of each word."""


class BoundLeaf(Struct, frozen=True):
    """A criterion of the tree with its rule and the subjects it selects; without a rule, `problem` says why."""

    call: CriterionCall
    rule: Rule | None = None
    problem: str = ""
    histories: tuple[History, ...] = ()
    """Each subject once, in the order in which the selectors find them."""
    found_by: tuple[tuple[int, ...], ...] = ()
    """For each selector of the rule the places in `histories` of what it selects."""


class JudgedHistory(Struct, frozen=True):
    """The words about one subject that say something to the rule; the sequences run in step."""

    history: History
    instants: Sequence[int]
    codes: Sequence[int]
    entries: Sequence[int]
    values: Sequence[int]


class Track(Struct, frozen=True):
    """A criterion with everything that it read in the words."""

    leaf: BoundLeaf
    judged: tuple[JudgedHistory, ...] = ()
    found: tuple[int, ...] = ()
    """For each required selector that ever found a subject: the first instant at which it had."""
    required: int = 0
    unfound: tuple[Selector, ...] = ()
    """Required selectors that never found a subject."""
    notes: Mapping[int, Judged] = {}
    """What was said of each value, by the value's number."""


class RuleFailed(Exception):
    """A plugin's rule raised or answered what it must not."""

    def __init__(self, leaf: int, reason: str) -> None:
        super().__init__(reason)
        self.leaf = leaf
        self.reason = reason


def judge_words(number: int, leaf: BoundLeaf, value_of: ValueOf) -> Track:
    """Judge all words of the leaf with this number. Raises RuleFailed."""
    rule = leaf.rule
    if rule is None:
        return Track(leaf)
    codes: dict[int, int] = {}
    notes: dict[int, Judged] = {}
    judged: list[JudgedHistory | None] = []
    for history in leaf.histories:
        for value in set(history.values) - codes.keys():
            answer = _judgement(number, leaf, history.kind, value_of(value))
            if answer is None:
                codes[value] = _SILENT
            else:
                codes[value] = int(answer.judgement)
                notes[value] = answer
        judged.append(_judged_history(history, codes))
    found: list[int] = []
    unfound: list[Selector] = []
    required = 0
    for selector, places in zip(rule.selectors, leaf.found_by, strict=True):
        if selector.required:
            required += 1
            first = [one.instants[0] for place in places if (one := judged[place]) is not None]
            if first:
                found.append(min(first))
            else:
                unfound.append(selector)
    return Track(leaf, tuple(one for one in judged if one), tuple(found), required, tuple(unfound), notes)


def _judgement(number: int, leaf: BoundLeaf, kind: str, value: Mapping[str, Any]) -> Judged | None:
    rule = leaf.rule
    try:
        answer = rule.judge(kind, value) if rule else None
    except Exception as error:
        raise RuleFailed(number, _blame(leaf, error)) from error
    if answer is not None and not (isinstance(answer, Judged) and isinstance(answer.judgement, Judgement)):
        raise RuleFailed(number, f"the criterion {leaf.call.name} judged a word with {type(answer).__name__}")
    return answer


def _judged_history(history: History, codes: Mapping[int, int]) -> JudgedHistory | None:
    """The words that say something; None when there is none."""
    said = [codes[value] for value in history.values]
    if _SILENT not in said:
        return JudgedHistory(history, history.instants, said, history.entries, history.values) if said else None
    kept = [place for place, code in enumerate(said) if code != _SILENT]
    if not kept:
        return None
    return JudgedHistory(
        history,
        [history.instants[place] for place in kept],
        [said[place] for place in kept],
        [history.entries[place] for place in kept],
        [history.values[place] for place in kept],
    )


def decide(number: int, track: Track, counts: Sequence[int]) -> Decision:
    """The rule's decision over `counts` (by judgement, then missing). Raises RuleFailed.

    While no word was judged the answer is unknown, whatever the rule says: nothing follows from no evidence.
    """
    rule = track.leaf.rule
    if rule is None or not any(counts[:MISSING]):
        return Decision.UNKNOWN
    try:
        return Decision(rule.decide(Tally(*counts[: MISSING + 1])))
    except Exception as error:
        raise RuleFailed(number, _blame(track.leaf, error)) from error


def _blame(leaf: BoundLeaf, error: Exception) -> str:
    return f"the criterion {leaf.call.name} failed on the evidence ({type(error).__name__}: {str(error)[:200]})"


def changes(number: int, track: Track) -> list[tuple[int, int, int, int]]:
    """(instant, leaf's number, old code, new code) wherever a subject's judgement changes, in no particular order."""
    events: list[tuple[int, int, int, int]] = [(instant, number, MISSING, NOWHERE) for instant in track.found]
    for one in track.judged:
        codes = one.codes
        last = codes[0]
        events.append((one.instants[0], number, NOWHERE, last))
        if codes.count(last) == len(codes):
            continue
        for instant, code in zip(one.instants, codes, strict=True):
            if code != last:
                events.append((instant, number, last, code))
                last = code
    return events


def confirmed_at(track: Track, instant: int) -> Instant | None:
    """The oldest of the newest words that meet the criterion at an instant: how fresh it is. None when none meets."""
    oldest: int | None = None
    for one in track.judged:
        place = bisect_right(one.instants, instant) - 1
        if place >= 0 and one.codes[place] == Judgement.MEETS:
            confirmed = one.instants[place]
            oldest = confirmed if oldest is None else min(oldest, confirmed)
    return None if oldest is None else Instant(oldest)


def words_between(tracks: Sequence[Track], after: int, before: float) -> list[int]:
    """The instants of all words strictly between two instants, each once, in order."""
    found: set[int] = set()
    for track in tracks:
        for one in track.judged:
            begin = bisect_right(one.instants, after)
            for instant in one.instants[begin:]:
                if instant >= before:
                    break
                found.add(instant)
    return sorted(found)
