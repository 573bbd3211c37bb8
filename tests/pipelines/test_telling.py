"""What is told: summary, comment, annotations and commit status, from real states."""

from __future__ import annotations

import json
import re

import pytest
from msgspec import structs

from infratrack.errors import InputError
from infratrack.pipelines.annotations import code_quality_report, github_annotations
from infratrack.pipelines.comment import LARGEST_COMMENT, comment_mark, comment_markdown
from infratrack.pipelines.commit_status import commit_status
from infratrack.pipelines.failing import FailingCriterion, Line, failing_criteria
from infratrack.pipelines.outlook import Prospect, expected
from infratrack.pipelines.summary import summary_markdown
from infratrack.pipelines.telling import PlanTold, Telling
from infratrack.pipelines.telling_json import telling_document
from infratrack.progress.foreseen import PlannedChange
from infratrack.progress.status import EvidenceCounts, ProjectState
from infratrack.project.model import AllOf, Not, Phase
from tests.progress.world import DAY, HOUR, T0, World, fine, promised

EVIL = "<script>@anna\n::error::x | `code` [a](http://e.example)"
MARK = "<!-- infratrack:toy -->"


@pytest.fixture
def world() -> World:
    """One deliverable in each situation, with a hostile name among them."""
    world = World(
        promised("done", fine("done")),
        promised("broken", fine("broken")),
        promised("open", AllOf((fine("bad"), fine("never")))),
        promised("denied", Not(fine("done"))),
        promised("old", fine("done", within="1d")),
        structs.replace(promised("evil", fine("bad")), name=EVIL),
        phases=(Phase("p", "Phase", exit=fine("done")),),
    )
    world.say(T0, done="ok", broken="ok", bad="bad")
    world.say(T0 + HOUR, broken="gone")
    return world


@pytest.fixture
def state(world: World) -> ProjectState:
    return world.state(T0 + 3 * DAY)


@pytest.fixture
def telling(state: ProjectState) -> Telling:
    places = {("broken", 0): Line("plan/a.yaml", 3, 7), ("open", 0): Line("infratrack.yaml", 9)}
    return Telling(
        "toy",
        state,
        failing_criteria(state, places),
        plans=(
            PlanTold(
                "tfplan", "terraform plan in infra: succeeded, 1 to create", "infra", (PlannedChange("create", EVIL),)
            ),
            PlanTold(EVIL, trouble="it cannot be read"),
        ),
        waiting=2,
        troubles=[EVIL],
        run_url="https://ci.example/runs/1",
    )


class TestFailing:
    def test_the_gravest_comes_first_and_what_has_no_evidence_is_left_out(self, telling: Telling) -> None:
        found = [(one.deliverable, one.criterion, one.level) for one in telling.failing]
        assert found == [
            ("broken", "toy.fine", "error"),
            ("open", "toy.fine", "warning"),
            ("denied", "not toy.fine", "warning"),
            ("evil", "toy.fine", "warning"),
            ("old", "toy.fine", "notice"),
        ]
        assert telling.failing[0].place == Line("plan/a.yaml", 3, 7)
        assert telling.failing[-1].place is None


class TestAnnotations:
    def test_each_stands_at_its_line_and_nothing_ends_it_early(self, telling: Telling) -> None:
        lines = github_annotations(telling.failing)
        assert lines[0] == (
            "::error file=plan/a.yaml,line=3,col=7,title=broken%3A toy.fine::BROKEN: broken: it is gone"
        )
        assert lines[3].startswith("::warning title=evil%3A toy.fine::<script>@anna : :error::x |")
        assert not any("\n" in line or "\r" in line for line in lines)

    def test_no_more_than_ten_of_a_level_and_the_last_one_says_so(self) -> None:
        many = [FailingCriterion(f"d{number}", "D", "a.b", "error", "100 % wrong, twice: x") for number in range(25)]
        lines = github_annotations(many)
        assert len(lines) == 10
        assert lines[0] == "::error title=d0%3A a.b::D: 100 %25 wrong, twice: x"
        assert lines[-1] == "::error title=infratrack::16 more criteria are told in the summary"
        assert len(github_annotations(many[:10])) == 10
        assert "more" not in github_annotations(many[:10])[-1]

    def test_gitlabs_report_has_what_gitlab_asks_for(self, telling: Telling) -> None:
        report = json.loads(code_quality_report(telling.failing))
        assert [one["location"] for one in report] == [
            {"path": "plan/a.yaml", "lines": {"begin": 3}},
            {"path": "infratrack.yaml", "lines": {"begin": 9}},
        ]
        assert [one["severity"] for one in report] == ["major", "minor"]
        assert len({one["fingerprint"] for one in report}) == 2
        assert set(report[0]) == {"description", "check_name", "fingerprint", "severity", "location"}

    def test_a_fingerprint_does_not_move_with_the_line_and_tells_twins_apart(self) -> None:
        one = FailingCriterion("d", "D", "a.b", "error", "x", Line("f", 1))
        moved = structs.replace(one, place=Line("f", 9), reason="y")
        first, second = json.loads(code_quality_report([one, one]))
        (after,) = json.loads(code_quality_report([moved]))
        assert after["fingerprint"] == first["fingerprint"] != second["fingerprint"]


