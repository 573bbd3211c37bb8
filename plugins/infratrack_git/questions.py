"""What the project asks Git, made from the parameters of its criteria. Pure.

Observer, evidence and criteria name a question by the same text, so that an answer finds its criterion.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

DEFAULT_BRANCH = ""
"""The scope of questions that name no branch: they are about the protected branch, whatever its name."""


class Trailer(Struct, frozen=True):
    """A commit trailer; keys are compared without regard to case, as Git does."""

    key: str
    value: str

    def __str__(self) -> str:
        """As it stands in a commit message."""
        return f"{self.key}: {self.value}"

    @property
    def subject(self) -> str:
        """The name of words about it: the same however the key is written."""
        return f"trailer:{self.key.lower()}: {self.value}"


class MergedQuestion(Struct, frozen=True):
    """Is a commit with this trailer, or one that touches this path, on the branch?"""

    branch: str
    trailer: Trailer | None = None
    path: str = ""

    @property
    def name(self) -> str:
        """The subject of the answer: `trailer:deliverable: core-vlans` or `path:network/**`."""
        return self.trailer.subject if self.trailer else f"path:{self.path}"


class TaggedQuestion(Struct, frozen=True):
    """Is there a tag that matches, on this branch (any commit when the branch is empty)?"""

    tag: str
    branch: str = ""


def read_trailer(text: str) -> Trailer | None:
    """`Key: value` (or `Key=value`, as `git interpret-trailers` takes it); None when it is neither."""
    separators = [place for place in (text.find(":"), text.find("=")) if place > 0]
    if not separators:
        return None
    place = min(separators)
    key, value = text[:place].strip(), " ".join(text[place + 1 :].split())
    return Trailer(key, value) if key and value else None


def merged_question(parameters: Mapping[str, Any]) -> MergedQuestion | None:
    """The question of one `git.merged`; None when its trailer cannot be read."""
    branch = parameters.get("branch", DEFAULT_BRANCH)
    if "trailer" not in parameters:
        return MergedQuestion(branch, path=parameters["path"])
    trailer = read_trailer(parameters["trailer"])
    return MergedQuestion(branch, trailer=trailer) if trailer else None


def tagged_question(parameters: Mapping[str, Any]) -> TaggedQuestion:
    """The question of one `git.tagged`."""
    return TaggedQuestion(parameters["tag"], parameters.get("branch", ""))


def merged_questions(uses: Iterable[Mapping[str, Any]]) -> tuple[MergedQuestion, ...]:
    """Each question once, in a fixed order."""
    asked = {question for parameters in uses if (question := merged_question(parameters))}
    return tuple(sorted(asked, key=lambda question: (question.branch, question.name)))


def tagged_questions(uses: Iterable[Mapping[str, Any]]) -> tuple[TaggedQuestion, ...]:
    """Each question once, in a fixed order."""
    asked = {tagged_question(parameters) for parameters in uses}
    return tuple(sorted(asked, key=lambda question: (question.branch, question.tag)))
