"""Changes that no evidence explains: written down, read as words, told of in status, in whatever order they come."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infratrack.progress.fold import explained_deliverable
from infratrack.progress.index.schema import PROJECTION
from infratrack.progress.status import ProjectState, UnrecordedChange
from infratrack.progress.unrecorded import (
    LONGEST_NAME,
    LONGEST_TEXT,
    MOST_DELIVERABLES,
    Change,
    ChangedThing,
    UnrecordedEvidence,
    changes_result,
    last_look,
    line,
    still_unrecorded,
    unrecorded_in,
)
from infratrack.testing.builders import predicate
from infratrack.testing.evidence_types import EvidenceTypeContract
from infratrack.values import Instant
from tests.progress.world import DAY, HOUR, T0, TOY, Toy, World, promised

CHANGES = "urn:infratrack:evidence:sky-changes:v1"
KIND = UnrecordedEvidence(CHANGES, "changes above")
SKY = "sky north"


def change(name: str, *, recorded: bool = False, at: int | None = T0, **more: Any) -> Change:
    when = None if at is None else Instant(at)
    values = {"by": "eve", "what": f"moved {name}", "subject": ChangedThing("star", name, name), "action": "update"}
    return Change(name, when, recorded=recorded, **{**values, **more})


def result(*changes: Change, source: str = SKY, **more: Any) -> dict[str, Any]:
    values = {"since": None, "until": Instant(T0 + HOUR), **more}
    return changes_result(changes, source=source, **values)


class TestUnrecordedEvidence(EvidenceTypeContract):
    evidence_type = KIND
    examples = (
        predicate(
            result(change("a", deliverables=("d",), before={"x": 1}, after={"x": 2}), change("b", recorded=True))
        ),
    )

    def test_what_is_written_fits_the_schema_and_so_does_its_example(self) -> None:
        for example in (*KIND.schema["examples"], self.examples[0]["result"], result()):
            jsonschema.Draft202012Validator(KIND.schema).validate(example)


def test_a_word_says_who_when_and_what_and_of_recorded_changes_only_that() -> None:
    said = KIND.words(predicate(result(change("a", deliverables=("d",)), change("b", recorded=True))))
    assert [(word.kind, word.scope, word.name, word.value) for word in said] == [
        (
            "unrecorded",
            SKY,
            "a",
            {
                "recorded": False,
                "at": "2026-01-05T09:00:00.000000Z",
                "by": "eve",
                "what": "moved a",
                "deliverables": ["d"],
            },
        ),
        ("unrecorded", SKY, "b", {"recorded": True}),
    ]


def test_what_a_source_says_is_cut_short_and_holds_nothing_that_a_terminal_obeys() -> None:
    hostile = change("a\n\x1b[2J\ud800", by="e" * 9_999, what="w\x07 " * 999, deliverables=tuple(map(str, range(99))))
    (word,) = KIND.words(predicate(result(hostile)))
    assert word.name == "a [2J"
    assert len(word.value["by"]) == LONGEST_NAME
    assert len(word.value["what"]) == LONGEST_TEXT
    assert word.value["what"].isprintable()
    assert len(word.value["deliverables"]) == MOST_DELIVERABLES


@pytest.mark.parametrize("at", ["yesterday", "2026-13-05T09:00:00.000000Z", 7, None])
def test_a_time_that_is_none_is_not_known(at: object) -> None:
    content = result(change("a"))
    content["changes"][0]["at"] = at
    assert KIND.words(predicate(content))[0].value["at"] is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["result", "changes", "id", "at", "recorded", "source", "deliverables", "subject"]),
                inner,
            )
        ),
        max_leaves=20,
    )
)
@settings(max_examples=200, deadline=None)
def test_nothing_that_may_stand_in_evidence_makes_it_raise(content: Any) -> None:
    hostile: Mapping[str, Any] = content if isinstance(content, dict) else {"result": {"changes": [content]}}
    for word in KIND.words(hostile):
        (word.scope + word.name).encode()
    assert "\n" not in KIND.summary(hostile)
    still_unrecorded([hostile], SKY)
    last_look([hostile], SKY)


@pytest.mark.parametrize(
    ("content", "summary"),
    [
        (result(), f"{SKY}: no unrecorded changes"),
        (result(change("a")), f"{SKY}: 1 unrecorded change"),
        (
            result(change("a"), change("b"), change("c", recorded=True), since=Instant(T0), complete=False),
            f"{SKY}: 2 unrecorded changes, 1 recorded since 2026-01-05 (not everything could be seen)",
        ),
    ],
)
def test_the_summary_counts(content: dict[str, Any], summary: str) -> None:
    assert KIND.summary(predicate(content)) == summary


def test_a_change_that_is_listed_twice_is_one() -> None:
    assert KIND.summary(predicate(result(change("a"), change("a")))) == f"{SKY}: 1 unrecorded change"


def test_the_last_look_is_the_newest_complete_one_through_the_same_source() -> None:
    looks = [
        result(until=Instant(T0 + 2 * HOUR)),
        result(until=Instant(T0 + 3 * HOUR)),
        result(until=Instant(T0 + 9 * HOUR), complete=False),
        result(until=Instant(T0 + 9 * HOUR), source="sky south"),
        result(until=Instant(T0 + HOUR)),
    ]
    assert last_look(map(predicate, looks), SKY) == T0 + 3 * HOUR
    assert last_look(map(predicate, looks), SKY, incomplete_too=True) == T0 + 9 * HOUR
    assert last_look([predicate({"source": SKY, "complete": True, "until": "soon"})], SKY) is None
    assert last_look([], SKY) is None


def test_a_look_that_left_a_gap_does_not_count_as_the_last() -> None:
    looks = [
        result(since=Instant(T0), until=Instant(T0 + HOUR)),
        result(since=Instant(T0 + 5 * HOUR), until=Instant(T0 + 6 * HOUR)),
        result(since=Instant(T0 + HOUR), until=Instant(T0 + 2 * HOUR)),
        result(since=Instant(T0), until=None),
    ]
    assert last_look(map(predicate, looks), SKY) == T0 + 2 * HOUR


def test_what_was_unrecorded_when_seen_last_is_still_so() -> None:
    looks = [
        result(change("a"), change("b"), change("c", at=None, by=None)),
        result(change("b", recorded=True), change("z"), source="sky south"),
        result(change("a", recorded=True)),
        result(change("b", what="moved b again")),
    ]
    found = still_unrecorded(map(predicate, looks), SKY)
    assert found == {"c": change("c", at=None, by=None), "b": change("b", what="moved b again")}


def test_only_what_is_not_called_recorded_is_unrecorded() -> None:
    content = result(change("a"), change("b", recorded=True))
    del content["changes"][0]["recorded"]
    assert [one["id"] for one in unrecorded_in(content)] == ["a"]


def test_a_line_is_one_line() -> None:
    assert line("a\n b\t\x00c", 10) == "a b c"
    assert line("abcdef", 3) == "ab…"
    assert line(7, 10) == ""


class Sky(World):
    """A world in which somebody looks at the sky."""

    def __init__(self, *deliverables: Any, **more: Any) -> None:
        super().__init__(*deliverables, **more)
        self.types = {TOY: Toy(), CHANGES: KIND}

    def look(self, at: int, *changes: Change, key: str = "ci", recorded: int | None = None, **more: Any) -> None:
        payload = self.statement(CHANGES, result(*changes, **more), at=at)
        self.append(payload, CHANGES, key=key, recorded=at if recorded is None else recorded)

    def unrecorded(self, **when: Any) -> list[str]:
        return [one.id for one in self.state(**when).unrecorded]


def test_status_lists_unrecorded_changes_newest_first() -> None:
    sky = Sky()
    sky.look(T0, change("old"), change("new", at=T0 + 5), change("known", recorded=True), change("when", at=None))
    assert sky.unrecorded() == ["new", "old", "when"]
    assert sky.state().unrecorded[1] == UnrecordedChange("old", SKY, Instant(T0), "eve", "moved old", (), 0)


def test_evidence_that_arrives_late_explains_a_change_and_looking_back_does_not_know_it_yet() -> None:
    sky = Sky()
    sky.look(T0, change("a"), change("b"))
    sky.look(T0 + DAY, change("a", recorded=True))
    assert sky.unrecorded() == ["b"]
    assert sky.unrecorded(as_of=T0 + HOUR) == ["a", "b"]
    assert sky.unrecorded(at_size=1) == ["a", "b"]
    assert sky.unrecorded(as_of=T0 - 1) == []


def test_the_same_change_seen_again_counts_once_and_those_of_other_sources_apart() -> None:
    sky = Sky()
    sky.look(T0, change("a"))
    sky.look(T0 + HOUR, change("a"))
    sky.look(T0 + HOUR, change("a"), source="sky south")
    assert len(sky.state().unrecorded) == 2


def test_only_evidence_that_counts_says_that_a_change_is_unrecorded_or_recorded() -> None:
    sky = Sky()
    sky.look(T0, change("a"))
    sky.look(T0 + HOUR, change("a", recorded=True), change("forged"), key="mallory")
    assert sky.unrecorded() == ["a"]


def test_a_word_of_another_plugin_may_hold_anything() -> None:
    class Wild:
        predicate_type = TOY

        def words(self, content: Mapping[str, Any]) -> Any:
            from infratrack.progress.criterion import Word

            values: list[Any] = [
                {"recorded": False},
                {"recorded": False, "at": "soon", "by": 7, "what": [], "deliverables": [1, "d"]},
                {"recorded": "no"},
            ]
            return [Word("unrecorded", "wild", str(number), value) for number, value in enumerate(values)]

    world = World()
    world.types = {TOY: Wild()}
    world.say(T0)
    assert world.state().unrecorded == (
        UnrecordedChange("0", "wild", None, None, "", (), 0),
        UnrecordedChange("1", "wild", None, None, "", ("d",), 0),
    )


def test_an_explanation_names_the_changes_that_concern_the_deliverable() -> None:
    sky = Sky(promised("d"), promised("e"))
    sky.look(T0, change("a", deliverables=("d", "e")), change("b", deliverables=("e",)), change("c"))
    index = sky.refreshed()
    try:
        state = explained_deliverable(sky.project, index, sky.criteria, sky.trust, Instant(T0 + DAY), "d")
    finally:
        index.close()
    assert [one.id for one in state.unrecorded] == ["a"]


def test_the_count_is_the_same_from_a_kept_index(tmp_path: Path) -> None:
    sky = Sky(index=tmp_path / "index.db")
    sky.look(T0, change("a"))
    first: ProjectState = sky.state()
    sky.look(T0 + HOUR, change("b"))
    assert "fold" in PROJECTION
    assert [one.id for one in first.unrecorded] == ["a"]
    assert sky.unrecorded() == ["a", "b"]


looks = st.lists(
    st.tuples(st.integers(0, 6), st.dictionaries(st.sampled_from("abc"), st.booleans(), min_size=1)), max_size=6
)


@given(looks, st.randoms())
@settings(max_examples=60, deadline=None)
def test_the_order_of_delivery_does_not_matter(seen: list[tuple[int, dict[str, bool]]], order: Any) -> None:
    def told(entries: list[int]) -> list[str]:
        sky = Sky()
        payloads = [
            sky.statement(
                CHANGES,
                result(*(change(name, recorded=recorded) for name, recorded in said.items())),
                at=T0 + hour * HOUR,
                run=f"run-{number}",
            )
            for number, (hour, said) in enumerate(seen)
        ]
        for number in entries:
            sky.append(payloads[number], CHANGES, recorded=T0 + DAY)
        return sky.unrecorded()

    shuffled = list(range(len(seen)))
    order.shuffle(shuffled)
    newest: dict[str, bool] = {}
    for _, _, said in sorted((hour, f"run-{number}", said) for number, (hour, said) in enumerate(seen)):
        newest |= said
    assert told(shuffled) == sorted(name for name, recorded in newest.items() if not recorded)
