"""What would be true if a plan were carried out: by the same rules as what is true, and leaving no trace."""

from __future__ import annotations

from pathlib import Path

from infratrack.progress.criterion import Word
from infratrack.progress.foreseen import Foreseen, PlannedChange
from infratrack.progress.look_ahead import foreseen_state, touched_deliverables
from infratrack.progress.status import ProjectState, Status
from infratrack.project.model import AllOf
from infratrack.values import Instant
from tests.progress.world import DAY, T0, World, fine, promised

LATER = Instant(T0 + 30 * DAY)


def foresee(**words: str) -> Foreseen:
    changes = tuple(PlannedChange("create", name) for name in words)
    return Foreseen("infra", changes, tuple(Word("toy", "", name, {"is": said}) for name, said in words.items()))


def ahead(world: World, *foreseen: Foreseen) -> ProjectState | None:
    index = world.refreshed()
    try:
        return foreseen_state(world.project, index, world.criteria, world.trust, LATER, foreseen)
    finally:
        index.close()


def statuses(state: ProjectState | None) -> dict[str, Status]:
    assert state is not None
    return {one.id: one.status for one in state.deliverables}


def test_what_a_plan_brings_completes_and_what_it_takes_away_regresses() -> None:
    world = World(promised("a", fine("a")), promised("b", fine("b")), promised("c", AllOf((fine("a"), fine("c")))))
    world.say(T0, a="bad", b="ok", c="ok")
    found = ahead(world, foresee(a="ok", b="gone"))
    assert statuses(found) == {"a": Status.COMPLETE, "b": Status.REGRESSED, "c": Status.COMPLETE}
    assert statuses(world.state()) == {"a": Status.IN_PROGRESS, "b": Status.COMPLETE, "c": Status.IN_PROGRESS}


def test_nothing_foreseen_changes_nothing() -> None:
    world = World(promised("a", fine("a")))
    world.say(T0, a="ok")
    assert statuses(ahead(world)) == {"a": Status.COMPLETE}


def test_a_word_that_a_plan_cannot_know_regresses_nothing_to_a_certainty() -> None:
    world = World(promised("a", AllOf((fine("a"), fine("b")))))
    world.say(T0, b="ok")
    assert statuses(ahead(world, foresee(a="dunno"))) == {"a": Status.IN_PROGRESS}


def test_the_index_on_disk_knows_nothing_of_it(tmp_path: Path) -> None:
    world = World(promised("a", fine("a")), index=tmp_path / "facts.db")
    world.say(T0, a="bad")
    before = world.state()
    assert statuses(ahead(world, foresee(a="ok"))) == {"a": Status.COMPLETE}
    assert world.state() == before


def test_where_no_signers_key_is_in_use_nothing_can_be_foreseen() -> None:
    world = World(promised("a", fine("a")))
    world.say(T0, a="ok")
    world.end_key(T0 + 1, "ci", by="ci")
    assert ahead(world, foresee(a="gone")) is None
    assert ahead(World(promised("a", fine("a")), signers=()), foresee(a="ok")) is None


def test_a_deliverable_is_touched_by_the_changes_that_its_criteria_speak_of() -> None:
    world = World(promised("a", fine("a*")), promised("b", fine("b")), promised("none", fine("z")))
    foreseen = Foreseen(
        "infra",
        (PlannedChange("create", "a1"), PlannedChange("delete", "b")),
        (
            Word("toy", "", "a1", {"is": "ok"}),
            Word("toy", "", "a2", {"is": "ok"}),
            Word("toy", "", "b\x1fpart", {"is": "ok"}),
            Word("toy", "", "b", {"is": "gone"}),
        ),
    )
    touched = touched_deliverables(world.project, world.criteria, world.trust, [foreseen])
    assert touched == {"a": (PlannedChange("create", "a1"),), "b": (PlannedChange("delete", "b"),)}
