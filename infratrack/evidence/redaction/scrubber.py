"""The scrubber: nothing passes it that holds a known secret, a known token shape or a random-looking run.

Three passes over each text: the secrets that are known (in every form of `encodings`), the shapes of `patterns`, and
`entropy`. What is found is replaced by `‹masked›`; in a name or an address by `‹masked:<hmac8>›`, salted, so that two
names stay two names and nobody can try out guesses.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ahocorasick_rs import AhoCorasick
from msgspec import structs

from infratrack.evidence.predicates import COMMON_PART
from infratrack.evidence.redaction.argv import argv_spans
from infratrack.evidence.redaction.entropy import MINIMUM_LENGTH, random_spans
from infratrack.evidence.redaction.environment import MINIMUM_SECRET
from infratrack.evidence.redaction.names import is_secret_name
from infratrack.evidence.redaction.patterns import HARMLESS_VALUES, TRIGGERS, Span, is_harmless, pattern_spans
from infratrack.evidence.redaction.search import SecretSearch

RULES_VERSION: Final = "1"
"""Stands in every statement's `redaction.rules`; raised whenever a rule changes."""

MASK: Final = "‹masked›"
_NAME_LIKE: Final = re.compile(r"(?=[^.\[/]*[.\[/])[\w.\[\]\"'/:@*#-]+")
"""A text without spaces that has parts: an address, a path."""
_ADDRESS: Final = re.compile(
    r"(?:module\.[A-Za-z_][\w-]*(?:\[[^\]]*\])?\.)*(?:data\.)?[a-z][a-z0-9]*_[\w-]*\.[A-Za-z_][\w-]*(?:\[[^\]]*\])?"
)
_COMMON: Final = (
    HARMLESS_VALUES
    | {name for kind in COMMON_PART for field in structs.fields(kind) for name in (field.name, field.encode_name)}
    | {
        "default", "localhost", "terraform", "ansible", "production", "preproduction", "staging", "testing", "test",
        "development", "ubuntu", "debian", "centos", "admin", "administrator", "managed", "enabled", "disabled",
        "active", "inactive", "running", "stopped", "public", "private", "internal", "primary", "secondary", "standard",
        "premium", "latest", "master", "127.0.0.1", "example", "example.com", "password", "secret", "result",
        "address", "addresses", "resource", "resources", "action", "actions", "change", "changes", "output", "outputs",
        "variable", "variables", "module", "modules", "provider", "providers", "checks", "counts", "serial", "lineage",
        "format", "formatversion", "pending", "presence", "drift", "drifts", "reason", "replace_reason", "attribute",
        "attributes", "applied", "complete", "workspace", "directory", "targets", "playbook", "playbooks", "tasks",
        "stats", "unreachable", "rescued", "ignored", "handler", "handlers", "duration", "subject", "digest", "sha256",
        "gitcommit", "commits", "person", "machine", "unclassified", "accepted", "reopened", "comment", "decision",
    }
)  # fmt: skip
"""Words too common to be searched for, whatever held them: they make up the facts themselves."""
_MAXIMUM_REMEMBERED: Final = 200_000
_TRIGGER_SEARCH: Final = AhoCorasick(TRIGGERS)


class Scrubber:
    """Masks secrets in texts, command lines and JSON values. The same salt gives the same result.

    `secrets` are searched for everywhere when they have 6 or more characters and are not common words; of a secret of
    several lines each line counts too. `keep` are names that are not to be masked although some secret equals them.
    """

    def __init__(self, secrets: Iterable[str] = (), keep: Iterable[str] = (), *, salt: bytes | None = None) -> None:
        kept = _COMMON.union(keep)
        self._search = SecretSearch(
            secret
            for secret in dict.fromkeys(_pieces(secrets))
            if len(secret) >= MINIMUM_SECRET and secret not in kept and secret.lower() not in _COMMON
        )
        self._salt = os.urandom(16) if salt is None else salt
        self._kept = frozenset(keep)
        self._remembered: dict[tuple[str, bool], tuple[str, int]] = {}
        self.masked = 0
        """How many places were masked so far."""

    def text(self, text: str) -> str:
        """A text without its secrets."""
        return self._scrub(text, name=False)

    def name(self, name: str) -> str:
        """A name or an address; what is secret in it becomes a salted HMAC, so that names stay distinct."""
        return self._scrub(name, name=True)

    def argv(self, argv: Sequence[str]) -> tuple[str, ...]:
        """A command line: the values of secret flags and variables masked, each argument scrubbed as text."""
        clean = [_encodable(argument) for argument in argv]
        spans = argv_spans(clean)
        return tuple(self._masked_argument(argument, spans.get(index, [])) for index, argument in enumerate(clean))

    def json(self, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        """A JSON value without its secrets, in names (of members) and texts. Nesting is the caller's to bound."""
        if isinstance(value, str):
            return self._leaf(value)
        if isinstance(value, Mapping):
            return {self.name(str(key)): self._member(str(key), member) for key, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.json(member) for member in value]
        return value

    def _member(self, key: str, value: Any) -> Any:  # noqa: ANN401 -- any JSON value
        if isinstance(value, str) and is_secret_name(key) and not is_harmless(value) and value not in self._kept:
            self.masked += 1
            return MASK
        return self.json(value)

    def _leaf(self, text: str) -> str:
        return self._scrub(text, name=bool(_NAME_LIKE.fullmatch(text)) and "://" not in text)

    def _masked_argument(self, argument: str, spans: list[Span]) -> str:
        spans = [*spans, *self._spans(argument)]
        self.masked += len(merged := _merge(spans))
        return _replace(argument, merged, _plain_mask)

    def _scrub(self, text: str, *, name: bool) -> str:
        remembered = self._remembered.get((text, name))
        if remembered is None:
            clean = _encodable(text)
            spans = _merge(self._spans(clean))
            mask = self._named_mask if name and spans != [(0, len(clean))] else _plain_mask
            remembered = (_replace(clean, spans, mask), len(spans))
            if len(self._remembered) < _MAXIMUM_REMEMBERED:
                self._remembered[text, name] = remembered
        self.masked += remembered[1]
        return remembered[0]

    def _spans(self, text: str) -> list[Span]:
        spans = self._search.spans(text)
        if _TRIGGER_SEARCH.find_matches_as_indexes(text.lower()):
            spans.extend(pattern_spans(text))
        if len(text) >= MINIMUM_LENGTH and not _ADDRESS.fullmatch(text):
            spans.extend(random_spans(text))
        return spans

    def _named_mask(self, secret: str) -> str:
        return f"‹masked:{hmac.new(self._salt, secret.encode(), hashlib.sha256).hexdigest()[:8]}›"


def _pieces(secrets: Iterable[str]) -> Iterator[str]:
    """Each secret as it is, without surrounding white space, and line by line."""
    for secret in secrets:
        whole = _encodable(secret)
        yield whole
        yield whole.strip()
        lines = whole.splitlines()
        if len(lines) > 1:
            yield from (line.strip() for line in lines if not line.startswith("-----"))


def _encodable(text: str) -> str:
    """Text that can be written as UTF-8: undecodable bytes of a command line become visible escapes."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def _merge(spans: list[Span]) -> list[Span]:
    """Spans in order, those that overlap or touch joined."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif end > start:
            merged.append((start, end))
    return merged


def _plain_mask(_: str) -> str:
    return MASK


def _replace(text: str, spans: list[Span], mask: Callable[[str], str]) -> str:
    if not spans:
        return text
    parts, position = [], 0
    for start, end in spans:
        parts += [text[position:start], mask(text[start:end])]
        position = end
    return "".join([*parts, text[position:]])
