"""Three values of a field."""

from __future__ import annotations

from typing import Any

import pytest

from infratrack.reconciliation.comparison import compare, knows
from infratrack.reconciliation.following import Following, Renames
from infratrack.reconciliation.records import Base

NOTHING = "nothing"


@pytest.mark.parametrize(
    ("base", "live", "desired", "verdict"),
    [
        (1, 1, 2, "change"), (1, 2, 2, None), (1, 2, 1, "conflict"), (1, 2, 3, "conflict"), (NOTHING, 1, 2, "adopt"),
        (None, None, 1, "change"), (NOTHING, None, 1, "adopt"), (NOTHING, None, None, None), (True, 1, 2, "conflict"),
        (["a"], ["a"], ["b"], "change"), (["a"], [], ["a"], "conflict"), (["a"], ["a", "c"], ["a"], None),
        (["a"], ["a", "c"], [], "change"), (["a"], [], [], None), (NOTHING, ["c"], ["a"], "adopt"),
        (NOTHING, ["c"], [], None), (None, None, ["a"], "change"), (["a"], ["a"], None, "change"),
        (["a"], "text", ["a"], "conflict"), ([{"x": 1}], [{"x": 1.0}], [{"x": 1}], None),
        (["a"], None, ["a"], "conflict"), (["a", "b"], ["b"], ["a", "b", "c"], "conflict"),
    ],
)  # fmt: skip
def test_a_field_is_decided_by_base_live_and_desired(base: Any, live: Any, desired: Any, verdict: str | None) -> None:
    known = Base("d", "1", {}, {} if base == NOTHING else {"x": base})
    plans = compare({"x": desired}, {"x": live}, known)
    assert [one.verdict for one in plans] == ([] if verdict is None else [verdict])
    if base == NOTHING:
        assert plans == compare({"x": desired}, {"x": live}, None)


def test_a_field_that_is_not_there_is_as_one_without_a_value() -> None:
    assert [one.live for one in compare({"x": 1}, {}, None)] == [None]
    assert compare({"x": None, "y": []}, {}, None) == []


@pytest.mark.parametrize(
    ("live", "verdict"), [(None, "change"), ("", "change"), ("theirs", "conflict"), ("ours", None)]
)
def test_the_mark_is_written_at_first_contact_unless_another_stands_there(live: Any, verdict: str | None) -> None:
    plans = compare({"owner": "ours"}, {"owner": live}, None, mark="owner")
    assert [one.verdict for one in plans] == ([] if verdict is None else [verdict])


def test_what_is_known_is_compared_as_what_it_is() -> None:
    base = Base("d", "1", {"name": "a"}, {"tags": ["x", "y"], "n": 1})
    assert knows(base, "tags", ["y", "x"])
    assert knows(base, "name", "a")
    assert knows(base, "n", 1.0)
    assert not knows(base, "tags", ["x"])
    assert not knows(base, "n", "1")
    assert not knows(base, "other", None)


def test_references_follow_a_rename_wherever_they_stand() -> None:
    renames = Renames()
    assert not renames
    renames.add("device", {"name": "a", "site": {"slug": "s"}}, {"name": "b", "site": {"slug": "s"}})
    assert renames
    assert renames.followed({"name": "a"}) == {"name": "b"}
    assert renames.followed({"type": "device", "name": "a"}) == {"type": "device", "name": "b"}
    assert renames.followed({"type": "rack", "name": "a"}) == {"type": "rack", "name": "a"}
    assert renames.followed({"name": "a", "site": {"slug": "t"}}) == {"name": "a", "site": {"slug": "t"}}
    assert renames.followed([{"device": {"name": "a"}, "name": "1"}, "a"]) == [
        {"device": {"name": "b"}, "name": "1"},
        "a",
    ]


def test_a_key_that_stays_is_no_rename() -> None:
    renames = Renames()
    renames.add("device", {"name": "a", "old": 1}, {"name": "a", "new": 1})
    assert not renames


def test_what_evidence_knows_follows_too() -> None:
    following = Following()
    assert not following
    base = Base("port", "1", {"device": {"name": "a"}}, {"peer": {"name": "a"}}, {"peer": ({"name": "a"},)})
    assert following.base(base) is base
    following.known.add("device", {"name": "a"}, {"name": "b"})
    assert following
    found = following.base(base)
    assert (found.key, found.fields, found.intended) == (
        {"device": {"name": "b"}}, {"peer": {"name": "b"}}, {"peer": ({"name": "b"},)},
    )  # fmt: skip
