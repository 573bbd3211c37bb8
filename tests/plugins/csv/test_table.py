from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.api import InputError
from infratrack_csv.cells import canonical, from_cell, to_cell
from infratrack_csv.table import Dialect, Row, Table, is_formula, parse_csv, render_csv, with_columns


def test_a_file_that_is_not_changed_is_written_back_byte_by_byte() -> None:
    content = '\ufeffname;note\r\n"core 1";"two\nlines"\r\n\r\nedge;\r\n'.encode()
    table, dialect = parse_csv(content, "x.csv")
    assert table.columns == ("name", "note")
    assert [row.cells for row in table.rows] == [("core 1", "two\nlines"), ("edge", "")]
    assert dialect.delimiter == ";"
    assert dialect.line_end == "\r\n"
    assert dialect.bom
    assert render_csv(table, dialect) == content.replace(b"\r\n\r\n", b"\r\n")  # the blank line goes


def test_only_changed_rows_are_spelled_anew() -> None:
    table, dialect = parse_csv(b'name,note\n"a",1\n"b",2', "x.csv")
    changed = Table(table.columns, (table.rows[0], Row(("b", "3, or 4"), "", 3), Row(("c", ""))), table.name)
    assert render_csv(changed, dialect) == b'name,note\n"a",1\nb,"3, or 4"\nc,\n'


def test_a_row_is_added_on_a_line_of_its_own_after_a_last_line_without_an_end() -> None:
    table, dialect = parse_csv(b"name\na", "x.csv")
    assert render_csv(Table(("name",), (*table.rows, Row(("b",))), "x.csv"), dialect) == b"name\na\nb\n"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "no header"),
        (b"\xff\xfe", "not UTF-8 (byte 0)"),
        (b"a,a\n1,2\n", "two columns named 'a'"),
        (b"a,,b\n1,2,3\n", "column 2 has no name"),
        (b"a\n1,2\n", "row 2 has 2 cells under 1 columns"),
        (b'a\n"1', "line 2"),
        (b"a\n" + b"1\n" * 500_001, "more than 500,000 rows"),
    ],
)
def test_what_is_no_table_is_told_with_its_place(content: bytes, says: str) -> None:
    with pytest.raises(InputError) as told:
        parse_csv(content, "inventory.csv", ",")
    assert told.value.message.startswith("inventory.csv")
    assert says in told.value.message
    assert told.value.hint


def test_empty_columns_at_the_end_are_no_columns() -> None:
    table, _ = parse_csv(b"a,b,,\n1,2,,\n3\n", "x.csv")
    assert table.columns == ("a", "b")
    assert [row.cells for row in table.rows] == [("1", "2"), ("3", "")]


def test_a_table_can_be_too_wide() -> None:
    with pytest.raises(InputError, match="1001 columns"):
        parse_csv(",".join(f"c{number}" for number in range(1_001)).encode(), "x.csv")


def test_a_new_column_is_empty_in_every_row() -> None:
    table, _ = parse_csv(b"a\n1\n", "x.csv")
    wider = with_columns(table, ["id", "a"])
    assert wider.columns == ("a", "id")
    assert wider.rows[0].cells == ("1", "")
    assert with_columns(table, ["a"]) is table


@pytest.mark.parametrize("text", ["=1+1", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3+cmd", "\t=1"])
def test_what_a_spreadsheet_program_would_run_is_not_written(text: str) -> None:
    assert is_formula(text)
    with pytest.raises(InputError, match="would be run as a formula"):
        render_csv(Table(("a",), (Row((text,)),), "x.csv"), Dialect())


@pytest.mark.parametrize("text", ["-1", "+49 30 1234-5", "-", "-2.5", "a=b", ""])
def test_numbers_and_plain_text_are_no_formulas(text: str) -> None:
    assert render_csv(Table(("a", "b"), (Row((text, "x")),), "x.csv"), Dialect()).startswith(b"a,b\n")


CELL = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=20)


@given(st.lists(st.tuples(CELL, CELL), max_size=6))
def test_what_is_written_is_read_back(cells: list[tuple[str, str]]) -> None:
    rows = tuple(Row(pair) for pair in cells if not any(is_formula(cell) and cell not in "+-" for cell in pair))
    content = render_csv(Table(("a", "b"), rows, "x"), Dialect())
    assert [row.cells for row in parse_csv(content, "x", ",")[0].rows] == [row.cells for row in rows]


@given(st.binary(max_size=200))
def test_any_bytes_are_a_table_or_an_input_error(content: bytes) -> None:
    try:
        table, _ = parse_csv(content, "x.csv")
    except InputError:
        return
    assert all(len(row.cells) == len(table.columns) for row in table.rows)


@pytest.mark.parametrize(
    ("value", "cell", "back"),
    [
        (None, "", None),
        ("", "", None),
        ({}, "", None),
        (" x ", "x", "x"),
        (True, "true", "true"),
        (42, "42", "42"),
        (2.0, "2", "2"),
        (2.5, "2.5", "2.5"),
        (["b", "a", "a", None], "a;b", ["a", "b"]),
        ([], "", []),
    ],
)
def test_values_have_one_spelling_in_cells(value: object, cell: str, back: object) -> None:
    found = canonical(value, "here", ";")
    assert to_cell(found, ";") == cell
    assert from_cell(cell, ";", is_list=isinstance(value, list)) == back


@pytest.mark.parametrize("value", [{"slug": "a"}, float("nan"), "x" * 100_001, "a\0b", ["a;b"], [["a"]]])
def test_what_no_cell_can_hold_is_told_with_its_place(value: object) -> None:
    with pytest.raises(InputError, match="devices"):
        canonical(value, "devices[3], name", ";")
