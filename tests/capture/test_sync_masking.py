from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.capture.sync_masking import holds_mask, masked_plan, masked_value
from infratrack.evidence.redaction import MASK, Scrubber
from infratrack.reconciliation.records import (
    Dependent,
    FieldPlan,
    LastChange,
    LiveRecord,
    RecordPlan,
    Summary,
    SyncPlan,
)
from infratrack.values import Instant

SECRET = "planted-7Gh2kLq9"  # noqa: S105 -- planted
SCRUBBER = Scrubber([SECRET])


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("status", "active", "active"),
        ("description", f"call {SECRET} now", f"call {MASK} now"),
        ("custom_fields.snmp_password", "public1", MASK),
        ("custom_fields.snmp_password", "", ""),
        ("custom_fields.snmp_password", None, None),
        ("custom_fields.has_password", True, True),
        ("custom_fields.password", 4711, MASK),
        ("custom_fields.password", ["one", "two"], [MASK, MASK]),
        ("height", 42, 42),
        ("site", {"slug": "ams1", "token": "abc"}, {"slug": "ams1", "token": MASK}),
        ("tags", ["a", SECRET], ["a", MASK]),
    ],
)
def test_a_value_is_shown_without_its_secrets(name: str, value: Any, shown: Any) -> None:
    assert masked_value(name, value, SCRUBBER) == shown


def planted() -> SyncPlan:
    return SyncPlan(
        "fake",
        f"fake {SECRET}",
        (
            RecordPlan(
                f"type {SECRET}",
                {"name": SECRET},
                "conflict",
                SECRET,
                (FieldPlan(SECRET, SECRET, [SECRET], {"a": {SECRET: SECRET}}, "conflict"),),
                f"because of {SECRET}",
                f'W/"{SECRET}"',
                (Dependent(SECRET, SECRET, SECRET, owned=True),),
                last_change=LastChange(SECRET, Instant(0), SECRET),
                origin=SECRET,
            ),
            RecordPlan("type", {"name": "plain"}, "create"),
        ),
        Summary(create=1, conflict=1, same=1),
        same=[LiveRecord("type", SECRET, {"name": SECRET}, {"a": SECRET}, version=SECRET, display=SECRET)],
        refused=(SECRET,),
        notes=(SECRET,),
    )


def test_no_part_of_a_plan_shows_a_secret() -> None:
    shown = masked_plan(planted(), SCRUBBER)
    assert SECRET not in str(shown).replace("bindings", "")
    assert shown.records[1] == planted().records[1]
    assert shown.summary == planted().summary


def test_the_same_plan_is_shown_alike_by_every_scrubber() -> None:
    assert masked_plan(planted(), Scrubber([SECRET])) == masked_plan(planted(), Scrubber([SECRET]))


@pytest.mark.parametrize("value", [MASK, {"a": [MASK]}, {MASK: 1}, ["x ‹masked:0123abcd›"]])
def test_a_value_that_lost_something_is_known_by_its_mask(value: Any) -> None:
    assert holds_mask(value)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("abc "),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    )
)
def test_plain_values_are_shown_as_they_are(value: Any) -> None:
    assert masked_value("note", value, SCRUBBER) == value
    assert not holds_mask(value)
