"""From YAML text to plain data, by yaml-rs; what it refuses becomes a problem with a line."""

from __future__ import annotations

import re
from typing import Any, Final

import yaml_rs
from msgspec import Struct

from infratrack.project.oddities import looks_odd, odd_syntax
from infratrack.project.problems import Problem, ProjectProblems, shown
from infratrack.project.text import decode, position_of

REPEATED_EVENTS_AT_MOST: Final = 500_000
_LIMITS: Final = yaml_rs.AliasLimits(max_total_replayed_events=REPEATED_EVENTS_AT_MOST)
_PLACE: Final = re.compile(r"line ([0-9]+), column ([0-9]+)")
_TAG: Final = re.compile(r"Invalid tag: '(.*)'", re.DOTALL)
_BUG_IN_READER: Final = "PanicException"


class YamlFile(Struct, frozen=True):
    """One file of the project: its text and data, and what is already known to be wrong with it."""

    file: str
    text: str
    data: Any
    problems: tuple[Problem, ...] = ()
    looks_odd: bool = False


def read_yaml(content: bytes, file: str) -> YamlFile:
    """Read one file. ProjectProblems where nothing can be made of it; lesser problems are kept in the result."""
    text = decode(content, file)
    problems: list[Problem] = []
    try:
        data = _load(text, yaml_rs.DuplicateKeyPolicy.Error)
    except _Unreadable as first:
        if not first.reason.startswith("duplicate mapping key"):
            raise ProjectProblems([_explained(first.reason, text, file)]) from first
        try:
            data = _load(text, yaml_rs.DuplicateKeyPolicy.LastWins)
        except _Unreadable as second:
            raise ProjectProblems([_explained(second.reason, text, file)]) from second
        problems = odd_syntax(text, file) or [_explained(first.reason, text, file)]
    odd = looks_odd(text)
    if not problems and (odd or isinstance(data, list)):
        problems = odd_syntax(text, file)
    if data is None:
        raise ProjectProblems([_empty(file)])
    if isinstance(data, list) and problems:
        raise ProjectProblems(problems)
    return YamlFile(file, text, data, tuple(problems), odd)


class _Unreadable(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def _load(text: str, duplicates: yaml_rs.DuplicateKeyPolicy) -> Any:  # noqa: ANN401 -- whatever YAML holds
    try:
        return yaml_rs.loads(text, parse_datetime=False, alias_limits=_LIMITS, duplicate_key_policy=duplicates)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise _Unreadable(str(error)) from error
    except BaseException as error:
        # A panic inside the reader is no Exception; for us it is one more text that cannot be read.
        if type(error).__name__ == _BUG_IN_READER:
            raise _Unreadable("the YAML reader gave up on it") from error
        raise


def _explained(reason: str, text: str, file: str) -> Problem:
    """The reader's reason as a problem; the reader's own excerpt of the text is left out."""
    place = _PLACE.search(reason)
    line, column = (int(place[1]), int(place[2])) if place else (1, 1)
    tag = _TAG.search(reason)
    if tag:
        line, column = position_of(text, max(text.find(tag[1]), 0))
        what, expected = f"the tag {shown(tag[1])}", "plain YAML without tags"
    elif "alias" in reason or "replay" in reason:
        line, column = position_of(text, max(text.find("&"), 0))
        what, expected = "aliases repeat far too much here", f"fewer than {REPEATED_EVENTS_AT_MOST:,} repeated values"
    else:
        what = "this is not YAML: " + reason.rstrip().rpartition("\n")[2][:200].replace("YAML parse error at ", "")
        expected = "YAML as in `infratrack init`'s file"
    return Problem(file, line, column, f"{what}; expected {expected}", what, expected)


def _empty(file: str) -> Problem:
    what, expected = "the file is empty", "a project file as `infratrack init` writes it"
    return Problem(file, 1, 1, f"{what}; expected {expected}", what, expected)
