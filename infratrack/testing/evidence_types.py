"""The contract that every evidence type keeps, as a test class to inherit."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from jsonschema import Draft202012Validator

from infratrack.hookspecs import EvidenceType
from infratrack.progress.criterion import Word

_ODD: Final[tuple[Any, ...]] = (
    None,
    True,
    -1,
    1e300,
    "",
    "text\n\x1f",
    [],
    [[]],
    [None, 7, {"name": 7}],
    {},
    {"a": {"b": []}},
    "\ud800",
)
MEMBERS: Final = ("run", "links", "git", "labels", "result", "artifacts", "missing", "redaction")


class EvidenceTypeContract:
    """Inherit it; set `evidence_type` and `examples`: whole predicates that give at least one word each."""

    evidence_type: ClassVar[EvidenceType]
    examples: ClassVar[Sequence[Mapping[str, Any]]]

    def test_the_schema_is_valid_2020_12_and_described(self) -> None:
        Draft202012Validator.check_schema(self.evidence_type.schema)
        assert self.evidence_type.schema["description"]

    def test_the_predicate_type_is_a_uri(self) -> None:
        assert self.evidence_type.predicate_type.startswith(("urn:", "https://"))

    def test_every_example_gives_words_that_are_small_and_json(self) -> None:
        assert self.examples
        for example in self.examples:
            words = self.evidence_type.words(example)
            assert words
            for word in words:
                assert word.kind
                assert "\n" not in word.name
                assert json.loads(json.dumps(word.value)) == word.value

    def test_words_are_a_pure_function_of_the_predicate(self) -> None:
        for example in self.examples:
            given = copy.deepcopy(dict(example))
            words = list(self.evidence_type.words(given))
            assert given == example
            assert list(self.evidence_type.words(given)) == words

    def test_the_summary_is_one_line(self) -> None:
        for example in self.examples:
            summary = self.evidence_type.summary(example)
            assert summary.strip()
            assert "\n" not in summary

    def test_nothing_in_a_predicate_makes_it_raise(self) -> None:
        for hostile in self._hostile_predicates():
            assert all(isinstance(word, Word) for word in self.evidence_type.words(hostile))
            assert isinstance(self.evidence_type.summary(hostile), str)

    def _hostile_predicates(self) -> list[dict[str, Any]]:
        """Every member of every example replaced by every odd value, down to the third level."""
        found: list[dict[str, Any]] = [{}]
        for example in [*self.examples, {member: {} for member in MEMBERS}]:
            paths = _paths(example, 3)
            found.extend(_replaced(example, path, odd) for path in paths for odd in _ODD)
        return found


def _paths(value: object, depth: int) -> list[tuple[Any, ...]]:
    """The ways to every member, at most `depth` steps long."""
    items: list[tuple[Any, Any]] = []
    if isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, (list, tuple)):
        items = list(enumerate(value))
    if not depth:
        return []
    return [path for key, inner in items for path in [(key,), *((key, *rest) for rest in _paths(inner, depth - 1))]]


def _replaced(example: Mapping[str, Any], path: tuple[Any, ...], odd: object) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(json.dumps(example))
    place: Any = copied
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = odd
    return copied
