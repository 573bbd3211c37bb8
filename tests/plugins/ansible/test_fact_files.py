from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack.api import Instant
from infratrack_ansible.fact_files import FactFile, host_of, read_facts

FACTS = {"ansible_hostname": "vm", "ansible_env": {"PASSWORD": "hunter2"}, "ansible_date_time": {"epoch": "1700000000"}}
GATHERED = Instant(1_700_000_000_000_000)


@pytest.mark.parametrize(
    "content",
    [
        json.dumps(FACTS),
        json.dumps({"__payload__": json.dumps(FACTS)}),
        json.dumps({"ansible_facts": FACTS, "changed": False}),
    ],
)
def test_only_allowed_facts_are_read_of_each_format(content: str) -> None:
    assert read_facts(content.encode(), ["ansible_hostname", "ansible_none"]) == FactFile(
        {"ansible_hostname": "vm"}, GATHERED
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ('{"unreachable": true, "msg": "hunter2"}', "it could not be reached"),
        ('{"failed": true, "msg": "hunter2"}', "gathering its facts failed"),
        ("", "its file is no JSON with facts"),
        ("[]", "its file is no JSON with facts"),
        ('{"__payload__": 3}', "its file is no JSON with facts"),
        ('{"__payload__": "hunter2"}', "its file is no JSON with facts"),
        ('{"ansible_facts": []}', "its file is no JSON with facts"),
    ],
)
def test_a_file_without_facts_says_why(content: str, reason: str) -> None:
    assert read_facts(content.encode(), ["a"]) == FactFile({}, reason=reason)


@pytest.mark.parametrize("told", [None, [], {}, {"epoch": "soon"}, {"epoch": True}, {"epoch": -1}, {"epoch": "9" * 40}])
def test_an_instant_that_is_none_is_not_taken(told: object) -> None:
    assert read_facts(json.dumps({"ansible_date_time": told}).encode(), []) == FactFile({})
    assert read_facts(b'{"ansible_date_time": {"epoch": 1700000000}}', []).gathered == GATHERED


def test_a_host_is_named_by_its_file() -> None:
    assert (host_of("core-1"), host_of("s1_core-1")) == ("core-1", "core-1")


@given(st.binary(max_size=60) | st.recursive(st.none() | st.text(), st.lists).map(lambda one: json.dumps(one).encode()))
def test_hostile_files_are_only_ever_without_facts(content: bytes) -> None:
    assert read_facts(content, ["a"]).facts == {} or b'"a"' in content
