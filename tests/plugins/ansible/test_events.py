"""Event lines to facts, without Ansible."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from infratrack_ansible import events as module
from infratrack_ansible.events import COUNTS, RunFacts, decode_lines
from infratrack_ansible.evidence import RESULT_SCHEMA, AnsibleRun
from tests.plugins.ansible.facts_builder import facts_of, play, playbook, result, start, stats, task

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
KINDS = (
    "start", "playbook_on_start", "playbook_on_play_start", "playbook_on_task_start", "runner_on_start", "runner_on_ok",
    "runner_on_failed", "runner_on_unreachable", "runner_on_odd", "play_end", "playbook_on_stats",
)  # fmt: skip
MEMBERS = (
    "playbook", "plays", "uuid", "host", "changed", "rc", "duration", "stats", "removed", "check", "created",
    "task_path", "name", "resolved_action", "inventory_hosts", "ansible",
)  # fmt: skip
HOSTILE = st.fixed_dictionaries(
    {"event": st.sampled_from(KINDS)}, optional=dict.fromkeys(MEMBERS, JSON | st.sampled_from(["a", "b", 1]))
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(HOSTILE | JSON, max_size=12), st.booleans())
def test_no_events_make_it_raise_and_facts_keep_the_schema(found: list[Any], knows_removed: bool) -> None:  # noqa: FBT001 -- drawn
    facts = facts_of([playbook("a"), *found], knows_removed=knows_removed)
    assert [error.message for error in Draft202012Validator(RESULT_SCHEMA).iter_errors(facts)] == []
    AnsibleRun().words({"result": facts})
    assert AnsibleRun().summary({"result": facts})


def test_damaged_lines_are_passed_over() -> None:
    lines = [b'{"event":"start"}\n', b'{"event":', b"\xff\xfe", b"", b"[" * 100_000, b"7\n"]
    assert list(decode_lines(lines)) == [{"event": "start"}, 7]


def test_nothing_fed_nothing_told() -> None:
    run = RunFacts(str)
    assert not run.started
    assert run.span is None
    assert run.facts() == {"checkMode": None, "diffMode": False, "playbooks": []}


def test_the_span_is_from_the_first_to_the_last_event() -> None:
    run = RunFacts(str)
    for created in (10.5, True, "x", -1, 1e12, 12.25):
        run.feed({"event": "x", "created": created})
    assert run.span == (10.5, 12.25)


def test_statistics_count_on_from_playbook_to_playbook_but_not_from_run_to_run() -> None:
    facts = facts_of(
        [
            start(), playbook("a"), play(), task(), result("ok", "h"), stats(h={"ok": 3}, other={"ok": 1}),
            playbook("b"), play("p2"), task("t2"), result("ok", "h", "t2"), stats(h={"ok": 5}, other={"ok": 1}),
            start(), playbook("c"), play(), task(), result("ok", "h"), stats(h={"ok": 1}),
        ]
    )  # fmt: skip
    assert [book["hosts"]["h"]["ok"] for book in facts["playbooks"]] == [3, 2, 1]
    assert [set(book["hosts"]) for book in facts["playbooks"]] == [{"h", "other"}, {"h"}, {"h"}]


def test_a_task_that_ran_more_than_once_is_told_by_its_worst_result() -> None:
    facts = facts_of(
        [
            start(), playbook(), play(), task(),
            result("ok", "h", duration=1.5, rc=0), result("failed", "h", rc=2, duration=0.5), result("ok", "h"),
            stats(h={"ok": 2, "failures": 1}),
        ]
    )  # fmt: skip
    (told,) = facts["playbooks"][0]["tasks"]
    assert told["results"] == {"failed": ["h"]}
    assert told["returnCodes"] == {"h": 2}
    assert told["seconds"] == 1.5


def test_counts_of_a_run_without_statistics_come_from_the_results() -> None:
    facts = facts_of(
        [
            start(), playbook(), play(),
            task("1", "A"), result("ok", "h", "1", changed=True),
            task("2", "B"), result("ok", "h", "2", launched=True),
            task("3", "C"), result("failed", "h", "3", ignored=True),
            task("4", "D"), result("skipped", "h", "4"),
            task("5", "E"), result("start", "h", "5"),
        ]
    )  # fmt: skip
    host = facts["playbooks"][0]["hosts"]["h"]
    counts = {**dict.fromkeys(COUNTS, 0), "ok": 3, "changed": 2, "ignored": 1, "skipped": 1}
    assert host == {**counts, "outcome": "unknown", "check": False}
    assert facts["playbooks"][0]["tasks"][-1]["results"] == {"unknown": ["h"]}
    assert facts["playbooks"][0]["changed"]


def test_a_host_that_statistics_forget_is_unknown() -> None:
    facts = facts_of([start(), playbook(), play(), task(), result("ok", "h"), stats(g={"ok": 1})])
    assert {host: own["outcome"] for host, own in facts["playbooks"][0]["hosts"].items()} == {
        "g": "succeeded", "h": "unknown",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("later", "knows_removed", "outcome"),
    [
        ([{"event": "play_end", "removed": ["bad", "fine"]}], True, "unknown"),
        ([{"event": "play_end", "removed": ["bad"]}], True, "succeeded"),
        ([{"event": "play_end", "removed": "fine"}], True, "succeeded"),
        ([], False, "unknown"),
        ([task("t2"), result("ok", "fine", "t2")], False, "succeeded"),
    ],
)
def test_a_failure_elsewhere_may_have_cut_a_host_off(later: list[Any], knows_removed: bool, outcome: str) -> None:  # noqa: FBT001 -- parameter
    events = [start(), playbook(), play(), task(), result("ok", "fine"), result("failed", "bad"), *later]
    facts = facts_of([*events, stats(fine={"ok": 1}, bad={"failures": 1})], knows_removed=knows_removed)
    assert facts["playbooks"][0]["hosts"]["fine"]["outcome"] == outcome
    assert facts["playbooks"][0]["hosts"]["bad"]["outcome"] == "failed"


def test_without_a_failure_anywhere_a_host_that_left_early_did_so_on_purpose() -> None:
    events = [start(), playbook(), play(), task(), result("ok", "h"), {"event": "play_end", "removed": ["h"]}]
    events.append(task())
    assert facts_of([*events, stats(h={"ok": 1})])["playbooks"][0]["hosts"]["h"]["outcome"] == "succeeded"


def test_plays_never_begun_after_a_failure() -> None:
    events = [start(), playbook(plays=2), play(), task(), result("ok", "a"), result("unreachable", "b")]
    facts = facts_of([*events, stats(a={"ok": 1}, b={"dark": 1})])
    assert {host: own["outcome"] for host, own in facts["playbooks"][0]["hosts"].items()} == {
        "a": "unknown", "b": "unreachable",
    }  # fmt: skip


def test_a_single_task_out_of_check_mode_makes_it_a_real_run_on_that_host() -> None:
    events = [start(check=True), playbook(), play(), task(), result("ok", "a"), result("ok", "b", check=False)]
    hosts = facts_of([*events, result("start", "c")])["playbooks"][0]["hosts"]
    assert {host: own["check"] for host, own in hosts.items()} == {"a": True, "b": False, "c": True}


def test_texts_are_bounded_and_printable() -> None:
    facts = facts_of([start(), playbook(), play(), task(name="a\n\x1fb" + "c" * 9999), result("ok", "h\n\x1b[0m")])
    (told,) = facts["playbooks"][0]["tasks"]
    assert told["name"].startswith("a  bc")
    assert len(told["name"]) == module.LONGEST_TEXT
    assert list(facts["playbooks"][0]["hosts"]) == ["h  [0m"]


def test_results_of_no_known_kind_or_task_are_passed_over() -> None:
    odd = [result("odd", "h"), result("ok", "g", "never described"), result("ok", "")]
    events = [start(), playbook(), play(), task(), *odd]
    assert facts_of(events)["playbooks"][0]["tasks"] == []


def test_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_HOSTS", 1)
    monkeypatch.setattr(module, "MOST_PLAYBOOKS", 1)
    facts = facts_of(
        [start(), playbook("a"), playbook("b"), play(), task(), result("ok", "a"), result("ok", "b"),
         stats(a={"ok": 1}, b={"ok": 1})]
    )  # fmt: skip
    assert [book["path"] for book in facts["playbooks"]] == ["a"]
    assert list(facts["playbooks"][0]["hosts"]) == ["a"]


def test_handlers_and_the_inventory_are_told() -> None:
    facts = facts_of([start(), playbook(), play(), {**task(), "handler": True}, result("ok", "h")])
    assert facts["playbooks"][0]["tasks"][0]["handler"] is True
    assert facts["inventoryHosts"] == 2
    assert msgspec.json.encode(facts)
