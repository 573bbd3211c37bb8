"""Terraform's graph read as dependencies between resources, and what they suggest about the plan. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from infratrack.api import InputError, LinkSuggestion, Project, Wanted
from infratrack_terraform.addresses import matcher
from infratrack_terraform.criterion_parts import normal_directory

_EDGE: Final = re.compile(r'^\s*"((?:[^"\\]|\\.)*)" -> "((?:[^"\\]|\\.)*)"', re.MULTILINE)
_INDEX: Final = re.compile(r'\[(?:\*|\d+|"(?:[^"\\]|\\.)*")\]')
_NODE: Final = re.compile(
    r"(?:module\.[\w-]+\.)*(?!data\.|module\.|var\.|local\.|output\.|provider)[A-Za-z]\w*\.[\w-]+"
)
_MOST_TOLD: Final = 2

Graph = Mapping[str, frozenset[str]]
"""Resource → the resources that it refers to, without indexes."""


def read_graph(dot: str) -> Graph:
    """The edges between managed resources of `terraform graph`, of old and new versions alike."""
    edges: dict[str, set[str]] = {}
    for tail, head in _EDGE.findall(dot):
        user, used = _resource(tail), _resource(head)
        if user and used and user != used:
            edges.setdefault(user, set()).add(used)
            edges.setdefault(used, set())
    return _only_resources({user: frozenset(used) for user, used in edges.items()})


def _resource(node: str) -> str:
    """The address in a node's name; what is no resource (a variable, an output) keeps a mark, so that paths go on."""
    return _INDEX.sub("", node.replace('\\"', '"').removeprefix("[root] ").removesuffix(" (expand)"))


def _only_resources(edges: Graph) -> Graph:
    """Resources only; what one refers to through variables, outputs and the like it refers to itself."""
    return {
        node: _reached(edges, node, lambda one: _NODE.fullmatch(one) is None) for node in edges if _NODE.fullmatch(node)
    }


def _reached(edges: Graph, start: str, passed: Any) -> frozenset[str]:  # noqa: ANN401 -- a test of a name
    """What can be reached from a node by way of nodes that are `passed`; those are not part of it."""
    found: set[str] = set()
    seen = {start}
    waiting = [start]
    while waiting:
        for node in edges.get(waiting.pop(), ()):
            if node in seen:
                continue
            seen.add(node)
            if passed(node):
                waiting.append(node)
            else:
                found.add(node)
    return frozenset(found)


def owners_of(graph: Graph, root: str, deliverables: Mapping[str, Wanted]) -> dict[str, frozenset[str]]:
    """Resource → the deliverables whose criteria name it."""
    owned: dict[str, set[str]] = {node: set() for node in graph}
    for name, wanted in deliverables.items():
        for pattern in _patterns(wanted, root):
            matches = matcher(pattern)
            for node in graph:
                if matches(node):
                    owned[node].add(name)
    return {node: frozenset(names) for node, names in owned.items()}


def _patterns(wanted: Wanted, root: str) -> Iterable[str]:
    for criterion, uses in wanted.items():
        for one in uses if criterion.startswith("terraform.") else ():
            pattern = one.get("resources", one.get("address"))
            directory = one.get("directory")
            if isinstance(pattern, str) and (directory is None or _same_folder(directory, root)):
                yield _INDEX.sub("", pattern)


def _same_folder(directory: object, root: str) -> bool:
    try:
        return isinstance(directory, str) and normal_directory(directory) == root
    except InputError:
        return False


def suggestions(graph: Graph, root: str, deliverables: Mapping[str, Wanted], project: Project) -> list[LinkSuggestion]:
    """Tasks that should depend on one another since their resources do, and resources that nobody answers for."""
    owners = owners_of(graph, root, deliverables)
    return [*_dependencies(graph, root, owners, project), *_unclaimed(graph, root, owners)]


def _dependencies(
    graph: Graph, root: str, owners: Mapping[str, frozenset[str]], project: Project
) -> list[LinkSuggestion]:
    task_of = {one.id: one.task for one in project.deliverables}
    told: dict[tuple[str, str], list[str]] = {}
    for user in sorted(graph):
        for used in sorted(_reached(graph, user, lambda node: not owners[node])):
            if owners[user] & owners[used]:
                continue
            tasks = ({task_of.get(name) for name in owners[one]} for one in (user, used))
            later, earlier = ({task for task in found if task} for found in tasks)
            for pair in ((one, other) for one in later - earlier for other in earlier - later):
                told.setdefault(pair, []).append(f"{user} refers to {used}")
    return [
        LinkSuggestion("task_depends", later, earlier, f"in {root}, {_some(reasons)}")
        for (later, earlier), reasons in sorted(told.items())
    ]


def _unclaimed(graph: Graph, root: str, owners: Mapping[str, frozenset[str]]) -> list[LinkSuggestion]:
    """Resources that no deliverable names, and that those of one deliverable alone rest on."""
    users: dict[str, set[str]] = {}
    why: dict[str, str] = {}
    for user in sorted(graph):
        for used in graph[user]:
            if owners[user] and not owners[used]:
                users.setdefault(used, set()).update(owners[user])
                why.setdefault(used, user)
    return [
        LinkSuggestion(
            "deliverable_criterion",
            next(iter(names)),
            msgspec.json.encode({"terraform.applied": {"resources": used, "directory": root}}).decode(),
            f"in {root}, {why[used]} refers to {used}, which no deliverable names",
        )
        for used, names in sorted(users.items())
        if len(names) == 1
    ]


def _some(reasons: list[str]) -> str:
    more = f" and {len(reasons) - _MOST_TOLD} more" if len(reasons) > _MOST_TOLD else ""
    return ", ".join(reasons[:_MOST_TOLD]) + more
