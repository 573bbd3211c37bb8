"""Cables between the devices of different tasks suggest dependencies."""

from __future__ import annotations

from typing import Any

from infratrack.api import Digest, LinkSuggestion
from infratrack.project.model import AllOf, Definition, Deliverable, Dependency, Project, Task
from infratrack_netbox.links import owners_of, suggestions


def project(*tasks: Task) -> Project:
    deliverables = tuple(Deliverable(f"d-{task.id}", "", AllOf(()), task=task.id) for task in tasks)
    loose = Deliverable("loose", "", AllOf(()))
    definition = Definition(Digest("sha256:" + "0" * 64), b"{}")
    return Project("p", "P", definition, tasks=tasks, deliverables=(*deliverables, loose))


def task(name: str, *depends: str) -> Task:
    return Task(name, name, depends=tuple(Dependency(one) for one in depends))


def end(device: int | None, name: str) -> list[dict[str, Any]]:
    nested = {"device": {"id": device, "name": f"dev-{device}"}} if device is not None else {}
    return [{"object_type": "dcim.interface", "object": {"name": name, **nested}}]


def cable(one: int | None, other: int | None) -> dict[str, Any]:
    return {"id": 1, "a_terminations": end(one, "eth0"), "b_terminations": end(other, "eth1")}


OWNERS = {"1": frozenset({"core"}), "2": frozenset({"leaves"}), "3": frozenset({"core", "leaves"})}


def test_devices_belong_to_the_tasks_of_the_deliverables_that_rest_on_them() -> None:
    records = {"d-core": ["1", "3"], "d-leaves": ["2", "3"], "loose": ["4"], "unknown": ["5"]}
    assert owners_of(records, project(task("core"), task("leaves"))) == OWNERS


def test_the_later_task_is_taken_to_depend_on_the_earlier_one() -> None:
    found = suggestions([cable(2, 1)], OWNERS, project(task("core"), task("leaves")))
    reason = "NetBox has cables between their devices: dev-2 eth0 – dev-1 eth1"
    assert found == [LinkSuggestion("task_depends", "leaves", "core", reason)]


def test_several_cables_between_two_tasks_are_one_suggestion() -> None:
    (found,) = suggestions([cable(1, 2)] * 4, OWNERS, project(task("core"), task("leaves")))
    assert found.reason.endswith("dev-1 eth0 – dev-2 eth1, dev-1 eth0 – dev-2 eth1 and 2 more")


def test_tasks_that_depend_on_each_other_already_need_no_link() -> None:
    direct = project(task("core"), task("leaves", "core"))
    through = project(task("core", "mid"), task("mid", "leaves"), task("leaves"))
    assert suggestions([cable(1, 2)], OWNERS, direct) == []
    assert suggestions([cable(1, 2)], OWNERS, through) == []


def test_a_circle_of_dependencies_ends() -> None:
    circle = project(task("core", "x"), task("leaves"), task("x", "core"))
    assert len(suggestions([cable(1, 2)], OWNERS, circle)) == 1


def test_cables_within_a_task_or_that_lead_elsewhere_suggest_nothing() -> None:
    world = project(task("core"), task("leaves"))
    odd = [cable(1, 1), cable(1, 3), cable(1, 99), cable(1, None), {}, {"a_terminations": 7, "b_terminations": [7]}]
    assert suggestions(odd, OWNERS, world) == []


def test_a_cable_with_an_end_that_is_not_shown_is_still_told() -> None:
    half = {"a_terminations": end(1, "eth0"), "b_terminations": [{}, *end(2, "eth1")]}
    (found,) = suggestions([half], OWNERS, project(task("core"), task("leaves")))
    assert found.reason.endswith("dev-1 eth0 – ?")
