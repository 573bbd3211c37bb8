"""Foreign text in a comment is shown as it is: it calls nobody, links nowhere, formats nothing, ends no cell."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.pipelines.forge_text import fitted, forge_code, forge_link, forge_text, shortened

ZERO = "\u200b"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain words, 3 of 4", "plain words, 3 of 4"),
        ("@anna and @acme/ops", f"@{ZERO}anna and @{ZERO}acme/ops"),
        ("fixes #12 and !7 and acme/net#3", f"fixes #{ZERO}12 and !{ZERO}7 and acme/net#{ZERO}3"),
        ('see GH-12, &7, %2 and %"next"', f'see GH{ZERO}-12, &amp;{ZERO}7, %{ZERO}2 and %{ZERO}"next"'),
        ("R&D, 5 % of 3", f"R&amp;{ZERO}D, 5 % of 3"),
        ("<img src=x> & &#64;anna", f"&lt;img src=x&gt; &amp; &amp;#{ZERO}64;anna"),
        ("[x](http://e.example) | ~~a~~ _b_ *c* `d`", None),
        ("https://evil.example www.evil.example", f"https:{ZERO}//evil.example www{ZERO}.evil.example"),
        ("$\\alpha$", "\\$\\\\alpha\\$"),
        ("one\n/approve\r\n## two", "one /approve ## two"),
        ("\x1b[31mred\u202egnp.exe", "\\[31mred gnp.exe"),
        ("a" * 400, "a" * 299 + "…"),
    ],
)
def test_text(text: str, expected: str | None) -> None:
    found = forge_text(text)
    if expected is None:
        expected = f"\\[x\\](http:{ZERO}//e.example) \\| \\~\\~a\\~\\~ \\_b\\_ \\*c\\* \\`d\\`"
    assert found == expected


@given(st.text(max_size=400))
def test_no_text_can_call_link_or_leave_its_line(text: str) -> None:
    found = forge_text(text)
    assert found.replace(ZERO, "").isprintable()
    assert not re.search(r"[@#!]\w|://|<|>|(?<!\\)(?:\\\\)*[|`\[\]*_]", found)
    code = forge_code(text)
    assert code == "–" or re.fullmatch(r"`(?:[^`|\n\\]|\\[\\|])*`", code)


def test_no_order_to_a_ci_system_passes() -> None:
    for order in ("##vso[task.setvariable variable=x]y", "##[error]x", "x ##VSO[task.complete]", "::error::x"):
        for told in (forge_text(order), forge_code(order), shortened(order)):
            assert not re.search(r"(?i)##(?:vso)?\[|::error::", told)


def test_code_has_no_end_before_its_end() -> None:
    assert forge_code("a`b|c\\d") == "`a'b\\|c\\\\d`"
    assert forge_code(" \n ") == "–"


def test_only_plain_addresses_become_links() -> None:
    assert forge_link("run", "https://ci.example/a/b?x=1#y") == "[run](https://ci.example/a/b?x=1#y)"
    for odd in (None, "javascript:alert(1)", "https://e.example/)[x](y", "https://e.example/a b", "http://é.example/"):
        assert forge_link("run", odd) == "run"


def test_shortened_text_is_one_line() -> None:
    assert shortened(" a\t b\nc ") == "a b c"


class TestFitted:
    def test_what_fits_is_whole(self) -> None:
        assert fitted(["a", "b", ""], ["c"], 100) == "a\nb\n\nc\n"

    def test_what_does_not_fit_says_so_and_keeps_the_last_lines(self) -> None:
        lines = ["head", "<details><summary>x</summary>", *("é" * 30 for _ in range(100)), "</details>"]
        text = fitted(lines, ["last"], 1_000)
        assert len(text.encode()) <= 1_000
        assert text.startswith("head\n<details>")
        assert "</details>\n\n_The rest is left out" in text
        assert text.endswith("\nlast\n")

    def test_nothing_open_is_closed_only_once(self) -> None:
        text = fitted(["<details>", "</details>", *["x" * 50] * 50], [], 600)
        assert text.count("</details>") == 1
