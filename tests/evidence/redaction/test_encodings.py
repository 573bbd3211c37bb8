"""Encodings: a view knows where its characters came from, and a fragment of base64 stands whatever surrounds it."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.evidence.redaction.encodings import base64_forms, plain_forms, views
from infratrack.evidence.redaction.search import SecretSearch


@pytest.mark.parametrize(
    ("text", "undone"),
    [
        ("a%2Fb%c3%a4", "a/bä"),
        ("a%FFb", "a\ufffdb"),
        ("%41%42", "AB"),
        (r"a\"b\\c\/d\n\t\b\f\r\'", "a\"b\\c/d\n\t\b\f\r'"),
        (r"\u00e4\x41\ud83d\ude00\ud83d", "äA😀\ufffd"),
        ("&amp;&lt;&#65;&#x42;&unknown;", "&<AB&unknown;"),
    ],
)
def test_one_layer_of_escapes_is_undone(text: str, undone: str) -> None:
    assert [view.text for view in views(text, plus_is_space=False)] == [undone]


def test_a_plus_is_a_space_where_that_can_matter() -> None:
    assert [view.text for view in views("a+b%2B", plus_is_space=True)] == ["a+b+", "a b+"]
    assert [view.text for view in views("a+b", plus_is_space=False)] == []


def test_a_marker_without_an_escape_is_no_view() -> None:
    assert list(views("100% \\q & so on", plus_is_space=False)) == []


@given(st.lists(st.sampled_from(["ab", "%2F", "%c3%a4", "%41%42", "é"])).map("".join), st.data())
def test_a_stretch_of_a_view_is_found_in_the_original(text: str, data: st.DataObject) -> None:
    for view in views(text, plus_is_space=False):
        start = data.draw(st.integers(0, len(view.text) - 1))
        end = data.draw(st.integers(start + 1, len(view.text)))
        begin, finish = view.original(start, end)
        (again,) = [*(one.text for one in views(text[begin:finish], plus_is_space=False)), text[begin:finish]][:1]
        assert view.text[start:end] in again


def test_quoted_forms_are_foreseen() -> None:
    assert list(plain_forms("abcdef")) == ["abcdef"]
    assert list(plain_forms("it's")) == ["it's", "it'\"'\"'s", "it''s"]


@given(st.text(min_size=6), st.binary(max_size=9), st.binary(max_size=9))
def test_a_fragment_of_base64_stands_in_every_base64_of_it(secret: str, before: bytes, after: bytes) -> None:
    whole = before + secret.encode() + after
    forms = list(base64_forms(secret))
    assert all(len(form) >= 7 for form in forms)
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert any(form in encode(whole).decode() for form in forms)


def test_base64_is_masked_with_its_edges_and_no_further() -> None:
    search = SecretSearch(["secret-value"])
    text = "x=" + base64.b64encode(b"aaaaaaaaaa secret-value bbbbbbbbbbbb").decode()
    (span,) = set(search.spans(text))
    assert b"secret-value"[1:-1] not in base64.b64decode(text[2 : span[0] // 4 * 4 + 2] + "==")
    assert 16 <= span[1] - span[0] <= 24
    assert search.spans(base64.b64encode(b"secret-value").decode()) == [(0, 16)]


def test_three_layers_of_escapes_are_undone_and_no_more() -> None:
    search = SecretSearch(["secret/value"])
    assert [bool(search.spans(f"secret%{'25' * layers}2Fvalue")) for layers in range(5)] == [True] * 3 + [False] * 2


def test_nothing_to_search_for_finds_nothing() -> None:
    assert SecretSearch([]).spans("anything%20at\\nall") == []
