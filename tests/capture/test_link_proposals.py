"""Which suggested links are proposed, and that what is proposed can be pasted."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from infratrack.capture.link_proposals import links_document, links_yaml, missing_links
from infratrack.hookspecs import LinkSuggestion
from infratrack.project.model import Dependency, Project, Task
from tests.progress.world import a_project, promised

TASKS = (
    Task("racks", "Racks"),
    Task("cables", "Cables", depends=(Dependency("racks"),)),
    Task("net", "Net", depends=(Dependency("cables"),), deliverables=("core",)),
    Task("dns", "DNS"),
)


def project() -> Project:
    core, loose = promised("core"), promised("loose")
    from msgspec import structs

    return a_project(structs.replace(core, task="net"), structs.replace(loose, task=None), tasks=TASKS)


def suggestion(source: str, target: str, kind: Any = "task_depends", reason: str = "seen") -> LinkSuggestion:
    return LinkSuggestion(kind, source, target, reason)


def proposed(*suggestions: LinkSuggestion) -> list[tuple[str, str]]:
    return [(one.source, one.target) for one in missing_links((("toy", one) for one in suggestions), project())]


def test_a_dependency_that_the_project_lacks_is_proposed_once_in_the_projects_order() -> None:
    found = proposed(suggestion("dns", "net"), suggestion("net", "dns"), suggestion("dns", "net"))
    assert found == [("dns", "net")]
    assert proposed(suggestion("dns", "racks"), suggestion("cables", "dns")) == [("cables", "dns"), ("dns", "racks")]
    assert proposed(suggestion("dns", "racks"), suggestion("net", "dns")) == [("net", "dns"), ("dns", "racks")]


@pytest.mark.parametrize(
    ("source", "target"),
    [("cables", "racks"), ("net", "racks"), ("racks", "net"), ("dns", "dns"), ("nobody", "dns"), ("dns", "nobody")],
)
def test_what_is_there_already_or_makes_a_circle_or_names_nothing_is_left_out(source: str, target: str) -> None:
    assert proposed(suggestion(source, target)) == []


def test_two_proposals_never_make_a_circle_together() -> None:
    assert proposed(suggestion("dns", "racks"), suggestion("racks", "dns")) == [("dns", "racks")]


def test_a_deliverable_gets_a_task_where_it_has_none_and_a_criterion_anywhere() -> None:
    criterion = '{"terraform.applied":{"resources":"a.b"}}'
    found = proposed(
        suggestion("loose", "net", "deliverable_task"),
        suggestion("core", "dns", "deliverable_task"),
        suggestion("loose", "nobody", "deliverable_task"),
        suggestion("core", criterion, "deliverable_criterion"),
        suggestion("core", " ", "deliverable_criterion"),
        suggestion("nobody", criterion, "deliverable_criterion"),
        suggestion("core", "x", "odd"),
    )
    assert sorted(found) == [("core", criterion), ("loose", "net")]


def test_what_is_proposed_is_yaml_with_the_reasons_as_comments() -> None:
    criterion = '{"terraform.applied":{"resources":"a.b","directory":"infra"}}'
    links = missing_links(
        [
            ("terraform", suggestion("dns", "net", reason="in infra,\na refers\x1b to b")),
            ("netbox", suggestion("dns", "racks")),
            ("toy", suggestion("loose", "net", "deliverable_task")),
            ("toy", suggestion("core", criterion, "deliverable_criterion")),
        ],
        project(),
    )
    written = links_yaml(links)
    assert "      # terraform: in infra, a refers to b\n      - net\n" in written
    assert yaml.safe_load(written) == {
        "tasks": [{"id": "dns", "depends": ["net"]}, {"id": "net", "deliverables": ["loose"]}],
        "deliverables": [
            {"id": "core", "done_when": [{"terraform.applied": {"resources": "a.b", "directory": "infra"}}]}
        ],
    }


def test_nothing_to_propose_is_nothing() -> None:
    assert links_yaml([]) == ""
    assert links_document([], {"netbox": "no URL"}) == {"links": [], "notLooked": {"netbox": "no URL"}}


def test_json_says_who_suggests_what_and_why() -> None:
    links = missing_links([("toy", suggestion("dns", "net"))], project())
    assert links_document(links, {})["links"] == [
        {"by": "toy", "kind": "task_depends", "source": "dns", "target": "net", "reason": "seen"}
    ]
