from __future__ import annotations

from infratrack.project.positions import START, find_places

TEXT = """\
a:
  - b: {c: 1}
    d: *x
? [complex, {key: 1}]
: e
f: &x [1, 2]
"""


def place(text: str, *path: str | int) -> tuple[int, int, bool]:
    found, exact = find_places(text, [path]).of(path)
    return found.line, found.column, exact


def test_every_value_has_a_place_and_its_key_another() -> None:
    assert place(TEXT, "a", 0, "b", "c") == (2, 12, True)
    assert place(TEXT, "f", 1) == (6, 11, True)
    found, _ = find_places(TEXT, [("a", 0, "b", "c")]).of(("a", 0, "b", "c"))
    assert (found.key_line, found.key_column) == (2, 9)


def test_what_is_not_there_is_as_near_as_what_is_around_it() -> None:
    assert place(TEXT, "a", 0, "b", "zzz") == (2, 8, False)
    assert place(TEXT, "a", 7) == (2, 3, False)
    assert place(TEXT, "nothing") == (1, 1, False)
    assert place(TEXT) == (1, 1, True)


def test_what_an_alias_stands_for_is_found_at_the_alias() -> None:
    assert place("f: &x [1, 2]\na: *x\n", "a", 1) == (2, 4, False)


def test_text_that_the_parser_refuses_has_a_beginning() -> None:
    assert find_places("\x07", [("a",)]).of(("a",)) == (START, False)
