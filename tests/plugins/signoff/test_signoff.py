"""`signoff`: people are counted, never keys."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.api import SUBJECT_SEPARATOR, BindContext, Decision, InputError, Word, parse_duration
from infratrack.project.model import Person
from infratrack.testing.builders import finding, verdict
from infratrack.testing.criteria import CriterionContract
from infratrack_signoff.criteria import Signoff

CONTEXT = BindContext(
    deliverable="core-vlans",
    people=(
        Person("ana", roles=("lead", "approver")),
        Person("ben", roles=("approver",)),
        Person("cleo", roles=("approver",)),
    ),
    person_of_key={"ana-laptop": "ana", "ana-token": "ana", "ben-key": "ben", "cleo-key": "cleo"},
)


def signoff(keyid: str, decision: str = "accepted", deliverable: str = "core-vlans") -> Word:
    name = deliverable + SUBJECT_SEPARATOR + keyid
    return Word("signoff", "", name, {"decision": decision, "keyid": keyid})


def decide(parameters: Mapping[str, object], *words: Word) -> Decision:
    return verdict(Signoff(), parameters, words, CONTEXT)


class TestContract(CriterionContract):
    criterion = Signoff()


def test_a_sign_off_by_the_person_named_satisfies() -> None:
    assert decide({"by": "ana"}, signoff("ana-laptop")) is Decision.SATISFIED
    assert decide({"by": "ana"}, signoff("ben-key")) is Decision.UNKNOWN
    assert decide({"by": "ana"}) is Decision.UNKNOWN


def test_all_people_of_a_list_are_needed_unless_a_count_says_fewer() -> None:
    both = {"by": ["ana", "ben"]}
    assert decide(both, signoff("ana-token")) is Decision.UNKNOWN
    assert decide(both, signoff("ana-token"), signoff("ben-key")) is Decision.SATISFIED
    assert decide(both | {"count": 1}, signoff("ben-key")) is Decision.SATISFIED


def test_anybody_with_the_role_will_do() -> None:
    assert decide({"role": "lead"}, signoff("ben-key")) is Decision.UNKNOWN
    assert decide({"role": "lead"}, signoff("ana-laptop")) is Decision.SATISFIED
    assert decide({"role": "approver"}, signoff("cleo-key")) is Decision.SATISFIED


def test_anybody_of_the_project_will_do_when_nobody_is_named() -> None:
    assert decide({}, signoff("cleo-key")) is Decision.SATISFIED


def test_two_keys_of_one_person_count_once() -> None:
    two = {"role": "approver", "count": 2}
    assert decide(two, signoff("ana-laptop"), signoff("ana-token")) is Decision.UNKNOWN
    assert decide(two, signoff("ana-laptop"), signoff("ana-token"), signoff("ben-key")) is Decision.SATISFIED


def test_a_machine_key_never_counts() -> None:
    assert decide({}, signoff("ci-key")) is Decision.UNKNOWN


def test_a_sign_off_of_another_deliverable_says_nothing() -> None:
    assert decide({}, signoff("ana-laptop", deliverable="core-vlans-2")) is Decision.UNKNOWN


def test_a_newer_reopening_beats_an_older_sign_off_and_the_other_way_round() -> None:
    accepted, reopened = signoff("ben-key"), signoff("ben-key", "reopened")
    assert decide({"by": "ben"}, accepted, reopened) is Decision.UNSATISFIED
    assert decide({"by": "ben"}, reopened, accepted) is Decision.SATISFIED


def test_one_persons_reopening_leaves_the_others_sign_offs() -> None:
    words = [signoff("ana-laptop"), signoff("ben-key"), signoff("cleo-key", "reopened")]
    assert decide({"role": "approver", "count": 2}, *words) is Decision.SATISFIED
    assert decide({"role": "approver", "count": 3}, *words) is Decision.UNSATISFIED


def test_of_somebody_who_signed_both_ways_with_two_keys_the_newest_word_counts() -> None:
    accepted, reopened = signoff("ana-laptop"), signoff("ana-token", "reopened")
    assert decide({"by": "ana"}, reopened, accepted) is Decision.SATISFIED
    assert decide({"by": "ana"}, accepted, reopened) is Decision.UNSATISFIED
    assert decide({"role": "approver", "count": 2}, accepted, reopened, signoff("ben-key")) is Decision.UNSATISFIED
    found = finding(Signoff(), {"by": "ana"}, [reopened, accepted], CONTEXT)
    assert [(name, judged.note) for (_, _, name), judged in found.judged.items()] == [("sign-off by ana", "signed off")]


def test_a_word_that_is_no_decision_says_nothing() -> None:
    assert decide({"by": "ben"}, signoff("ben-key"), signoff("ben-key", "maybe")) is Decision.SATISFIED


def test_people_who_are_not_in_the_project_are_refused() -> None:
    with pytest.raises(InputError, match="names 'zoe', who is not under `people`") as refused:
        Signoff().bind({"by": "zoe"}, CONTEXT)
    assert refused.value.hint == "people of this project: ana, ben, cleo"
    with pytest.raises(InputError) as refused:
        Signoff().bind({"by": ["ana"]}, BindContext("d"))
    assert refused.value.hint == "people of this project: none yet"


def test_more_people_than_named_cannot_be_asked_for() -> None:
    with pytest.raises(InputError, match="asks for 3 people but names 2"):
        Signoff().bind({"by": ["ana", "ben"], "count": 3}, CONTEXT)


def test_a_role_that_nobody_has_is_unknown_and_says_so() -> None:
    rule = Signoff().bind({"role": "architect"}, CONTEXT)
    assert rule.selectors == ()
    assert rule.wants == "sign-off by 1: nobody under `people` has the role 'architect' yet"
    assert decide({"role": "architect"}, signoff("ana-laptop")) is Decision.UNKNOWN
    assert Signoff().bind({}, BindContext("d")).wants == "sign-off by 1: nobody stands under `people` yet"


def test_what_it_wants_names_the_people() -> None:
    assert Signoff().bind({"by": ["ana", "ben"]}, CONTEXT).wants == "`infratrack accept` by ana and ben"
    assert Signoff().bind({"role": "approver"}, CONTEXT).wants == "`infratrack accept` by 1 of ana, ben, cleo"
    assert Signoff().bind({"within": "30d", "keep": True}, CONTEXT).within == parse_duration("30d")
    assert finding(Signoff(), {"by": "ana"}, [], CONTEXT).missing == ("sign-off by ana",)


KEYS = tuple(CONTEXT.person_of_key)


@given(
    st.lists(st.tuples(st.sampled_from([*KEYS, "ci-key"]), st.sampled_from(["accepted", "reopened"])), max_size=8),
    st.integers(1, 3),
)
def test_it_counts_people_by_each_ones_newest_word(signed: list[tuple[str, str]], count: int) -> None:
    decision = decide({"role": "approver", "count": count}, *itertools.starmap(signoff, signed))
    last = {CONTEXT.person_of_key[key]: word for key, word in signed if key in KEYS}
    if sum(word == "accepted" for word in last.values()) >= count:
        assert decision is Decision.SATISFIED
    else:
        assert decision is (Decision.UNSATISFIED if "reopened" in last.values() else Decision.UNKNOWN)
