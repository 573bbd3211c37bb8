"""Where in a YAML text a value stands: found only when there is something to say about it.

PyYAML's parser hands over events with line and column. They are followed iteratively, with nothing built up, and only
for text that yaml-rs has read already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from infratrack.project.problems import Path

Tree = dict[Any, Any]


class Ordinal(Struct, frozen=True):
    """The n-th key of a mapping, for keys that have no name of their own."""

    n: int


class Place(Struct, frozen=True):
    """Line and column of a value, and of the key that it stands under; all from 1."""

    line: int
    column: int
    key_line: int
    key_column: int


START: Final = Place(1, 1, 1, 1)


class Places:
    """The places that were asked for. One that was not found is as near as the nearest thing around it."""

    def __init__(self, found: dict[tuple[Any, ...], Place]) -> None:
        self._found = found

    def of(self, path: Path) -> tuple[Place, bool]:
        """The place, and whether it is the thing itself (or else something around it)."""
        for length in range(len(path), 0, -1):
            place = self._found.get(path[:length])
            if place:
                return place, length == len(path)
        return self._found.get((), START), not path


class _Frame:
    """A mapping or list that is being read: what is wanted inside, and how far it has been read."""

    __slots__ = ("count", "is_mapping", "key", "path", "wanted")

    def __init__(self, wanted: Tree | None, path: tuple[Any, ...], *, is_mapping: bool) -> None:
        self.wanted = wanted
        self.path = path
        self.is_mapping = is_mapping
        self.count = 0
        self.key: Any = None
        """The event of the key whose value comes next; None when a key comes next."""

    def element(self, value_of_key: str | None) -> Any:  # noqa: ANN401 -- a key, a list position or an Ordinal
        """The path element of the value that begins now, if it is wanted; else None."""
        if self.wanted is None:
            return None
        name: Any = value_of_key if self.is_mapping else self.count
        if name in self.wanted:
            return name
        ordinal = Ordinal(self.count)
        return ordinal if self.is_mapping and ordinal in self.wanted else None


def find_places(text: str, paths: Iterable[Path]) -> Places:
    """Find the place of every path, and of what is around it. Reads the text once, no further than needed."""
    import yaml  # noqa: PLC0415 -- only a wrong project file needs it

    wanted, left = _tree(paths)
    found: dict[tuple[Any, ...], Place] = {}
    stack: list[_Frame] = []
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.NodeEvent):
                inner = _begin(stack, event, found, wanted)
                if isinstance(event, yaml.CollectionStartEvent):
                    path = () if not stack else inner[1]
                    stack.append(_Frame(inner[0], path, is_mapping=isinstance(event, yaml.MappingStartEvent)))
            elif isinstance(event, yaml.CollectionEndEvent):
                stack.pop()
            if len(found) == left:
                break
    except yaml.YAMLError:
        pass  # The two readers differ on rare spellings; what was found so far is the best answer.
    return Places(found)


def _tree(paths: Iterable[Path]) -> tuple[Tree, int]:
    """What is wanted as nested dicts, and how many places that makes."""
    root: Tree = {}
    size = 1
    for path in paths:
        node = root
        for element in path:
            if element not in node:
                node[element] = {}
                size += 1
            node = node[element]
    return root, size


def _begin(
    stack: list[_Frame],
    event: Any,  # noqa: ANN401 -- a PyYAML event
    found: dict[tuple[Any, ...], Place],
    root: Tree,
) -> tuple[Tree | None, tuple[Any, ...]]:
    """A key or value begins: note its place if it is wanted; returns what is wanted inside it, and its path."""
    mark = event.start_mark
    if not stack:
        found[()] = Place(mark.line + 1, mark.column + 1, mark.line + 1, mark.column + 1)
        return root, ()
    frame = stack[-1]
    if frame.is_mapping and frame.key is None:
        frame.key = event
        return None, ()
    at = frame.key.start_mark if frame.is_mapping else mark
    element = frame.element(getattr(frame.key, "value", None))
    frame.count += 1
    frame.key = None
    if element is None or frame.wanted is None:
        return None, ()
    path = (*frame.path, element)
    found.setdefault(path, Place(mark.line + 1, mark.column + 1, at.line + 1, at.column + 1))
    inner: Tree = frame.wanted[element]
    return inner, path
