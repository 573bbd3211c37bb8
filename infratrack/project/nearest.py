"""The nearest known name to one that is unknown: "did you mean 'depends'?"."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

NAME_AT_MOST: Final = 200
COMPARISONS_AT_MOST: Final = 200_000


class NearestNames:
    """Finds the nearest known name, within a budget: a file full of unknown names must not take minutes to explain."""

    def __init__(self, comparisons: int = COMPARISONS_AT_MOST) -> None:
        self._left = comparisons

    def to(self, name: str, known: Iterable[str]) -> str | None:
        """The known name that is most alike, or None where none is alike enough (or the budget is spent)."""
        if not name or len(name) > NAME_AT_MOST or self._left < 0:
            return None  # once the budget is spent, even looking through the known names costs too much
        # Names whose length differs by more than half cannot be alike enough; leaving them out costs almost nothing.
        lengths = range(len(name) - len(name) // 2 - 1, len(name) + len(name) // 2 + 2)
        candidates = [word for word in known if len(word) in lengths]
        self._left -= len(candidates)
        if self._left < 0:
            return None
        folded = {word.casefold(): word for word in candidates}
        found = difflib.get_close_matches(name.casefold(), folded, n=1, cutoff=0.6)
        if found:
            return folded[found[0]]
        # `applied` for `terraform.applied`: the last part alone is a common slip.
        tails = [word for word in known if word.rpartition(".")[2] == name.rpartition(".")[2]]
        return tails[0] if len(tails) == 1 else None
