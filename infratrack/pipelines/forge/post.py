"""Tells a forge what there is to tell: each thing on its own, and no failure is more than a sentence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from infratrack.errors import InfratrackError, NotAllowed
from infratrack.pipelines.commit_status import commit_status
from infratrack.pipelines.forge.connect import advice, connected
from infratrack.pipelines.forge.interface import Forge
from infratrack.pipelines.forge.place import Place
from infratrack.pipelines.forge.sticky import keep_comment
from infratrack.pipelines.telling import Telling

COMMENT: Final = "comment"
STATUS: Final = "commit status"
NO_REQUEST: Final = "this pipeline is about no pull request or merge request"


class Post(Struct, frozen=True):
    """What to tell. `context` is the commit status's name; None: none is set."""

    telling: Telling
    mark: str
    body: str
    context: str | None = None


class Attempt(Struct, frozen=True):
    """What became of one thing: `created`, `updated`, `unchanged`, `set`, `skipped` or `failed`, and then why."""

    what: str
    outcome: str
    url: str | None = None
    reason: str = ""
    error: InfratrackError | None = None


def posted(
    post: Post, place_of: Callable[[], Place], environ: Mapping[str, str], now: Callable[[], float]
) -> list[Attempt]:
    """Keep the comment and set the status; never raises InfratrackError. `now` is in seconds since 1970."""
    wanted = [COMMENT] if post.context is None else [COMMENT, STATUS]
    try:
        place = place_of()
    except InfratrackError as error:
        return [_failed(what, error, None) for what in wanted]
    if place.number is None:
        skipped = [Attempt(COMMENT, "skipped", reason=NO_REQUEST)]
        wanted.remove(COMMENT)
    else:
        skipped = []
    if not wanted:
        return skipped
    try:
        with connected(place, environ, now) as forge:
            return [*skipped, *(_attempt(what, post, forge, place) for what in wanted)]
    except InfratrackError as error:
        return [*skipped, *(_failed(what, error, place) for what in wanted)]


def _attempt(what: str, post: Post, forge: Forge, place: Place) -> Attempt:
    try:
        if what == COMMENT:
            kept = keep_comment(forge, post.mark, post.body)
            return Attempt(COMMENT, kept.outcome, kept.url)
        forge.set_status(commit_status(post.telling), post.context or "", post.telling.run_url)
    except InfratrackError as error:
        return _failed(what, error, place)
    return Attempt(STATUS, "set")


def _failed(what: str, error: InfratrackError, place: Place | None) -> Attempt:
    """The reason with what to do; whoever may not do it is told how to allow it."""
    hint = error.hint
    if place is not None and isinstance(error, NotAllowed) and not hint:
        hint = advice(place)
    return Attempt(what, "failed", reason=f"{error.message}; {hint}" if hint else error.message, error=error)
