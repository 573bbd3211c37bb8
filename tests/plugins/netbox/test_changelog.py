"""Changes that no evidence explains, out of rows of the change log. No server: hostile rows and every corner."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from infratrack.api import (
    Digest,
    InputError,
    Instant,
    ObserveContext,
    RecordedEvidence,
    changes_result,
    seen_last,
    still_unrecorded,
)
from infratrack_netbox.changelog import (
    LARGEST_PART,
    bound_records,
    differing,
    instant_of,
    parts,
    reach,
    recorded_requests,
    seen_records,
    seen_until,
    unrecorded,
)
from infratrack_netbox.evidence import KEPT, RESULT_SCHEMA, written
from infratrack_netbox.findings import Finding
from infratrack_netbox.observer import NetBoxObserver
from infratrack_netbox.questions import Asked

NETBOX = "netbox https://netbox.example"
DIGEST = "sha256:" + "ab" * 32
CORE = ("dcim.device", "1")
SUBJECTS = {CORE: frozenset({"core"})}


def row(number: int = 5, request: str = "theirs", **said: Any) -> dict[str, Any]:
    return {
        "id": number,
        "time": f"2026-01-05T09:00:{number:02}.000000Z",
        "user_name": "ana",
        "request_id": request,
        "action": {"value": "update", "label": "Updated"},
        "changed_object_type": "dcim.device",
        "changed_object_id": 1,
        "object_repr": "core-1",
        "prechange_data": {"status": "active", "name": "core-1", "last_updated": "a", "interface_count": 1},
        "postchange_data": {"status": "offline", "name": "core-1", "last_updated": "b", "interface_count": 2},
        **said,
    }


def evidence(result: Any, **predicate: Any) -> RecordedEvidence:
    content = {"result": result, **predicate}
    return RecordedEvidence(Digest(DIGEST), "urn:x", "run", Instant(0), "succeeded", None, content)


def test_a_change_by_a_request_that_no_evidence_knows_is_told_with_before_and_after() -> None:
    (change,) = unrecorded([row()], SUBJECTS, {}, {})
    assert change.what == "updated dcim.device core-1: status"
    assert (change.before, change.after) == ({"status": "active"}, {"status": "offline"})
    assert (change.id, change.by, change.request, change.recorded) == ("5", "ana", "theirs", False)
    assert change.deliverables == ("core",)
    assert change.at == instant_of("2026-01-05T09:00:05.000000Z")


def test_our_own_requests_and_other_records_are_left_out() -> None:
    rows = [row(request="ours"), row(changed_object_id=2), row(changed_object_type="dcim.site")]
    assert unrecorded(rows, SUBJECTS, {"ours": DIGEST}, {}) == []


def test_a_change_that_is_read_twice_is_one_and_all_are_in_order() -> None:
    rows = [row(7), row(5), row(7)]
    assert [change.id for change in unrecorded(rows, SUBJECTS, {}, {})] == ["5", "7"]


def test_a_change_that_evidence_explains_by_now_is_said_to_be_recorded() -> None:
    (change,) = unrecorded([row()], SUBJECTS, {}, {})
    seen = changes_result([change], source=NETBOX, since=None, until=Instant(0))
    earlier = seen_last([{"result": seen}], NETBOX)
    (later,) = unrecorded([row()], SUBJECTS, {"theirs": DIGEST}, earlier)
    assert (later.id, later.recorded, later.evidence) == ("5", True, DIGEST)
    assert [one.recorded for one in unrecorded([row()], SUBJECTS, {}, earlier)] == [False]
    again = changes_result([later], source=NETBOX, since=None, until=Instant(1))
    both = [{"result": seen}, {"result": again}]
    assert still_unrecorded(both, NETBOX) == {}
    assert unrecorded([], SUBJECTS, {"theirs": DIGEST}, seen_last(both, NETBOX)) == []
    (distrusted,) = unrecorded([], SUBJECTS, {}, seen_last(both, NETBOX))
    assert (distrusted.id, distrusted.recorded, distrusted.evidence) == ("5", False, None)


@pytest.mark.parametrize(
    ("action", "before", "after", "what"),
    [
        ("create", None, {"name": "core-1", "serial": ""}, "created dcim.device core-1"),
        ("delete", {"name": "core-1"}, None, "deleted dcim.device core-1"),
        ("strange", None, None, "changed dcim.device core-1"),
    ],
)
def test_what_came_and_went(action: str, before: Any, after: Any, what: str) -> None:
    rows = [row(action={"value": action}, prechange_data=before, postchange_data=after)]
    (change,) = unrecorded(rows, SUBJECTS, {}, {})
    assert change.what == what
    assert (change.before, change.after) == (before, {"name": "core-1"} if after else None)


def test_secrets_are_masked_and_values_cut_short_and_control_characters_gone() -> None:
    long = {"a": {"b": {"c": {"d": "deep"}}}, "list": [["x"], *range(100)]}
    before, after = differing(
        {"auth_psk": "hunter2", "password": "", "parameters": {"secret_token": "hunter2"}, "comments": "a"},
        {"auth_psk": "hunter3", "password": "x", "parameters": {"api_key": 7}, "comments": "b\x1b" * 300, "new": long},
    )
    assert before is not None
    assert after is not None
    assert "hunter" not in f"{before}{after}"
    assert (before["auth_psk"], after["auth_psk"], before["password"], after["password"]) == (
        "(masked)", "(masked)", "", "(masked)",
    )  # fmt: skip
    assert after["parameters"] == {"api_key": "(masked)"}
    assert len(after["comments"]) == 200
    assert "\x1b" not in after["comments"]
    assert after["new"]["a"] == {"b": {"c": {}}}
    assert len(after["new"]["list"]) == 30
    assert differing({"a": [[[["x"]]]]}, {"a": 1}) == ({"a": [[[[]]]]}, {"a": 1})


def test_rows_of_any_shape_end_in_a_change_or_nothing() -> None:
    odd = row(
        time=7, user_name=None, action="x", object_repr=None, prechange_data=[], postchange_data="x", request_id=None
    )
    (change,) = unrecorded([odd, {}], SUBJECTS, {}, {})
    assert (change.at, change.before, change.after) == (None, None, None)
    assert instant_of("yesterday") is None


def test_each_custom_field_is_a_field_of_its_own() -> None:
    old = {"custom_fields": {"owner": "net", "tier": 1, "snmp_community": "a"}, "name": "x"}
    new = {"custom_fields": {"owner": "net", "tier": 2, "snmp_community": "b"}, "name": "x"}
    (change,) = unrecorded([row(prechange_data=old, postchange_data=new)], SUBJECTS, {}, {})
    assert change.what == "updated dcim.device core-1: custom_fields.snmp_community, custom_fields.tier"
    assert change.before == {"custom_fields.snmp_community": "(masked)", "custom_fields.tier": 1}
    assert change.after == {"custom_fields.snmp_community": "(masked)", "custom_fields.tier": 2}


def test_a_look_from_the_beginning_says_where_the_change_log_really_begins() -> None:
    begins = Instant(1_767_603_600_000_000)
    since, told = reach(None, "2026-01-05T09:00:00.000000Z")
    assert since == begins
    assert (
        told == "the change log begins 2026-01-05 09:00 UTC: what was before, or has been removed from it, is not seen"
    )
    assert reach(Instant(7), "2026-01-05T09:00:00.000000Z") == (begins, told)
    assert reach(Instant(begins + 7), "2026-01-05T09:00:00.000000Z") == (begins + 7, told)
    assert reach(None, None) == (
        None,
        "the change log is empty, as far as this token sees: what was before is not seen",
    )


def test_a_look_ends_with_the_newest_entry_whatever_the_clock_here_says() -> None:
    newest = Instant(1_767_603_600_000_000)
    assert seen_until("2026-01-05T09:00:00.000000Z", Instant(newest + 3_600_000_000)) == newest
    assert seen_until("2026-01-05T09:00:00.000000Z", Instant(5)) == 5
    assert seen_until(None, Instant(5)) == 5


def test_very_many_changes_are_spread_over_pieces_that_can_be_read() -> None:
    long = {f"field {number}": "x" * 150 for number in range(20)}
    rows = [row(number, changed_object_id=1, prechange_data=None, postchange_data=long) for number in range(4_000)]
    found = unrecorded(rows, SUBJECTS, {}, {})
    pieces = parts(found)
    assert [one for piece in pieces for one in piece] == found
    assert len(pieces) > 1
    for piece in pieces:
        result = changes_result(piece, source=NETBOX, since=None, until=None)
        assert len(msgspec.json.encode(result)) < 2 * LARGEST_PART
    assert parts([]) == [[]]


def test_requests_stand_in_the_evidence_of_syncs() -> None:
    parts = [evidence({"requests": ["one", 7, "two"]}), evidence({"requests": "x"}), evidence(None)]
    assert recorded_requests(parts) == {"one": DIGEST, "two": DIGEST}


def test_records_that_syncs_bound_count_with_the_deliverables_of_their_runs() -> None:
    records = [
        {"type": "dcim.device", "id": 1, "children": [{"type": "dcim.interface", "id": "4"}, "x"]},
        {"type": "dcim.device", "id": None},
        7,
    ]
    linked = evidence({"identity": NETBOX, "records": records}, links={"deliverables": ["core", 7]})
    plain = evidence({"identity": NETBOX, "records": records[:1]}, links={})
    other = evidence({"identity": "netbox http://other", "records": [{"type": "dcim.site", "id": "1"}]})
    found = bound_records([linked, plain, other, evidence("x")], NETBOX)
    assert found == {CORE: frozenset({"core"}), ("dcim.interface", "4"): frozenset({"core"})}


def test_records_that_earlier_looks_found_still_count_when_they_are_gone() -> None:
    answers = [
        {"question": "q1", "records": [{"type": "dcim.device", "id": "1", "name": "core-1"}]},
        {"question": "not asked any more", "records": [{"type": "dcim.device", "id": "2"}]},
        {"question": "q1", "records": "x"},
    ]
    looks = [evidence({"identity": NETBOX, "answers": answers}), evidence({"identity": "netbox http://other"})]
    assert seen_records(looks, NETBOX, {"q1": frozenset({"core"})}) == SUBJECTS


def test_every_record_of_an_answer_that_rests_on_thousands_still_counts() -> None:
    records = tuple(("dcim.device", str(number), f"leaf-{number}") for number in range(1, 2001))
    answer = written(Asked("netbox.record", {"type": "dcim.device"}), Finding("yes", "all agree", records=records))
    Draft202012Validator(RESULT_SCHEMA["properties"]["answers"]["items"]).validate(answer)
    assert len(answer["records"]) == KEPT
    looks = [evidence({"identity": NETBOX, "answers": [answer]})]
    found = seen_records(looks, NETBOX, {answer["question"]: frozenset({"core"})})
    assert found == {("dcim.device", str(number)): frozenset({"core"}) for number in range(1, 2001)}


def test_a_target_that_netbox_would_not_look_at_is_refused() -> None:
    with pytest.raises(InputError, match="takes no TARGET"):
        NetBoxObserver().observe(ObserveContext(Path(), {}, {}, target="core-1"))
