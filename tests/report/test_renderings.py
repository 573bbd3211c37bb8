"""How the state is told: JSON by its schema, Markdown that means what it says, terminals wide, narrow, plain."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from msgspec import structs
from rich.console import Console

from infratrack.progress.status import ProjectState, Status
from infratrack.project.model import AllOf, AnyOf, AtLeast, CriterionCall, Not, Phase, Task
from infratrack.project.policy import Policy
from infratrack.project.schema_files import schema_file
from infratrack.report.explanation import print_explanation
from infratrack.report.status_json import explanation_json, status_json
from infratrack.report.status_markdown import status_markdown
from infratrack.report.status_table import print_status
from infratrack.report.terminal import terminal
from infratrack.report.words import PLAIN_GLYPHS, RICH_GLYPHS, counted, facts_line, filled, glyphs, percent
from infratrack.testing.builders import signing_key
from infratrack.values import printable
from tests.progress.world import DAY, HOUR, T0, World, fine, promised

SCHEMA = json.loads(schema_file("v1/status.schema.json"))


@pytest.fixture
def world() -> World:
    """Every status once, notes, a task without deliverables, a deliverable without a task."""
    world = World(
        promised("done", fine("done"), weight=2),
        promised("signed", fine("done"), accepted_by=("lead",)),
        promised("broken", fine("broken")),
        promised("old", fine("done", within="1d")),
        promised("begun", AllOf((fine("begun"), fine("done"))), accepted_by=("lead",)),
        promised("open", fine("open")),
        promised("stray", fine("open")),
        tasks=(
            Task(
                "t", "Build *everything*", phase="p", deliverables=("done", "signed", "broken", "old", "begun", "open")
            ),
            Task("u", "Design"),
        ),
        phases=(Phase("p", "Build", exit=fine("open")), Phase("q", "Hand over")),
    )
    world.say(T0, done="ok", broken="ok", begun="bad")
    world.sign(T0 + HOUR, deliverable="signed")
    world.say(T0 + 2 * HOUR, broken="gone")
    world.say(T0 + 3 * HOUR, key="stranger", open="ok")
    world.ledger.keys[signing_key("stranger").keyid] = signing_key("stranger").public_key
    return world


def stray(state: ProjectState) -> ProjectState:
    """The last deliverable without its task."""
    *others, last = state.deliverables
    return structs.replace(state, deliverables=(*others, structs.replace(last, task=None)))


def on_terminal(print_it: Any, *what: Any, width: int = 100, encoding: str = "utf-8", colour: bool = False) -> str:
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding, newline="")
    console = Console(
        file=file, width=width, color_system="truecolor" if colour else None, force_terminal=colour, highlight=False
    )
    print_it(console, *what)
    file.flush()
    return raw.getvalue().decode(encoding)


class TestJson:
    def test_it_is_valid_by_its_own_schema(self, world: World) -> None:
        Draft202012Validator.check_schema(SCHEMA)
        document = json.loads(status_json(world.state()))
        assert [error.message for error in Draft202012Validator(SCHEMA).iter_errors(document)] == []
        assert {one["status"] for one in document["deliverables"]} == {
            one.value for one in Status if one is not Status.UNKNOWN
        }

    def test_the_same_state_gives_the_same_bytes(self, world: World) -> None:
        assert status_json(world.state()) == status_json(world.state())

    def test_it_says_what_the_issue_settled(self, world: World) -> None:
        document = json.loads(status_json(world.state()))
        assert {"project", "as_of", "ledger", "progress", "deliverables", "tasks"} <= document.keys()
        assert document["ledger"].keys() == {"size", "root"}
        one = document["deliverables"][2]
        assert (one["id"], one["status"], one["since"]) == ("broken", "regressed", "2026-01-05T11:00:00.000000Z")
        (criterion,) = one["criteria"]
        assert (criterion["name"], criterion["verdict"], criterion["reason"]) == (
            "toy.fine",
            "unsatisfied",
            "broken: it is gone",
        )
        assert criterion["evidence"][0]["entry"] == 2
        assert document["deliverables"][1]["acceptance"]["evidence"]["signer"] == "ana"
        assert document["tasks"][1]["progress"] is None

    def test_an_explanation_has_tree_subjects_and_history(self) -> None:
        tree = AllOf((AnyOf((fine("a"), Not(fine("b")))), AtLeast(2, (fine("c"), fine("d"), fine("e")))))
        world = World(promised(when=tree))
        world.say(T0, a="ok", c="ok", d="ok")
        index = world.refreshed()
        from infratrack.progress.fold import explained_deliverable
        from infratrack.values import Instant

        state = explained_deliverable(world.project, index, world.criteria, world.trust, Instant(T0), "d")
        index.close()
        document = json.loads(explanation_json(state))
        assert document["tree"] == {"all": [{"any": [0, {"not": 1}]}, {"at_least": {"n": 2, "of": [2, 3, 4]}}]}
        assert document["history"] == [{"at": "2026-01-05T09:00:00.000000Z", "what": "complete"}]
        assert document["deliverable"]["criteria"][0]["subjects"][0]["judgement"] == "meets"


OLD = (
    "toy.fine: too old: last confirmed 2026-01-05 09:00 UTC, counted for 1d until 2026-01-06 09:00 UTC; "
    "it said: done: it is fine"
)
MARKDOWN = r"""## Toy project

