"""Trees of three values keep the laws that people expect of and, or and not."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from infratrack.progress.criterion import Decision
from infratrack.progress.tree import Branch, Leaf, Negation, Node, blamed, evaluate, flatten
from infratrack.project.model import AllOf, AnyOf, AtLeast, Condition, CriterionCall, Not

CALLS = tuple(CriterionCall(f"c{number}", {}) for number in range(4))
A, B, C, _ = CALLS
YES, NO, OPEN = Decision.SATISFIED, Decision.UNSATISFIED, Decision.UNKNOWN

leaves = st.sampled_from(CALLS)
conditions: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: AllOf(tuple(found))),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: AnyOf(tuple(found))),
        inner.map(Not),
        st.tuples(st.integers(1, 3), st.lists(inner, min_size=3, max_size=3)).map(
            lambda found: AtLeast(found[0], tuple(found[1]))
        ),
    ),
    max_leaves=8,
)
decisions = st.dictionaries(leaves.map(lambda call: call.name), st.sampled_from(Decision))


def answer(condition: Condition, known: dict[str, Decision]) -> Decision:
    node, calls = flatten(condition)
    return evaluate(node, [known.get(call.name, OPEN) for call in calls])


def test_leaves_are_numbered_as_written() -> None:
    node, calls = flatten(AllOf((A, AtLeast(2, (B, Not(C), A)))))
    assert calls == (A, B, C, A)
    assert node == Branch("all", 2, (Leaf(0), Branch("at_least", 2, (Leaf(1), Negation(Leaf(2)), Leaf(3)))))


def test_kleene_tables() -> None:
    for left, right in itertools.product(Decision, repeat=2):
        known = {"c0": left, "c1": right}
        assert answer(AllOf((A, B)), known) == min(left, right)
        assert answer(AnyOf((A, B)), known) == max(left, right)
        assert answer(Not(A), known) == {YES: NO, NO: YES, OPEN: OPEN}[left]


def test_nothing_follows_from_no_conditions() -> None:
    assert answer(AllOf(()), {}) == NO
    assert answer(AnyOf(()), {}) == NO
    assert answer(AtLeast(0, ()), {}) == NO


@given(conditions, decisions)
def test_twice_not_is_nothing(condition: Condition, known: dict[str, Decision]) -> None:
    assert answer(Not(Not(condition)), known) == answer(condition, known)


@given(st.lists(conditions, min_size=1, max_size=4), decisions)
def test_de_morgan(parts: list[Condition], known: dict[str, Decision]) -> None:
    negated = tuple(Not(part) for part in parts)
    assert answer(Not(AllOf(tuple(parts))), known) == answer(AnyOf(negated), known)
    assert answer(Not(AnyOf(tuple(parts))), known) == answer(AllOf(negated), known)


@given(st.lists(conditions, min_size=1, max_size=4), decisions)
def test_at_least_one_is_any_and_at_least_all_is_all(parts: list[Condition], known: dict[str, Decision]) -> None:
    assert answer(AtLeast(1, tuple(parts)), known) == answer(AnyOf(tuple(parts)), known)
    assert answer(AtLeast(len(parts), tuple(parts)), known) == answer(AllOf(tuple(parts)), known)


@given(conditions, decisions, st.sampled_from([YES, NO]))
def test_what_is_settled_stays_settled_when_more_becomes_known(
    condition: Condition, known: dict[str, Decision], learnt: Decision
) -> None:
    before = answer(condition, known)
    after = answer(condition, {call.name: learnt for call in CALLS} | {k: v for k, v in known.items() if v != OPEN})
    assert before in {OPEN, after}


@given(conditions, decisions)
def test_turning_what_is_blamed_satisfies_the_tree(condition: Condition, known: dict[str, Decision]) -> None:
    node, calls = flatten(condition)
    found = [known.get(call.name, OPEN) for call in calls]
    to_turn = blamed(node, found)
    assert bool(to_turn) is (evaluate(node, found) != YES)
    turned = list(found)
    for number in to_turn:
        turned[number] = _wanted(node, number, YES)
    assert evaluate(node, turned) == YES


def _wanted(node: Node, number: int, wanted: Decision) -> Decision:
    """What the leaf would have to be for the tree to be as wanted."""
    if isinstance(node, Leaf):
        return wanted if node.number == number else OPEN
    if isinstance(node, Negation):
        return _wanted(node.child, number, Decision(2 - wanted))
    found: Sequence[Decision] = [_wanted(child, number, wanted) for child in node.children]
    return next((one for one in found if one != OPEN), OPEN)
