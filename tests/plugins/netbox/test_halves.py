from __future__ import annotations

import threading
from typing import Any

import pytest

from infratrack_netbox.exchange import Disturbed
from infratrack_netbox.halves import in_halves
from infratrack_netbox.listing import Page, Pages, Query


class GaveUp(Exception):
    pass


class Server:
    """A list of ids, and which threads asked for it."""

    def __init__(self, ids: list[int]) -> None:
        self.ids = ids
        self.asked: list[dict[str, str]] = []
        self.threads: set[int] = set()
        self.breaks_from = 10**9

    def page(self, query: Query) -> Page:
        asked = dict(query)
        self.asked.append(asked)
        self.threads.add(threading.get_ident())
        start, limit, until = int(asked["start"]), int(asked["limit"]), int(asked.get("id__lte", 10**9))
        if start >= self.breaks_from:
            raise Disturbed("it answered 500", maybe_done=False)
        matching = [one for one in self.ids if start <= one <= until]
        return Page([{"id": one} for one in matching[:limit]], None, more=len(matching) > limit)

    def newest(self) -> object:
        return {"count": len(self.ids), "results": [{"id": max(self.ids)}]}


def _wait(_tried: int, error: Disturbed, _path: str) -> None:
    raise GaveUp(error.reason)


def _read(server: Server, newest: Any = None) -> list[int]:
    rows = in_halves(Pages(cursor=True), server.page, "/api/x/", _wait, newest or server.newest)
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    "ids", [[], [5], range(250), range(0, 2000, 3), range(2000), [*range(900), *range(10**6, 10**6 + 900)]]
)
def test_every_record_is_there_once_by_rising_id(ids: Any) -> None:
    server = Server(list(ids))
    assert _read(server) == server.ids


def test_a_long_list_is_read_by_two_and_a_short_one_by_one() -> None:
    long, short = Server(list(range(2000))), Server(list(range(700)))
    _read(long)
    _read(short)
    assert (len(long.threads), len(short.threads)) == (2, 1)
    assert {one.get("id__lte") for one in long.asked} == {None, "1124"}


@pytest.mark.parametrize(
    "newest",
    [
        None,
        [],
        {},
        {"count": "2000"},
        {"count": 2000, "results": []},
        {"count": 2000, "results": [5]},
        {"count": 2000, "results": [{"id": 7}]},
    ],
)
def test_an_answer_of_no_use_splits_nothing(newest: object) -> None:
    server = Server(list(range(2000)))
    assert _read(server, lambda: newest) == server.ids
    assert len(server.threads) == 1


@pytest.mark.parametrize("breaks_from", [1, 1200])
def test_what_fails_in_either_half_fails(breaks_from: int) -> None:
    server = Server(list(range(2000)))
    server.breaks_from = breaks_from
    with pytest.raises(GaveUp, match="500"):
        _read(server)


def test_a_reader_that_stops_early_stops_the_other_half_too() -> None:
    server = Server(list(range(100_000)))
    rows = in_halves(Pages(cursor=True), server.page, "/api/x/", _wait, server.newest)
    for _ in range(300):
        next(rows)
    rows.close()  # type: ignore[attr-defined]
    assert len(server.asked) < 100
