"""Syncs that are killed, canceled, refused or lied to: what was written is always known, and nothing happens twice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from infratrack.evidence.predicates import RUN_START
from infratrack.evidence.statement import Statement
from tests.capture.workshop import Workshop
from tests.cli.fake_cmdb import KIND, SOURCE

TOKEN = "nbt_PlantedPlanted01.0123456789abcdefghijABCDEFGHIJ0123456789"  # noqa: S105 -- planted
PROJECT = """\
infratrack: 1
project: {id: dc-west, name: West}
trust: {signers: [{name: ci, key: ci.pub}]}
cmdb:
  fake:
    records:
      - {type: device, each: {file: devices.yaml}, key: {name: "{name}"}, fields: {status: "{status}"}}
"""
NAMES = ("a", "b", "c", "d")


class FakeShop(Workshop):
    """One project on one machine whose CMDB fails as it is told."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.install("fake", SOURCE)
        self.with_environment({"FAKE_TOKEN": TOKEN, "NETBOX_TOKEN": TOKEN})
        self.infratrack("key", "new", "ci")
        self.write("ci.pub", self.infratrack("key", "export", "ci").stdout)
        self.write("infratrack.yaml", PROJECT)
        self.desire("active")

    def desire(self, status: str, names: tuple[str, ...] = NAMES) -> None:
        self.write("devices.yaml", json.dumps([{"name": name, "status": status} for name in names]))

    def cmdb(self) -> dict[str, Any]:
        path = self.folder / "cmdb.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def states(self) -> dict[str, str]:
        return {one["name"]: one["status"] for one in self.cmdb().values()}

    def apply(self, fault: str = "", *arguments: str, code: int = 0) -> str:
        ended = self.infratrack("sync", "fake", "--apply", *arguments, FAKE_FAULT=fault)
        assert ended.returncode == code, (ended.returncode, ended.stdout, ended.stderr)
        return ended.stdout + ended.stderr

    def plan(self) -> dict[str, Any]:
        ended = self.infratrack("sync", "fake", "--format", "json")
        assert ended.returncode == 0, ended.stderr
        planned: dict[str, Any] = json.loads(ended.stdout)
        return planned

    def syncs(self) -> list[Statement]:
        return [one for one in self.ledger() if one.predicate_type == KIND]

    def outcomes(self) -> list[dict[str, str]]:
        """Of every sync: name → outcome of its record."""
        return [
            {one["key"]["name"]: one["outcome"] for one in sync.predicate["result"]["records"]} for sync in self.syncs()
        ]


