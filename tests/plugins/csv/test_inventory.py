from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from infratrack.api import (
    DesiredRecord,
    InputError,
    Inventory,
    LiveRecord,
    ReconcileContext,
    RecordSet,
    Unreachable,
    Write,
    WriteContext,
    Written,
)
from infratrack.testing.reconcilers import quiet
from infratrack_csv.reconciler import SpreadsheetReconciler
from tests.plugins.csv.sheets import OWN, opened, rows_of, write_csv, write_workbook

RUN = WriteContext("run-1", "sync")
HEADER = ["id", "name", "site", "roles", "managed_by"]
ROWS = [HEADER, ["7", "core-1", "west", "leaf;spine", "dc-west"], ["8", "other", "east", "", ""]]


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    path = tmp_path / "devices.csv"
    write_csv(path, ROWS)
    return path


@pytest.fixture
def inventory(devices: Path) -> Inventory:
    return opened(devices.parent, {"files": {"device": "devices.csv"}, "own": OWN})


def desired(name: str = "core-1", **fields: Any) -> RecordSet:
    return RecordSet("device", (DesiredRecord("device", {"name": name}, fields, "list[0]"),))


def live(inventory: Inventory, records: RecordSet, *bound: str) -> list[LiveRecord]:
    (reading,) = inventory.read([records], {"device": bound})
    assert reading.complete
    return list(reading.live)


def written(inventory: Inventory, *writes: Write) -> list[Written]:
    return list(inventory.write(writes, RUN))


def update(**more: Any) -> Write:
    return Write("update", "device", {"name": "core-1"}, id="7", **more)


def test_rows_are_read_in_the_shape_of_what_is_desired(inventory: Inventory) -> None:
    (prepared,) = inventory.prepare([desired(site="west", roles=["spine", "leaf"])])
    assert prepared.desired[0].fields == {"site": "west", "roles": ["leaf", "spine"], "managed_by": "dc-west"}
    assert prepared.mark == "managed_by"
    core, other = live(inventory, prepared)
    assert (core.id, core.key, core.owned, core.display) == ("7", {"name": "core-1"}, True, "core-1")
    assert core.fields == prepared.desired[0].fields
    assert (other.owned, other.fields["roles"], other.fields["managed_by"]) == (False, [], None)


def test_bounds_leave_out_rows_that_are_not_bound(inventory: Inventory) -> None:
    (prepared,) = inventory.prepare([RecordSet("device", desired().desired, within={"site": "west"})])
    assert [one.id for one in live(inventory, prepared)] == ["7"]
    assert [one.id for one in live(inventory, prepared, "8")] == ["7", "8"]


@pytest.mark.parametrize(
    ("records", "says", "hint"),
    [
        (RecordSet("devise", ()), "no type 'devise'", "device"),
        (desired(sight="west"), "list[0]: there is no column 'sight'", "site"),
        (RecordSet("device", (), within={"rack": "1"}), "no column 'rack'", "id, name, site"),
        (desired(site={"slug": "west"}), "list[0], site: a cell holds text", "one value"),
    ],
)
def test_what_the_spreadsheet_does_not_have_is_told_by_name(
    inventory: Inventory, records: RecordSet, says: str, hint: str
) -> None:
    with pytest.raises(InputError) as told:
        inventory.prepare([records])
    assert says in told.value.message
    assert hint in told.value.hint


def test_a_new_row_gets_an_id_and_the_others_keep_their_spelling(inventory: Inventory, devices: Path) -> None:
    before = devices.read_text()
    (made,) = written(
        inventory, Write("create", "device", {"name": "edge"}, fields={"name": "edge", "managed_by": "dc-west"})
    )
    assert made.outcome == "written"
    assert made.id
    assert made.requests[0].startswith("sha256:")
    assert devices.read_text() == f"{before}{made.id},edge,,,dc-west\n"


def test_asked_for_the_same_twice_it_is_made_once(inventory: Inventory, devices: Path) -> None:
    write = Write("create", "device", {"name": "edge"}, fields={"name": "edge", "site": "west"})
    first, second = written(inventory, write), written(inventory, write)
    assert first[0].id == second[0].id
    assert second[0].requests == ()
    assert [row["name"] for row in rows_of(devices)] == ["core-1", "other", "edge"]