**Progress: 50 %**, at risk: 12 %

<sub>as of 2026-02-04 09:00 UTC · ledger 4 entries, root ROOT · 3 of 4 count · 1 waits in the spool</sub>

| Task | Deliverable | Status | Since (UTC) | Why |
|---|---|---|---|---|
| t | DONE (done) | ✓ complete | 2026-01-05 09:00 |  |
| t | SIGNED (signed) | ✔ accepted | 2026-01-05 10:00 |  |
| t | BROKEN (broken) | ✗ regressed | 2026-01-05 11:00 | toy.fine: broken: it is gone |
| t | OLD (old) | ◷ stale | 2026-01-06 09:00 | WHY |
| t | BEGUN (begun) | ◐ in progress | 2026-01-05 09:00 | toy.fine: begun: it is broken |
| t | OPEN (open) | ○ not started | – | toy.fine: no evidence yet of toy open |
| – | STRAY (stray) | ○ not started | – | toy.fine: no evidence yet of toy open |

- Task Design (u): it has no deliverables, so nothing can show its progress
- Exit of phase Build: not started. toy.fine: no evidence yet of toy open
- Note: 1 piece of evidence is signed by a key that the project does not trust: keyid KEY; add it to trust or people
- Note on open: 1 piece of evidence is signed by a key that the project does not trust: keyid KEY; add it to trust or people
- Note on stray: 1 piece of evidence is signed by a key that the project does not trust: keyid KEY; add it to trust or people
"""  # noqa: E501 -- lines as they are written

TABLE = """Toy project  toy
━━━━━━━━━━──────────  50 % delivered · 12 % at risk
as of 2026-02-04 09:00 UTC · ledger 4 entries, root ROOT · 3 of 4 count

Build *everything*  t   ━━━━━───      57 %
  ✓ DONE  done          complete      2026-01-05 09:00
  ✔ SIGNED  signed      accepted      2026-01-05 10:00
  ✗ BROKEN  broken      regressed     2026-01-05 11:00
    toy.fine: broken: it is gone
  ◷ OLD  old            stale         2026-01-06 09:00
    toy.fine: too old: last confirmed 2026-01-05 09:00 UTC, counted for 1d until 2026-01-06 09:00
    UTC; it said: done: it is fine
  ◐ BEGUN  begun        in progress   2026-01-05 09:00
    toy.fine: begun: it is broken
  ○ OPEN  open          not started
    toy.fine: no evidence yet of toy open
    → 1 piece of evidence is signed by a key that the project does not trust: keyid
    KEY; add it to trust or people

Design  u               ? unknown     no deliverables

without a task
  ○ STRAY  stray        not started
    toy.fine: no evidence yet of toy open
    → 1 piece of evidence is signed by a key that the project does not trust: keyid
    KEY; add it to trust or people

exit of phase Build  ○ not started
    toy.fine: no evidence yet of toy open
→ 1 piece of evidence is signed by a key that the project does not trust: keyid
KEY; add it to trust or people
"""


def scrubbed(text: str, state: ProjectState) -> str:
    return text.replace(state.ledger.root[:12], "ROOT").replace(signing_key("stranger").keyid, "KEY")


def test_markdown(world: World) -> None:
    state = stray(world.state())
    assert scrubbed(status_markdown(state, 1), state) == MARKDOWN.replace("WHY", OLD)


def test_markdown_shows_text_as_it_is() -> None:
    world = World(promised(), name="A | *b* <c> `d`\n# e")
    assert status_markdown(world.state()).startswith("## A \\| \\*b\\* \\<c\\> \\`d\\` \\# e\n")


def test_a_project_that_promises_nothing_has_no_table() -> None:
    state = structs.replace(World().state(), deliverables=(), tasks=(), phases=(), progress=None)
    assert "|---" not in status_markdown(state)
    assert on_terminal(print_status, state).splitlines()[1:] == [
        "────────────────────  – delivered",
        "as of 2026-02-04 09:00 UTC · the ledger is empty",
    ]


def test_a_met_exit_needs_no_reason() -> None:
    world = World(phases=(Phase("p", "Build", exit=fine()),))
    world.say(T0, a="ok")
    assert on_terminal(print_status, world.state()).endswith("exit of phase Build  ✓ complete\n")


def test_table(world: World) -> None:
    state = stray(world.state())
    assert scrubbed(on_terminal(print_status, state), state) == TABLE


def test_a_narrow_terminal_cuts_names_never_ids_and_never_runs_over(world: World) -> None:
    state = world.state()
    long = structs.replace(state.deliverables[0], name="A deliverable with a name far longer than any terminal " * 2)
    state = structs.replace(state, deliverables=(long, *state.deliverables[1:]))
    lines = on_terminal(print_status, state, width=60).splitlines()
    assert max(map(len, lines)) <= 60
    assert any("…  done" in line and line.endswith("complete      2026-01-05 09:00") for line in lines)


def test_a_terminal_without_unicode_gets_plain_signs(world: World) -> None:
    text = on_terminal(print_status, world.state(), encoding="ascii")
    assert "  + DONE  done" in text
    assert "##########.........." in text


def test_colour_only_carries_what_the_words_say(world: World) -> None:
    coloured = on_terminal(print_status, world.state(), colour=True)
    assert "\x1b[1;31mregressed" in coloured
    assert "\x1b" not in on_terminal(print_status, world.state())


EXPLANATION = """BEGUN  begun
◐ in progress since 2026-01-05 09:00 UTC
  because toy.fine: begun: it is broken
  to be accepted by lead
  task Build, weight 1

