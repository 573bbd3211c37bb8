"""Ids of many records in few characters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack_netbox.id_spans import MOST_IDS, ids_in, spans_by_type


@given(st.sets(st.integers(0, 300), min_size=1))
def test_what_is_written_is_read_again(ids: set[int]) -> None:
    (text,) = spans_by_type(("dcim.device", str(one)) for one in ids).values()
    assert ids_in(text) == [str(one) for one in sorted(ids)]


def test_neighbours_take_no_room_and_types_stand_apart() -> None:
    records = [("b", "7"), ("a", "1"), ("a", "3"), ("a", "2"), ("a", "9"), ("a", "no number"), ("a", "٣")]
    assert spans_by_type(records) == {"a": "1-3,9", "b": "7"}


@pytest.mark.parametrize("text", [None, 7, "", "x", "5-", "-5", "3-1", "1" * 30, "٣"])
def test_what_is_no_list_of_ids_names_none(text: object) -> None:
    assert ids_in(text) == []


def test_a_text_cannot_name_more_than_anybody_rests_on() -> None:
    assert len(ids_in("1-999999999999999999,5-6,7")) == MOST_IDS
