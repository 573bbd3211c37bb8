from __future__ import annotations

from typing import Any

import yaml_rs
from hypothesis import given
from hypothesis import strategies as st

from infratrack.project.starter import Suggestion, starter_text

ABOUT = {"id": "p", "name": "P", "start": "2026-01-05"}


def read(text: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml_rs.loads(text, parse_datetime=False)  # type: ignore[assignment]  # a project is a mapping
    return found


def test_the_smallest_file_says_what_to_do_about_trust() -> None:
    text = starter_text(ABOUT, None, [])
    found = read(text)
    assert found["project"] == ABOUT
    assert found["tasks"][0]["deliverables"] == ["first-run"]
    assert "trust" not in found
    assert "#     - {name: NAME, key: keys/NAME.pub}" in text
    assert "start: 2026-01-05" in text


def test_suggestions_stand_in_the_file_with_their_reason() -> None:
    suggestion = Suggestion(
        "found\x1b[31m it",
        {"id": "d", "name": "D", "done_when": {"a.b": {"hosts": ("x", "y")}}},
        {"id": "q", "steps": []},
    )
    text = starter_text(ABOUT, {"name": "ci", "key": "keys/ci.pub"}, [suggestion])
    found = read(text)
    assert found["trust"] == {"signers": [{"name": "ci", "key": "keys/ci.pub"}]}
    assert found["deliverables"] == [{"id": "d", "name": "D", "done_when": {"a.b": {"hosts": ["x", "y"]}}}]
    assert found["pipelines"] == [{"id": "q", "steps": []}]
    assert "\x1b" not in text


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=20))
def test_a_text_stays_a_text_whatever_it_looks_like(name: str) -> None:
    for text in (name, "0o17", "1e3", "yes", "null", "2026-01-05", "12:30", "~", "1_000"):
        assert read(starter_text({**ABOUT, "name": text}, None, []))["project"]["name"] == text
