from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from infratrack_netbox.exchange import Answer, Disturbed, Overloaded, plain
from infratrack_netbox.listing import Page, Pages, Query, next_wait


class GaveUp(Exception):
    pass


class Server:
    """A list of ids, paged by id or by offset, that can be slow, break, or change between pages."""

    def __init__(self, ids: list[int], *, cursor: bool = True, largest: int = 1000, breaks_above: int = 10**9) -> None:
        self.ids = ids
        self.cursor = cursor
        self.largest = largest
        self.breaks_above = breaks_above
        self.seconds = 0.0
        self.sizes: list[int] = []
        self.then: Callable[[], None] = lambda: None

    def page(self, query: Query) -> Page:
        asked = dict(query)
        limit = int(asked["limit"])
        self.sizes.append(limit)
        if limit > self.breaks_above:
            raise Disturbed("it answered 500", maybe_done=False)
        limit = min(limit, self.largest)
        if self.cursor:
            matching = sorted(one for one in self.ids if one >= int(asked["start"]))
            page = Page(
                [{"id": one} for one in matching[:limit]], None, more=len(matching) >= limit, seconds=self.seconds
            )
        else:
            offset = int(asked["offset"])
            here = sorted(self.ids)[offset : offset + limit]
            page = Page([{"id": one} for one in here], len(self.ids), more=offset + limit < len(self.ids))
        self.then()
        return page


def _read(server: Server, pages: Pages | None = None) -> list[int]:
    return [row["id"] for row in (pages or Pages(cursor=server.cursor)).read(server.page, "/api/x/", _wait)]


def _wait(tried: int, error: Disturbed, _path: str) -> None:
    if next_wait(tried, error) is None:
        raise GaveUp(error.reason)


@pytest.mark.parametrize("cursor", [True, False])
@pytest.mark.parametrize("number", [0, 1, 249, 250, 251, 499, 500, 2500])
def test_every_record_is_there_once(number: int, *, cursor: bool) -> None:
    server = Server(list(range(7, 7 + 3 * number, 3)), cursor=cursor)
    assert _read(server) == server.ids


def test_pages_grow_while_the_server_keeps_up_and_the_size_is_remembered() -> None:
    server = Server(list(range(4000)))
    pages = Pages(cursor=True)
    _read(server, pages)
    assert server.sizes == [250, 500, 1000, 1000, 1000, 1000]
    server.sizes = []
    _read(server, pages)
    assert server.sizes == [1000] * 5


def test_pages_do_not_grow_when_they_take_long() -> None:
    server = Server(list(range(600)))
    server.seconds = 5.0
    _read(server)
    assert server.sizes == [250, 250, 250]


def test_a_smaller_limit_of_the_server_is_found() -> None:
    server = Server(list(range(400)), largest=50)
    assert _read(server) == server.ids
    assert server.sizes[1:] == [50] * 8


def test_pages_are_halved_until_the_server_can() -> None:
    server = Server(list(range(300)), breaks_above=40)
    assert _read(server) == server.ids
    assert server.sizes[:4] == [250, 125, 62, 31]


def test_a_server_that_never_can_is_given_up() -> None:
    server = Server([1], breaks_above=0)
    with pytest.raises(GaveUp, match="500"):
        _read(server)
    assert len(server.sizes) == 5


def test_a_server_that_asks_to_wait_is_not_asked_for_less() -> None:
    server = Server(list(range(10)))
    answers = iter([Overloaded("it answered 429", 2.0)])

    def page(query: Query) -> Page:
        for error in answers:
            raise error
        return server.page(query)

    assert len(list(Pages(cursor=True).read(page, "/api/x/", _wait))) == 10
    assert server.sizes == [250]


def test_records_that_come_and_go_between_pages_neither_hide_nor_double_others() -> None:
    server = Server(list(range(0, 1000, 2)))
    stays = set(range(600, 1000, 2))

    def shift() -> None:
        server.ids = [one for one in server.ids if one not in {0, 2, 4}] + ([1, 3] if 1 not in server.ids else [])

    server.then = shift
    read = _read(server)
    assert len(read) == len(set(read))
    assert stays <= set(read)


def test_a_list_without_a_cursor_that_moves_is_read_again() -> None:
    server = Server(list(range(600)), cursor=False)
    moves = iter([True])

    def shift() -> None:
        for _ in moves:
            server.ids = server.ids[1:]

    server.then = shift
    assert _read(server) == list(range(1, 600))


def test_a_list_whose_count_stays_while_it_moves_is_read_again() -> None:
    server = Server(list(range(600)), cursor=False)
    moves = iter([True])

    def shift() -> None:
        for _ in moves:
            server.ids = [*server.ids[1:], 700]

    server.then = shift
    assert _read(server) == [*range(1, 600), 700]


def test_a_list_that_never_stands_still_is_given_up() -> None:
    server = Server(list(range(600)), cursor=False, largest=50)

    def shift() -> None:
        server.ids = server.ids[1:]

    server.then = shift
    with pytest.raises(GaveUp, match="kept changing"):
        _read(server)


def test_a_list_that_shows_fewer_than_it_counts_is_given_up() -> None:
    with pytest.raises(GaveUp, match="counts 9 records and shows 1"):
        list(Pages(cursor=False).read(lambda _: Page([{"id": 1}], 9, more=False), "/api/x/", _wait))


@pytest.mark.parametrize(
    "page",
    [
        Page([{"id": 2}, {"id": 2}], None, more=False),
        Page([{"id": 2}, {"id": 1}], None, more=False),
        Page([{"id": "1"}], None, more=False),
        Page([{"id": True}], None, more=False),
        Page([{}], None, more=False),
        Page([], None, more=True),
        Page([{"id": 1}], 1, more=False),
    ],
)
def test_lists_that_are_not_as_asked_for_are_given_up(page: Page) -> None:
    with pytest.raises(GaveUp):
        list(Pages(cursor=True).read(lambda _: page, "/api/x/", _wait))


def test_an_endless_list_of_one_record_is_given_up() -> None:
    with pytest.raises(GaveUp, match="not in the order"):
        list(Pages(cursor=True).read(lambda _: Page([{"id": 1}], None, more=True), "/api/x/", _wait))


def test_waiting_doubles_and_ends_and_minds_what_the_server_asks() -> None:
    broken = Disturbed("x", maybe_done=True)
    assert [next_wait(tried, broken) for tried in range(1, 6)] == [0.5, 1.0, 2.0, 4.0, None]
    assert next_wait(1, Overloaded("x", 7.0)) == 7.0
    assert next_wait(1, Overloaded("x", 3600.0)) is None
    assert next_wait(1, Overloaded("x", None)) == 0.5


def test_hostile_words_become_one_short_line() -> None:
    assert plain("a\x1b[31m\n\nb\u202e") == "a [31m b"
    assert len(plain("x" * 5000)) == 301


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"detail": "No."}, "No."),
        ({"name": ["is required"], "site": {"slug": ["is wrong"]}}, "name: is required; site: slug: is wrong"),
        ([{}, {"name": ["taken"]}, None], "name: taken"),
        ({"detail": ["a", 5]}, "detail: a, 5"),
        (None, ""),
        ("text", "text"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words(body: Any, said: str) -> None:
    assert Answer(400, body).detail == said
    assert not Answer(400, body).ok
    assert Answer(204, None).ok
