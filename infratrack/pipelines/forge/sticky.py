"""One comment that stays: written once, brought up to date afterwards, whoever else does the same at that moment."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from infratrack.errors import InfratrackError
from infratrack.pipelines.forge.interface import Forge, NoAnswer, PostedComment


class KeptComment(Struct, frozen=True):
    """What became of the comment."""

    outcome: Literal["created", "updated", "unchanged"]
    url: str | None = None


def keep_comment(forge: Forge, mark: str, body: str) -> KeptComment:
    """See to it that the pull request has exactly one own comment that begins with `mark`, and that it says `body`.

    Comments of others are never touched, whatever they begin with. Raises what the forge raises.
    """
    found = _marked(forge, mark)
    if found:
        return _brought_up_to_date(forge, found, body)
    try:
        written = forge.create(body)
    except NoAnswer:
        # It may have been written all the same: a second one would be worse than none.
        found = _marked(forge, mark)
        if found:
            return _brought_up_to_date(forge, found, body)
        written = forge.create(body)
    first = next(iter(_marked(forge, mark)), written)
    if first.id == written.id:
        return KeptComment("created", written.url)
    # Another job wrote its own at the same moment, and was faster: the older one stays.
    forge.update(first.id, body)
    forge.delete(written.id)
    return KeptComment("updated", first.url)


def _marked(forge: Forge, mark: str) -> list[PostedComment]:
    return [one for one in forge.own_comments() if one.body.partition("\n")[0].strip() == mark]


def _brought_up_to_date(forge: Forge, found: Sequence[PostedComment], body: str) -> KeptComment:
    first, *more = found
    for one in more:
        with contextlib.suppress(InfratrackError):  # a second one that stays is untidy, no more
            forge.delete(one.id)
    if first.body.replace("\r\n", "\n").strip() == body.strip():
        return KeptComment("unchanged", first.url)
    forge.update(first.id, body)
    return KeptComment("updated", first.url)
