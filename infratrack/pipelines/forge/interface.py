"""What a forge has to offer: comments on one pull request or merge request, and statuses of one commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct

from infratrack.errors import NotAllowed, Unreachable
from infratrack.pipelines.commit_status import CommitStatus


class NoAnswer(Unreachable):
    """The forge gave no usable answer: what was asked for may have been done or not."""


class Refused(NotAllowed):
    """The forge does not let this token do it, or does not take the token at all."""


class Missing(Unreachable):
    """The forge has nothing there, or does not show it to this token."""


class PostedComment(Struct, frozen=True):
    """A comment as the forge has it."""

    id: int
    body: str
    url: str | None = None


class Forge(Protocol):
    """One pull request (or merge request) and one commit at a forge.

    Every method raises NoAnswer, Refused or Missing, or Unreachable with what the forge said.
    """

    @property
    def name(self) -> str:
        """How people call the forge: `GitHub`."""

    def own_comments(self) -> Sequence[PostedComment]:
        """Comments that this token may have written (nobody else could), oldest first."""

    def create(self, body: str) -> PostedComment:
        """Write a new comment. Never asked twice: NoAnswer leaves open whether it was written."""

    def update(self, comment: int, body: str) -> None:
        """Replace a comment's text."""

    def delete(self, comment: int) -> None:
        """Remove a comment."""

    def set_status(self, status: CommitStatus, context: str, page: str | None) -> None:
        """Show a status beside the commit, under a name, with a page to read more."""
