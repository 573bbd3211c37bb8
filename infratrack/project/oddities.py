"""YAML features that a project file may not use, because readers disagree about them or they hide what is meant.

Tags, duplicate keys and several documents are found in PyYAML's events (with their place); merge keys, keys that are
no text, numbers that JSON cannot hold and deep nesting are found in the data.
"""

from __future__ import annotations

import math
import re
from typing import Any, Final

from infratrack.project.positions import Ordinal
from infratrack.project.problems import Flaw, Path, Problem, shown

NESTING_AT_MOST: Final = 40
LARGEST_NUMBER: Final = 2**53
_TAG: Final = re.compile(r"(?:^|[\s\[{,:])!")
_NO_NUMBERS: Final = (".nan", ".NaN", ".NAN", ".inf", ".Inf", ".INF")
_NO_NUMBER: Final = re.compile(r"\.(?:nan|NaN|NAN|inf|Inf|INF)(?![a-z])")
_LONG_NUMBER: Final = re.compile(r"[0-9](?:[0-9_]{14}|[xo][0-9a-fA-F_]{13}|\.?[eE]\+?[0-9_]{3})")


def looks_odd(text: str) -> bool:
    """Whether the text could hold a tag, a merge key or a number out of bounds. Quick, and wrong on the safe side."""
    return (
        "<<" in text
        or ("!" in text and _TAG.search(text) is not None)
        or (any(word in text for word in _NO_NUMBERS) and _NO_NUMBER.search(text) is not None)
        or _LONG_NUMBER.search(text) is not None
    )


def odd_syntax(text: str, file: str) -> list[Problem]:
    """Tags, duplicate keys and further documents, each with its place. Only for text that yaml-rs has read."""
    import yaml  # noqa: PLC0415 -- only a text that looks odd needs it

    problems: list[Problem] = []
    documents = 0
    stack: list[_Mapping | None] = []
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    what, expected = "a second YAML document", "one document (no `---` in between)"
                    problems.append(_problem(file, event, what, expected))
                    break
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            elif isinstance(event, yaml.NodeEvent):
                tag = getattr(event, "tag", None)
                if tag is not None:
                    what = f"the tag {shown(_as_written(tag))}"
                    problems.append(_problem(file, event, what, "plain YAML without tags"))
                if stack and stack[-1] is not None and stack[-1].meets(event):
                    what = f"the key {shown(getattr(event, 'value', None))} stands here for a second time"
                    problems.append(_problem(file, event, what, "each key once"))
                if isinstance(event, yaml.CollectionStartEvent):
                    stack.append(_Mapping() if isinstance(event, yaml.MappingStartEvent) else None)
    except yaml.YAMLError:
        pass  # The two readers differ on rare spellings; what was found so far is the best answer.
    return problems


class _Mapping:
    """The keys of a mapping that is being read."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._key_is_next = True

    def meets(self, event: Any) -> bool:  # noqa: ANN401 -- a PyYAML event
        """Take the next key or value; True where it is a key that was there before."""
        is_key, self._key_is_next = self._key_is_next, not self._key_is_next
        name = getattr(event, "value", None)
        if not is_key or name is None:
            return False
        again = name in self._keys
        self._keys.add(name)
        return again


def odd_values(data: Any) -> tuple[Any, list[Flaw]]:  # noqa: ANN401 -- whatever YAML holds
    """Flaws in the data, and the data without them, so that everything else can still be checked."""
    flaws: list[Flaw] = []
    return _clean(data, (), flaws), flaws


def _clean(value: Any, path: Path, flaws: list[Flaw]) -> Any:  # noqa: ANN401 -- whatever YAML holds
    if isinstance(value, dict | list) and len(path) >= NESTING_AT_MOST:
        flaws.append(Flaw(path, f"nested more than {NESTING_AT_MOST} deep", shown(value), "a flatter structure"))
        return {} if isinstance(value, dict) else []
    if isinstance(value, dict):
        return _clean_mapping(value, path, flaws)
    if isinstance(value, list):
        return [_clean(item, (*path, index), flaws) for index, item in enumerate(value)]
    if isinstance(value, int | float) and not (abs(value) <= LARGEST_NUMBER and math.isfinite(value)):
        flaws.append(Flaw(path, found=shown(value), expected="a number of ordinary size (or quotes, if it is text)"))
        return 1
    if isinstance(value, str | int | float | None):
        return value
    # A set, which only a tag can make; the tag is a problem already.
    return ""


def _clean_mapping(value: dict[Any, Any], path: Path, flaws: list[Flaw]) -> dict[str, Any]:
    cleaned: dict[str, Any] = {}
    for number, (key, inner) in enumerate(value.items()):
        if key == "<<":
            what = "the merge key `<<`; readers disagree about it"
            flaws.append(Flaw((*path, key), what, "<<", "the keys themselves, or one value by alias", at_key=True))
        elif isinstance(key, str):
            cleaned[key] = _clean(inner, (*path, key), flaws)
        else:
            # An Ordinal stands in for a name here; it is understood by `positions` only.
            here: Any = (*path, Ordinal(number))
            plain = key is None or isinstance(key, int | float)
            found = shown(key) if plain else "a list or mapping"
            what = f"the key {found} is no text"
            flaws.append(Flaw(here, what, found, "a key that is text (put it in quotes)", at_key=True))
    return cleaned


def _problem(file: str, event: Any, what: str, expected: str) -> Problem:  # noqa: ANN401 -- a PyYAML event
    mark = event.start_mark
    return Problem(file, mark.line + 1, mark.column + 1, f"{what}; expected {expected}", what, expected)


def _as_written(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
