"""The chain of states: whatever honest runs do gives no break, whatever somebody does without evidence gives one."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infratrack.api import Instant
from infratrack_terraform.state_chain import EMPTY, GRACE, SKEW, Break, Chain, Look, Run, State, follow

SECOND = 1_000_000
LINE = "79a64faa"


def state(serial: int, content: str = "", lineage: str = LINE) -> State:
    return State(lineage, serial, f"sha256:{lineage}{serial}{content}") if serial else EMPTY


def run(before: int | State | None, after: int | State | None, at: float, took: float = 1, **more: Any) -> Run:
    """A run that ended at `at` (seconds) after `took`."""
    states = [state(one) if isinstance(one, int) else one for one in (before, after)]
    values: dict[str, Any] = {"evidence": f"sha256:run-{at}", **more}
    started, ended = Instant(int((at - took) * SECOND)), Instant(int(at * SECOND))
    return Run(f"run-{at}", started=started, ended=ended, before=states[0], after=states[1], **values)


def look(seen: int | State, at: float, *addresses: str, evidence: str = "") -> Look:
    there = state(seen) if isinstance(seen, int) else seen
    return Look(Instant(int(at * SECOND)), there, frozenset(addresses), evidence or f"sha256:look-{at}")


def kinds(chain: Chain) -> list[tuple[str, int, int]]:
    return [(one.kind, one.before.serial, one.after.serial) for one in chain.breaks]


def test_runs_that_fit_together_have_no_break_however_far_one_moves_the_serial() -> None:
    chain = follow([run(0, 2, 10), run(2, 4_711, 20), run(4_711, 4_711, 30)], [look(4_711, 40)])
    assert chain == Chain((), begins=Instant(9 * SECOND), from_nothing=True)


def test_an_apply_between_two_runs_is_named_with_what_came_before_and_after() -> None:
    (found,) = follow([run(1, 2, 10), run(4, 5, 20)], []).breaks
    assert found == Break(
        kind="moved",
        before=state(2),
        after=state(4),
        earliest=Instant(10 * SECOND),
        latest=Instant(19 * SECOND),
        origin="sha256:run-10",
    )


def test_an_apply_after_the_last_run_shows_when_somebody_looks_and_names_what_is_new_and_gone() -> None:
    left = run(1, 2, 10, addresses=frozenset({"a", "b"}))
    (found,) = follow([left], [look(3, 20, "b", "c")]).breaks
    assert (found.appeared, found.gone) == (("c",), ("a",))


@pytest.mark.parametrize(
    ("seen", "kind"),
    [
        (state(1), "restored"),
        (state(9, lineage="other"), "replaced"),
        (EMPTY, "removed"),
        (state(2, "forced"), "rewritten"),
        (state(3), "moved"),
    ],
)
def test_each_way_to_tamper_has_its_name(seen: State, kind: str) -> None:
    assert [one.kind for one in follow([run(1, 2, 10)], [look(seen, 20)]).breaks] == [kind]


def test_a_first_state_that_no_run_made_was_made_without_evidence() -> None:
    assert kinds(follow([], [look(0, 5), look(1, 10)])) == [("moved", 0, 1)]


def test_what_was_there_at_first_contact_is_no_break() -> None:
    chain = follow([run(7, 8, 10)], [look(8, 20)])
    assert (chain.breaks, chain.begins, chain.from_nothing) == ((), 9 * SECOND, False)
    assert follow([], []) == Chain((), None)


def test_a_break_is_told_once_however_often_somebody_looks() -> None:
    first = follow([run(1, 2, 10)], [look(3, 20)])
    assert follow([run(1, 2, 10)], [look(3, 20), look(3, 30), look(3, 40)]).breaks == first.breaks


def test_each_restore_is_a_break_of_its_own() -> None:
    chain = follow([run(1, 2, 10), run(1, 2, 20)], [look(1, 30)])
    assert kinds(chain) == [("restored", 2, 1), ("restored", 2, 1)]
    assert len({one.origin for one in chain.breaks}) == 2


def test_a_run_that_waits_for_the_lock_has_read_the_state_before_the_other_run_moved_it() -> None:
    assert kinds(follow([run(1, 3, 10, took=8), run(1, 5, 20, took=15)], [look(5, 30)])) == []


def test_a_run_that_reads_the_state_while_another_one_moves_it_sees_something_in_between() -> None:
    assert kinds(follow([run(1, 9, 20, took=15), run(4, 4, 10, took=1)], [look(9, 30)])) == []
    assert kinds(follow([run(1, 9, 20, took=15), run(4, 4, 25, took=10)], [])) == [("restored", 9, 4)]


def test_looking_while_a_run_is_going_on_is_no_break() -> None:
    assert kinds(follow([run(1, 9, 20, took=15)], [look(1, 2), look(5, 10), look(9, 30)])) == []


def test_a_run_may_read_what_it_left_after_the_next_one_has_begun() -> None:
    assert kinds(follow([run(1, 4, 10), run(3, 4, 12)], [look(4, 20)])) == []
    late = 13 + GRACE / SECOND
    assert kinds(follow([run(1, 4, 10), run(3, 4, late)], [])) == [("restored", 4, 3)]


def test_another_lineage_is_never_something_in_between() -> None:
    other = state(4, lineage="other")
    assert kinds(follow([run(1, 9, 20, took=15), run(other, other, 10)], [])) != []


def test_two_runs_whose_clocks_are_a_little_apart_are_put_in_order() -> None:
    assert kinds(follow([run(2, 3, 10), run(1, 2, 11)], [look(3, 20)])) == []
    assert kinds(follow([run(0, 1, 1), run(2, 3, 10), run(1, 2, 11)], [look(3, 20)])) == []
    late = 12 + SKEW / SECOND
    assert kinds(follow([run(2, 3, 10), run(1, 2, late)], [])) == [("restored", 3, 1)]


def test_a_restore_right_after_a_run_is_not_taken_for_clocks_that_are_apart() -> None:
    assert kinds(follow([run(1, 2, 10), run(1, 2, 13), run(2, 3, 15)], [look(3, 20)])) == [("restored", 2, 1)]


def test_a_lost_run_may_have_moved_the_state() -> None:
    lost = run(1, None, 15, took=5, lost=True)
    (found,) = follow([run(0, 1, 5), lost], [look(3, 20)]).breaks
    assert (found.lost, found.kind) == (lost, "moved")
    assert follow([run(0, 1, 5), lost], [look(1, 20)]).breaks == ()


def test_a_lost_run_that_was_found_to_be_over_late_counts_from_its_start() -> None:
    lost = run(1, None, 100, took=90, lost=True)
    (found,) = follow([run(0, 1, 5), lost, run(3, 4, 50)], [look(4, 60)]).breaks
    assert found.lost == lost


def test_a_lost_run_does_not_set_a_state_back_nor_explain_what_came_after_the_next_word() -> None:
    lost = run(2, None, 15, lost=True)
    (back,) = follow([run(1, 2, 10), lost], [look(1, 20)]).breaks
    assert back.lost is None
    (later,) = follow([run(1, 2, 10), lost], [look(2, 20), look(3, 30)]).breaks
    assert later.lost is None


def test_a_run_that_told_nothing_of_the_state_is_taken_to_have_moved_it_and_counted() -> None:
    chain = follow([run(1, 2, 10), run(None, None, 15)], [look(5, 20), look(6, 30)])
    assert (kinds(chain), chain.unread) == ([("moved", 5, 6)], 1)
    assert kinds(follow([run(1, 2, 10), run(None, None, 15)], [look(1, 20)])) == [("restored", 2, 1)]


def test_a_run_that_told_only_what_it_left_is_believed() -> None:
    assert kinds(follow([run(1, 2, 10), run(None, 7, 15)], [look(7, 20)])) == []
    assert follow([run(None, 7, 15)], []).begins == 15 * SECOND


def test_what_is_not_known_to_have_been_there_is_neither_new_nor_gone() -> None:
    (found,) = follow([run(1, 2, 10)], [look(3, 20, "a")]).breaks
    assert (found.appeared, found.gone) == (None, None)
    (found,) = follow([run(1, 0, 10)], [look(3, 20, "a")]).breaks
    assert found.appeared == ("a",)
    (found,) = follow([run(1, 2, 10)], [look(2, 15, "a"), look(3, 20, "a", "b")]).breaks
    assert (found.appeared, found.gone) == (("b",), ())


def test_what_a_run_made_and_removed_is_added_to_what_was_known() -> None:
    first = run(0, 1, 10)
    second = run(1, 2, 20, made=frozenset({"b", "c"}), removed=frozenset({"a"}))
    looks = [look(1, 15, "a", "b")]
    (found,) = follow([first, second], [*looks, look(3, 30, "b")]).breaks
    assert (found.appeared, found.gone) == ((), ("c",))
    (unknown,) = follow([first, run(0, 2, 20, took=15, made=frozenset({"b"}))], [*looks, look(3, 30, "b")]).breaks
    assert unknown.gone is None


class World:
    """A root as it really moves: honest runs one after the other, some of them overlapping, and people behind them."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 -- the same story every time
        self.serial = 0
        self.content = 0
        self.at = 10.0
        self.runs: list[Run] = []
        self.looks: list[Look] = []

    def now(self) -> State:
        return state(self.serial, str(self.content))

    def move(self, by: int) -> None:
        self.serial += by
        self.content += bool(by)

    def honest(self, by: int, wait: int) -> None:
        """A run that read the state, waited for the lock, and moved the state."""
        before = self.now()
        self.at += 1
        started = self.at
        if wait:
            inner = self.now()
            self.move(by)
            self.at += 1
            self.runs.append(run(inner, self.now(), self.at, took=0.5))
        self.at += 1
        self.move(by)
        self.at += 1
        self.runs.append(run(before, self.now(), self.at, took=self.at - started))
        self.at += 1

    def seen(self) -> None:
        self.at += 1
        self.looks.append(look(self.now(), self.at))
        self.at += 1


