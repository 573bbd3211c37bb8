"""From the bytes of a project file to text that is safe to hand to a YAML reader.

YAML readers disagree about encodings, control characters and exotic line breaks, and some end in a crash on deep
nesting. What they would disagree about is refused here, with its line.
"""

from __future__ import annotations

import re
from typing import Final

from infratrack.project.problems import Problem, ProjectProblems

FILE_AT_MOST: Final = 16 * 1024 * 1024
COLUMNS_AT_MOST: Final = 1_000

_MARKS: Final = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_BAD_CHARACTER: Final = re.compile(
    "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_ORDINARY: Final = bytes([9, 10, 13, *range(0x20, 0x7F)])
_INDENTATION: Final = " \t?:-"
_LINE_BREAK: Final = re.compile("\r\n|\r|\n")
_NAMES: Final = {
    "\ufeff": "a byte order mark",
    "\x85": "a next-line character",
    "\u2028": "a line separator",
    "\u2029": "a paragraph separator",
}


def position_of(text: str, offset: int) -> tuple[int, int]:
    """Line and column of a character, both from 1."""
    line, begin = 1, 0
    for found in _LINE_BREAK.finditer(text, 0, offset):
        line, begin = line + 1, found.end()
    return line, offset - begin + 1


def decode(content: bytes, file: str) -> str:
    """The text of a project file; ProjectProblems where no YAML reader should be trusted with it."""
    if len(content) > FILE_AT_MOST:
        what = f"the file has more than {FILE_AT_MOST:,} bytes"
        raise _refused(file, what, "a smaller one; split it with `include`")
    text = _decode(content, file)
    bad = _bad_character(text, content)
    if bad:
        name = _NAMES.get(bad.group(), "the character")
        what = f"{name} U+{ord(bad.group()):04X} does not belong in a text file"
        raise _refused(file, what, "printable text (write it as an escape in double quotes)", text, bad.start())
    if _deepest(text) >= COLUMNS_AT_MOST:
        what = f"nested or indented deeper than {COLUMNS_AT_MOST} columns"
        line = next(n for n, line in enumerate(_LINE_BREAK.split(text), 1) if _deepest(line) >= COLUMNS_AT_MOST)
        expected = "a project file that people can read"
        raise ProjectProblems([Problem(file, line, 1, f"{what}; expected {expected}", what, expected)])
    return text


def _bad_character(text: str, content: bytes) -> re.Match[str] | None:
    if text.isascii() and not content.translate(None, _ORDINARY):
        return None
    return _BAD_CHARACTER.search(text)


def _deepest(text: str) -> int:
    """The columns before the first real character, where they are most.

    Block nesting grows with them, and with the nesting a reader's stack.
    """
    long = [line for line in text.splitlines() if len(line) >= COLUMNS_AT_MOST]
    return max((len(line) - len(line.lstrip(_INDENTATION)) for line in long), default=0)


def _decode(content: bytes, file: str) -> str:
    for mark, name in _MARKS:
        if content.startswith(mark):
            raise _refused(file, f"the file is written in {name}", "UTF-8; save it again in that encoding")
    body = content.removeprefix(_UTF8_MARK)
    if b"\0" in body:
        wide = 0 in body[:4]
        what = "the file looks like UTF-16 or UTF-32" if wide else "the file holds NUL bytes; it is not text"
        raise _refused(file, what, "a text file in UTF-8")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode("utf-8")
        what = f"the byte 0x{body[error.start]:02X} is not UTF-8"
        raise _refused(file, what, "UTF-8; save the file again in that encoding", before, len(before)) from error


def _refused(file: str, what: str, expected: str, text: str = "", offset: int = 0) -> ProjectProblems:
    line, column = position_of(text, offset)
    return ProjectProblems([Problem(file, line, column, f"{what}; expected {expected}", what, expected)])
