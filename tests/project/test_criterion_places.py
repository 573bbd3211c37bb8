"""Where criteria stand in the project's files."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from infratrack.plugin_manager import load_plugins
from infratrack.project.criterion_places import CriterionPlace, criterion_places
from infratrack.project.files import load_project
from infratrack.project.model import Deliverable, Project

MAIN = """\
infratrack: 1
project: {id: dc-west, name: West}
include: [more/*.yaml]
deliverables:
  - id: core
    name: Core
    done_when:
      all:
        - command.succeeded: {command: "true a"}
        - any:
            - not:
                command.succeeded: {command: "true b"}
            - at_least:
                n: 1
                of:
                  - command.succeeded: {command: "true c"}
"""
MORE = """\
deliverables:
  - {id: edge, name: Edge, done_when: {command.succeeded: {command: "true d"}}}
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "edge.yaml").write_text(MORE, encoding="utf-8")
    (tmp_path / "infratrack.yaml").write_text(MAIN, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "infratrack.yaml"


def project(file: Path) -> Project:
    return load_project(file, load_plugins().schemas)


def test_every_criterion_has_its_line_in_the_order_of_the_tree(file: Path) -> None:
    places = criterion_places(project(file), file, {"core", "edge"})
    assert places == {
        ("core", 0): CriterionPlace("infratrack.yaml", 9, 11),
        ("core", 1): CriterionPlace("infratrack.yaml", 12, 17),
        ("core", 2): CriterionPlace("infratrack.yaml", 16, 21),
        ("edge", 0): CriterionPlace("more/edge.yaml", 2, 40),
    }


def test_only_what_is_wanted_is_looked_for(file: Path) -> None:
    assert set(criterion_places(project(file), file, {"edge"})) == {("edge", 0)}
    assert criterion_places(project(file), file, set()) == {}


def test_another_version_of_the_file_gives_the_nearest_place_or_none(file: Path) -> None:
    known = project(file)
    edge = next(one for one in known.deliverables if one.id == "edge")
    core = next(one for one in known.deliverables if one.id == "core")
    other = structs.replace(known, deliverables=(structs.replace(edge, done_when=core.done_when), _gone(edge)))
    places = criterion_places(other, file, {"edge", "gone"})
    assert {place.line for place in places.values()} == {2}
    assert {name for name, _ in places} == {"edge"}


def _gone(edge: Deliverable) -> Deliverable:
    return structs.replace(edge, id="gone")
