from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from infratrack.project.cycles import find_cycles


def test_no_cycle_in_a_tree_and_names_that_nobody_knows_do_not_matter() -> None:
    assert find_cycles({"a": ["b", "c"], "b": ["c"], "c": ["unknown"]}) == []


def test_a_task_that_depends_on_itself_is_a_cycle() -> None:
    assert find_cycles({"a": ["a"]}) == [["a", "a"]]


def test_the_shortest_cycle_is_named_in_full() -> None:
    assert find_cycles({"a": ["b"], "b": ["c", "a"], "c": ["a"], "d": ["a"]}) == [["a", "b", "a"]]


def test_cycles_that_share_nothing_are_all_named() -> None:
    assert find_cycles({"a": ["b"], "b": ["a"], "x": ["y"], "y": ["x"]}) == [["a", "b", "a"], ["x", "y", "x"]]


def test_a_walk_that_begins_beside_the_cycle_finds_it() -> None:
    assert find_cycles({"z": ["a"], "a": ["b"], "b": ["a"]}) == [["a", "b", "a"]]


def test_ten_thousand_names_in_a_circle_are_no_trouble() -> None:
    size = 10_000
    edges = {str(n): [str((n + 1) % size)] for n in range(size)}
    (cycle,) = find_cycles(edges)
    assert len(cycle) == size + 1


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=10, max_size=10))
def test_every_cycle_named_is_one_and_none_named_means_none_there(graph: list[list[int]]) -> None:
    edges = {str(n): [str(m) for m in targets] for n, targets in enumerate(graph)}
    cycles = find_cycles(edges)
    for cycle in cycles:
        assert cycle[0] == cycle[-1]
        assert all(b in edges[a] for a, b in itertools.pairwise(cycle))
    reach = {name: set(targets) for name, targets in edges.items()}
    for middle in edges:
        for name in edges:
            if middle in reach[name]:
                reach[name] |= reach[middle]
    assert bool(cycles) == any(name in reach[name] for name in edges)
