"""Git's output read into values, and questions answered from them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from infratrack_git.questions import Trailer

UNIT: Final = "\x1f"
COMMIT_FORMAT: Final = "%H%x1f%ct%x1f%(trailers:only=true,unfold=true)"
"""One record a commit: id, committer time (seconds), trailers one a line; records end with NUL (`-z`)."""

TAG_FORMAT: Final = "%(refname:strip=2)%1f%(objectname)%1f%(*objectname)%1f%(creatordate:unix)"
"""One line a tag: name, object, for an annotated tag the commit, time of the tag or commit (seconds)."""


class Commit(Struct, frozen=True):
    """A commit without its author: no name is needed, so none is read."""

    id: str
    seconds: int
    """Committer time, seconds since 1970-01-01T00:00:00Z."""
    trailers: tuple[tuple[str, str], ...] = ()


class Tag(Struct, frozen=True):
    """A tag and the commit that it names."""

    name: str
    commit: str
    seconds: int


def read_commits(output: bytes) -> list[Commit]:
    """Commits from `git log -z --format=COMMIT_FORMAT`; records of another shape are left out."""
    commits: list[Commit] = []
    for record in output.decode(errors="replace").split("\0"):
        parts = record.strip("\n").split(UNIT, 2)
        if len(parts) == 3 and parts[1].isascii() and parts[1].isdigit():  # noqa: PLR2004 -- fields of the format
            commits.append(Commit(parts[0], int(parts[1]), _trailers(parts[2])))
    return commits


def _trailers(text: str) -> tuple[tuple[str, str], ...]:
    found = (line.partition(":") for line in text.split("\n") if line)
    return tuple((key.strip(), " ".join(value.split())) for key, colon, value in found if colon)


def read_tags(output: bytes) -> list[Tag]:
    """Tags from `git for-each-ref --format=TAG_FORMAT`; lines of another shape are left out."""
    tags: list[Tag] = []
    for line in output.decode(errors="replace").split("\n"):
        parts = line.split(UNIT)
        if len(parts) == 4 and parts[3].isascii() and parts[3].isdigit():  # noqa: PLR2004 -- fields of the format
            tags.append(Tag(parts[0], parts[2] or parts[1], int(parts[3])))
    return tags


def newest_by_trailer(commits: Iterable[Commit]) -> dict[str, Commit]:
    """For each trailer, by its `subject`, the newest commit that carries it: one pass, however many are asked for."""
    found: dict[str, Commit] = {}
    for commit in commits:
        for key, value in commit.trailers:
            subject = Trailer(key, value).subject
            before = found.get(subject)
            found[subject] = commit if before is None else min(before, commit, key=_newest_first)
    return found


def newest(commits: Sequence[Commit]) -> Commit | None:
    """The commit with the latest committer time; of several the first by id, so that the answer is always the same."""
    return min(commits, key=_newest_first, default=None)


def _newest_first(commit: Commit) -> tuple[int, str]:
    return -commit.seconds, commit.id


def newest_tag(tags: Iterable[Tag], pattern: str) -> Tag | None:
    """The latest tag whose name matches; `*` stands for anything, `/` included."""
    found = [tag for tag in tags if name_matches(pattern, tag.name)]
    return min(found, key=lambda tag: (-tag.seconds, tag.name), default=None)


def name_matches(pattern: str, name: str) -> bool:
    """Whether the literal pieces between the `*` stand in the name in order. Never backtracks."""
    first, *pieces = pattern.split("*")
    if not pieces:
        return name == pattern
    *middle, last = pieces
    if len(name) < len(first) + len(last) or not name.startswith(first) or not name.endswith(last):
        return False
    place, end = len(first), len(name) - len(last)
    for piece in middle:
        found = name.find(piece, place, end)
        if found < 0:
            return False
        place = found + len(piece)
    return True
