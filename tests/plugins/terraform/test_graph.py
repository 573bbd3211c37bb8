"""Terraform's graph as dependencies, and the links that it suggests."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infratrack.api import Deliverable, InputError, LinkSuggestion, ObserveContext, Pipeline, Project, Task, Unreachable
from infratrack.project.model import CriterionCall, Definition, Step
from infratrack.values import sha256_digest
from infratrack_terraform.graph import read_graph, suggestions
from infratrack_terraform.links import TerraformLinks

if TYPE_CHECKING:
    from tests.plugins.terraform.conftest import Stage

NEW = """digraph G {
  rankdir = "RL";
  "a.b" [label="a.b"];
  "a.b" -> "module.m.a.c";
  "module.m.a.c" -> "a.d";
}
"""
OLD = """digraph {
\t"[root] a.b (expand)" -> "[root] local.x (expand)"
\t"[root] local.x (expand)" -> "[root] module.m.output.y (expand)"
\t"[root] module.m.output.y (expand)" -> "[root] module.m.a.c (expand)"
\t"[root] module.m.a.c (expand)" -> "[root] module.m.var.z (expand)"
\t"[root] module.m.var.z (expand)" -> "[root] a.d[\\"k\\"]"
\t"[root] a.d (expand)" -> "[root] provider[\\"terraform.io/builtin/terraform\\"]"
\t"[root] a.d (expand)" -> "[root] data.a.e (expand)"
}
"""
EXPECTED = {"a.b": {"module.m.a.c"}, "module.m.a.c": {"a.d"}, "a.d": set()}


@pytest.mark.parametrize("dot", [NEW, OLD])
def test_only_references_between_resources_remain_also_through_variables_and_outputs(dot: str) -> None:
    assert read_graph(dot) == EXPECTED


@given(st.text(alphabet='"[]()ab.->\\ \n', max_size=80))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_as_far_as_it_goes(dot: str) -> None:
    graph = read_graph(dot)
    assert all(used in graph for found in graph.values() for used in found)


def test_a_circle_in_the_graph_ends() -> None:
    assert read_graph('"a.b" -> "a.b"') == {}
    assert read_graph('"a.b" -> "local.x"\n"local.x" -> "local.y"\n"local.y" -> "local.x"\n"local.x" -> "a.c"') == {
        "a.b": {"a.c"},
        "a.c": set(),
    }


def project(**tasks: str | None) -> Project:
    """Deliverable → its task."""
    call = CriterionCall("command.succeeded", {})
    deliverables = tuple(Deliverable(name, name, call, task=task) for name, task in tasks.items())
    ids = dict.fromkeys(task for task in tasks.values() if task)
    return Project(
        "p",
        "P",
        Definition(sha256_digest(b""), b""),
        tasks=tuple(Task(one, one) for one in ids),
        deliverables=deliverables,
    )


def wants(**patterns: str) -> Mapping[str, Any]:
    return {name: {"terraform.applied": ({"resources": one, "directory": "infra"},)} for name, one in patterns.items()}


GRAPH: Mapping[str, frozenset[str]] = {name: frozenset(used) for name, used in EXPECTED.items()}


def test_tasks_depend_on_one_another_as_their_resources_do() -> None:
    found = suggestions(GRAPH, "infra", wants(x="a.b[*]", y="module.m.*"), project(x="later", y="earlier"))
    assert found[0] == LinkSuggestion("task_depends", "later", "earlier", "in infra, a.b refers to module.m.a.c")


def test_also_by_way_of_resources_that_nobody_names_which_are_proposed_where_only_one_rests_on_them() -> None:
    found = suggestions(GRAPH, "infra", wants(x="a.b", y="a.d"), project(x="later", y="earlier"))
    assert found == [
        LinkSuggestion("task_depends", "later", "earlier", "in infra, a.b refers to a.d"),
        LinkSuggestion(
            "deliverable_criterion",
            "x",
            '{"terraform.applied":{"resources":"module.m.a.c","directory":"infra"}}',
            "in infra, a.b refers to module.m.a.c, which no deliverable names",
        ),
    ]


def test_what_both_answer_for_and_what_has_no_task_suggests_nothing() -> None:
    assert suggestions(GRAPH, "infra", wants(x="*", y="a.d"), project(x="later", y="earlier")) == []
    assert suggestions(GRAPH, "infra", wants(x="a.b", y="module.m.*", z="a.d"), project(x=None, y="t", z="t")) == []


def test_a_resource_under_two_deliverables_is_proposed_to_neither() -> None:
    graph = {"a.b": frozenset({"a.d"}), "a.c": frozenset({"a.d"}), "a.d": frozenset[str]()}
    assert suggestions(graph, "infra", wants(x="a.b", y="a.c"), project(x="t", y="t")) == []


def test_criteria_on_other_roots_say_nothing() -> None:
    wanted: Mapping[str, Any] = {
        "x": {"terraform.applied": ({"resources": "a.b", "directory": "/infra"},), "git.merged": ({"path": "a.b"},)},
        "y": {"terraform.resource": ({"address": "module.m.a.c"},), "terraform.converged": ({},)},
    }
    found = suggestions(GRAPH, "infra", wanted, project(x="later", y="earlier"))
    assert [one.source for one in found] == ["y"], "one without a folder is about any"


def test_many_references_are_cut() -> None:
    graph = {f"a.x{number}": frozenset({"b.y"}) for number in range(5)} | {"b.y": frozenset[str]()}
    (one,) = suggestions(graph, "infra", wants(x="a.*", y="b.*"), project(x="later", y="earlier"))
    assert one.reason.endswith("a.x1 refers to b.y and 3 more")


def context(folder: Path, environment: Mapping[str, str], *directories: str) -> ObserveContext:
    steps = tuple(Step("terraform.apply", {"directory": one}) for one in directories)
    return ObserveContext(
        folder,
        environment,
        {},
        deliverables=wants(x="terraform_data.b", y="terraform_data.a"),
        pipelines=(Pipeline("p", steps),),
    )


@pytest.mark.slow
def test_a_real_graph(stage: Stage) -> None:
    stage.write(
        'resource "terraform_data" "a" {}\nlocals { a = terraform_data.a.id }\n'
        'resource "terraform_data" "b" { input = local.a }\n'
    )
    assert stage.terraform("init").returncode == 0
    (stage.folder / "broken").mkdir()
    (stage.folder / "broken" / "main.tf").write_text('module "m" { source = "./nowhere" }\n')
    plan = project(x="later", y="earlier")
    found = TerraformLinks().suggest(context(stage.folder, stage.environment, "broken", "infra", "infra"), plan)
    assert [(one.kind, one.source, one.target) for one in found] == [("task_depends", "later", "earlier")]
    with pytest.raises(Unreachable, match="terraform graph ended with exit code 1"):
        TerraformLinks().suggest(context(stage.folder, stage.environment, "broken"), plan)


def test_without_a_root_or_terraform_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "infra").mkdir()
    with pytest.raises(InputError, match="no pipeline applies"):
        TerraformLinks().suggest(context(tmp_path, os.environ), project())
    with pytest.raises(Unreachable, match="on PATH"):
        TerraformLinks().suggest(context(tmp_path, {"PATH": "/nowhere"}, "infra"), project())
