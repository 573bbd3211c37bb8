"""What a plugin gets wrong becomes a reason, never a failure of status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from infratrack.errors import InputError
from infratrack.progress.acceptance import why_not
from infratrack.progress.binding import asked_to_sign, bind_leaf, bind_rule, selected, touches
from infratrack.progress.criterion import (
    BindContext,
    Decision,
    Judged,
    Judgement,
    Rule,
    Selector,
    Tally,
    at_least,
    every,
)
from infratrack.progress.judging import BoundLeaf, History, RuleFailed, decide, judge_words
from infratrack.progress.patterns import SubjectCatalog
from infratrack.progress.status import Status
from infratrack.progress.summary import combined
from infratrack.project.model import AllOf, CriterionCall, Person
from infratrack.values import Instant
from tests.progress.world import CRITERIA, T0, World, fine, promised

CONTEXT = BindContext("d")
CALL = CriterionCall("toy", {})


class Binds:
    """A criterion that binds to whatever it is made with."""

    name = "toy"
    schema: Mapping[str, Any] = {}

    def __init__(self, result: Any) -> None:
        self._result = result

    def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
        if isinstance(self._result, Exception):
            raise self._result
        return self._result  # type: ignore[no-any-return] # a broken plugin may return anything


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (InputError("`min` is more than there are"), "`min` is more than there are"),
        (KeyError("x"), "the criterion toy could not be set up (KeyError: 'x')"),
        ("rule", "the criterion toy gave str where a rule was expected"),
    ],
)
def test_a_criterion_that_does_not_bind(result: object, reason: str) -> None:
    assert bind_rule(CALL, {"toy": Binds(result)}, CONTEXT) == reason


def rule(**more: Any) -> Rule:
    values = {"selectors": (), "judge": lambda _kind, _value: None, "decide": every, "wants": ""}
    return Rule(**{**values, **more})


def broken(name: str) -> bool:
    raise RuntimeError("cannot match")


def test_a_selector_that_raises_is_a_reason_and_is_folded_again() -> None:
    catalog = SubjectCatalog([(1, "k", "", "a")])
    selector = Selector("k", "", match=broken)
    found = selected(CALL, rule(selectors=(selector,)), catalog)
    assert found == "the criterion toy could not look for its subjects (RuntimeError: cannot match)"
    nothing: dict[int, History] = {}
    leaf = bind_leaf(CALL, rule(), found, nothing.__getitem__)
    assert (leaf.rule, leaf.problem) == (None, found)
    assert touches([selector], catalog)
    assert not touches([Selector("k", "b")], catalog)


def test_a_subject_found_twice_counts_once_for_both_selectors() -> None:
    history = History("k", "", "a", [T0], [0], [0])
    twice = Rule((Selector("k"), Selector("k")), _silent, every, "x")
    bound = bind_leaf(CALL, twice, ((7,), (7, 8)), {7: history, 8: History("k", "", "b", [], [], [])}.__getitem__)
    assert bound.histories == (history,)
    assert bound.found_by == ((0,), (0,))


def test_a_decision_that_fails_names_the_criterion() -> None:
    def decides(tally: Tally) -> Decision:
        raise ZeroDivisionError("by nothing")

    leaf = BoundLeaf(CALL, rule(decide=decides))
    track = judge_words(0, leaf, lambda _: {})
    assert decide(0, track, (0, 0, 0, 0, 1)) is Decision.UNKNOWN, "without evidence nobody is asked"
    with pytest.raises(RuleFailed, match="toy failed on the evidence"):
        decide(0, track, (1, 0, 0, 0, 0))


def test_a_decision_that_fails_makes_the_criterion_unknown() -> None:
    class Fails:
        name = "toy.fails"
        schema: Mapping[str, Any] = {}

        def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
            meets = Judged(Judgement.MEETS, "")
            return Rule((Selector("toy", required=False),), lambda _kind, _value: meets, lambda _tally: 1 // 0, "")  # type: ignore[arg-type,return-value] # broken on purpose

    world = World(promised(when=AllOf((fine(), CriterionCall("toy.fails", {})))))
    world.criteria = {**CRITERIA, "toy.fails": Fails()}
    world.say(T0, a="ok")
    assert world.one().status is Status.IN_PROGRESS
    assert "ZeroDivisionError" in world.one().criteria[1].reason


def test_at_least_with_too_few_left() -> None:
    decides = at_least(2)
    assert decides(Tally(meets=1, gone=1)) is Decision.UNSATISFIED
    assert decides(Tally(meets=1, unknown=1)) is Decision.UNKNOWN
    assert decides(Tally(meets=2, gone=5)) is Decision.SATISFIED
    assert decides(Tally(meets=2, fails=1)) is Decision.UNSATISFIED
    assert decides(Tally()) is Decision.UNKNOWN


def test_who_may_sign() -> None:
    at = Instant(T0)
    deliverable = promised(accepted_by=("lead", "ben"))
    people = (Person("ana", roles=("lead",)), Person("ben", start="2026-02-01"), Person("cleo", end="2026-01-04"))
    assert why_not(deliverable, people, "ana", at, at) == ""
    assert why_not(deliverable, people, "eve", at, at) == "eve is not among the project's people"
    assert why_not(deliverable, people, "ben", at, at) == "ben belongs to the project only from 2026-02-01"
    assert why_not(deliverable, people, "cleo", at, at) == "cleo belonged to the project only until 2026-01-04"
    late = "cleo belonged to the project only until 2026-01-04, and this was recorded on 2026-01-05"
    assert why_not(deliverable, people, "cleo", Instant(T0 - 86_400_000_000), at) == late
    assert why_not(promised(), people, "ana", at, at) == "d names nobody under accepted_by"


def test_a_criterion_may_ask_somebody_to_sign() -> None:
    signed = promised(when=AllOf((fine(), CriterionCall("toy.signed", {}), CriterionCall("gone", {}))))
    assert asked_to_sign(signed, CRITERIA, (), {}, "key")
    assert not asked_to_sign(promised(), CRITERIA, (), {}, "key")


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        ([], Status.UNKNOWN),
        ([Status.ACCEPTED, Status.ACCEPTED], Status.ACCEPTED),
        ([Status.ACCEPTED, Status.COMPLETE], Status.COMPLETE),
        ([Status.STALE, Status.COMPLETE], Status.STALE),
        ([Status.NOT_STARTED, Status.COMPLETE], Status.IN_PROGRESS),
        ([Status.REGRESSED, Status.COMPLETE], Status.REGRESSED),
        ([Status.NOT_STARTED, Status.NOT_STARTED], Status.NOT_STARTED),
    ],
)
def test_several_statuses_as_one(statuses: list[Status], status: Status) -> None:
    assert combined(statuses) is status


def test_what_is_not_required_may_be_missing() -> None:
    world = World(promised(when=AllOf((fine("a"), fine("b", required=False)))))
    world.say(T0, a="ok")
    assert world.one().criteria[1].reason == "no evidence yet (wanted: fine subjects)"


def test_a_satisfied_criterion_that_rests_on_nothing_in_particular_does_not_age() -> None:
    class Quiet:
        name = "toy.quiet"
        schema: Mapping[str, Any] = {}

        def bind(self, parameters: Mapping[str, Any], context: BindContext) -> Rule:
            unknown = Judged(Judgement.UNKNOWN, "seen")
            return Rule(
                (Selector("toy"),),
                lambda _kind, _value: unknown,
                lambda _tally: Decision.SATISFIED,
                "",
                within=Instant(1),  # type: ignore[arg-type] # microseconds
            )

    world = World(promised(when=CriterionCall("toy.quiet", {})))
    world.criteria = {"toy.quiet": Quiet()}
    world.say(T0, a="ok")
    assert (world.one().status, world.one().criteria[0].reason) == (Status.COMPLETE, "nothing speaks against it")


def test_somebody_the_definition_that_held_did_not_know_has_no_right_by_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from msgspec import structs

    world = World(promised(accepted_by=("lead",)))
    before = structs.replace(world.project, people=(), deliverables=())
    world.say(T0, a="ok")
    world.sign(T0 + 1)
    definition = world.project.definition
    world.ledger.blobs.kept[definition.digest] = definition.document
    monkeypatch.setattr("infratrack.project.definition.project_from_definition", lambda _document: before)
    world.project = structs.replace(world.project, definition=structs.replace(definition, digest="sha256:" + "1" * 64))
    assert world.one().status is Status.COMPLETE
    assert world.one().notes == ("entry 1 (accepted by ana) does not count: ana is not among the project's people",)


def _silent(kind: str, value: Mapping[str, Any]) -> None:
    """Says nothing."""


def test_what_is_taken_as_one_has_one_history_in_order_of_time_whoever_else_finds_it() -> None:
    said = {
        0: History("toy", "", "a", [1, 5], [10, 50], [100, 500]),
        1: History("toy", "", "b", [1, 3], [11, 30], [101, 300]),
        2: History("toy", "", "c", [], [], []),
    }
    one = Selector("toy", "*", as_one=True, label="all")
    rule = Rule((one, Selector("toy", "a"), Selector("toy", "c", as_one=True)), _silent, every, "x")
    leaf = bind_leaf(CALL, rule, ((0, 1, 2), (0,), (2,)), said.__getitem__)
    assert leaf.found_by == ((0,), (1,), ())
    assert leaf.histories == (History("toy", "", "all", [1, 1, 3, 5], [10, 11, 30, 50], [100, 101, 300, 500]), said[0])
    unnamed = Rule((Selector("toy", "*", as_one=True),), _silent, every, "x")
    assert bind_leaf(CALL, unnamed, ((1, 0),), said.__getitem__).histories[0].name == "b"
