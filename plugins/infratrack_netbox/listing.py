"""Reading a list to its end: how large a page is, when to wait, and that nothing is doubled or left out.

Decides only; asking and waiting are the caller's functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from infratrack_netbox.exchange import Disturbed, Overloaded

Query = Sequence[tuple[str, str]]

_FIRST_SIZE: Final = 250
_LARGEST_SIZE: Final = 1000
"""NetBox's own default for the largest page; a server with a smaller limit tells by answering less."""
_QUICK_SECONDS: Final = 4.0
"""A page that took no longer may be followed by one twice as large."""
_TRIES: Final = 5
_FIRST_WAIT: Final = 0.5
_LONGEST_WAIT: Final = 60.0
"""Seconds that a server may ask to wait before it counts as down."""


class Page(Struct, frozen=True):
    """A part of a list."""

    results: list[dict[str, Any]]
    count: int | None
    """How many there are in all; None from a server that pages by id."""
    more: bool
    seconds: float = 0.0


Fetch = Callable[[Query], Page]
Wait = Callable[[int, Disturbed, str], None]


class Moved(Disturbed):
    """A list without a cursor changed while it was read."""


class Pages:
    """Reads lists, and remembers what size of page the server keeps up with."""

    def __init__(self, *, cursor: bool) -> None:
        self.cursor = cursor
        """Whether the server pages by id."""
        self._size = _FIRST_SIZE
        self._largest = _LARGEST_SIZE

    def read(self, fetch: Fetch, path: str, wait: Wait) -> Iterator[dict[str, Any]]:
        """Every record once, by rising id. `fetch` raises Disturbed; `wait` waits, or raises when it was too often."""
        return self.from_id(fetch, 0, path, wait) if self.cursor else self._by_offset(fetch, path, wait)

    def from_id(self, fetch: Fetch, start: int, path: str, wait: Wait) -> Iterator[dict[str, Any]]:
        """Every record with this id or a higher one, by rising id, from a server that pages by id."""
        more = True
        while more:
            page = self.page_from_id(fetch, start, path, wait)
            yield from page.results
            more = page.more
            start = page.results[-1]["id"] + 1 if page.results else start

    def page_from_id(self, fetch: Fetch, start: int, path: str, wait: Wait) -> Page:
        """One page of records with this id or a higher one."""

        def rising(page: Page) -> None:
            if page.more and not page.results:
                raise Disturbed("it promises more records and shows none", maybe_done=False)
            if page.count is not None:
                raise Disturbed("it does not page by id, which its release should", maybe_done=False)
            _check_rising(page.results, start - 1)

        return self._page(fetch, (("start", str(start)),), rising, path, wait)

    def _by_offset(self, fetch: Fetch, path: str, wait: Wait) -> Iterator[dict[str, Any]]:
        """Pages overlap by one record, and the number of records must stay: otherwise something moved, and again."""
        reading = 0
        while True:
            try:
                yield from self._one_reading(fetch, path, wait)
            except Moved as error:
                reading += 1
                wait(reading, error, path)
            else:
                return

    def _one_reading(self, fetch: Fetch, path: str, wait: Wait) -> list[dict[str, Any]]:
        records: list[dict[str, Any]] = []
        count: int | None = None
        while True:
            offset = max(len(records) - 1, 0)
            query = (("ordering", "id"), ("offset", str(offset)))
            page = self._page(fetch, query, lambda page: _check_rising(page.results, -1), path, wait)
            if count is not None and page.count != count:
                raise Moved("the list kept changing while it was read", maybe_done=False)
            count = page.count
            results = page.results
            if records:
                if not results or results[0]["id"] != records[-1]["id"]:
                    raise Moved("the list kept changing while it was read", maybe_done=False)
                results = results[1:]
            records += results
            if not page.more or not results:
                if len(records) != count:
                    raise Moved(f"it counts {count} records and shows {len(records)}", maybe_done=False)
                return records

    def _page(
        self,
        fetch: Fetch,
        query: Query,
        check: Callable[[Page], None],
        path: str,
        wait: Wait,
    ) -> Page:
        """One page, tried again in smaller portions while the server is disturbed."""
        tried = 0
        while True:
            size = self._size
            try:
                page = fetch((*query, ("limit", str(size))))
                check(page)
            except Disturbed as error:
                tried += 1
                if not isinstance(error, Overloaded) or error.retry_after is None:
                    self._size = self._largest = max(size // 2, 2)
                wait(tried, error, path)
            else:
                self._adapt(page, size)
                return page

    def _adapt(self, page: Page, size: int) -> None:
        if page.more and len(page.results) < size:
            self._size = self._largest = max(len(page.results), 2)
        elif page.more and page.seconds < _QUICK_SECONDS:
            self._size = min(2 * size, self._largest)


def next_wait(tried: int, error: Disturbed) -> float | None:
    """Seconds to wait after the try with this number failed; None: give up."""
    asked = error.retry_after if isinstance(error, Overloaded) else None
    if tried >= _TRIES or (asked is not None and asked > _LONGEST_WAIT):
        return None
    return asked if asked is not None else _FIRST_WAIT * 2.0 ** (tried - 1)


def _check_rising(results: Sequence[dict[str, Any]], last: int) -> None:
    """Ids are whole numbers above the last one, each above the one before: nothing is there twice."""
    for record in results:
        id_ = record.get("id")
        if not isinstance(id_, int) or isinstance(id_, bool) or id_ <= last:
            raise Disturbed("its list is not in the order of ids that it was asked for", maybe_done=False)
        last = id_
