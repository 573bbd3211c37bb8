"""How unrecorded changes are told: by `observe` as they were found, by `status` and `explain` as they are known."""

from __future__ import annotations

import io
import json
from typing import Any

from jsonschema import Draft202012Validator
from msgspec import structs
from rich.console import Console

from infratrack.progress.status import ProjectState, UnrecordedChange
from infratrack.project.schema_files import schema_file
from infratrack.report.explanation import print_explanation
from infratrack.report.selection import Question, narrowed
from infratrack.report.status_json import explanation_document, status_document
from infratrack.report.status_markdown import status_markdown
from infratrack.report.status_table import print_status
from infratrack.report.unrecorded import MOST_MEMBERS, MOST_SHOWN, noted_changes, told_changes
from infratrack.values import Instant
from tests.progress.world import T0, World, promised


def change(number: int = 1, **more: Any) -> UnrecordedChange:
    values = {"by": "eve", "what": "moved\x1b a *star*", "deliverables": ("d",), "at": Instant(T0), **more}
    return UnrecordedChange(id=str(number), source="sky north", entry=7, **values)


def state(*changes: UnrecordedChange) -> ProjectState:
    return structs.replace(World(promised("d"), promised("e")).state(), unrecorded=changes)


def on_terminal(print_it: Any, *what: Any) -> str:
    file = io.StringIO()
    print_it(Console(file=file, width=100, highlight=False), *what)
    return file.getvalue()


def found(**more: Any) -> dict[str, Any]:
    return {"id": "1", "at": "2026-01-05T09:00:00.000000Z", "by": "eve", "what": "moved a star", **more}


def test_a_found_change_is_told_member_by_member() -> None:
    one = found(
        before={"name": "Vega", "mag": 0, "seal": "sha256:" + "ab" * 32, "seen": None, "tags": ["a"], "gone": "x"},
        after={"name": "Vega", "mag": 1.5, "seen": "", "tags": ["a", "b"], "new": "y" * 99},
        deliverables=["d", "e"],
    )
    assert told_changes([one], []) == [
        "2026-01-05 09:00 UTC  eve  moved a star",
        "    mag: 0 → 1.5",
        "    seal: sha256:abababababa… → –",
        "    seen: – → –",
        '    tags: ["a"] → ["a","b"]',
        "    gone: x → –",
        f"    new: – → {'y' * 59}…",
        "    concerns d, e",
    ]


def test_what_is_not_known_is_said_to_be_so() -> None:
    assert told_changes([{"id": "1", "at": None, "by": None, "action": "delete", "before": {"a": 1}}], []) == [
        "nobody knows when  nobody knows who  delete"
    ]


def test_much_is_cut_and_counted() -> None:
    many = [found(id=str(number)) for number in range(MOST_SHOWN + 2)]
    assert told_changes(many, [])[-1] == "and 2 more (all of them: --format json)"
    wide = found(before={}, after={str(number): number for number in range(MOST_MEMBERS + 3)})
    assert told_changes([wide], [])[-1] == "    and 3 more"


def test_blind_spots_are_told_even_where_nothing_was_found() -> None:
    assert told_changes([], ["direct SQL\nleaves no trace"]) == ["not seen by this:", "  direct SQL leaves no trace"]
    assert told_changes([], []) == []


def test_a_status_without_unrecorded_changes_says_nothing_of_them() -> None:
    assert noted_changes([]) == []
    assert "unrecorded" not in on_terminal(print_status, state())
    assert "unrecorded" not in status_markdown(state())
    assert status_document(state())["unrecorded"] == {"count": 0, "changes": []}


def test_table_markdown_and_json_tell_the_same() -> None:
    changes = (change(), change(2, at=None, by=None, deliverables=()))
    table = on_terminal(print_status, state(*changes))
    assert "→ 2 unrecorded changes: no evidence explains them" in table
    assert "    2026-01-05 09:00 UTC, eve: moved  a *star* (sky north, entry 7)" in table
    assert "    nobody knows when, nobody knows who: moved  a *star*" in table
    markdown = status_markdown(state(*changes))
    assert "- **2 unrecorded changes: no evidence explains them**\n  - 2026-01-05 09:00 UTC, eve: moved" in markdown
    assert r"\*star\*" in markdown
    document = json.loads(json.dumps(status_document(state(*changes))))
    Draft202012Validator(json.loads(schema_file("v1/status.schema.json"))).validate(document)
    assert document["unrecorded"]["count"] == 2
    assert document["unrecorded"]["changes"][0] == {
        "id": "1",
        "source": "sky north",
        "at": "2026-01-05T09:00:00.000000Z",
        "by": "eve",
        "what": "moved\x1b a *star*",
        "deliverables": ["d"],
        "entry": 7,
    }


def test_of_very_many_people_see_the_newest_and_json_holds_all() -> None:
    many = tuple(change(number) for number in range(1_000))
    unrecorded = status_document(state(*many))["unrecorded"]
    assert (unrecorded["count"], len(unrecorded["changes"])) == (1_000, 1_000)
    assert noted_changes(many)[-1] == "and 995 more: infratrack status --format json"
    assert noted_changes(many[:1])[0] == "1 unrecorded change: no evidence explains it"


def test_narrowed_to_a_deliverable_only_its_changes_remain() -> None:
    changes = (change(), change(2, deliverables=("e",)), change(3, deliverables=()))
    assert [one.id for one in narrowed(state(*changes), Question(deliverables=("e",))).unrecorded] == ["2"]
    assert len(narrowed(state(*changes), Question()).unrecorded) == 3


def test_an_explanation_tells_them_too() -> None:
    whole = state(change())
    explained = structs.replace(whole, deliverables=whole.deliverables[:1])
    told = on_terminal(print_explanation, explained.deliverables[0], None, explained.unrecorded)
    assert "→ 1 unrecorded change: no evidence explains it\n    2026-01-05 09:00 UTC, eve" in told
    assert explanation_document(explained)["unrecorded"]["count"] == 1
