"""What a request to NetBox came to: an answer, or that there was none that can be used. Pure."""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

LONGEST_DETAIL: Final = 300
"""Characters of a server's own words that are repeated to people."""


class Answer(Struct, frozen=True):
    """One whole answer with a JSON body (None where there is no body)."""

    status: int
    body: Any
    request_id: str = ""
    """The server's id of the request, as its change log has it."""
    etag: str = ""
    retry_after: float | None = None
    """Seconds that the server asks to wait; None where it does not."""

    @property
    def ok(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- the statuses of success

    @property
    def detail(self) -> str:
        """The server's own words on one line, cut: for messages."""
        return plain(_words(self.body))


class Disturbed(Exception):
    """No usable answer: a reset, a timeout, JSON that breaks off, an HTML page."""

    def __init__(self, reason: str, *, maybe_done: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.maybe_done = maybe_done
        """Whether the request may have taken effect all the same."""


class Overloaded(Disturbed):
    """The server said that it cannot now; nothing took effect."""

    def __init__(self, reason: str, retry_after: float | None) -> None:
        super().__init__(reason, maybe_done=False)
        self.retry_after = retry_after
        """Seconds that it asks to wait; None where it does not say."""


def plain(text: str) -> str:
    """Hostile text on one line, without control characters, cut."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 8 * LONGEST_DETAIL]).split())
    return line if len(line) <= LONGEST_DETAIL else f"{line[:LONGEST_DETAIL]}…"


def _words(body: object) -> str:
    """`{"detail": "…"}` is said without its wrapping, `{"name": ["is required"]}` with the name."""
    if isinstance(body, dict):
        if isinstance(body.get("detail"), str):
            return str(body["detail"])
        return "; ".join(f"{name}: {_words(value)}" for name, value in list(body.items())[:LONGEST_DETAIL])
    if isinstance(body, list):
        return ", ".join(_words(one) for one in body[:LONGEST_DETAIL] if one not in ({}, None, ""))
    return str(body)[: 8 * LONGEST_DETAIL] if body is not None else ""
