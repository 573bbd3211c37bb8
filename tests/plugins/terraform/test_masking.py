"""Mask semantics: true hides a subtree, objects by key, lists by position, and what does not fit hides everything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from infratrack_terraform.masking import (
    ABSENT,
    HIDDEN,
    Revealed,
    collect_leaves,
    collect_masked,
    hides,
    holds_secret,
    nested_deeper,
    reveal,
    worth_hiding,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "mask", "found", "leaves"),
    [
        ("secret", True, {"secret"}, 1),
        ("secret", False, set(), 0),
        ("secret", None, set(), 0),
        ("secret", {}, set(), 0),
        ({"a": "one", "b": "two"}, {"a": True}, {"one"}, 1),
        ({"a": "one", "b": "two"}, True, {"one", "two"}, 2),
        ({"a": "one"}, {"b": True}, set(), 0),
        (["one", "two"], [False, True], {"two"}, 1),
        (["one", "two"], [True], {"one"}, 1),
        (["one"], [False, True], set(), 0),
        ("one", {"a": True}, {"one"}, 1),
        ("one", {"a": False}, set(), 0),
        ({"a": "one"}, [True], {"one"}, 1),
        (["one"], {"a": {"b": True}}, {"one"}, 1),
        ({"a": ["one", {"b": "two"}]}, {"a": [False, {"b": True}]}, {"two"}, 1),
        ("one", "no mask at all", {"one"}, 1),
        ({"a": None, "b": True, "c": 1234567, "d": 12345678, "e": 1.25}, True, {"12345678"}, 4),
        (None, True, set(), 0),
    ],
)
def test_masked_strings_are_collected(value: object, mask: object, found: set[str], leaves: int) -> None:
    into: set[str] = set()
    assert collect_masked(value, mask, into) == leaves
    assert into == found


@given(JSON)
def test_a_mask_of_true_hides_every_string(value: object) -> None:
    masked: set[str] = set()
    leaves: set[str] = set()
    assert collect_masked(value, mask=True, into=masked) == collect_leaves(value, leaves)
    assert masked == leaves


@given(JSON, JSON)
def test_any_mask_over_any_value_is_survived(value: object, mask: object) -> None:
    collect_masked(value, mask, set())
    assert isinstance(reveal(value, mask, "a.b.0"), Revealed)
    assert isinstance(hides(mask), bool)


def test_deep_nesting_is_no_recursion() -> None:
    value: Any = "secret"
    for _ in range(100_000):
        value = [value]
    found: set[str] = set()
    assert collect_masked(value, mask=True, into=found) == 1
    assert nested_deeper(value, 16)
    assert holds_secret(value, frozenset({"secret"}))


def test_short_strings_and_names_are_not_hunted() -> None:
    assert worth_hiding({"short", "long enough", "vlan-10", "  a   "}, {"vlan-10"}) == {"long enough"}


def test_a_secret_is_found_anywhere_in_a_value() -> None:
    secrets = frozenset({"hunter2"})
    assert holds_secret({"a": ["x hunter2 y"]}, secrets)
    assert holds_secret({"hunter2": 1}, secrets)
    assert not holds_secret({"a": [None, 1]}, secrets)
    assert not holds_secret("hunter2", frozenset())


def test_nesting_is_measured() -> None:
    assert not nested_deeper({"a": [1]}, 2)
    assert nested_deeper({"a": [1]}, 1)


@pytest.mark.parametrize(
    ("value", "mask", "path", "expected"),
    [
        ({"a": 1}, {}, "a", Revealed(present=True, value=1)),
        ({"a": 1}, None, "b", ABSENT),
        ({"a": [1, 2]}, {}, "a.1", Revealed(present=True, value=2)),
        ({"a": [1, 2]}, {}, "a.2", ABSENT),
        ({"a": [1, 2]}, {}, "a.-1", ABSENT),
        ({"a": [1, 2]}, {}, "a.²", ABSENT),
        ({"a": [1]}, {}, "a.99999999999999999999", ABSENT),
        (None, False, "a", ABSENT),
        ({"a": 1}, {"a": True}, "a", HIDDEN),
        ({"a": {"b": 1}}, {"a": True}, "a.b", HIDDEN),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": True}}, "a.b", Revealed(present=True, value=1)),
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": True}}, "a", HIDDEN),
        ({"a": [1, 2]}, {"a": [True]}, "a.1", Revealed(present=True, value=2)),
        ({"a": [1, 2]}, {"a": [True]}, "a.0", HIDDEN),
        ({"a": [1, 2]}, {"a": {"x": True}}, "a.0", HIDDEN),
        ({"a": {"b": 1}}, {"a": [True]}, "a.b", HIDDEN),
        ({"a": {"b": 1}}, {"a": [False]}, "a.b", Revealed(present=True, value=1)),
        ({"a": 1}, UNSET, "a", HIDDEN),
        ({"a": 1}, UNSET, "b", ABSENT),
    ],
)
def test_only_what_no_mask_covers_is_revealed(value: object, mask: object, path: str, expected: Revealed) -> None:
    assert reveal(value, mask, path) == expected