@pytest.fixture
def shop(tmp_path: Path) -> FakeShop:
    return FakeShop(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", [0, 1, 3])
def test_a_killed_sync_is_finished_by_the_next_one_and_nothing_happens_twice(
    shop: FakeShop, moment: str, number: int
) -> None:
    shop.apply(f"{moment}:{number}", code=-9)
    done = number + (moment == "after")
    assert set(shop.states()) == set(NAMES[:done])
    shop.apply()
    assert shop.states() == dict.fromkeys(NAMES, "active")
    assert set(shop.cmdb()) == {f"id-{name}" for name in NAMES}
    lost, whole = shop.syncs()
    assert (lost.outcome, whole.outcome) == ("indeterminate", "succeeded")
    assert set(shop.outcomes()[0].values()) == {"intended"}
    # All of it is ours from here on: a change of mind is a change, not a conflict and not an adoption.
    shop.desire("planned")
    assert {one["action"] for one in shop.plan()["records"]} == {"change"}


@pytest.mark.slow
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_killed_change_is_no_conflict_afterwards(shop: FakeShop, moment: str) -> None:
    shop.apply()
    shop.desire("planned")
    shop.apply(f"{moment}:1", code=-9)
    shop.desire("staged")
    assert {one["action"] for one in shop.plan()["records"]} == {"change"}
    shop.apply()
    assert shop.states() == dict.fromkeys(NAMES, "staged")


def test_the_start_is_in_the_ledger_before_the_first_write(shop: FakeShop) -> None:
    shop.apply("before:0", code=-9)
    (start,) = shop.ledger()
    assert start.predicate_type == RUN_START
    unseen = start.predicate["result"]["unseen"]
    assert unseen["predicateType"] == KIND
    assert [one["outcome"] for one in unseen["result"]["records"]] == ["intended"] * 4
    assert not shop.cmdb()


def test_when_machine_and_spool_are_lost_too_what_was_to_be_written_is_known(shop: FakeShop) -> None:
    shop.apply("after:2", code=-9)
    (run,) = (shop.home / "infratrack" / "spool" / "dc-west" / "runs").iterdir()
    run.unlink()
    shop.desire("planned")
    # Without the start these would be records of strangers, and their values differ: adopt.
    actions = {one["key"]["name"]: one["action"] for one in shop.plan()["records"]}
    assert actions["d"] == "create"
    shop.apply()
    assert shop.states()["d"] == "planned"


def test_canceled_by_a_signal_it_stops_after_the_request_under_way(shop: FakeShop) -> None:
    told = shop.apply("term:1", code=130)
    assert "canceling" in told
    assert shop.states() == {"a": "active", "b": "active"}
    (sync,) = shop.syncs()
    assert (sync.outcome, sync.exit_code) == ("canceled", 130)
    assert shop.outcomes()[0] == {"a": "written", "b": "written", "c": "not_reached", "d": "not_reached"}
    shop.apply()
    assert shop.states() == dict.fromkeys(NAMES, "active")


def test_out_of_reach_while_writing_is_4_and_what_was_written_is_recorded(shop: FakeShop) -> None:
    told = shop.apply("unreachable:2", code=4)
    assert "was reset" in told
    (sync,) = shop.syncs()
    assert sync.outcome == "failed"
    assert shop.outcomes()[0] == {"a": "written", "b": "written", "c": "not_reached", "d": "not_reached"}


def test_a_plugin_that_raises_while_writing_leaves_what_it_did_unknown(shop: FakeShop) -> None:
    told = shop.apply("bug:2", code=1)
    assert "raised ValueError" in told
    assert shop.outcomes()[0] == {"a": "written", "b": "written", "c": "unknown", "d": "unknown"}
    shop.apply()
    assert shop.states() == dict.fromkeys(NAMES, "active")


def test_one_record_that_fails_is_told_and_the_rest_is_written(shop: FakeShop) -> None:
    told = shop.apply("fail:1", code=1)
    assert "device b failed: 403" in told
    assert "\x1b" not in told
    assert set(shop.states()) == {"a", "c", "d"}
    assert shop.outcomes()[0]["b"] == "failed"


def test_a_record_that_moved_stops_the_sync_and_says_who_moved_it(shop: FakeShop) -> None:
    shop.apply()
    shop.desire("planned")
    told = shop.apply("moved:1", code=1)
    assert "device b was changed by somebody meanwhile: nothing was written" in told
    assert "last changed by bob" in told
    assert shop.states() == {"a": "planned", "b": "active", "c": "active", "d": "active"}
    assert shop.outcomes()[1] == {"a": "written", "b": "moved", "c": "not_reached", "d": "not_reached"}


def test_a_value_that_reads_back_differently_is_told(shop: FakeShop) -> None:
    assert "reads back as another value" in shop.apply("unlike:0")
    assert {one["verdict"] for record in shop.plan()["records"] for one in record["fields"]} == {"change"}


@pytest.mark.parametrize(
    ("fault", "code", "sentence"),
    [("refuse", 4, "refuses the token"), ("badread", 2, "the reconciler fake raised ValueError")],
)
def test_what_fails_before_anything_is_written_leaves_no_evidence(
    shop: FakeShop, fault: str, code: int, sentence: str
) -> None:
    assert sentence in shop.apply(fault, code=code)
    assert shop.waiting() == []
    assert not (shop.folder / ".infratrack").exists()


@pytest.mark.parametrize("fault", ["", "fail:1", "bug:1", "unreachable:1", "moved:0", "refuse", "badread", "before:1"])
def test_a_planted_token_appears_nowhere(shop: FakeShop, fault: str) -> None:
    """The CMDB echoes the token in names, values, errors and progress; a device is even called so."""
    (shop.folder / "cmdb.json").write_text(
        json.dumps({"1": {"name": f"x {TOKEN}", "status": TOKEN}, "2": {"name": "a", "status": TOKEN}})
    )
    printed = []
    for output in ("table", "json", "markdown"):
        ended = shop.infratrack("sync", "fake", "--all", "--format", output)
        printed += [ended.stdout, ended.stderr]
    shop.infratrack("sync", "fake", "--out", "plan.json")
    for arguments in (("--take-ours", "status"), ("--format", "json")):
        ended = shop.infratrack("sync", "fake", "--apply", *arguments, FAKE_FAULT=fault)
        printed += [ended.stdout, ended.stderr]
    for command in (("ledger", "show", "--format", "json"), ("status",)):
        ended = shop.infratrack(*command)
        printed += [ended.stdout, ended.stderr]
    for part in (TOKEN, TOKEN.partition(".")[2]):
        assert [one for one in printed if part in one] == []
        left = [path for path, content in shop.files() if part.encode() in content and path.name != "cmdb.json"]
        assert left == []
    assert [one for one in printed if "Traceback" in one] == []
