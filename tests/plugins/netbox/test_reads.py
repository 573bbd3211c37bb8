"""Reads are merged into the fewest requests, and questions advance together."""

from __future__ import annotations

from infratrack_netbox.reads import (
    KEYS_A_REQUEST,
    Question,
    Read,
    Rounds,
    Rows,
    Unanswerable,
    covering,
    filters_of,
    joined,
    merged,
    read,
)

LEAVES = (("role", ("leaf",)),)


def test_filters_are_written_as_netbox_takes_them_and_in_one_order() -> None:
    written = {"vid": [100, 200], "role": "leaf", "enabled": True, "position": 1.5}
    expected = (("enabled", ("true",)), ("position", ("1.5",)), ("role", ("leaf",)), ("vid", ("100", "200")))
    assert filters_of(written) == expected


def test_three_criteria_on_the_same_filter_are_one_request_for_all_their_fields() -> None:
    reads = [Read("dcim.device", LEAVES, fields=frozenset({name})) for name in ("status", "site", "tags")]
    (request,) = merged(reads)
    assert request == Read("dcim.device", LEAVES, fields=frozenset({"id", "display", "status", "site", "tags"}))
    assert [covering([request], one) for one in reads] == [[request]] * 3


def test_reads_by_key_are_one_request_for_all_values_of_every_key() -> None:
    one = Read("dcim.interface", keys=(("device_id", ("1",)), ("name", ("eth0",))))
    other = Read("dcim.interface", keys=(("device_id", ("2",)), ("name", ("eth1",))))
    (request,) = merged([one, other])
    assert request.keys == (("device_id", ("1", "2")), ("name", ("eth0", "eth1")))
    assert covering([request], other) == [request]


def test_different_types_filters_and_keys_stay_apart() -> None:
    reads = [
        Read("dcim.device"),
        Read("dcim.device", LEAVES),
        Read("dcim.device", keys=(("name", ("a",)),)),
        Read("dcim.site", keys=(("name", ("a",)),)),
    ]
    assert len(merged(reads)) == 4


def test_more_keys_than_an_address_holds_are_several_requests_that_cover_the_read_together() -> None:
    names = tuple(f"leaf-{number:04}" for number in range(KEYS_A_REQUEST + 1))
    wanted = Read("dcim.device", keys=(("name", names),))
    requests = merged([wanted])
    assert [len(request.keys[0][1]) for request in requests] == [KEYS_A_REQUEST, 1]
    assert covering(requests, wanted) == list(requests)
    assert covering(requests[:1], wanted) is None


def test_what_was_read_before_covers_only_what_it_holds() -> None:
    held = Read("dcim.interface", keys=(("device_id", ("1", "2")), ("name", ("eth0",))), fields=frozenset({"cable"}))
    assert covering([held], Read("dcim.interface", keys=(("device_id", ("2",)), ("name", ("eth0",))))) == [held]
    assert covering([held], Read("dcim.interface", keys=(("device_id", ("3",)), ("name", ("eth0",))))) is None
    assert covering([held], Read("dcim.interface", keys=(("device_id", ("2",)), ("name", ("eth1",))))) is None
    more = Read("dcim.interface", keys=held.keys, fields=frozenset({"cable", "lag"}))
    assert covering([held], more) is None
    assert covering([], Read("dcim.device")) is None


def test_parts_of_an_answer_are_joined_and_one_failure_fails_them_all() -> None:
    first, second = Rows(({"id": 1}, {"id": 2}), whole=True), Rows(({"id": 2}, {"id": 3}), why="some are hidden")
    assert joined([first, second]) == Rows(({"id": 1}, {"id": 2}, {"id": 3}), why="some are hidden")
    assert joined([first]) == first
    assert joined([first, Rows(failed="403")]) == Rows(why="", failed="403")
    assert joined([]) == Rows(whole=True)


def test_questions_advance_together_and_each_keeps_its_own_end() -> None:
    def twice() -> Question:
        (sites,) = yield from read(Read("dcim.site"))
        (devices,) = yield from read(Read("dcim.device"))
        return len(sites.rows) + len(devices.rows)

    def once() -> Question:
        (devices,) = yield from read(Read("dcim.site"))
        return len(devices.rows)

    def at_once() -> Question:
        raise Unanswerable("there is nothing to ask")
        yield ()

    rounds = Rounds([twice(), once(), at_once()])
    assert rounds.wanted == (Read("dcim.site"),)
    rounds.answer({Read("dcim.site"): Rows(({"id": 1},))})
    assert rounds.wanted == (Read("dcim.device"),)
    rounds.answer({Read("dcim.device"): Rows(failed="it answered 500")})
    assert not rounds.wanted
    failed, one, nothing = rounds.results
    assert isinstance(failed, Unanswerable)
    assert failed.reason == "it answered 500"
    assert one == 1
    assert isinstance(nothing, Unanswerable)
