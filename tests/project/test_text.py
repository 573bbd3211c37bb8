from __future__ import annotations

import pytest

from infratrack.project.problems import ProjectProblems
from infratrack.project.text import COLUMNS_AT_MOST, FILE_AT_MOST, decode, position_of


def refused(content: bytes) -> str:
    with pytest.raises(ProjectProblems) as wrong:
        decode(content, "f.yaml")
    (problem,) = wrong.value.problems
    assert problem.expected
    return str(problem)


def test_plain_text_a_byte_order_mark_and_any_line_end_are_fine() -> None:
    assert decode(b"a: 1\r\nb:\t2\rc: 3\n", "f") == "a: 1\r\nb:\t2\rc: 3\n"
    assert decode(b"\xef\xbb\xbfa: 1", "f") == "a: 1"
    assert decode("a: Zürich 北京 🏢".encode(), "f") == "a: Zürich 北京 🏢"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le"])
def test_other_encodings_are_named(encoding: str) -> None:
    told = refused("infratrack: 1".encode(encoding))
    assert "UTF-16" in told or "UTF-32" in told
    assert "UTF-8" in told


def test_a_byte_order_mark_of_another_encoding_is_named() -> None:
    assert "written in UTF-16" in refused(b"\xfe\xffx")
    assert "written in UTF-32" in refused(b"\x00\x00\xfe\xff")


def test_latin_1_is_refused_at_the_byte() -> None:
    assert refused("a: 1\nname: Zürich".encode("latin-1")).startswith("f.yaml:2:8: the byte 0xFC is not UTF-8")


def test_binary_content_is_no_text() -> None:
    assert "NUL bytes" in refused(b"text and then\x00\x00")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a: 1\nb: \x07", "f.yaml:2:4: the character U+0007"),
        ("a: \x7f", "f.yaml:1:4: the character U+007F"),
        ("a: \ufeff", "f.yaml:1:4: a byte order mark U+FEFF"),
        ("ü: \x85", "f.yaml:1:4: a next-line character U+0085"),
        ("a\u2028", "f.yaml:1:2: a line separator U+2028"),
        ("a: 1\r\nb: 2\rc: \u2029", "f.yaml:3:4: a paragraph separator"),
    ],
)
def test_characters_on_which_readers_disagree_are_refused_with_their_place(text: str, told: str) -> None:
    assert refused(text.encode()).startswith(told)


@pytest.mark.parametrize("deep", ["- " * 100_000, "? " * 100_000, " " * COLUMNS_AT_MOST + "a", "-\t" * 1000])
def test_nesting_that_would_crash_a_reader_never_reaches_it(deep: str) -> None:
    assert refused(f"a: 1\n{deep}\n".encode()).startswith("f.yaml:2:1: nested or indented deeper")


def test_a_huge_file_is_refused_before_it_is_read() -> None:
    assert "more than 16,777,216 bytes" in refused(b"a" * (FILE_AT_MOST + 1))


def test_positions_count_from_one_in_lines_of_any_kind() -> None:
    assert [position_of("a\nb\r\nc\rd", offset) for offset in (0, 2, 5, 7)] == [(1, 1), (2, 1), (3, 1), (4, 1)]
