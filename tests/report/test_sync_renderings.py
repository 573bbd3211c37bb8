"""A plan as people and programs see it."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from msgspec import structs
from rich.console import Console

from infratrack.reconciliation.records import (
    Dependent,
    FieldPlan,
    LastChange,
    LiveRecord,
    RecordPlan,
    Summary,
    SyncPlan,
)
from infratrack.report.sync_applied import Applied, WriteResult, applied_document, applied_line, print_applied
from infratrack.report.sync_json import plan_document
from infratrack.report.sync_markdown import MOST_ROWS, applied_markdown, plan_markdown
from infratrack.report.sync_table import print_plan
from infratrack.report.sync_words import counts_line, differs, field_text, key_text, record_name, value_text
from infratrack.values import parse_instant, sha256_digest

BOB = LastChange("bob", parse_instant("2026-01-05T09:30:00Z"), "r1")
PLAN = SyncPlan(
    "netbox",
    "netbox http://netbox.example",
    (
        RecordPlan(
            "dcim.device",
            {"name": "leaf-1"},
            "create",
            fields=(
                FieldPlan("site", None, None, {"slug": "ams1"}, "create"),
                FieldPlan("tags", None, None, ["a", "b"], "create"),
            ),
        ),
        RecordPlan(
            "dcim.device", {"name": "leaf-0"}, "change", "9", (FieldPlan("status", "a", "planned", "active", "change"),)
        ),
        RecordPlan(
            "dcim.device",
            {"name": "leaf-2"},
            "conflict",
            "11",
            (
                FieldPlan("status", "active", "offline", "active", "conflict"),
                FieldPlan("serial", None, "A", "B", "conflict"),
            ),
            "somebody changed it",
            last_change=BOB,
        ),
        RecordPlan(
            "dcim.site", {"slug": "ams1"}, "adopt", "3", (FieldPlan("status", None, "planned", "active", "adopt"),)
        ),
        RecordPlan(
            "dcim.site",
            {"slug": "old"},
            "delete",
            "4",
            (FieldPlan("status", "active", "active", None, "same"),),
            cascade=(
                Dependent("dcim.rack", "1", "r1 \x1b[31m|", owned=True),
                Dependent("ipam.ipaddress", "2", "10.0.0.1/24", owned=False, effect="unlinked"),
                *(Dependent("dcim.rack", str(number), f"r{number}", owned=True) for number in range(30)),
            ),
        ),
        RecordPlan("dcim.site", {"slug": "older"}, "delete", "5", reason="only --prune deletes it", carried_out=False),
        RecordPlan("dcim.site", {}, "unmanaged", "6", reason="not ours"),
    ),
    Summary(create=1, adopt=1, change=1, delete=2, conflict=1, unmanaged=1, same=12),
    same=(LiveRecord("dcim.site", "77", {"slug": "same-one"}, {}), LiveRecord("dcim.vlan", "78", {}, {})),
    refused=("the source is empty",),
    notes=("what\nis\x07 to be known",),
)


def drawn(plan: SyncPlan, *, everything: bool = False, width: int = 100, encoding: str = "utf-8") -> str:
    raw = io.BytesIO()
    text = io.TextIOWrapper(raw, encoding=encoding, errors="replace", write_through=True)
    console = Console(file=text, width=width, highlight=False, markup=False, emoji=False)
    print_plan(console, plan, everything=everything)
    return raw.getvalue().decode(encoding)


def test_the_table_shows_what_is_to_happen_and_what_is_left_alone() -> None:
    assert drawn(PLAN).splitlines()[:24] == [
        "netbox  netbox http://netbox.example",
        "1 to create · 1 to change · 2 to delete · 1 to adopt · 1 conflict · 1 unmanaged · 12 the same",
        "",
        "dcim.device",
        "  + leaf-1  create",
        "      site ams1 · tags [a, b]",
        "  ~ leaf-0  change",
        "      status  planned → active",
        "  ! leaf-2  conflict, changed by bob, 2026-01-05 09:30 UTC",
        "    ! status  we wrote active, is offline now, desired active",
        "    ! serial  is A now, desired B",
        "      somebody changed it",
        "",
        "dcim.site",
        "  ? ams1  adopt",
        "    ? status  is planned, desired active",
        "  - old  delete",
        "      └ dcim.rack r1  [31m| (deleted)",
        "      └ ipam.ipaddress 10.0.0.1/24 (unlinked)",
        *(f"      └ dcim.rack r{number} (deleted)" for number in range(5)),
    ]
    assert drawn(PLAN).splitlines()[-6:] == [
        "      └ and 12 more",
        "  - older  delete, not carried out",
        "      only --prune deletes it",
        "",
        "→ deletes are refused: the source is empty",
        "→ what is  to be known",
    ]


def test_only_a_conflict_says_what_a_delete_would_take_from_others() -> None:
    strange = (Dependent("ipam.ipaddress", "2", "10.0.0.1/24", owned=False),)
    plan = SyncPlan("n", "n x", (RecordPlan("dcim.site", {"slug": "a"}, "conflict", "4", cascade=strange),), Summary())
    assert "└ ipam.ipaddress 10.0.0.1/24 (deleted, not marked as ours)" in drawn(plan)
    assert r"(deleted, not marked as ours)" in plan_markdown(plan).replace("\\", "")


def test_everything_lists_what_is_the_same_and_what_is_not_managed() -> None:
    shown = drawn(PLAN, everything=True)
    assert "  = same-one\n" in shown
    assert "  = 78\n" in shown
    assert "  · id 6\n      not ours\n" in shown


@pytest.mark.parametrize("width", [20, 40, 80])
def test_a_narrow_terminal_folds_and_loses_nothing(width: int) -> None:
    words = drawn(PLAN, width=width).split()
    assert {"offline", "leaf-2", "bob,"} <= set(words)


def test_control_characters_of_the_server_reach_no_output() -> None:
    for text in (drawn(PLAN, everything=True), plan_markdown(PLAN, everything=True)):
        assert all(one.isprintable() or one == "\n" for one in text)


def test_a_terminal_without_unicode_gets_plain_signs() -> None:
    shown = drawn(PLAN, encoding="ascii", everything=True)
    assert "planned -> active" in shown
    assert "`- dcim.rack" in shown
    assert "?" not in shown.replace("  ? ams1", "").replace("    ? status", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "–"),
        ("", '""'),
        (" a", '" a"'),
        ("a\nb", "a b"),
        (True, "true"),
        (1.5, "1.5"),
        ([], "[]"),
        ({}, "{}"),
        ({"name": "eth0", "device": {"name": "x"}}, "x/eth0"),
        ([{"vid": 1, "group": {"slug": "g"}}, {"vid": 2, "group": None}], "[g/1, –/2]"),
        ({"slug": "ams1", "type": "dcim.site"}, "dcim.site ams1"),
        ({"type": "dcim.site", "slug": "ams1"}, "dcim.site ams1"),
        ({"type": "x"}, "x"),
        ("x" * 100, "x" * 63 + "…"),
    ],
)
def test_values_are_told_short(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_small_words() -> None:
    assert key_text({}) == ""
    assert record_name(RecordPlan("t", {}, "create")) == "id ?"
    assert field_text(FieldPlan("a", None, None, 1, "create")) == "1"
    assert counts_line(SyncPlan("a", "b", (), Summary())) == ["no records"]
    assert differs(PLAN)
    assert not differs(SyncPlan("a", "b", (), Summary(same=3, unmanaged=2)))


def test_the_document_is_json_with_every_record() -> None:
    document = plan_document(PLAN, sha256_digest(b""))
    assert json.loads(json.dumps(document)) == document
    assert [one["action"] for one in document["records"]] == [
        "create", "change", "conflict", "adopt", "delete", "delete", "unmanaged", "same", "same",
    ]  # fmt: skip
    assert document["records"][2]["lastChange"] == {"by": "bob", "at": "2026-01-05T09:30:00.000000Z", "request": "r1"}
    assert document["records"][4]["cascade"][1] == {
        "type": "ipam.ipaddress", "id": "2", "display": "10.0.0.1/24", "owned": False, "effect": "unlinked",
    }  # fmt: skip


def test_markdown_escapes_what_others_wrote() -> None:
    shown = plan_markdown(PLAN)
    assert "| \\~ | leaf-0 | change | status: planned → active |" in shown
    assert r"r1  \[31m\|" in shown
    assert "- Deletes are refused: the source is empty" in shown
    assert "not carried out, only --prune" in shown


def test_markdown_is_bounded() -> None:
    many = tuple(RecordPlan("t", {"name": str(number)}, "create") for number in range(MOST_ROWS + 7))
    assert "… and 7 more records" in plan_markdown(structs.replace(PLAN, records=many))


RESULTS = (
    WriteResult("create", "dcim.device", {"name": "leaf-1"}, "21", "written", requests=("r1",), record=0),
    WriteResult("update", "dcim.device", {"name": "leaf-1"}, "21", "failed", "400: \x1b no", ("r1", "r2"), record=0),
    WriteResult("update", "dcim.device", {"name": "leaf-0"}, "9", "moved", record=1),
    WriteResult("delete", "dcim.site", {}, "4", "not_reached", record=4),
)
APPLIED = Applied("failed", (("run-1", "sha256:" + "a" * 64),), RESULTS, 2, "it broke", unlike=("leaf-1: status …",))


def test_what_came_of_it_is_counted_and_every_failure_is_named() -> None:
    file = io.StringIO()
    print_applied(Console(file=file, width=200, highlight=False, markup=False), APPLIED, "netbox")
    assert file.getvalue().splitlines() == [
        "",
        "failed  1 created, 2 bound, 1 failed, 1 moved, 1 not reached",
        "  ! dcim.device leaf-1 failed: 400:   no",
        "  ! dcim.device leaf-0 was changed by somebody meanwhile: nothing was written",
        "  ! leaf-1: status …",
        "  ! it broke",
        "  evidence sha256:aaaaaaaaaaaa of run run-1",
        "  to take it back: infratrack sync netbox --undo run-1",
    ]
    assert applied_line(Applied("succeeded", ())) == "nothing to write"


def test_many_failures_are_cut_short() -> None:
    results = tuple(WriteResult("create", "t", {"name": str(number)}, None, "failed") for number in range(30))
    file = io.StringIO()
    print_applied(Console(file=file, width=200), Applied("failed", (), results), "netbox")
    assert "  ! and 10 more" in file.getvalue()
    assert "to take it back" not in file.getvalue()


def test_the_document_tells_the_worst_of_a_record_that_took_two_writes() -> None:
    document = applied_document(plan_document(PLAN, sha256_digest(b"")), APPLIED)
    first, second, third = document["records"][:3]
    assert (first["id"], first["outcome"], first["requests"]) == ("21", "failed", ["r1", "r2"])
    assert second["outcome"] == "moved"
    assert "outcome" not in third
    assert document["applied"]["runs"] == [{"run": "run-1", "evidence": "sha256:" + "a" * 64}]


def test_markdown_tells_what_came_of_it() -> None:
    shown = applied_markdown(APPLIED)
    assert "**failed**: 1 created" in shown
    assert "- dcim.device leaf-0 was changed" in shown
    assert "- it broke" in shown
