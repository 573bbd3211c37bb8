from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.capture.workshop import Workshop
from tests.cli.delivered import Delivered

OBSERVER = """\
from infratrack.api import (
    Change, ChangedThing, Collected, InputError, Instant, Unreachable, UnrecordedEvidence, changes_result, hookimpl
)
class Observer:
    name = "weather"
    def observe(self, context):
        return Collected("urn:sky-observation:v1", {"folder": context.folder.name}, tool="weather")
class Broken:
    name = "broken"
    def observe(self, context): raise ValueError("the secret is hunter2")
class Empty:
    name = "empty"
    def observe(self, context): return None
class Sorry:
    name = "sorry"
    def observe(self, context): raise InputError("there is no barometer")
class Several:
    name = "several"
    def observe(self, context):
        asked = {"target": context.target, "changelog": context.changelog, "since": context.since}
        known = {"recorded": len(context.recorded("urn:sky-observation:v1")), "commits": sorted(context.run_commits())}
        context.report("looking \\x1b[2Jup")
        (context.cache / "forecast").write_text("rain")
        wind = Collected("urn:air-observation:v1", {}, unreached="the wind: a 403")
        return [Collected("urn:sky-observation:v1", asked | known), wind]
class Odd:
    name = "odd"
    def observe(self, context): return [Collected("urn:sky-observation:v1", {}), "rain"]
class Down:
    name = "down"
    def observe(self, context): raise Unreachable("the sky is down")
class Many:
    name = "many"
    def observe(self, context):
        sky = ChangedThing("sky", "1", "sky")
        days = [Change(f"{day}", Instant(day * 86_400_000_000), None, f"day {day}", sky, "update") for day in range(30)]
        unknown = Change("when", None, None, "once upon a time", sky, "update")
        result = changes_result([unknown, *days], source="sky", since=None, until=context.at)
        return Collected("urn:infratrack:evidence:sky-changes:v1", result)
class Log:
    name = "log"
    def observe(self, context):
        sunny = Change(
            "1", Instant(1_767_603_600_000_000), "eve\\x1b[31m", "turned the sun off", ChangedThing("sun", "1", "sun"),
            "update", before={"light": "on", "name": "sun"}, after={"light": None, "name": "sun"},
            deliverables=("smoke",),
        )
        known = Change("2", None, None, "rained", ChangedThing("rain", "2", "rain"), "create", recorded=True)
        result = changes_result(
            [sunny, known] if context.changelog else [known], source="sky", since=context.since,
            until=Instant(1_767_607_200_000_000), blind_spots=["nobody looks at night"],
        )
        return Collected("urn:infratrack:evidence:sky-changes:v1", result)
@hookimpl
def infratrack_observers(): return [Observer(), Broken(), Empty(), Sorry(), Several(), Odd(), Down(), Log(), Many()]
@hookimpl
def infratrack_evidence_types(): return [UnrecordedEvidence("urn:infratrack:evidence:sky-changes:v1", "changes above")]
"""


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    shop = Workshop(tmp_path)
    shop.install("weather", OBSERVER)
    return shop


def test_what_an_observer_saw_is_evidence(shop: Workshop) -> None:
    ended = shop.infratrack("observe", "weather", "--deliverable", "smoke", "--format", "json")
    assert ended.returncode == 0, ended.stderr
    (seen,) = shop.ledger()
    assert (seen.predicate_type, seen.predicate["result"]) == ("urn:sky-observation:v1", {"folder": "project"})
    assert json.loads(ended.stdout)["evidence"][0]["predicateType"] == "urn:sky-observation:v1"


def test_the_table_names_the_observer(shop: Workshop) -> None:
    assert "weather" in shop.infratrack("observe", "weather").stdout


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("wether", "did you mean weather?"),
        ("broken", "raised ValueError"),
        ("empty", "handed over no facts"),
        ("odd", "handed over no facts"),
        ("sorry", "there is no barometer"),
    ],
)
def test_what_goes_wrong_is_a_sentence_and_leaves_nothing(shop: Workshop, name: str, sentence: str) -> None:
    ended = shop.infratrack("observe", name)
    assert ended.returncode == 2
    assert sentence in ended.stderr
    assert "hunter2" not in ended.stderr
    assert shop.waiting() == []


def test_require_delivery(shop: Workshop) -> None:
    shop.write(".infratrack", "not a folder")
    assert shop.infratrack("observe", "weather", "--require-delivery").returncode == 4


