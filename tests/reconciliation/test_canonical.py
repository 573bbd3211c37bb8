"""One spelling of any value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.errors import InputError
from infratrack.reconciliation.canonical import canonical, canonical_key, items_of, mentions, same_value
from infratrack.reconciliation.naming import called, listed, plain

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


@given(values, values)
def test_values_are_the_same_exactly_when_they_are_spelled_the_same(left: Any, right: Any) -> None:
    assert same_value(left, left)
    assert same_value(left, right) == (canonical(left) == canonical(right)) == same_value(right, left)


@given(st.dictionaries(st.text(max_size=3), values, max_size=3))
def test_the_order_of_names_means_nothing(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert canonical(value) == canonical(turned) == canonical_key(turned)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True), (10**22, 1e22, True), (1.5, 1.5, True), (0, -0.0, True), ([1.0], [1], True),
        (1, True, False), (0, False, False), (1, "1", False), (None, "", False), (None, [], False), ([], {}, False),
        ([1, 2], [2, 1], False), ("10.0", 10, False), (10**40, 10**40 + 1, False), ("é", "é", True),
        ("\ud800", "\ud800", True), ("\ud800", "\ud801", False), (2.0e-7, 2e-07, True),
        ({"a": 1.0}, {"a": 1}, True),
    ],
)  # fmt: skip
def test_what_is_the_same(left: Any, right: Any, same: bool) -> None:  # noqa: FBT001 -- a parameter
    assert same_value(left, right) is same


def test_halves_of_surrogates_can_stand_in_keys() -> None:
    assert canonical_key({"name": "\ud800"}) != canonical_key({"name": "\ud801"})


def test_a_value_nested_too_deeply_is_an_input_error() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(InputError, match="nested too deeply"):
        canonical(value)


def test_items_are_told_apart_by_their_spelling() -> None:
    assert list(items_of([{"a": 1}, {"a": 1.0}, "1", 1, True]).values()) == [{"a": 1.0}, "1", 1, True]
    assert items_of("text") == items_of(None) == {}


def test_every_mapping_inside_a_value_is_a_possible_reference() -> None:
    value = {"a": [{"b": {"c": 1}}, 2], "d": ({"e": 1},)}
    assert sorted(str(one) for one in mentions(value)) == sorted(map(str, [value, {"b": {"c": 1}}, {"c": 1}, {"e": 1}]))


def test_a_name_in_a_sentence_is_short_and_harmless() -> None:
    assert called("dcim.interface", {"device": {"name": "leaf-1"}, "name": "eth0"}, "17") == (
        "dcim.interface leaf-1 eth0 (id 17)"
    )
    assert called("x", {"vid": 5, "site": None, "list": ["a", 1]}) == "x 5 null a 1"
    assert plain("a\x1b[31mb\n") == "a?[31mb?"
    assert len(plain("x" * 10_000)) == 80
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert called("x", {str(number): number for number in range(1000)}).startswith("x 0 1 2")
