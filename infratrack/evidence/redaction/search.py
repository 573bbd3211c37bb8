"""Finding tens of thousands of secrets in a text at once, in time that hardly depends on their number.

An Aho-Corasick automaton over the first characters of each form finds candidates, sets of whole forms decide. (An
automaton over the whole forms takes several times as long to build as the texts take to search.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ahocorasick_rs import AhoCorasick

from infratrack.evidence.redaction.encodings import base64_forms, plain_forms, views
from infratrack.evidence.redaction.patterns import Span

_PREFIX: Final = 6
_BASE64: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=")
_BASE64_EDGE: Final = 4
"""Characters beside a base64 fragment that carry a few bits of the secret."""


_LAYERS: Final = 3
"""So many layers of escapes are undone (JSON in JSON in a URL)."""


class SecretSearch:
    """Finds secrets in every form of `encodings`. They must have at least 6 characters."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # prefix → length → forms → whether the form is base64
        self._by_prefix: dict[str, dict[int, dict[str, bool]]] = {}
        self._any_space = False
        for secret in secrets:
            self._any_space = self._any_space or " " in secret
            for form in base64_forms(secret):
                self._add(form, encoded=True)
            for form in plain_forms(secret):
                self._add(form, encoded=False)
        self._groups = list(self._by_prefix.values())
        self._automaton = AhoCorasick(list(self._by_prefix), store_patterns=False) if self._by_prefix else None

    def spans(self, text: str) -> list[Span]:
        """Where secrets stand; spans may overlap."""
        return [] if self._automaton is None else list(self._search(self._automaton, text, _LAYERS))

    def _search(self, automaton: AhoCorasick, text: str, layers: int) -> Iterator[Span]:
        for group, start, _ in automaton.find_matches_as_indexes(text, overlapping=True):
            for length, forms in self._groups[group].items():
                encoded = forms.get(text[start : start + length])
                if encoded is not None:
                    yield _widened(text, start, start + length) if encoded else (start, start + length)
        if layers:
            for view in views(text, plus_is_space=self._any_space):
                for start, end in self._search(automaton, view.text, layers - 1):
                    yield view.original(start, end)

    def _add(self, form: str, *, encoded: bool) -> None:
        self._by_prefix.setdefault(form[:_PREFIX], {}).setdefault(len(form), {})[form] = encoded


def _widened(text: str, start: int, end: int) -> Span:
    """A base64 fragment with the few characters at its edges that also carry bits of the secret."""
    first, last = max(0, start - _BASE64_EDGE), min(len(text), end + _BASE64_EDGE)
    while start > first and text[start - 1] in _BASE64:
        start -= 1
    while end < last and text[end] in _BASE64:
        end += 1
    return start, end
