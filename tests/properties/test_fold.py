"""The fold is a pure function of what was recorded, whatever the order and the number of deliveries."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from infratrack.ledger.entry import LedgerEntry
from infratrack.progress.criterion import Decision
from infratrack.progress.status import DeliverableState, ProjectState
from infratrack.project.model import AllOf, AnyOf, AtLeast, Condition, CriterionCall, Not
from tests.progress.world import HOUR, T0, ToyLedger, World, fine, promised

LATE = T0 + 1_000 * HOUR
"""When everything was recorded: long after it happened, so that recording times say nothing."""

words = st.dictionaries(
    st.sampled_from("abc"), st.sampled_from(["ok", "ok", "bad", "gone", "dunno", "silent"]), max_size=3
)
said = st.tuples(st.just("say"), st.integers(0, 12), words, st.sampled_from(["ci", "ci", "ci", "mallory"]))
signed = st.tuples(
    st.just("sign"),
    st.integers(0, 12),
    st.sampled_from(["accepted", "accepted", "reopened"]),
    st.sampled_from(["ana", "ben", "ci"]),
)
histories = st.lists(st.one_of(said, said, said, signed), max_size=9)

leaves = st.builds(
    fine, st.sampled_from(["a", "b", "*"]), within=st.sampled_from([None, "2h", "5h"]), keep=st.booleans()
)
trees: st.SearchStrategy[Condition] = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda found: AllOf(tuple(found))),
        st.lists(inner, min_size=1, max_size=3).map(lambda found: AnyOf(tuple(found))),
        inner.map(Not),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: AtLeast(2, tuple(found))),
    ),
    max_leaves=4,
)
quickly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def recorded(world: World, events: Sequence[Any]) -> list[LedgerEntry]:
    """Write the events into the world's ledger; what each run says depends on its place in the list only."""
    for number, (what, hour, content, key) in enumerate(events):
        at = T0 + hour * HOUR
        if what == "say":
            world.say(at, key=key, recorded=LATE, run=f"run-{number}", **content)
        else:
            world.sign(at, key, content, run=f"run-{number}")
            world.ledger.lines[-1] = msgspec.structs.replace(world.ledger.lines[-1], recorded_at=LATE)
    return list(world.ledger.lines)


def a_world(tree: Condition, index: Path | None = None) -> World:
    return World(promised("d", tree, accepted_by=("lead",)), promised("e", tree), index=index)


def delivered(tree: Condition, entries: Sequence[LedgerEntry]) -> World:
    """A world to which these entries were delivered in this order."""
    world = a_world(tree)
    world.ledger = ToyLedger()
    for entry in entries:
        world.ledger.append(entry.line, entry.recorded_at, entry.keyid, entry.predicate_type)
    return world


def told(state: ProjectState) -> list[Any]:
    """All of a state that does not name ledger entries, which the order of delivery numbers."""

    def plain(one: DeliverableState) -> Any:
        document = msgspec.to_builtins(one)
        for part in [*document["criteria"], document["acceptance"] or {}]:
            for reference in part.get("evidence") or ():
                if isinstance(reference, dict):
                    reference.pop("index")
        if document["acceptance"]:
            document["acceptance"]["evidence"].pop("index")
        document["notes"] = sorted(note.partition(" (")[2] or note for note in document["notes"])
        for criterion in document["criteria"]:
            criterion["evidence"] = sorted(criterion["evidence"], key=lambda reference: reference["digest"])
        return document

    return [plain(one) for one in state.deliverables]


@contextmanager
def an_index() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "facts.db"


@quickly
@given(trees, histories, st.randoms(use_true_random=False), st.integers(-1, 20))
def test_the_order_of_delivery_does_not_matter(tree: Condition, events: Any, chance: Any, hour: int) -> None:
    entries = recorded(a_world(tree), events)
    shuffled = list(entries)
    chance.shuffle(shuffled)
    as_of = T0 + hour * HOUR
    assert told(delivered(tree, shuffled).state(as_of)) == told(delivered(tree, entries).state(as_of))


@quickly
@given(trees, histories, st.integers(0, 3))
def test_delivering_again_changes_nothing(tree: Condition, events: Any, repeated: int) -> None:
    entries = recorded(a_world(tree), events)
    again = delivered(tree, entries + entries[:repeated])
    assert told(again.state()) == told(delivered(tree, entries).state())


@quickly
@example(CriterionCall("toy.fine", {"name": "a"}), [("say", 1, {"a": "ok"}, "mallory")], [], 0)
@given(trees, histories, st.lists(st.integers(0, 9), max_size=4), st.integers(-1, 20))
def test_looking_in_between_changes_nothing(tree: Condition, events: Any, looks: list[int], hour: int) -> None:
    entries = recorded(a_world(tree), events)
    with an_index() as path:
        looked = a_world(tree, path)
        looked.ledger = ToyLedger()
        for number, entry in enumerate(entries):
            if number in looks:
                looked.state(T0 + hour * HOUR)
            looked.ledger.append(entry.line, entry.recorded_at, entry.keyid, entry.predicate_type)
        assert looked.state() == delivered(tree, entries).state()
        assert looked.state(T0 + hour * HOUR) == delivered(tree, entries).state(T0 + hour * HOUR)


@quickly
@given(trees, histories, st.integers(0, 9))
def test_an_earlier_size_is_the_ledger_of_that_time(tree: Condition, events: Any, size: int) -> None:
    entries = recorded(a_world(tree), events)
    size = min(size, len(entries))
    then = delivered(tree, entries[:size]).state()
    assert delivered(tree, entries).state(at_size=size) == then


@quickly
@given(trees, histories, st.integers(0, 12))
def test_an_earlier_instant_is_a_world_without_what_came_later(tree: Condition, events: Any, hour: int) -> None:
    as_of = T0 + hour * HOUR
    entries = recorded(a_world(tree), events)
    until = [entry for entry, event in zip(entries, events, strict=True) if event[1] <= hour]
    assert told(delivered(tree, entries).state(as_of)) == told(delivered(tree, until).state(as_of))


@quickly
@given(trees, histories)
def test_statuses_keep_their_promises(tree: Condition, events: Any) -> None:
    entries = recorded(a_world(tree), events)
    for one in delivered(tree, entries).state().deliverables:
        if one.status in {"complete", "accepted", "stale", "regressed"}:
            assert one.completed is not None
        if one.status == "not_started":
            assert all(verdict.decision is Decision.UNKNOWN for verdict in one.criteria)
        if one.status == "accepted":
            assert one.accepted_by
            assert one.acceptance is not None
            assert one.finished is not None
            assert one.acceptance.person == "ana"
        assert bool(one.reason) is (one.status not in {"complete", "accepted"})
        assert all(verdict.reason for verdict in one.criteria)
        assert (one.since is None) is (one.status == "not_started")
