"""What can be wrong with a project file: one `Problem` each, all of them raised together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from infratrack.errors import InputError
from infratrack.values import without_orders

Path = tuple[str | int, ...]
"""The way to a value inside one YAML file: keys and list positions."""

FOUND_AT_MOST: Final = 80
_CREDENTIALS: Final = re.compile(r"://[^/@\s]*@")


class Problem(Struct, frozen=True, order=True):
    """One thing that is wrong, where it is, and what would be right. Lines and columns count from 1."""

    file: str
    line: int
    column: int
    message: str
    found: str = ""
    expected: str = ""
    nearest: str | None = None

    def __str__(self) -> str:
        """One line, as compilers write it: `file:line:column: message`."""
        text = f"{self.file}:{self.line}:{self.column}: {self.message}"
        # Keys and names come from the file: nothing that a terminal or a CI system would obey may pass.
        return without_orders("".join(one if one.isprintable() else "�" for one in text))


class ProjectProblems(InputError):
    """The project file is wrong; `problems` says everything that is."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        first, more = self.problems[0], len(self.problems) - 1
        others = f" (and {more} more)" if more else ""
        super().__init__(f"{first}{others}", "`infratrack validate` lists everything that is wrong with the project")


class Flaw(Struct, frozen=True):
    """A problem before it has a line: the path inside a file, and whether it is the key there that is wrong."""

    path: Path
    what: str = ""
    found: str = ""
    expected: str = ""
    nearest: str | None = None
    at_key: bool = False

    def at(self, file: str, line: int, column: int, where: str = "") -> Problem:
        """The problem as told to people; `where` names the place in words (`tasks › core › duration`)."""
        parts = []
        if self.what:
            parts.append(self.what)
            if self.expected:
                parts.append(f"expected {self.expected}")
        else:
            parts.append(f"found {self.found}, expected {self.expected}")
        if self.nearest:
            parts.append(f"did you mean {self.nearest!r}?")
        sentence = "; ".join(parts)
        message = f"{where}: {sentence}" if where else sentence
        return Problem(file, line, column, message, self.found, self.expected, self.nearest)


def shown(value: Any) -> str:  # noqa: ANN401 -- whatever YAML holds
    """A value as it is quoted in a message: short, on one line, without credentials."""
    if value is None:
        return "nothing"
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return _short(repr(_CREDENTIALS.sub("://…@", value[: 4 * FOUND_AT_MOST])))
    if isinstance(value, dict):
        return "a mapping" if value else "an empty mapping"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return _short(str(value) if isinstance(value, float) or abs(value) < 10**30 else "a very long number")


def _short(text: str) -> str:
    return text if len(text) <= FOUND_AT_MOST else text[: FOUND_AT_MOST - 1] + "…"


def spoken_list(names: Iterable[str], most: int = 30) -> str:
    """Names as a list in a sentence, cut where it would no longer be read."""
    listed = list(names)
    rest = f", … ({len(listed) - most} more)" if len(listed) > most else ""
    return ", ".join(listed[:most]) + rest