✗ all of these are needed
├── ✗ toy.fine
│     begun: it is broken
│     wanted: fine subjects
│     → entry 0 · toy · 2026-01-05 09:00 UTC · by builder (key ci)
│       commit 0123456789 · run run-0000 · https://ci.example/1
└── ✓ toy.fine
      done: it is fine
      → entry 0 · toy · 2026-01-05 09:00 UTC · by builder (key ci)
        commit 0123456789 · run run-0000 · https://ci.example/1
"""


def test_explanation(world: World) -> None:
    text = on_terminal(print_explanation, world.explained(wanted="begun"), "Build")
    assert text == EXPLANATION


def test_an_explanation_tells_acceptance_history_and_notes(world: World) -> None:
    text = on_terminal(print_explanation, world.explained(wanted="signed"))
    assert "  accepted by ana: seen\n" in text.replace(" \n", "\n")
    assert "actual finish 2026-01-05 10:00 UTC" in text
    assert "History\n  2026-01-05 09:00 UTC  complete\n  2026-01-05 10:00 UTC  accepted\n" in text
    assert "does not trust" in on_terminal(print_explanation, world.explained(wanted="open"))


def test_an_explanation_of_many_subjects_names_some_and_counts_the_rest() -> None:
    tree = AllOf((AnyOf((fine("*"), Not(fine("zz")))), AtLeast(1, (fine("zz"),)), CriterionCall("lost", {})))
    world = World(promised(when=tree))
    said: dict[str, Any] = {f"s{number:02}": "bad" if number == 3 else "ok" for number in range(20)}
    world.say(T0, **said)
    text = on_terminal(print_explanation, world.explained(T0 + DAY))
    assert "✗ s03: it is broken  entry 0" in text
    assert "and 8 more" in text
    for words in ("one of these is enough", "must not be met", "at least 1 of these are needed", "is not available"):
        assert words in text


def test_what_belongs_to_nothing_and_rests_on_a_run_without_a_commit_is_told_without_them() -> None:
    from infratrack.progress.criterion import Reference
    from infratrack.values import Instant

    world = World()
    world.say(T0, a="ok")
    one = world.explained()
    bare = Reference("sha256:0", "urn:x", None, Instant(T0), None, None, index=0)
    verdict = structs.replace(one.criteria[0], evidence=(bare,))
    text = on_terminal(print_explanation, structs.replace(one, task=None, criteria=(verdict,), findings=()))
    assert "task" not in text
    assert text.count("entry 0") == 1


def test_evidence_of_nobody_known_is_cited_as_far_as_it_goes() -> None:
    from infratrack.progress.criterion import Reference
    from infratrack.report.words import cited
    from infratrack.values import Instant

    bare = Reference("sha256:0", "urn:infratrack:evidence:command:v1", None, Instant(T0), None, None, index=3)
    assert cited(bare) == (["entry 3", "command", "2026-01-05 09:00 UTC"], [])


@pytest.mark.parametrize(
    ("share", "text", "cells"),
    [(None, "–", 0), (0.0, "0 %", 0), (0.001, "1 %", 1), (0.5, "50 %", 10), (0.999, "99 %", 19), (1.0, "100 %", 20)],
)
def test_shares_are_never_rounded_to_all_or_nothing(share: float | None, text: str, cells: int) -> None:
    assert percent(share) == text
    assert filled(share, 20) == cells


def test_signs_follow_the_encoding() -> None:
    assert glyphs("UTF-8") is RICH_GLYPHS
    assert glyphs("latin-1") is PLAIN_GLYPHS
    assert printable("a\x1b[31m\nb") == "a [31m b"
    assert counted(1, "entry", "entries") == "1 entry"


def test_where_nobody_sets_a_width_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal(io.StringIO()).width == 110
    monkeypatch.setenv("COLUMNS", "70")
    assert terminal(io.StringIO()).width == 70


def test_where_trust_was_read_stands_beside_the_facts(world: World) -> None:
    state = structs.replace(world.state(T0 + DAY), policy=Policy("refs/remotes/origin/main", "1a2b3c4d" * 5))
    assert "trust as of origin/main 1a2b3c4" in facts_line(state, 0)
    assert not [part for part in facts_line(world.state(T0 + DAY), 0) if part.startswith("trust")]
