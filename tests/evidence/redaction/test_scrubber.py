"""The scrubber's own rules: what is searched for, what masks look like, what is counted."""

from __future__ import annotations

import pytest

from infratrack.evidence.redaction import MASK, Scrubber, scrubber


def test_short_secrets_common_words_and_kept_names_are_not_searched_for() -> None:
    text = "short default terraform Production vlan-10 address deliverables"
    assert Scrubber(text.split(), keep=["vlan-10"], salt=b"").text(text) == text


def test_a_secret_in_a_name_becomes_a_salted_mac_and_names_stay_two() -> None:
    one = Scrubber(["hunter2hunter", "letmein99"], salt=b"salt")
    facts = {'aws_x.y["hunter2hunter"]': "create", 'aws_x.y["letmein99"]': "delete", "at": 'aws_x.y["hunter2hunter"]'}
    (first, second, _), at = (masked := one.json(facts)), masked["at"]
    assert first == at != second
    assert first.startswith('aws_x.y["‹masked:')
    assert len(first) == len('aws_x.y["‹masked:00000000›"]')
    assert Scrubber(["hunter2hunter"], salt=b"salt").name("hunter2hunter.x") == one.name("hunter2hunter.x")
    assert Scrubber(["hunter2hunter"], salt=b"other").name("hunter2hunter.x") != one.name("hunter2hunter.x")
    assert Scrubber(["hunter2hunter"]).name("hunter2hunter.x") != Scrubber(["hunter2hunter"]).name("hunter2hunter.x")


def test_a_text_that_is_a_secret_as_a_whole_gives_nothing_away() -> None:
    one = Scrubber(["hunter2.hunter"], salt=b"salt")
    assert one.json({"a": "hunter2.hunter"}) == {"a": MASK}
    assert one.json(["see hunter2.hunter here"]) == [f"see {MASK} here"]
    assert one.json("https://h/hunter2.hunter") == f"https://h/{MASK}"


def test_members_whose_names_announce_a_secret_lose_their_text() -> None:
    facts = {
        "token": "abc", "password": "create", "secret": {"a": "b"}, "keys": ["x"], "api_key": 5, "pw": "vlan-10",
        "random_password.db": "abc",
    }  # fmt: skip
    assert Scrubber(keep=["vlan-10"], salt=b"").json(facts) == {**facts, "token": MASK}


def test_other_values_are_left_alone() -> None:
    facts = {"a": [1, 2.5, None, True], "b": {"c": ()}}
    assert Scrubber(["hunter2hunter"], salt=b"").json(facts) == {"a": [1, 2.5, None, True], "b": {"c": []}}
    assert Scrubber(salt=b"").json({1: "x"}) == {"1": "x"}


def test_every_masked_place_is_counted_also_when_it_is_remembered() -> None:
    one = Scrubber(["hunter2hunter"], salt=b"")
    for _ in range(3):
        one.text("hunter2hunter and hunter2hunter")
    assert one.masked == 6
    one.argv(["--token", "abc", "hunter2hunter"])
    assert one.masked == 8
    one.json({"password": "abc", "x": "hunter2hunter"})
    assert one.masked == 10


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scrubber, "_MAXIMUM_REMEMBERED", 1)
    one = Scrubber(["hunter2hunter"], salt=b"")
    assert [one.text(text) for text in ("a", "hunter2hunter", "hunter2hunter")] == ["a", MASK, MASK]
    assert one.masked == 2
    assert len(one._remembered) == 1


def test_scrubbing_twice_changes_nothing_more() -> None:
    one = Scrubber(["hunter2hunter"], salt=b"")
    text = "x --password abcdef hunter2hunter token=abc https://u:p@h/ aws_x.hunter2hunter"
    once = one.json({"a": text, "hunter2hunter.b": text})
    assert one.json(once) == once


def test_ten_thousand_secrets_in_ten_thousand_facts() -> None:
    secrets = [f"secret/{number * 7919 % 10_000:05d}+x" for number in range(10_000)]
    facts = [{"address": f"aws_x.y[{number}]", "note": f"uses {secrets[number]} now"} for number in range(10_000)]
    one = Scrubber(secrets, salt=b"")
    assert one.json(facts) == [
        {"address": f"aws_x.y[{number}]", "note": f"uses {MASK} now"} for number in range(10_000)
    ]
    assert one.masked == 10_000
