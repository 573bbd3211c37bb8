"""Narrowing to what was asked about."""

from __future__ import annotations

import pytest

from infratrack.errors import InputError
from infratrack.progress.status import ProjectState
from infratrack.project.model import Phase, Task
from infratrack.report.selection import Question, narrowed, unmet
from tests.progress.world import T0, World, fine, promised


@pytest.fixture
def state() -> ProjectState:
    world = World(
        promised("d", owner="ana", tags=("core",), weight=3),
        promised("e", fine("b")),
        promised("f", fine("c")),
        tasks=(
            Task("t", "T", phase="p", owner="ben", tags=("wan",), deliverables=("d", "e")),
            Task("u", "U", phase="q", deliverables=()),
        ),
        phases=(Phase("p", "P", exit=fine("b")), Phase("q", "Q")),
    )
    world.say(T0, a="ok")
    return world.state()


@pytest.mark.parametrize(
    ("question", "deliverables", "tasks"),
    [
        (Question(), "def", "tu"),
        (Question(deliverables=("d",)), "d", "t"),
        (Question(deliverables=("d", "f")), "df", "t"),
        (Question(tasks=("t",)), "def", "t"),
        (Question(tasks=("u",)), "", "u"),
        (Question(phases=("q",)), "", "u"),
        (Question(tags=("core",)), "d", "t"),
        (Question(tags=("wan",)), "def", "t"),
        (Question(owners=("ana", "ben")), "def", "t"),
        (Question(owners=("ana",), tasks=("u",)), "", ""),
    ],
)
def test_what_is_left(state: ProjectState, question: Question, deliverables: str, tasks: str) -> None:
    left = narrowed(state, question)
    assert "".join(one.id for one in left.deliverables) == deliverables
    assert "".join(one.id for one in left.tasks) == tasks


def test_progress_is_that_of_what_is_left(state: ProjectState) -> None:
    assert state.progress == 0.6
    assert narrowed(state, Question(deliverables=("d",))).progress == 1
    assert narrowed(state, Question(tasks=("u",))).progress is None


@pytest.mark.parametrize(
    ("question", "message", "hint"),
    [
        (Question(deliverables=("dd",)), "the project has no deliverable 'dd'", "did you mean 'd'?"),
        (Question(tasks=("zzz",)), "the project has no task 'zzz'", "the project has t, u"),
        (Question(phases=("r",)), "the project has no phase 'r'", "the project has p, q"),
        (Question(tags=("cor",)), "the project has no tag 'cor'", "did you mean 'core'?"),
        (Question(owners=("anna",)), "the project has no owner 'anna'", "did you mean 'ana'?"),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest(
    state: ProjectState, question: Question, message: str, hint: str
) -> None:
    with pytest.raises(InputError) as caught:
        narrowed(state, question)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_project_without_any_says_so() -> None:
    with pytest.raises(InputError) as caught:
        narrowed(World().state(), Question(tags=("x",)))
    assert caught.value.hint == "the project has no tags"


def test_what_is_not_met(state: ProjectState) -> None:
    assert unmet(state, Question()) == ["e (not started)", "f (not started)"]
    asked = Question(phases=("p",))
    assert unmet(narrowed(state, asked), asked)[-1] == "exit of phase p (not started)"
    met = Question(deliverables=("d",))
    assert unmet(narrowed(state, met), met) == []
