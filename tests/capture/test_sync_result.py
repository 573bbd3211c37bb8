from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator

from infratrack.capture.sync_result import SyncFrame, sync_result, unlike
from infratrack.evidence.redaction import MASK, Scrubber
from infratrack.reconciliation.bases import SyncRun, bases_of
from infratrack.reconciliation.evidence_schema import result_schema
from infratrack.reconciliation.records import Binding, Dependent, Summary, Write, Written
from infratrack.values import sha256_digest

FRAME = SyncFrame("netbox", "netbox http://netbox.example", {"version": "4.7.3"}, sha256_digest(b""), Summary(create=1))
WRITES = [
    Write("create", "dcim.device", {"name": "a"}, fields={"name": "a", "custom_fields.api_key": "k1"}),
    Write("update", "dcim.device", {"name": "b"}, "2", fields={"status": "active"}, expected={"status": "planned"}),
    Write("update", "dcim.device", {"name": "c"}, "3", add={"tags": ["x"]}, remove={"tags": ["y"]}),
    Write("delete", "dcim.device", {"name": "d"}, "4"),
]
WRITTEN = {
    0: Written(
        0,
        "written",
        "1",
        after={"name": "a", "custom_fields.api_key": "k1"},
        requests=("r1",),
        children=(Dependent("dcim.interface", "9", "eth0", owned=False),),
        version="v1",
    ),
    1: Written(1, "failed", "2", reason="403"),
    2: Written(2, "written", "3", {"tags": ["y", "z"]}, {"tags": ["x", "z"]}, ("r2", "r1")),
    3: Written(3, "written", "4", requests=("r3",), prior={"name": "d", "password": "hunter2"}),
}


def made(written: dict[int, Written], otherwise: str = "not_reached", **frame: Any) -> dict[str, Any]:
    members = {name: getattr(FRAME, name) for name in FRAME.__struct_fields__} | frame
    bindings = [
        Binding("dcim.site", "7", {"slug": "ams1"}, {"slug": "ams1", "name": "A"}, "v"),
        Binding("dcim.site", "8", {"slug": "ams2"}, owned=False),
    ]
    result = sync_result(SyncFrame(**members), WRITES, written, bindings, Scrubber(), otherwise=otherwise)
    Draft202012Validator(result_schema("urn:infratrack:evidence:netbox-sync:v1")).validate(result)
    return result


def test_every_write_is_there_with_the_values_before_and_after() -> None:
    result = made(WRITTEN)
    assert result["requests"] == ["r1", "r2", "r3"]
    create, update, items, delete = result["records"][2:]
    assert (create["id"], create["outcome"], create["version"]) == ("1", "written", "v1")
    assert create["children"] == [{"type": "dcim.interface", "id": "9", "display": "eth0"}]
    assert (update["action"], update["outcome"], update["reason"]) == ("change", "failed", "403")
    assert update["fields"] == [{"name": "status", "before": "planned", "after": "active"}]
    assert items["fields"] == [
        {"name": "tags", "before": ["y", "z"], "after": ["x", "z"], "add": ["x"], "remove": ["y"]}
    ]
    assert (delete["action"], delete["prior"]["name"]) == ("delete", "d")


def test_fields_whose_names_announce_a_secret_are_masked() -> None:
    create, *_, delete = made(WRITTEN)["records"][2:]
    assert create["fields"][1] == {"name": "custom_fields.api_key", "after": MASK}
    assert delete["prior"]["password"] == MASK


def test_what_is_only_intended_is_told_with_the_values_that_were_to_be() -> None:
    result = made({}, "intended")
    assert [one["outcome"] for one in result["records"]] == ["written", "written", *["intended"] * 4]
    assert result["records"][3]["fields"] == [{"name": "status", "before": "planned", "after": "active"}]
    assert result["requests"] == []


def test_bound_records_say_what_agreed() -> None:
    first, second = made({})["records"][:2]
    assert (first["action"], first["fields"]) == (
        "bind",
        [{"name": "slug", "after": "ams1"}, {"name": "name", "after": "A"}],
    )
    assert ("owned" in first, second["owned"]) == (False, False)


def test_an_undo_says_what_it_takes_back() -> None:
    assert (made({})["mode"], made({})["undoes"]) == ("apply", None)
    assert (made({}, undoes="run-1")["mode"], made({}, undoes="run-1")["undoes"]) == ("undo", "run-1")


def test_what_reads_back_differently_is_named() -> None:
    other = Written(1, "written", "2", after={"status": "staged"})
    assert unlike(WRITES, WRITTEN | {1: other}) == [
        "dcim.device 2: status was written, but reads back as another value"
    ]
    assert unlike(WRITES, WRITTEN) == []


def test_of_a_list_that_is_created_only_our_items_are_ours() -> None:
    write = Write("create", "dcim.device", {"name": "a"}, fields={"name": "a", "tags": ["ours"]})
    came = Written(0, "written", "1", after={"name": "a", "tags": ["ours", "servers"]})
    result = sync_result(FRAME, [write], {0: came}, [], Scrubber(), otherwise="not_reached")
    assert result["records"][0]["fields"][1] == {"name": "tags", "after": ["ours", "servers"], "add": ["ours"]}
    known = bases_of([SyncRun("r", result)], FRAME.identity).records["dcim.device"]["1"]
    assert known.fields["tags"] == ["ours"]