def test_an_observer_knows_what_is_asked_and_recorded_and_may_leave_several_pieces(shop: Workshop) -> None:
    shop.commit()
    shop.run("true")
    shop.infratrack("observe", "weather")
    arguments = ("roof", "--changelog", "--since", "2026-01-05", "--format", "json")
    ended = shop.infratrack("observe", "several", *arguments)
    assert ended.returncode == 4
    assert "not everything could be reached: the wind: a 403" in ended.stderr
    assert "looking  [2Jup" in ended.stderr
    weather, wind = shop.ends()[-2:]
    assert weather.predicate["result"] == {
        "target": "roof", "changelog": True, "since": 1_767_571_200_000_000,
        # Nobody trusts this machine's key yet, so nothing counts.
        "recorded": 0, "commits": [],
    }  # fmt: skip
    assert wind.predicate_type == "urn:air-observation:v1"
    assert len(json.loads(ended.stdout)["evidence"]) == 2
    cache = shop.home / "infratrack" / "cache"
    assert (cache.stat().st_mode & 0o777, (cache / "forecast").read_text()) == (0o700, "rain")


def test_only_runs_that_count_vouch_for_a_commit(tmp_path: Path) -> None:
    shop = Delivered(tmp_path)
    shop.install("weather", OBSERVER)
    shop.commit()

    def known() -> dict[str, object]:
        shop.infratrack("observe", "several")
        result: dict[str, object] = shop.ends()[-2].predicate["result"]
        return result

    shop.ok("observe", "log")
    assert known()["commits"] == [], "looking at changes is no run"
    shop.environment["INFRATRACK_KEY"] = "anna"
    shop.ok("run", "--", "true")
    assert known()["commits"] == [], "a person's key is not one of the pipeline's"
    shop.environment["INFRATRACK_KEY"] = "ci"
    shop.ok("observe", "weather")
    assert known() == {"target": None, "changelog": False, "since": None, "recorded": 2, "commits": []}
    shop.ok("run", "--", "true")
    assert known()["commits"] == [shop.ends()[-1].commit]


def test_what_cannot_be_reached_ends_with_4(shop: Workshop) -> None:
    ended = shop.infratrack("observe", "down")
    assert (ended.returncode, "the sky is down" in ended.stderr) == (4, True)


def test_since_needs_changelog_and_a_time(shop: Workshop) -> None:
    ended = shop.infratrack("observe", "log", "--since", "7d")
    assert (ended.returncode, "add --changelog" in ended.stderr) == (2, True)
    assert shop.infratrack("observe", "log", "--changelog", "--since", "yesteryear").returncode == 2
    assert shop.infratrack("observe", "log", "--changelog", "--since", "900000d").returncode == 0
    ended = shop.infratrack("observe", "log", "--changelog", "--since", "2999-01-01")
    assert (ended.returncode, "'2999-01-01' is still to come" in ended.stderr) == (2, True)


def test_unrecorded_changes_are_told_with_who_when_and_what_became_of_what(shop: Workshop) -> None:
    ended = shop.infratrack("observe", "log", "--changelog")
    assert ended.returncode == 0
    told = ended.stdout.split("\n", 2)[2]
    assert told == (
        "2026-01-05 09:00 UTC  eve [31m  turned the sun off\n"
        "    light: on → –\n"
        "    concerns smoke\n"
        "not seen by this:\n"
        "  nobody looks at night\n"
    )


def test_of_many_changes_the_newest_are_told(shop: Workshop) -> None:
    told = shop.infratrack("observe", "many", "--changelog").stdout
    assert "1970-01-30 00:00 UTC  nobody knows who  day 29\n1970-01-29" in told
    assert "day 10\nand 11 more" in told
    assert "once upon a time" not in told


def test_check_ends_with_1_when_a_change_is_unrecorded(shop: Workshop) -> None:
    assert shop.infratrack("observe", "log", "--changelog", "--check").returncode == 1
    assert shop.infratrack("observe", "log", "--check").returncode == 0


def test_json_holds_the_unrecorded_changes_only(shop: Workshop) -> None:
    document = json.loads(shop.infratrack("observe", "log", "--changelog", "--format", "json").stdout)
    assert [change["id"] for change in document["unrecorded"]] == ["1"]
    assert document["blindSpots"] == ["nobody looks at night"]


def test_evidence_that_waits_is_sent_before_looking_and_told_where_that_fails(shop: Workshop) -> None:
    shop.infratrack("observe", "weather")
    (shop.folder / ".infratrack" / "ledger.db").unlink()
    shop.write(".infratrack/ledger.db/in-the-way", "no file")
    shop.run("true")
    document = json.loads(shop.infratrack("observe", "log", "--format", "json").stdout or "{}")
    assert any("wait" in spot for spot in document["blindSpots"])
