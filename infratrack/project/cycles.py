"""Cycles among dependencies: each named in full, so that somebody can decide where to cut it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping, Sequence


def find_cycles(edges: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """Cycles that share no name, each as short as can be, its first name repeated at the end.

    `edges` leads from each name to those that it depends on. Cutting every cycle that is returned may uncover others.
    """
    dependants: dict[str, list[str]] = {name: [] for name in edges}
    waits_for = dict.fromkeys(edges, 0)
    for name, targets in edges.items():
        for target in targets:
            if target in dependants:
                dependants[target].append(name)
                waits_for[name] += 1
    left = dict.fromkeys(edges)
    _take_out([name for name, count in waits_for.items() if not count], left, dependants, waits_for)
    cycles = []
    while left:
        cycle = _shortest_cycle(_somebody_on_a_cycle(left, edges), left, edges)
        cycles.append(cycle)
        _take_out(sorted(set(cycle)), left, dependants, waits_for)
    return cycles


def _take_out(
    names: list[str], left: dict[str, None], dependants: Mapping[str, Sequence[str]], waits_for: dict[str, int]
) -> None:
    """Take names out, and with them every name that then waits for nothing more."""
    waiting = deque(names)
    while waiting:
        name = waiting.popleft()
        if name not in left:
            continue
        del left[name]
        for dependant in dependants[name]:
            waits_for[dependant] -= 1
            if not waits_for[dependant]:
                waiting.append(dependant)


def _somebody_on_a_cycle(left: Collection[str], edges: Mapping[str, Sequence[str]]) -> str:
    """Every name that is left depends on another one that is left, so a walk must come back to where it was."""
    seen: set[str] = set()
    name = next(iter(left))
    while name not in seen:
        seen.add(name)
        name = next(target for target in edges[name] if target in left)
    return name


def _shortest_cycle(first: str, left: Collection[str], edges: Mapping[str, Sequence[str]]) -> list[str]:
    """The shortest way from a name on a cycle back to it."""
    came_from: dict[str, str] = {}
    waiting = deque([first])
    while first not in came_from:
        name = waiting.popleft()
        for target in edges[name]:
            if target in left and target not in came_from:
                came_from[target] = name
                waiting.append(target)
    way = [first, came_from[first]]
    while way[-1] != first:
        way.append(came_from[way[-1]])
    return way[::-1]
