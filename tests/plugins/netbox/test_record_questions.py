"""`netbox.record` and `netbox.changed_by_run`: three values, each for its own reason."""

from __future__ import annotations

from typing import Any

import pytest

from infratrack.api import InputError
from infratrack_netbox.record_questions import last_by_object
from infratrack_netbox.server_schema import FieldSchema

from .asked_of_netbox import find, some, whole

LEAVES = {"type": "dcim.device", "filter": {"role": "leaf"}}
CUSTOM = {"dcim.device": {"owner_team": FieldSchema("text", nullable=True)}}


def leaf(number: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "display": f"leaf-{number}",
        "name": f"leaf-{number}",
        "status": {"value": "active", "label": "Active"},
        "site": {"id": 1, "url": "", "display": "AMS1", "name": "AMS1", "slug": "ams1"},
        "position": 10.0,
        "tags": [{"id": 1, "slug": "prod"}],
        "custom_fields": {"owner_team": "net"},
        **fields,
    }


TWO = (leaf(1), leaf(2))


@pytest.mark.parametrize(
    ("asked", "rows", "said", "note"),
    [
        ({}, whole(*TWO), "yes", "2 records found"),
        ({}, whole(), "no", "there is no such record where at least 1 should be"),
        ({}, some(), "unknown", "the token can see, but the permission 'some' shows this token only some records"),
        ({"min": 2}, some(*TWO), "yes", "2 records found"),
        ({"min": 3}, whole(*TWO), "no", "only 2 records found where at least 3 should be"),
        ({"min": 3}, some(*TWO), "unknown", "only 2 records found where at least 3 should be that the token can see"),
        ({"count": 2}, whole(*TWO), "yes", "2 records found"),
        ({"count": 2}, some(*TWO), "unknown", "there may be more"),
        ({"count": 1}, whole(*TWO), "no", "2 records found where 1 should be"),
        ({"count": 1}, some(*TWO), "no", "2 records found where 1 should be"),
        ({"count": 3}, whole(leaf(1)), "no", "only 1 record found where 3 should be"),
        ({"count": 0}, whole(), "yes", "0 records found"),
        ({"count": 0}, some(), "unknown", "there may be more"),
    ],
)
def test_how_many_there_are(asked: dict[str, Any], rows: Any, said: str, note: str) -> None:
    finding = find("netbox.record", LEAVES | asked, {"dcim.device": rows})
    assert finding.said == said
    assert note in finding.note


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "active"},
        {"status": "Active"},
        {"site": {"slug": "ams1"}},
        {"site": {"slug": "ams1", "name": "AMS1"}},
        {"position": "10.00"},
        {"custom_fields.owner_team": "net"},
        {"custom_fields": {"owner_team": "net"}},
    ],
)
def test_values_agree_in_whatever_spelling(fields: dict[str, Any]) -> None:
    finding = find("netbox.record", LEAVES | {"fields": fields}, {"dcim.device": whole(*TWO)}, custom=CUSTOM)
    assert (finding.said, finding.note) == ("yes", "2 records found and all agree")


@pytest.mark.parametrize(
    ("asked", "row", "why"),
    [
        ({"fields": {"status": "active"}}, leaf(2, status={"value": "planned"}), "status is planned"),
        ({"fields": {"site": {"slug": "ams1"}}}, leaf(2, site=None), "site is not set"),
        ({"fields": {"site": None}}, leaf(2), "site is slug ams1"),
        ({"fields": {"custom_fields.owner_team": "net"}}, leaf(2, custom_fields={"owner_team": None}), "is not set"),
        ({"fields": {"vdcs": [{"slug": "a"}]}}, leaf(2, vdcs=[{"id": 1, "slug": "b"}]), "vdcs is [slug b]"),
        ({"fields": {"serial": "A\x1b[31m"}}, leaf(2, serial=""), "serial is empty"),
        ({"tags": ["prod", "core"]}, leaf(2), "it does not carry the tag core"),
        ({"tags": ["prod"]}, leaf(2, tags=None), "it does not carry the tag prod"),
    ],
)
def test_a_record_that_says_something_else_is_named(asked: dict[str, Any], row: Any, why: str) -> None:
    finding = find("netbox.record", LEAVES | asked, {"dcim.device": some(row)}, custom=CUSTOM)
    assert finding.said == "no"
    assert finding.note.startswith("1 of 1 record disagrees: leaf-2: ")
    assert why in finding.failing[0].why
    assert finding.records == (("dcim.device", "2", "leaf-2"),)


def test_of_many_failing_records_three_are_told() -> None:
    rows = [leaf(number, status={"value": "planned"}) for number in range(1, 7)]
    finding = find("netbox.record", LEAVES | {"fields": {"status": "active"}}, {"dcim.device": whole(*rows)})
    assert finding.note.endswith("leaf-3: status is planned and 3 more")
    assert len(finding.failing) == 6


def test_what_netbox_does_not_show_cannot_be_compared() -> None:
    asked = LEAVES | {"fields": {"custom_fields.owner_team": "net"}}
    hidden = find("netbox.record", asked, {"dcim.device": whole(leaf(1, custom_fields={}))})
    assert hidden.said == "unknown"
    assert "no custom field owner_team that the token can see" in hidden.note
    shown = find("netbox.record", LEAVES | {"fields": {"serial": "1"}}, {"dcim.device": whole(leaf(1))})
    assert (shown.said, shown.note) == ("unknown", "NetBox does not show serial of dcim.device")
    generic = LEAVES | {"fields": {"scope": {"type": "dcim.site", "slug": "ams1"}}}
    row = leaf(1, scope={"id": 1, "name": "AMS1"}, scope_type="dcim.site")
    assert find("netbox.record", generic, {"dcim.device": whole(row)}).note == (
        "NetBox does not show slug of dcim.device.scope"
    )
    whole_row = leaf(1, scope={"id": 1, "slug": "ams1"}, scope_type="dcim.site")
    assert find("netbox.record", generic, {"dcim.device": whole(whole_row)}).said == "yes"
    other = leaf(1, scope={"id": 1}, scope_type="dcim.region")
    assert find("netbox.record", generic, {"dcim.device": whole(other)}).said == "no"


