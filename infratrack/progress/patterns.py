"""Which subjects a selector means: `*` stands for any run of characters except the separator, all else is literal.

Names are kept sorted, so a pattern looks only at the names that share its literal beginning: a thousand patterns over
eight thousand names take milliseconds.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable

from msgspec import Struct

from infratrack.progress.criterion import SUBJECT_SEPARATOR, Selector


def literal_beginning(pattern: str) -> str:
    """The part of a pattern before its first `*`."""
    return pattern.partition("*")[0]


def pattern_matcher(pattern: str) -> Callable[[str], bool]:
    """A function that says whether a text matches. Time grows with pattern × text, never worse (no backtracking)."""
    if "*" not in pattern:
        return pattern.__eq__
    components = [component.split("*") for component in pattern.split(SUBJECT_SEPARATOR)]
    if len(components) == 1 and len(components[0]) == 2 and not components[0][1]:  # noqa: PLR2004 -- "prefix*"
        beginning = components[0][0]
        return lambda text: text.startswith(beginning) and SUBJECT_SEPARATOR not in text

    def matches(text: str) -> bool:
        parts = text.split(SUBJECT_SEPARATOR)
        return len(parts) == len(components) and all(map(_component_matches, components, parts))

    return matches


def _component_matches(pieces: list[str], text: str) -> bool:
    """Whether the literal pieces stand in the text in order, the first at its beginning and the last at its end."""
    if len(pieces) == 1:
        return text == pieces[0]
    first, *middle, last = pieces
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    place, end = len(first), len(text) - len(last)
    for piece in middle:
        found = text.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True


class Watch(Struct, frozen=True, array_like=True):
    """What a selector may mean, told without its `match`: a kind, a scope pattern, and how the name is or begins."""

    kind: str
    scope: str | None
    name: str
    exact: bool


def watch(selector: Selector) -> Watch:
    """The watch that wakes for every subject that the selector means (and perhaps for some more)."""
    exact = selector.match is None and "*" not in selector.name
    name = selector.name if selector.match is not None else literal_beginning(selector.name)
    return Watch(selector.kind, selector.scope, name, exact)


class SubjectCatalog:
    """The subjects that evidence has spoken of, ready to be selected from."""

    def __init__(self, subjects: Iterable[tuple[int, str, str, str]]) -> None:
        """Take (number, kind, scope, name) of each subject."""
        rows: dict[str, list[tuple[str, str, int]]] = {}
        for number, kind, scope, name in subjects:
            rows.setdefault(kind, []).append((name, scope, number))
        self._rows = {kind: sorted(found) for kind, found in rows.items()}
        self._names = {kind: [row[0] for row in found] for kind, found in self._rows.items()}

    def select(self, selector: Selector) -> list[int]:
        """The numbers of the subjects that the selector means, in the order of their names.

        Raises whatever the selector's `match` raises.
        """
        return self._select(selector.kind, selector.scope, *_name_test(selector))

    def wakes(self, watched: Watch) -> bool:
        """Whether any subject of the catalog is one that the watch is for."""
        name_matches = watched.name.__eq__ if watched.exact else None
        return bool(self._select(watched.kind, watched.scope, watched.name, name_matches))

    def _select(
        self, kind: str, scope: str | None, beginning: str, name_matches: Callable[[str], bool] | None
    ) -> list[int]:
        names = self._names.get(kind)
        if names is None:
            return []
        rows = self._rows[kind]
        begin = bisect_left(names, beginning)
        end = bisect_right(names, beginning, begin, key=lambda name: name[: len(beginning)])
        scope_matches = None if scope is None or scope == "*" else pattern_matcher(scope)
        return [
            number
            for name, where, number in rows[begin:end]
            if (name_matches is None or name_matches(name)) and (scope_matches is None or scope_matches(where))
        ]


def _name_test(selector: Selector) -> tuple[str, Callable[[str], bool]]:
    """The literal beginning of the names that a selector means, and the test that decides."""
    if selector.match is not None:
        return selector.name, selector.match
    return literal_beginning(selector.name), pattern_matcher(selector.name)
