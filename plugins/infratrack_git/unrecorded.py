"""Commits to the protected branch that no run contains: which paths matter, and what is told of a commit. Pure.

Declared are the folders that the project's pipelines and criteria name (`directory`, the folder of a `playbook`) and
the paths of `git.merged`. Of a commit its id, time, committer's name and the first line of its message are kept, since
who did what is the question here; no address.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct, structs

from infratrack.api import Change, ChangedThing, Instant, Pipeline, Wanted
from infratrack_git.branches import Ref
from infratrack_git.parse import name_matches

GIT_CHANGES: Final = "urn:infratrack:evidence:git-changes:v1"
CHANGES_FORMAT: Final = "%x00%H%x00%ct%x00.%cn%x00.%s"
"""One record a commit: id, committer time (seconds), committer's name, first line, and its paths.

Fields end with NUL, which none of them can hold; none is empty, so that an empty one begins a record.
"""
MOST_PATHS: Final = 20
_MICROSECONDS: Final = 1_000_000
_LAST_SECOND: Final = 253_402_300_799
_COMMIT: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_FIELDS: Final = 4
_SHORT: Final = 12
_LONGEST_NAME: Final = 200
_LONGEST_LINE: Final = 120


class DeclaredPath(Struct, frozen=True, order=True):
    """A folder (or file), or a glob; relative to the project folder, `.` for all of it."""

    path: str
    glob: bool = False

    @property
    def pathspec(self) -> str:
        """As git is asked for it."""
        return f":({'glob' if self.glob else 'literal'}){self.path}"

    def holds(self, name: str) -> bool:
        """Whether a changed file is meant."""
        if self.glob:
            return _glob_holds(self.path.split("/"), name.split("/"))
        return self.path in {".", name} or name.startswith(f"{self.path}/")


Declared = Mapping[DeclaredPath, frozenset[str]]
"""Path → the deliverables that rest on it."""


class BranchCommit(Struct, frozen=True):
    """A commit with what is told of it."""

    id: str
    seconds: int
    committer: str
    line: str
    paths: tuple[str, ...] = ()


def declared_paths(deliverables: Mapping[str, Wanted], pipelines: Sequence[Pipeline]) -> Declared:
    """Every path that matters, and to whom."""
    found: dict[DeclaredPath, frozenset[str]] = {}
    for name, wanted in deliverables.items():
        for criterion, uses in wanted.items():
            for parameters in uses:
                for path in _named(parameters, merged=criterion == "git.merged"):
                    found[path] = found.get(path, frozenset()) | {name}
    for pipeline in pipelines:
        for step in pipeline.steps:
            for path in _named(step.parameters, merged=False):
                found[path] = found.get(path, frozenset()) | frozenset(pipeline.deliverables)
    return found


def _named(parameters: Mapping[str, Any], *, merged: bool) -> Iterator[DeclaredPath]:
    directory, playbook, path = (parameters.get(name) for name in ("directory", "playbook", "path"))
    if merged and isinstance(path, str) and path:
        yield DeclaredPath(path, glob=True)
    if isinstance(directory, str):
        yield from _inside(directory)
    if isinstance(playbook, str) and playbook:
        # A playbook at the top stands for itself, not for the whole project.
        yield from _inside(posixpath.dirname(posixpath.normpath(playbook)) or playbook)


def _inside(path: str) -> Iterator[DeclaredPath]:
    """The path, unless it leads out of the project or cannot be one."""
    normal = posixpath.normpath(path or ".")
    if not normal.startswith(("/", "../")) and normal != ".." and normal.isprintable():
        yield DeclaredPath(normal)


def read_changes(output: bytes) -> list[BranchCommit]:
    """Commits from `git log -z --name-only --format=CHANGES_FORMAT`; records of another shape are left out.

    The paths of a merge stand behind one more empty field. They cannot pose as a record: git lists paths in order, and
    none that begins with a dot comes behind one that is a commit's id.
    """
    commits: list[BranchCommit] = []
    fields: list[str] = []
    for field in [*output.decode(errors="replace").split("\0"), ""]:
        if field:
            fields.append(field)
            continue
        commit = _read_commit(fields)
        if commit is not None:
            commits.append(commit)
        elif fields and commits and not commits[-1].paths:
            commits[-1] = structs.replace(commits[-1], paths=tuple(fields))
        fields = []
    return commits


def _read_commit(fields: Sequence[str]) -> BranchCommit | None:
    if len(fields) < _FIELDS:
        return None
    name, seconds, committer, line, *paths = fields
    numbers = seconds.isascii() and seconds.isdigit()
    if not (_COMMIT.fullmatch(name) and numbers and committer.startswith(".") and line.startswith(".")):
        return None
    first = [path.removeprefix("\n") for path in paths[:1]]
    return BranchCommit(name, int(seconds), committer[1:], line[1:], tuple(filter(None, [*first, *paths[1:]])))


def change_of(commit: BranchCommit, branch: str, declared: Declared) -> Change:
    """An unrecorded change: who committed what when, and whom it concerns."""
    touched = [name for name in commit.paths if any(path.holds(name) for path in declared)]
    concerned = {one for path, names in declared.items() if any(map(path.holds, touched)) for one in names}
    line = _line(commit.line, _LONGEST_LINE) or "without a message"
    return Change(
        id=commit.id,
        at=instant(commit.seconds),
        by=_line(commit.committer, _LONGEST_NAME) or None,
        what=f"commit {commit.id[:_SHORT]} on {branch} is in no run: {line}",
        subject=ChangedThing("git.commit", commit.id, commit.id[:_SHORT]),
        action="commit",
        after={"paths": touched[:MOST_PATHS]},
        deliverables=tuple(sorted(concerned)),
    )


def instant(seconds: int) -> Instant:
    """A commit's time; a commit may claim any."""
    return Instant(min(seconds, _LAST_SECOND) * _MICROSECONDS)


def short_branch(ref: Ref, remotes: Iterable[str]) -> str:
    """`main` of `refs/heads/main` and of `refs/remotes/origin/main`: the same in every clone."""
    for remote in remotes:
        if ref.name.startswith(f"refs/remotes/{remote}/"):
            return ref.name.removeprefix(f"refs/remotes/{remote}/")
    return ref.name.removeprefix("refs/heads/")


def _glob_holds(pattern: Sequence[str], name: Sequence[str]) -> bool:
    """Whether a file, or a folder above it, fits the glob. Never backtracks; `?` and `[…]` fit any name."""
    places = _past_stars({0}, pattern)
    for part in name:
        if len(pattern) in places:
            return True
        stay = {place for place in places if pattern[place] == "**"}
        fit = {place + 1 for place in places if pattern[place] != "**" and _fits(pattern[place], part)}
        places = _past_stars(stay | fit, pattern)
    return len(pattern) in places


def _past_stars(places: set[int], pattern: Sequence[str]) -> set[int]:
    """Places in the pattern, and those that `**`, standing for no folder, lets reach."""
    found = set(places)
    for place, part in enumerate(pattern):
        if place in found and part == "**":
            found.add(place + 1)
    return found


def _fits(pattern: str, part: str) -> bool:
    return "?" in pattern or "[" in pattern or name_matches(pattern, part)


def _line(text: str, longest: int) -> str:
    shown = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
