from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.project import definition
from infratrack.project.definition import project_from_definition
from infratrack.project.model import (
    AllOf,
    AnyOf,
    AtLeast,
    Calendar,
    CriterionCall,
    Dependency,
    Not,
    Person,
    Pipeline,
    Project,
    Step,
    ThreePoint,
)
from infratrack.project.wanted import wanted_by_deliverable, wanted_facts
from infratrack.values import sha256_digest

HOUR = 3_600_000_000
WHOLE = """\
infratrack: 1
project: {id: p, name: P, start: 2026-01-05}
ledger: sqlite:///x.db
calendar: {working_days: [mon, tue], hours_per_day: 6, holidays: [2026-04-03]}
people: [{id: anna, name: Anna, roles: [lead], forge_logins: {github: a}, from: 2026-01-01, to: 2026-12-31}]
systems: [{id: core, name: Core, environment: production, regimes: [sox]}]
phases: [{id: build, name: Build}, {id: out, name: Out, exit: {signoff: {role: lead}}}]
milestones: [{id: m, name: M, committed: 2026-02-01, phase: build, depends: [a]}]
tasks:
  - {id: a, name: A, phase: build, owner: anna, duration: 1w, tags: [x]}
  - {id: b, name: B, effort: 40h, depends: [a], deliverables: [d]}
  - id: c
    name: C
    three_point: {optimistic: 1d, likely: 2d, pessimistic: 3d}
    depends: [{task: a, type: SS, lag: -1d}]
deliverables:
  - id: d
    name: D
    weight: 2.5
    owner: lead
    accepted_by: [lead]
    tags: [y]
    done_when:
      all:
        - any: [signoff: , terraform.output: {name: x}]
        - not: {signoff: {by: anna, within: 7d, keep: true}}
        - at_least: {n: 1, of: [signoff: ]}
  - {id: e, name: E, task: c, done_when: {signoff: }}
pipelines:
  - id: q
    name: Q
    system: core
    deliverables: [d]
    tasks: [a]
    steps: [{name: s, command: {argv: [x]}}, terraform.plan: ]
"""


@pytest.fixture
def whole(load: Callable[..., Project]) -> Project:
    return load(WHOLE)


def test_everything_that_is_written_stands_in_the_values(whole: Project) -> None:
    day = 6 * HOUR
    assert (whole.id, whole.name, whole.start, whole.ledger) == ("p", "P", "2026-01-05", "sqlite:///x.db")
    assert whole.calendar == Calendar(("mon", "tue"), 6, ("2026-04-03",))
    assert whole.people == (Person("anna", "Anna", (), {"github": "a"}, ("lead",), "2026-01-01", "2026-12-31"),)
    a, b, c = whole.tasks
    assert (a.duration, b.effort, a.tags) == (2 * day, 40 * HOUR, ("x",))
    assert c.three_point == ThreePoint(day, 2 * day, 3 * day)  # type: ignore[arg-type]  # plain numbers read better here
    assert (b.depends, c.depends) == ((Dependency("a"),), (Dependency("a", "SS", -day),))  # type: ignore[arg-type]  # likewise
    assert (b.deliverables, c.deliverables) == (("d",), ("e",))
    d, e = whole.deliverables
    assert (d.task, e.task, d.weight, e.weight) == ("b", "c", 2.5, 1)
    signoff = CriterionCall("signoff", {})
    assert d.done_when == AllOf(
        (
            AnyOf((signoff, CriterionCall("terraform.output", {"name": "x"}))),
            Not(CriterionCall("signoff", {"by": "anna", "within": "7d", "keep": True})),
            AtLeast(1, (signoff,)),
        )
    )
    steps = (Step("command", {"argv": ["x"]}, "s"), Step("terraform.plan", {}))
    assert whole.pipelines == (Pipeline("q", steps, "Q", "core", ("d",), ("a",)),)


def test_a_project_is_made_again_from_its_definition(whole: Project) -> None:
    assert project_from_definition(whole.definition.document) == whole
    assert whole.definition.digest == sha256_digest(whole.definition.document)


def test_the_definition_does_not_depend_on_how_the_file_is_written(load: Callable[..., Project]) -> None:
    one = load("infratrack: 1\nproject: {id: p, name: P}\ntasks: [{id: a, name: A}]\n")
    same = load("# words\nproject:\n  name: P\n  id: p\ntasks:\n- name: A\n  id: a\ninfratrack: 1\n")
    assert one.definition == same.definition


def test_wanted_facts_are_the_parameters_of_every_use(whole: Project) -> None:
    assert wanted_facts(whole) == {
        "signoff": ({}, {"by": "anna", "within": "7d", "keep": True}, {}, {}, {"role": "lead"}),
        "terraform.output": ({"name": "x"},),
    }


def test_what_each_deliverable_wants_adds_up_to_what_deliverables_want(whole: Project) -> None:
    wanted = wanted_by_deliverable(whole)
    assert list(wanted) == [one.id for one in whole.deliverables]
    uses = [(name, parameters) for one in wanted.values() for name, calls in one.items() for parameters in calls]
    assert ("terraform.output", {"name": "x"}) in uses
    assert ("signoff", {"by": "anna", "within": "7d", "keep": True}) in uses


def test_criteria_of_another_day_are_taken_as_they_are() -> None:
    document = {
        "files": {},
        "project": {
            "infratrack": 1,
            "project": {"id": "p", "name": "P"},
            "deliverables": [{"id": "d", "name": "D", "done_when": {"old.one": {"x": 1}}}],
            "pipelines": [{"id": "q", "steps": [{"old.step": None}, {"name": "n", "old.step": {}}]}],
        },
    }
    project = project_from_definition(msgspec.json.encode(document))
    assert project.deliverables[0].done_when == CriterionCall("old.one", {"x": 1})
    assert [step.name for step in project.pipelines[0].steps] == [None, "n"]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"files": {}, "project": {}}',
        b'{"files": {}, "project": {"infratrack": 1, "project": {"id": "p", "name": "P"}}, "more": 1}',
        (
            b'{"files": {}, "project": {"infratrack": 1, "project": {"id": "p", "name": "P"}, "pipelines": '
            b'[{"id": "q", "steps": [{"name": "only"}]}]}}'
        ),
        (
            b'{"files": {}, "project": {"infratrack": 1, "project": {"id": "p", "name": "P"}, "pipelines": '
            b'[{"id": "q", "steps": [{"a.b": {}, "c.d": {}}]}]}}'
        ),
        (
            b'{"files": {}, "project": {"infratrack": 1, "project": {"id": "p", "name": "P"}, "tasks": '
            b'[{"id": "a", "name": "A", "duration": "9999999w"}]}}'
        ),
        b'{"files": {}, "project": ' + b'{"a":' * 100_000,
    ],
)
def test_what_is_no_definition_is_a_sentence(document: bytes) -> None:
    with pytest.raises(InputError, match="the definition document"):
        project_from_definition(document)


def test_a_definition_without_bounds_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(definition, "DOCUMENT_AT_MOST", 3)
    with pytest.raises(InputError, match="too large"):
        project_from_definition(b"{}  ")


@given(st.binary(max_size=200))
def test_any_bytes_are_a_project_or_a_sentence(document: bytes) -> None:
    with pytest.raises(InputError):
        project_from_definition(document)
