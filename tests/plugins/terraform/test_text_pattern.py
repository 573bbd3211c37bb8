"""`matches:` is a pattern with `*` and `?`, nothing that could crawl."""

from __future__ import annotations

import pytest

from infratrack_terraform.text_pattern import text_matcher


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("https://*.example.net", "https://a.example.net", True),
        ("https://*.example.net", "https://a.example.org", False),
        ("v?", "v1", True),
        ("v?", "v12", False),
        ("V1", "v1", False),
        ("[a]", "[a]", True),
        ("[a]", "a", False),
        ("10", 10, True),
        ("1.5", 1.5, True),
        ("True", True, False),
        ("*", None, False),
        ("*", ["a"], False),
        ("*", "a\nb", True),
        ("*", "x" * 5_000, False),
        ("*a" * 100 + "b", "a" * 4_000, False),
    ],
)
def test_patterns(pattern: str, value: object, *, expected: bool) -> None:
    assert text_matcher(pattern)(value) is expected
