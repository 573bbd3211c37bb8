"""Addresses as Terraform writes them, and patterns in which `*` stands for any name or index."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack_terraform.addresses import literal_beginning, matcher, names_in, quote_index, resource_address
from infratrack_terraform.text_pattern import text_matcher


@pytest.mark.parametrize(
    ("pattern", "address", "expected"),
    [
        ("terraform_data.vlan[*]", "terraform_data.vlan[0]", True),
        ("terraform_data.vlan[*]", 'terraform_data.vlan["a"]', True),
        ("terraform_data.vlan[*]", 'terraform_data.vlan["a.b[0]"]', True),
        ("terraform_data.vlan[*]", 'terraform_data.vlan["q\\"x"]', True),
        ("terraform_data.vlan[*]", "terraform_data.vlan", False),
        ("terraform_data.vlan[*]", "terraform_data.vlans[0]", False),
        ("terraform_data.vlan[*]", "terraform_data.vlan[x]", False),
        ("terraform_data.vlan[0]", "terraform_data.vlan[0]", True),
        ("terraform_data.vlan[0]", "terraform_data.vlan0", False),
        ("terraform_data.vlan[ab]", "terraform_data.vlana", False),
        ("terraform_data.*", "terraform_data.vlan[0]", True),
        ("module.core.*", "module.core.terraform_data.vlan[0]", True),
        ("module.core.*", 'module.core.module.rack["a"].terraform_data.x', True),
        ("module.core.*", "module.corex.terraform_data.x", False),
        ("module.*.terraform_data.x", "module.a.terraform_data.x", True),
        ("module.*.terraform_data.x", "module.a.terraform_data.xy", False),
        ("module.rack[*].terraform_data.x[*]", 'module.rack["a"].terraform_data.x[3]', True),
        ("module.rack[*].terraform_data.x", 'module.rack["a"].module.y["b"].terraform_data.x', False),
        ("*", "anything.at_all[0]", True),
        ("**", "anything", True),
        ("*.vlan", "terraform_data.vlan", True),
        ("*.a.*.b", "x.a.y.b", True),
        ("*.a.*.b", "x.a.b", False),
        ("terraform_data.vlan", "terraform_data.vlan", True),
        ("terraform_data?vlan", "terraform_data.vlan", False),
        ("[*", "[anything", True),
        ("*]", "anything]", True),
        ("a", "a\n", False),
        ("*", "a" * 5_000, False),
    ],
)
def test_patterns(pattern: str, address: str, *, expected: bool) -> None:
    assert matcher(pattern)(address) is expected


@given(st.text(alphabet='ab.[]"\\0', max_size=12))
def test_an_address_matches_itself_and_star(address: str) -> None:
    assert matcher(address)(address)
    assert matcher("*")(address)
    assert matcher(literal_beginning(address) + "*")(address)


def test_no_pattern_crawls() -> None:
    assert not matcher("*a" * 300 + "b")("a" * 4_000)
    assert not matcher("x[*]" * 200)("x[0]" * 900)


def test_indexes_are_written_as_terraform_does() -> None:
    assert quote_index(0.0) == "[0]"
    assert quote_index(1.5) == "[1.5]"
    assert quote_index(7) == "[7]"
    assert quote_index("a.b") == '["a.b"]'
    assert quote_index('q"x\\\n${y}%{z}') == '["q\\"x\\\\\\n$${y}%%{z}"]'


def test_addresses_are_built_from_their_parts() -> None:
    assert resource_address("", "managed", "terraform_data", "x") == "terraform_data.x"
    assert resource_address("module.a", "managed", "terraform_data", "x", "k") == 'module.a.terraform_data.x["k"]'
    assert resource_address("module.a", "data", "http", "x", 0) == "module.a.data.http.x[0]"
    assert resource_address("module.a", "managed", "", "x") == ""
    assert resource_address("module.a", "managed", "x", "") == ""


def test_names_and_text_indexes_are_found_in_addresses() -> None:
    assert names_in(['module.core["west"].terraform_data.vlan[10]']) == {
        "module", "core", "west", "terraform_data", "vlan",
    }  # fmt: skip


def test_a_pattern_costs_nothing_before_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    matches = matcher("module.core.*"), text_matcher("core-*")
    compiled: list[str] = []
    real = re.compile

    def counted(pattern: str, flags: int = 0) -> re.Pattern[str]:
        compiled.append(pattern)
        return real(pattern, flags)

    monkeypatch.setattr(re, "compile", counted)
    assert [one("core-1") for one in matches] == [False, True]
    assert [one("core-1") for one in matches] == [False, True]
    assert len(compiled) == 2
