"""`done_when` as a tree of three values (Kleene): all, any, not, at_least.

A condition is flattened once into a tree of leaf numbers; afterwards the tree is evaluated over the leaves' decisions.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from infratrack.progress.criterion import Decision
from infratrack.project.model import AllOf, AnyOf, Condition, CriterionCall, Not


class Leaf(Struct, frozen=True, tag="leaf"):
    """One criterion: its number in the list of leaves."""

    number: int


class Branch(Struct, frozen=True, tag="branch"):
    """`n` of the children are needed (`all`: every one, `any`: one); `word` is how the author wrote it.

    `n` is at least one: nothing follows from no conditions.
    """

    word: str
    n: int
    children: tuple[Node, ...]


class Negation(Struct, frozen=True, tag="not"):
    """The child must not be met."""

    child: Node


Node = Leaf | Branch | Negation


def flatten(condition: Condition) -> tuple[Node, tuple[CriterionCall, ...]]:
    """The tree and its leaves, numbered in the order in which they are written."""
    leaves: list[CriterionCall] = []
    return _node(condition, leaves), tuple(leaves)


def _node(condition: Condition, leaves: list[CriterionCall]) -> Node:
    if isinstance(condition, CriterionCall):
        leaves.append(condition)
        return Leaf(len(leaves) - 1)
    if isinstance(condition, Not):
        return Negation(_node(condition.condition, leaves))
    children = tuple(_node(one, leaves) for one in condition.conditions)
    if isinstance(condition, AllOf):
        return Branch("all", max(1, len(children)), children)
    if isinstance(condition, AnyOf):
        return Branch("any", 1, children)
    return Branch("at_least", max(1, condition.n), children)


def evaluate(node: Node, decisions: Sequence[Decision]) -> Decision:
    """What the tree says, given what each leaf says. Unknown only where the unknown leaves could turn the answer."""
    if isinstance(node, Leaf):
        return decisions[node.number]
    if isinstance(node, Negation):
        return Decision(2 - evaluate(node.child, decisions))
    found = [evaluate(child, decisions) for child in node.children]
    satisfied = found.count(Decision.SATISFIED)
    if satisfied >= node.n:
        return Decision.SATISFIED
    if satisfied + found.count(Decision.UNKNOWN) >= node.n:
        return Decision.UNKNOWN
    return Decision.UNSATISFIED


def blamed(node: Node, decisions: Sequence[Decision]) -> tuple[int, ...]:
    """The leaves that keep the tree from being satisfied, in order; empty when it is satisfied."""
    return tuple(_blamed(node, decisions, Decision.SATISFIED))


def _blamed(node: Node, decisions: Sequence[Decision], wanted: Decision) -> list[int]:
    if evaluate(node, decisions) == wanted:
        return []
    if isinstance(node, Leaf):
        return [node.number]
    if isinstance(node, Negation):
        return _blamed(node.child, decisions, Decision(2 - wanted))
    return [number for child in node.children for number in _blamed(child, decisions, wanted)]