class TestOutlook:
    def test_each_prospect(self, world: World, state: ProjectState) -> None:
        world.say(T0 + 3 * DAY, done="gone", broken="ok", bad="dunno")
        later = world.state(T0 + 3 * DAY)
        touched = {"open": (PlannedChange("update", "bad"),)}
        found = {one.id: one.prospect for one in expected(state, later, touched)}
        assert found == {
            "done": Prospect.REGRESSES,
            "broken": Prospect.COMPLETES,
            "denied": Prospect.COMPLETES,
            "old": Prospect.REGRESSES,
            "open": Prospect.TOUCHED,
        }
        assert [one.prospect for one in expected(state, later, touched)][:2] == [Prospect.REGRESSES] * 2

    def test_fresh_evidence_confirms_and_an_unknown_takes_certainty_away(
        self, world: World, state: ProjectState
    ) -> None:
        world.say(T0 + 3 * DAY, done="ok")
        later = world.state(T0 + 3 * DAY)
        assert {one.id: one.prospect for one in expected(state, later, {})} == {"old": Prospect.CONFIRMED}
        world.say(T0 + 3 * DAY + 1, done="dunno")
        doubtful = world.state(T0 + 3 * DAY + 1)
        assert {one.id: one.prospect for one in expected(later, doubtful, {})} == {
            "done": Prospect.DOUBTFUL,
            "old": Prospect.DOUBTFUL,
        }


class TestSummary:
    def test_it_tells_all_of_it_and_obeys_nothing(self, telling: Telling) -> None:
        text = summary_markdown(telling)
        assert text.startswith("## Toy project\n")
        assert "2 wait in the spool" in text
        assert "| BROKEN | `toy.fine` | `plan/a.yaml:3` | broken: it is gone |" in text
        assert "- Exit of phase Phase: complete." in text
        outside_code = re.sub(r"`(?:[^`\\]|\\.)*`", "", text.replace("\\`", ""))
        assert not re.search(r"<script|@anna|(?<!\\)\]\(", outside_code)
        assert not any(line.lstrip().startswith(("::", "/")) for line in text.splitlines())
        assert text.index("BROKEN (broken)") < text.index("DONE (done)")

    def test_without_a_status_it_tells_why(self) -> None:
        text = summary_markdown(Telling("toy", troubles=["infratrack.yaml:3:1: wrong"]))
        assert text == "## toy\n\n- ⚠ infratrack.yaml:3:1: wrong\n"

    def test_a_plan_without_changes_is_a_line(self) -> None:
        plan = PlanTold("p", "terraform plan in infra: succeeded, no changes", "infra", foreseeable=True)
        assert summary_markdown(Telling("toy", plans=(plan,))).count("\n") == 3

    def test_an_empty_project_is_told(self) -> None:
        empty = World(promised()).state()
        bare = structs.replace(empty, deliverables=(), phases=(), tasks=())
        assert summary_markdown(Telling("toy", bare)).startswith("## Toy project\n\n**Progress: 0 %**")

    def test_damage_is_told_first(self, state: ProjectState) -> None:
        damaged = structs.replace(state, evidence=EvidenceCounts(total=3, damaged=2))
        text = summary_markdown(Telling("toy", damaged))
        assert "> ⚠ 2 pieces of evidence cannot be what was signed" in text

    def test_thousands_of_things_are_counted_rather_than_listed(self, telling: Telling, state: ProjectState) -> None:
        changes = tuple(PlannedChange("create", f"aws_x.a[{number}]") for number in range(1_000))
        many = tuple(structs.replace(telling.failing[0], deliverable=f"d{number}") for number in range(1_000))
        deliverables = tuple(structs.replace(state.deliverables[0], id=f"d{number}") for number in range(1_000))
        big = Telling(
            "toy", structs.replace(state, deliverables=deliverables), many, (PlanTold("p", "plan", "", changes),)
        )
        text = summary_markdown(big)
        for said in ("_and 700 more changes_", "_and 800 more criteria_", "_and 800 more deliverables_"):
            assert said in text
        assert len(comment_markdown(big, MARK).encode()) <= LARGEST_COMMENT


