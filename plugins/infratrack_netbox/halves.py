"""A long list read in two halves at once, so that a server with more than one worker takes half the time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from infratrack_netbox.listing import Fetch, Page, Pages, Query, Wait

Rows = Iterator[dict[str, Any]]

WORTH_IT: Final = 500
"""Records: a list of which no more are left is read to its end by one."""


def in_halves(pages: Pages, fetch: Fetch, path: str, wait: Wait, newest: Callable[[], object]) -> Rows:
    """Every record by rising id: the first page, and then the rest split by id: none is in both parts or in neither.

    `newest`: asks for the record with the highest id and the number of all; only where the first page is not the last.
    """
    first = pages.page_from_id(fetch, 0, path, wait)
    yield from first.results
    if not first.more:
        return
    start = first.results[-1]["id"] + 1
    middle = _middle(newest(), len(first.results), start)
    if middle is None:
        yield from pages.from_id(fetch, start, path, wait)
        return

    def below(query: Query) -> Page:
        return fetch((*query, ("id__lte", str(middle))))

    yield from _both(
        lambda: pages.from_id(below, start, path, wait), lambda: pages.from_id(fetch, middle + 1, path, wait)
    )


def _middle(newest: object, read: int, start: int) -> int | None:
    """The last id of the lower half; None where it is not worth it, or the answer is of no use."""
    answer = newest if isinstance(newest, dict) else {}
    count, rows = answer.get("count"), answer.get("results")
    row = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}
    highest = row.get("id")
    if not isinstance(count, int) or not isinstance(highest, int) or count - read <= WORTH_IT or highest <= start:
        return None
    return (start + highest) // 2


def _both(lower: Callable[[], Rows], upper: Callable[[], Rows]) -> Rows:
    """The records of the lower half and then those of the upper one, which is read meanwhile. Raises as either does."""
    given_up = threading.Event()
    with ThreadPoolExecutor(1) as second:
        later = second.submit(_collected, upper, given_up)
        try:
            yield from lower()
            yield from later.result()
        finally:
            given_up.set()


def _collected(upper: Callable[[], Rows], given_up: threading.Event) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for row in upper():
        if given_up.is_set():
            break
        rows.append(row)
    return rows