@pytest.mark.parametrize(
    ("asked", "message", "hint"),
    [
        ({"type": "dcim.devices"}, "has no type 'dcim.devices'", "dcim.device"),
        ({"filter": {"rol": "leaf"}}, "no filter 'rol'", "role"),
        ({"filter": {"limit": 1}}, "no filter 'limit'", ""),
        ({"canary": {"nmae": "x"}}, "no filter 'nmae'", "name"),
        ({"filter": {"status": "activ"}}, "has no status 'activ'", "active"),
        ({"filter": {"cf_owner_tem": "x"}}, "no filter 'cf_owner_tem'", "cf_owner_team"),
        ({"fields": {"stauts": "active"}}, "no field 'stauts'", "status"),
        ({"fields": {"status": "activ"}}, "'activ' is no choice", "active"),
        ({"fields": {"site": "ams1"}}, "it refers to a record", "{slug: ams1}"),
        ({"fields": {"site": {"region": "eu"}}}, "does not show 'region'", "there are"),
        ({"fields": {"site": {"slgu": "eu"}}}, "does not show 'slgu'", "slug"),
        ({"fields": {"scope": {"slug": "ams1"}}}, "it refers to a record", "{type: dcim.site, slug: ams1}"),
        ({"fields": {"custom_fields.owner_tem": "x"}}, "no custom field 'owner_tem'", "owner_team"),
    ],
)
def test_what_the_server_does_not_have_is_an_error_that_names_the_nearest(
    asked: dict[str, Any], message: str, hint: str
) -> None:
    with pytest.raises(InputError) as raised:
        find("netbox.record", LEAVES | asked, {}, custom=CUSTOM)
    assert message in raised.value.message
    assert hint in raised.value.hint
    assert raised.value.exit_code == 2


def test_a_canary_that_is_found_proves_absence() -> None:
    asked = LEAVES | {"count": 0, "canary": {"name": "always-there"}}
    tables = {("dcim.device", "role"): some(), ("dcim.device", "name"): some(leaf(9))}
    assert find("netbox.record", asked, tables).said == "yes"
    lost = find("netbox.record", asked, {"dcim.device": some()})
    assert lost.said == "unknown"
    assert lost.note.endswith("and the canary was not found either")
    assert find("netbox.record", asked, {"dcim.device": whole()}).said == "yes"


def change(number: int, of: int, request: str, at: str = "2026-01-05T09:00:00Z") -> dict[str, Any]:
    return {"id": number, "time": at, "user_name": "ana", "request_id": request, "changed_object_id": of}


RECORDED = {"ours": "sha256:" + "ab" * 32}


@pytest.mark.parametrize(
    ("changes", "said", "note"),
    [
        (whole(change(1, 1, "theirs"), change(2, 1, "ours"), change(3, 2, "ours")), "yes", "evidence abababababab"),
        (
            whole(change(1, 1, "ours"), change(2, 1, "theirs"), change(3, 2, "ours")),
            "no",
            "leaf-1: last changed by ana 2026-01-05 09:00 UTC, which no evidence explains",
        ),
        (whole(change(1, 1, "ours")), "unknown", "leaf-2: no change of it is in the change log"),
        (some(change(1, 1, "ours"), change(3, 2, "ours")), "unknown", "the change log may say more"),
    ],
)
def test_the_last_change_of_each_record_counts(changes: Any, said: str, note: str) -> None:
    tables = {"dcim.device": whole(*TWO), "core.objectchange": changes}
    finding = find("netbox.changed_by_run", LEAVES, tables, recorded=RECORDED)
    assert finding.said == said
    assert note in finding.note


def test_a_time_that_is_none_is_told_as_it_is() -> None:
    changes = whole(change(1, 1, "theirs", at="\x1b[31msoon"))
    finding = find("netbox.changed_by_run", LEAVES, {"dcim.device": whole(leaf(1)), "core.objectchange": changes})
    assert "last changed by ana at �[31msoon, which" in finding.note


def test_evidence_names_the_request_and_where_it_stands() -> None:
    tables = {"dcim.device": whole(leaf(1)), "core.objectchange": whole(change(1, 1, "ours"))}
    assert find("netbox.changed_by_run", LEAVES, tables, recorded=RECORDED).evidence == tuple(RECORDED.items())


def test_records_that_cannot_all_be_seen_are_not_all_changed_by_runs() -> None:
    changes = whole(change(1, 1, "ours"))
    some_seen = {"dcim.device": some(leaf(1)), "core.objectchange": changes}
    assert find("netbox.changed_by_run", LEAVES, some_seen, recorded=RECORDED).said == "unknown"
    assert find("netbox.changed_by_run", LEAVES, {"dcim.device": some()}).said == "unknown"
    assert find("netbox.changed_by_run", LEAVES, {"dcim.device": whole()}).said == "no"


def test_of_changes_at_one_time_the_one_with_the_higher_id_is_the_last() -> None:
    rows = [change(2, 1, "late"), change(1, 1, "early"), {"id": "x", "changed_object_id": 1, "time": "2026"}]
    assert last_by_object(rows)["1"]["request_id"] == "late"