class TestComment:
    def test_it_begins_with_its_mark_and_ends_with_its_run(self, telling: Telling) -> None:
        text = comment_markdown(telling, MARK, "staging")
        assert text.startswith(f"{MARK}\n## Toy project · staging\n")
        assert text.endswith("<sub>[The run that wrote this](https://ci.example/runs/1)</sub>\n")
        assert text.count("<details>") == text.count("</details>") == 2

    def test_without_a_status_or_a_run_it_tells_why(self) -> None:
        text = comment_markdown(Telling("toy", troubles=["the ledger could not be reached"]), MARK)
        assert text == f"{MARK}\n## toy\n\n- ⚠ the ledger could not be reached\n"

    def test_the_outlook_is_told_with_its_condition(self, telling: Telling, world: World, state: ProjectState) -> None:
        world.say(T0 + 3 * DAY, done="gone", broken="ok")
        touched = {
            "broken": tuple(PlannedChange("create", f"x.a[{number}]") for number in range(7)),
            "evil": (PlannedChange("update", "x.b"),),
        }
        outlook = expected(state, world.state(T0 + 3 * DAY), touched)
        text = comment_markdown(structs.replace(telling, outlook=outlook), MARK)
        assert "2 deliverables regress; 2 deliverables complete; 1 deliverable is touched." in text
        names = ", ".join(f"`x.a[{number}]`" for number in range(5))
        assert f"| BROKEN | regressed | ✓ completes | create {names} and 2 more |  |" in text
        assert "| in progress | stays in progress | update `x.b` |" in text
        assert "evidence of exactly this apply" in text
        nothing = comment_markdown(structs.replace(telling, outlook=()), MARK)
        assert "No deliverable's criteria speak of anything that changes." in nothing

    def test_the_mark_is_one_for_each_project_and_topic(self) -> None:
        assert comment_mark("toy", None) == MARK
        assert comment_mark("toy", "staging-1") == "<!-- infratrack:toy/staging-1 -->"
        for odd in ("", "a b", "-->", "a/b", "é", "x" * 64):
            with pytest.raises(InputError, match="no name for a comment"):
                comment_mark("toy", odd)


class TestCommitStatus:
    def test_it_fails_when_something_has_regressed_or_would(self, state: ProjectState, world: World) -> None:
        assert commit_status(Telling("toy", state)).state == "failure"
        good = structs.replace(state, deliverables=state.deliverables[:1])
        said = commit_status(Telling("toy", good))
        assert (said.state, said.description) == ("success", "33 % delivered")
        world.say(T0 + 3 * DAY, done="gone", broken="ok")
        outlook = expected(state, world.state(T0 + 3 * DAY), {})
        said = commit_status(Telling("toy", good, outlook=outlook))
        assert (said.state, said.description) == ("failure", "33 % delivered, 2 would regress, 2 would complete")

    def test_damage_and_no_status_at_all_are_errors(self, state: ProjectState) -> None:
        damaged = structs.replace(state, evidence=EvidenceCounts(total=3, damaged=1))
        said = commit_status(Telling("toy", damaged))
        assert said.state == "error"
        assert said.description.startswith("1 damaged piece of evidence; 33 % delivered, 1 regressed")
        unknown = commit_status(Telling("toy", troubles=["x" * 300]))
        assert (unknown.state, len(unknown.description)) == ("error", 140)
        assert commit_status(Telling("toy")).description == "no status"


def test_everything_is_there_as_json(telling: Telling) -> None:
    document = json.loads(json.dumps(telling_document(telling)))
    assert document["project"] == "toy"
    assert document["failing"][0]["place"] == {"file": "plan/a.yaml", "line": 3, "column": 7}
    assert document["commit_status"]["state"] == "failure"
    assert document["outlook"] is None
    assert telling_document(Telling("toy"))["progress"] is None