steps = st.lists(
    st.one_of(
        st.tuples(st.just("run"), st.integers(0, 3_000), st.integers(0, 1)),
        st.tuples(st.just("look"), st.just(0), st.just(0)),
    ),
    max_size=12,
)


@given(steps, st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_honest_runs_never_break_the_chain_in_whatever_order_their_evidence_comes(
    story: list[tuple[str, int, int]], seed: int
) -> None:
    world = World(seed)
    for what, by, wait in story:
        world.honest(by, wait) if what == "run" else world.seen()
    world.seen()
    world.random.shuffle(world.runs)
    world.random.shuffle(world.looks)
    assert follow(world.runs, world.looks).breaks == ()


@given(steps, steps, st.integers(1, 3_000), st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_whatever_is_done_without_evidence_is_found_once(
    earlier: list[tuple[str, int, int]], later: list[tuple[str, int, int]], by: int, seed: int
) -> None:
    world = World(seed)
    world.seen()
    for what, moved, wait in earlier:
        world.honest(moved, wait) if what == "run" else world.seen()
    before = world.now()
    world.move(by)
    after = world.now()
    world.at += 300
    for what, moved, wait in later:
        world.honest(moved, wait) if what == "run" else world.seen()
    world.seen()
    world.random.shuffle(world.runs)
    (found,) = follow(world.runs, world.looks).breaks
    assert (found.kind, found.before, found.after) == ("moved", before, after)
