"""Selectors: `*` is any run of characters except the separator; all else is literal."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.progress.criterion import SUBJECT_SEPARATOR as SEP
from infratrack.progress.criterion import Selector
from infratrack.progress.patterns import SubjectCatalog, literal_beginning, pattern_matcher, watch


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("terraform_data.vlan[*]", "terraform_data.vlan[0]", True),
        ("terraform_data.vlan[*]", 'terraform_data.vlan["a.b"]', True),
        ("terraform_data.vlan[*]", "terraform_data.vlan", False),
        ("terraform_data.vlan[0]", "terraform_data.vlan0", False),
        ("module.core.*", "module.core.a.b", True),
        ("module.core.*", "module.cores.a", False),
        ("a*b*a", "aba", True),
        ("a*b*a", "aa", False),
        ("a*b*a", "axxa", False),
        ("ab*ba", "aba", False),
        ("*", "", True),
        ("*", f"a{SEP}b", False),
        (f"*{SEP}b", f"a{SEP}b", True),
        (f"a{SEP}*", f"a{SEP}b{SEP}c", False),
        (f"a{SEP}*x", f"a{SEP}b", False),
        (f"a{SEP}b*", f"c{SEP}b", False),
        ("plain", "plain", True),
        ("plain", "plains", False),
    ],
)
def test_what_a_pattern_means(pattern: str, text: str, matches: bool) -> None:  # noqa: FBT001 -- the expectation
    assert pattern_matcher(pattern)(text) is matches


@given(st.text("ab*" + SEP, max_size=8), st.text("ab" + SEP, max_size=8))
def test_it_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    expression = "".join(f"[^{SEP}]*" if sign == "*" else re.escape(sign) for sign in pattern)
    assert pattern_matcher(pattern)(text) is bool(re.fullmatch(expression, text, re.DOTALL))


def test_many_stars_against_a_long_name_do_not_take_forever() -> None:
    assert not pattern_matcher("a*" * 60 + "b")("a" * 50_000)


def test_the_literal_beginning_ends_at_the_first_star() -> None:
    assert literal_beginning("module.core[*].x*") == "module.core["


SUBJECTS = [
    (1, "host", "site.yml", "core-1"),
    (2, "host", "site.yml", "core-2"),
    (3, "host", "other.yml", "core-1"),
    (4, "task", "site.yml", "core-1"),
    (5, "host", "site.yml", "core-1\U0010ffffx"),
]


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        (Selector("host", "core-1"), [3, 1]),
        (Selector("host", "core-1", scope="site.yml"), [1]),
        (Selector("host", "core-*", scope="s*.yml"), [1, 5, 2]),
        (Selector("host", "core-*", scope="*"), [3, 1, 5, 2]),
        (Selector("host", "*", scope="other.yml"), [3]),
        (Selector("host", "core", match=lambda name: name.endswith("2")), [2]),
        (Selector("host", "", match=lambda name: name.endswith("2")), [2]),
        (Selector("nothing"), []),
        (Selector("host", "x*"), []),
    ],
)
def test_a_selector_finds_its_subjects_in_the_order_of_names(selector: Selector, found: list[int]) -> None:
    assert SubjectCatalog(SUBJECTS).select(selector) == found


@given(st.lists(st.text("ab.*", max_size=5), max_size=30), st.text("ab.*", max_size=4))
def test_the_catalog_finds_what_looking_at_every_name_finds(names: list[str], pattern: str) -> None:
    catalog = SubjectCatalog((number, "k", "", name) for number, name in enumerate(names))
    matches = pattern_matcher(pattern)
    expected = {number for number, name in enumerate(names) if matches(name)}
    assert set(catalog.select(Selector("k", pattern))) == expected


@given(st.lists(st.tuples(st.text("ab.", max_size=4), st.sampled_from("xy")), max_size=20), st.text("ab.*", max_size=4))
def test_a_watch_wakes_for_whatever_its_selector_means(subjects: list[tuple[str, str]], pattern: str) -> None:
    catalog = SubjectCatalog((number, "k", scope, name) for number, (name, scope) in enumerate(subjects))
    for selector in (Selector("k", pattern, scope="x"), Selector("k", "a", match=lambda name: name.endswith("b"))):
        assert catalog.wakes(watch(selector)) or not catalog.select(selector)
    assert not catalog.wakes(watch(Selector("other", pattern)))
    assert not catalog.wakes(watch(Selector("k", "c")))