def test_a_row_is_found_by_either_of_two_keys_right_after_it_was_made(inventory: Inventory, devices: Path) -> None:
    fields = {"name": "edge", "site": "west"}
    by_name = Write("create", "device", {"name": "edge"}, fields=fields)
    by_both = Write("create", "device", fields, fields=fields)
    other = Write("create", "device", {"name": "x", "site": "x"}, fields={"name": "x", "site": "x"})
    renamed = Write("update", "device", {"name": "other"}, id="8", fields={"name": "spare"})
    again = Write("create", "device", {"name": "spare"}, fields={"name": "spare", "site": "east"})
    results = list(inventory.write([other, by_name, by_both, renamed, again], RUN))
    assert [one.outcome for one in results] == ["written"] * 5
    assert results[1].id == results[2].id
    assert results[4].id == "8"
    assert sorted(row["name"] for row in rows_of(devices)) == ["core-1", "edge", "spare", "x"]


def test_a_row_with_the_key_that_appeared_meanwhile_is_left_alone(inventory: Inventory, devices: Path) -> None:
    (result,) = written(
        inventory, Write("create", "device", {"name": "other"}, fields={"name": "other", "site": "west"})
    )
    assert (result.outcome, result.id) == ("moved", "8")
    assert rows_of(devices)[1]["site"] == "east"


def test_an_update_says_before_and_after_and_checks_what_it_rests_on(inventory: Inventory, devices: Path) -> None:
    (result,) = written(inventory, update(fields={"site": "north"}, expected={"site": "west"}))
    assert (result.outcome, result.before, result.after) == ("written", {"site": "west"}, {"site": "north"})
    (again,) = written(inventory, update(fields={"site": "north"}, expected={"site": "west"}))
    assert (again.outcome, again.requests) == ("written", ())
    moved, *rest = written(
        inventory,
        update(fields={"site": "south"}, expected={"site": "west"}),
        update(fields={"name": "core-9"}),
    )
    assert (moved.outcome, moved.reason) == ("moved", "site has changed meanwhile")
    assert rest == []
    assert rows_of(devices)[0] == dict(zip(HEADER, ["7", "core-1", "north", "leaf;spine", "dc-west"], strict=True))


def test_items_of_others_stay_in_a_list(inventory: Inventory, devices: Path) -> None:
    (result,) = written(inventory, update(add={"roles": ["border"]}, remove={"roles": ["leaf"]}))
    assert result.after == {"roles": ["border", "spine"]}
    assert rows_of(devices)[0]["roles"] == "border;spine"


def test_what_was_deleted_can_be_made_again(inventory: Inventory, devices: Path) -> None:
    before = rows_of(devices)
    (record,) = [one for one in live(inventory, desired()) if one.id == "7"]
    stale = Write("delete", "device", {"name": "core-1"}, id="7", version="old")
    assert written(inventory, stale)[0].outcome == "moved"
    gone = Write("delete", "device", {"name": "core-1"}, id="7", version=record.version)
    (result,) = written(inventory, gone)
    assert [row["id"] for row in rows_of(devices)] == ["8"]
    assert written(inventory, gone)[0].reason == "the row was gone already"
    (back,) = written(inventory, Write("create", "device", {"name": "core-1"}, fields=result.prior))
    assert back.id == "7"
    assert sorted(rows_of(devices), key=lambda row: row["id"]) == before


def test_a_row_that_is_gone_cannot_be_changed(inventory: Inventory) -> None:
    (result,) = written(inventory, Write("update", "device", {"name": "x"}, id="99", fields={"site": "y"}))
    assert (result.outcome, result.reason) == ("moved", "the row is gone")


def test_the_first_write_adds_the_columns_for_ids_and_the_mark(tmp_path: Path) -> None:
    write_csv(tmp_path / "plain.csv", [["name", "site"], ["core-1", "west"], ["core-2", "west"]])
    inventory = opened(tmp_path, {"files": {"device": "plain.csv"}, "own": OWN, "id": "key"})
    (prepared,) = inventory.prepare([desired(site="west")])
    first, second = live(inventory, prepared)
    assert (first.id, second.id) == ("name=core-1", "name=core-2")
    (result,) = written(
        inventory, Write("update", "device", {"name": "core-1"}, id=first.id, fields={"managed_by": "dc-west"})
    )
    rows = rows_of(tmp_path / "plain.csv")
    assert list(rows[0]) == ["name", "site", "key", "managed_by"]
    assert (rows[0]["key"], rows[0]["managed_by"], rows[1]["key"]) == (result.id, "dc-west", "")
    assert [one.id for one in live(inventory, prepared)] == [result.id, "name=core-2"]


def test_two_rows_with_one_id_are_told(inventory: Inventory, devices: Path) -> None:
    write_csv(devices, [*ROWS, ["7", "twin", "west", "", ""]])
    with pytest.raises(InputError, match="rows 2 and 4 have the same id '7'"):
        live(inventory, desired())


