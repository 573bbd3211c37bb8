"""Reasons are sentences that a person can act on."""

from __future__ import annotations

import pytest

from infratrack.progress.criterion import SUBJECT_SEPARATOR, Decision, Judgement, Selector
from infratrack.progress.notes import criterion_changed, lost_runs, not_counted, pieces
from infratrack.progress.reasons import Finding, deciding, moment, scope_name, selector_name, span, subject_name, told
from infratrack.progress.status import OTHER_PROJECT, TWICE, UNREADABLE
from infratrack.values import Instant

HOUR = 3_600_000_000
AT = Instant(1_767_603_600_000_000)


def finding(name: str, note: str = "fine", judgement: Judgement = Judgement.MEETS, scope: str = "") -> Finding:
    return Finding(name, scope, judgement, note, 0, AT)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("a", "a: fine"),
        ("ab", "a and b: fine"),
        ("abcd", "a, b, c and d: fine"),
        ("abcde", "a, b, c and 2 more: fine"),
        ("", ""),
    ],
)
def test_subjects_with_the_same_note_are_told_together(names: str, text: str) -> None:
    assert told([finding(name) for name in names]) == text


def test_different_notes_and_places_are_told_apart_and_not_without_end() -> None:
    assert told([finding("a"), finding("b", "broken"), finding("c", scope="room"), finding("d", "")]) == (
        "a: fine; b: broken; c in room: fine; and 1 more findings"
    )


def test_a_decision_rests_on_what_speaks_for_it() -> None:
    meets, fails, gone = finding("a"), finding("b", "", Judgement.FAILS), finding("c", "", Judgement.GONE)
    unknown = finding("d", "", Judgement.UNKNOWN)
    everything = [meets, fails, gone, unknown]
    assert deciding(Decision.SATISFIED, everything) == [meets]
    assert deciding(Decision.SATISFIED, [gone]) == [gone]
    assert deciding(Decision.UNSATISFIED, everything) == [fails, gone]
    assert deciding(Decision.UNKNOWN, everything) == [unknown]
    assert deciding(Decision.UNKNOWN, []) == []


def test_names_as_people_read_them() -> None:
    assert subject_name(f"site.yml{SUBJECT_SEPARATOR}core-1") == "site.yml › core-1"
    assert scope_name("infra", "x") == "infra"
    assert [scope_name(scope, "x") for scope in (None, "", ".", "*", "x")] == [""] * 5
    assert selector_name(Selector("host", "core-*", scope="site.yml")) == "host core-* in site.yml"
    assert selector_name(Selector("host", "core-", match=str.isalpha)) == "host core-…"
    assert selector_name(Selector("host", label="the host")) == "the host"


@pytest.mark.parametrize(
    ("microseconds", "text"),
    [(0, "0s"), (90 * 1_000_000, "1m 30s"), (24 * HOUR, "1d"), (36 * HOUR + 61_000_000, "1d 12h"), (500, "0s")],
)
def test_spans(microseconds: int, text: str) -> None:
    assert span(microseconds) == text


def test_moments_are_to_the_minute() -> None:
    assert moment(AT) == "2026-01-05 09:00 UTC"


def test_notes_say_what_to_do() -> None:
    assert pieces(2) == "2 pieces of evidence are"
    assert not_counted({OTHER_PROJECT: 1, UNREADABLE: 2, TWICE: 3, "ab12": 0}) == (
        "1 piece of evidence is of another project and not counted",
        "2 pieces of evidence are damaged or unreadable and not counted; run `infratrack ledger verify`",
    )
    assert lost_runs([]) == ()
    assert lost_runs([(AT, None)]) == ()
    assert criterion_changed("sha256:0123456789abcdef", None, AT).endswith(
        "(sha256:0123456789ab…), whose criteria it did not satisfy"
    )
