"""Random-looking runs of characters in free text. Addresses, digests, ids, paths and words do not look random.

The measure is how often neighbouring characters change class (lower, upper, digit), beside Shannon entropy: in a random
base-62 string 62 % of the neighbours differ, in `CamelCaseNames2024` a third or less, in hexadecimal digits only two
classes occur at all.
"""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

MINIMUM_LENGTH: Final = 20
MINIMUM_BITS: Final = 3.4
"""Shannon entropy per character."""
MINIMUM_CHANGES: Final = 0.42
"""Share of neighbours that differ in class."""

_RUN: Final = re.compile(r"[A-Za-z0-9+/_=-]{20,}")
_PUBLIC: Final = re.compile(r"(?:(?i:sha(?:1|224|256|384|512))[:-]|\bh1:|\bAAAA[A-Z][0-9A-Za-z]{0,2}NzaC1)")
"""What stands before (or begins) random-looking text that is public: digests and SSH public keys."""
_SEGMENT: Final = re.compile(r"[A-Za-z0-9]+")
_INNOCENT_SEGMENT: Final = re.compile(r"[0-9]+|[0-9a-f]+|[a-z]+|[A-Z]+")
_LONGEST_WORD: Final = 12


def random_spans(text: str) -> Iterator[tuple[int, int]]:
    """Where a text holds something that looks random enough to be a key or a token."""
    for found in _RUN.finditer(text):
        if looks_random(found[0]) and not _PUBLIC.search(text, max(0, found.start() - 8), found.start() + 16):
            yield found.span()


def looks_random(run: str) -> bool:
    """Whether a run of base-64 characters looks like a random one rather than like a name, a path or a digest."""
    segments = _SEGMENT.findall(run)
    longest = max(segments, key=len, default="")
    if len(longest) <= _LONGEST_WORD and len(segments) > len(run) // 8:
        return False  # many short parts: a path, a slug, a UUID
    joined = "".join(segment for segment in segments if not _INNOCENT_SEGMENT.fullmatch(segment))
    if len(joined) < MINIMUM_LENGTH:
        return False
    classes = [_class_of(character) for character in joined]
    if len(set(classes)) < 3:  # noqa: PLR2004 -- lower, upper and digit
        return False
    changes = sum(one != other for one, other in itertools.pairwise(classes))
    return changes >= MINIMUM_CHANGES * (len(joined) - 1) and bits_per_character(joined) >= MINIMUM_BITS


def bits_per_character(text: str) -> float:
    """Shannon entropy in bits per character."""
    size = len(text)
    return -sum(count / size * math.log2(count / size) for count in Counter(text).values())


def _class_of(character: str) -> int:
    return 0 if character.islower() else 1 if character.isupper() else 2