def test_a_canceled_write_changes_nothing(devices: Path) -> None:
    context = ReconcileContext(
        {"files": {"device": "devices.csv"}, "own": OWN}, devices.parent, {}, quiet, canceled=lambda: True
    )
    before = devices.read_bytes()
    assert written(SpreadsheetReconciler().open(context), update(fields={"site": "north"})) == []
    assert devices.read_bytes() == before


@pytest.mark.parametrize(
    ("configuration", "says"),
    [
        ({"files": {"device": "../out.csv"}}, "not inside the project folder"),
        ({"files": {"device": "/etc/passwd"}}, "not inside the project folder"),
        ({"files": {"a": "x.csv", "b": "./x.csv"}}, "two types are kept in one file"),
        ({"workbook": "x.xlsx", "id": "managed_by"}, "name the same column"),
    ],
)
def test_settings_that_cannot_be_are_told(tmp_path: Path, configuration: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        opened(tmp_path, {**configuration, "own": OWN})


def test_a_file_that_is_not_there_leads_outside_or_is_none(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    (tmp_path / "out.csv").write_text("name\n")
    (inside / "link.csv").symlink_to(tmp_path / "out.csv")
    (inside / "folder.csv").mkdir()
    for name, says in (("none.csv", "there is no none.csv"), ("link.csv", "leads outside")):
        with pytest.raises(InputError, match=says):
            opened(inside, {"files": {"device": name}, "own": OWN}).prepare([desired()])
    with pytest.raises(Unreachable, match=r"folder\.csv cannot be read"):
        opened(inside, {"files": {"device": "folder.csv"}, "own": OWN}).prepare([desired()])


def test_a_failing_disk_leaves_the_old_file(
    inventory: Inventory, devices: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = devices.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Unreachable, match="No space left on device"):
        written(inventory, update(fields={"site": "north"}))
    assert devices.read_bytes() == before
    assert [path.name for path in devices.parent.iterdir()] == ["devices.csv"]


def test_retirement_is_what_the_settings_say(devices: Path) -> None:
    retire = {"column": "site", "value": "gone"}
    inventory = opened(devices.parent, {"files": {"device": "devices.csv"}, "own": OWN, "retire": retire})
    assert inventory.retirement("device") == ("site", "gone")
    assert inventory.identity == "csv devices.csv"
    assert inventory.dependents([]) == {}
    assert inventory.last_changes([("device", "7")]) == {}


@pytest.fixture
def workbook(tmp_path: Path) -> Callable[[], Any]:
    path = tmp_path / "inventory.xlsx"
    write_workbook(
        path,
        {
            "device": [
                ["id", "name", "unit", "cost", "managed_by"],
                ["7", "core-1", 12, "=C2*2", "dc-west"],
                ["8", "other", 3.5, 1, None],
                ["9", "third", True, None, None],
            ],
            "notes": [["keep me"]],
        },
    )
    return lambda: openpyxl.load_workbook(path)


def test_a_workbook_keeps_numbers_formulas_and_other_sheets(workbook: Callable[[], Any], tmp_path: Path) -> None:
    inventory = opened(tmp_path, {"workbook": "inventory.xlsx", "own": OWN})
    (prepared,) = inventory.prepare([desired(unit="13")])
    assert [one.fields["unit"] for one in live(inventory, prepared)] == ["12", "3.5", "true"]
    results = written(
        inventory,
        update(fields={"unit": "13"}, expected={"unit": "12"}),
        Write("delete", "device", {"name": "other"}, id="8"),
        Write("create", "device", {"name": "new"}, fields={"name": "=new", "unit": "1"}),
    )
    assert [one.outcome for one in results] == ["written"] * 3
    book = workbook()
    rows = [[cell.value for cell in row] for row in book["device"].iter_rows()]
    assert rows[1] == ["7", "core-1", 13, "=C2*2", "dc-west"]
    assert rows[2][:3] == ["9", "third", True]
    assert rows[3][1:3] == ["=new", "1"]
    assert book["device"]["B4"].data_type == "s"
    assert book["notes"]["A1"].value == "keep me"
    book.close()


def test_a_formula_is_not_written_over(workbook: Callable[[], Any], tmp_path: Path) -> None:
    inventory = opened(tmp_path, {"workbook": "inventory.xlsx", "own": OWN})
    with pytest.raises(InputError, match="device!D2 holds a formula"):
        written(inventory, update(fields={"cost": "5"}))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", b"name,site\n"])
def test_what_is_no_workbook_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.xlsx").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.xlsx cannot be read as a workbook"):
        opened(tmp_path, {"workbook": "x.xlsx", "own": OWN}).prepare([desired()])
