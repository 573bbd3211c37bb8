"""Text for the Markdown of GitHub and GitLab, whatever it says: shown as it is, and nothing else. Pure.

Beside Markdown, forges read names (`@anna` sends her a message), references (`#1`, `GH-1`, `!1`, `&1`, `%1` leave a
trace elsewhere), addresses (they become links) and HTML, and a line that begins with a slash is an order to GitLab. A
backslash is no help with those, because they are looked for after Markdown was read: a character of no width takes
them apart.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from typing import Final

from infratrack.values import printable

LONGEST_TEXT: Final = 300
"""Characters that one piece of foreign text may have."""

_NO_WIDTH: Final = "\u200b"
_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
_MARKS: Final = re.compile(r"([\\`*_\[\]|~$^{}])")
_TRIGGERS: Final = re.compile(r"([@#!%]|&amp;)(?=[\w\"])|(?i:(\bGH)(?=-[0-9]))")
_ADDRESSES: Final = re.compile(r"(?i)(\bwww)(?=\.)|(:)(?=//)|(\bmailto|\bxmpp)(?=:)")
_BACKTICKS: Final = re.compile("`")
_WEB_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9._~:/?#@!&*+,;=%-]{1,1000}")


def shortened(text: str, longest: int = LONGEST_TEXT) -> str:
    """Text on one line, without what a terminal or a forge would obey, cut where it would not be read any more."""
    line = " ".join(printable(text[: 4 * longest]).split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def forge_text(text: str, longest: int = LONGEST_TEXT) -> str:
    """Foreign text within a line of Markdown. Its caller sees to it that it does not begin the line."""
    line = re.sub("[&<>]", lambda found: _ENTITIES[found[0]], shortened(text, longest))
    line = _MARKS.sub(r"\\\1", line)
    line = _TRIGGERS.sub(lambda found: found[0] + _NO_WIDTH, line)
    return _ADDRESSES.sub(lambda found: found[0] + _NO_WIDTH, line)


def forge_code(text: str, longest: int = LONGEST_TEXT) -> str:
    """Foreign text as code in a cell of a table, where only the mark of code itself and the cell's end are special."""
    line = _BACKTICKS.sub("'", shortened(text, longest)).replace("\\", "\\\\").replace("|", "\\|")
    return f"`{line}`" if line.strip() else "–"


def forge_link(text: str, url: str | None) -> str:
    """A link to a page whose address is plain; only the text where it is not. `text` is foreign text."""
    if url is None or not _WEB_ADDRESS.fullmatch(url):
        return forge_text(text)
    return f"[{forge_text(text)}]({url})"


def row(cells: Iterable[str]) -> str:
    """A row of a table; the cells are Markdown."""
    return f"| {' | '.join(cells)} |"


def fitted(lines: Sequence[str], last: Sequence[str], most: int) -> str:
    """The lines and then the last ones as one text of at most `most` bytes in UTF-8.

    Where it would be more, lines before the last ones are left out, and a sentence says so.
    """
    whole = "\n".join([*lines, *last]).rstrip() + "\n"
    if len(whole.encode()) <= most:
        return whole
    cut = "_The rest is left out: it would be too long. `infratrack status` shows all of it._"
    left = most - sum(len(line.encode()) + 1 for line in (*last, cut, "", "", "</details>", ""))
    sizes = itertools.accumulate(len(line.encode()) + 1 for line in lines)
    kept = [line for line, size in zip(lines, sizes, strict=True) if size <= left]
    opened = sum(line.count("<details>") - line.count("</details>") for line in kept)
    ends = ["", "</details>"] if opened > 0 else []
    return "\n".join([*kept, *ends, "", cut, "", *last]).rstrip() + "\n"
