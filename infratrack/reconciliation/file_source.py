"""Items from a file of the project: CSV, YAML or JSON."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from infratrack.errors import InputError
from infratrack.project.include_files import read_at_most
from infratrack.project.oddities import odd_values
from infratrack.project.problems import ProjectProblems, shown
from infratrack.project.reading import read_yaml
from infratrack.reconciliation.interface import SourceReading
from infratrack.reconciliation.plain_values import kind_of
from infratrack.values import sha256_digest

FILE_AT_MOST: Final = 64 * 1024 * 1024
COLUMNS_AT_MOST: Final = 1_000
_DECODED: Final = {"yaml": "YAML", "yml": "YAML", "json": "JSON"}


def read_file(folder: Path, name: str, list_name: str | None = None) -> SourceReading:
    """The items that a file inside the project folder lists; values of a CSV file are texts, by the header's names.

    `list_name` says where in a YAML or JSON file the list stands (names joined by dots). InputError for a file that is
    not there, leads out of the folder, or holds something else.
    """
    content = _content(folder, name)
    kind = name.rpartition(".")[2].lower()
    items: Any
    if kind == "csv":
        if list_name is not None:
            raise InputError(f"{name} is a CSV file and has no lists", "leave `list` out")
        items = list(_csv_items(content, name))
    else:
        data = _yaml(content, name) if _DECODED.get(kind) == "YAML" else _json(content, name)
        items = _list_in(data, name, list_name)
    origin = f"{name} › {list_name}" if list_name else name
    facts = {"file": name, "digest": sha256_digest(content)}
    return SourceReading(tuple(items), origin, facts=facts)


def _content(folder: Path, name: str) -> bytes:
    try:
        root = folder.resolve()
        path = (folder / name).resolve()
        exists = path.exists()
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(f"the file {shown(name)} cannot be looked up", "name a file in the project folder") from error
    if not path.is_relative_to(root):
        raise InputError(f"the file {shown(name)} lies outside the project folder", "name a file inside it")
    if not exists:
        raise InputError(f"the file {shown(name)} is not there", "paths begin at the project folder")
    content = read_at_most(path, FILE_AT_MOST)
    if len(content) > FILE_AT_MOST:
        raise InputError(f"{name} has more than {FILE_AT_MOST:,} bytes", "split it")
    return content


def _csv_items(content: bytes, name: str) -> Iterator[dict[str, str]]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{name} is not UTF-8 text", "save it as `CSV UTF-8`") from None
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(rows, [])
        _check_header(header, name)
        for row in rows:
            if len(row) == len(header):
                yield dict(zip(header, row, strict=True))
            elif row:
                what = f"{name}: the row that ends on line {rows.line_num} has {len(row)} cells"
                raise InputError(what, f"give every row {len(header)}, as many as the header has")
    except csv.Error as error:
        what = f"{name}: line {rows.line_num} is not CSV ({error})"
        raise InputError(what, "separate cells by commas, and put quotes around cells that hold some") from None


def _check_header(header: list[str], name: str) -> None:
    if not header:
        raise InputError(f"{name} is empty", "begin with a row that names the columns")
    if len(header) > COLUMNS_AT_MOST:
        raise InputError(f"{name} has {len(header):,} columns", f"at most {COLUMNS_AT_MOST:,} can be read")
    repeated = next((column for column in header if header.count(column) > 1), None)
    if repeated is not None:
        raise InputError(f"{name} has two columns named {shown(repeated)}", "give each column a name of its own")
    nameless = next((number for number, column in enumerate(header, 1) if not column.strip()), None)
    if nameless is not None:
        raise InputError(f"{name}: column {nameless} has no name", "name it in the first row")


def _yaml(content: bytes, name: str) -> Any:  # noqa: ANN401 -- whatever YAML holds
    file = read_yaml(content, name)
    if file.problems:
        raise ProjectProblems(file.problems)
    data, flaws = odd_values(file.data)
    if flaws:
        place = " › ".join(map(str, flaws[0].path)) or "the file"
        raise InputError(f"{name}: {place}: {flaws[0].what or flaws[0].found}", f"expected {flaws[0].expected}")
    return data


def _json(content: bytes, name: str) -> Any:  # noqa: ANN401 -- whatever JSON holds
    try:
        return msgspec.json.decode(content.removeprefix(b"\xef\xbb\xbf"))
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        reason = str(error) if isinstance(error, msgspec.DecodeError) else "it cannot be read"
        raise InputError(f"{name} is not JSON: {reason}", "correct it, or generate it anew") from None


def _list_in(data: Any, name: str, list_name: str | None) -> list[Any]:  # noqa: ANN401 -- whatever the file holds
    place = name
    for part in list_name.split(".") if list_name else ():
        if not isinstance(data, dict) or part not in data:
            there = f"it has {', '.join(sorted(map(str, data))[:12])}" if isinstance(data, dict) else "it is no mapping"
            raise InputError(f"{place} has no list {shown(part)}; {there}"[:500], "`list` names it, joined by dots")
        data, place = data[part], f"{place} › {part}"
    if not isinstance(data, list):
        hint = "name the list inside it with `list`" if isinstance(data, dict) else "write a list of mappings"
        raise InputError(f"{place} holds {kind_of(data)} and no list", hint)
    return data
