"""How little of a branch a server lets us fetch. Pure.

Each mode is tried in its turn, the thriftiest first; a server's refusal leads to the next. Filters: git-rev-list(1),
`uploadpack.allowFilter` and `uploadpackfilter.*` in git-config(1).
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class FetchMode(Struct, frozen=True):
    """What is asked for with the newest commit (`tip_filter`), and with single objects later (`more_filter`).

    `lasting`: what was fetched is kept for the next time, since each fetch from nothing costs as much as the ledger is
    long. `told`: what the user is told about it, empty for what is meant to be.
    """

    name: str
    tip_filter: str | None
    more_filter: str | None
    lasting: bool = False
    told: str = ""


BY_FOLDER: Final = FetchMode("by-folder", "tree:2", "tree:0")
BY_OBJECT: Final = FetchMode("by-object", "tree:0", "tree:0")
WITHOUT_FILES: Final = FetchMode(
    "without-files",
    "blob:none",
    "blob:none",
    lasting=True,
    told="the Git server refuses to leave folders out (`uploadpackfilter.tree.allow`): the first fetch on a machine "
    "brings the names of all entries",
)
WHOLE: Final = FetchMode(
    "whole",
    None,
    None,
    lasting=True,
    told="the Git server does not filter (`uploadpack.allowFilter`): the first fetch on a machine "
    "brings the whole ledger",
)
MODES: Final = (BY_FOLDER, BY_OBJECT, WITHOUT_FILES, WHOLE)


def mode_named(name: str) -> FetchMode:
    """The mode that was remembered under a name; the thriftiest for a name that there is not."""
    return next((mode for mode in MODES if mode.name == name), BY_FOLDER)


def after(mode: FetchMode) -> FetchMode | None:
    """What to try when a server refuses this mode; None when nothing is left."""
    following = MODES.index(mode) + 1
    return MODES[following] if following < len(MODES) else None
