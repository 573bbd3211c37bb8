"""NetBox's refusals: who is to blame, in its own words."""

from __future__ import annotations

from typing import Any

import pytest

from infratrack_netbox.refusals import blamed, sentence


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": ["must be unique"]}, "name: must be unique"),
        ({"detail": "Not found."}, "Not found."),
        ({"__all__": ["No such rack."], "site": {"slug": ["unknown"]}}, "No such rack.; site.slug: unknown"),
        ({"name": ["a\x1b[31mb\n\tc"]}, "name: a [31mb c"),
        (None, "NetBox answered 400 and gave no reason"),
        ({"name": [3, None, ""]}, "NetBox answered 400 and gave no reason"),
        (b"bytes", "NetBox answered 400 and gave no reason"),
    ],
)
def test_a_refusal_is_told_in_the_servers_own_words_on_one_line(body: Any, expected: str) -> None:
    assert sentence(400, body) == expected


def test_endless_words_are_cut() -> None:
    assert len(sentence(400, {"name": ["x" * 100_000]})) < 310
    assert len(sentence(400, {str(number): ["wrong"] for number in range(1000)})) < 310


def test_words_hidden_too_deep_are_not_looked_for() -> None:
    body: Any = "deep"
    for _ in range(50):
        body = {"a": body}
    assert sentence(400, body) == "NetBox answered 400 and gave no reason"


def test_the_guilty_are_named_by_their_place_or_their_id() -> None:
    body = {
        "detail": "2 of 3 objects could not be created.",
        "errors": [{"index": 1, "errors": {"name": ["taken"]}}, {"id": 30, "errors": {"__all__": ["in use"]}}],
    }
    assert blamed(400, body, ["10", "20", "30"]) == {1: "name: taken", 2: "in use"}


def test_older_servers_answer_a_list_as_long_as_the_batch() -> None:
    assert blamed(400, [{}, {"name": ["taken"]}], ["", ""]) == {1: "name: taken"}


@pytest.mark.parametrize(
    "body",
    [
        {"detail": "no"},
        [{}],
        None,
        {"errors": ["?", {"index": True, "errors": {}}, {"index": 7}, {"id": 99}]},
        {"errors": {"name": ["x"]}},
    ],
)
def test_an_answer_that_blames_nobody_in_the_batch_blames_nobody(body: Any) -> None:
    assert blamed(400, body, ["1", "2"]) == {}
