"""ansible-playbook's command line, and secrets in it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infratrack_ansible.command_line import (
    PlaybookCommand,
    arguments_of,
    parse_arguments,
    secret_values,
    secrets_in,
)


@pytest.mark.parametrize(
    ("argv", "arguments"),
    [
        (["ansible-playbook", "x"], ("x",)),
        (["/opt/venv/bin/ansible-playbook"], ()),
        (["python3.12", "-m", "ansible", "playbook", "x"], ("x",)),
        (["python", "-m", "ansible", "adhoc"], None),
        (["ansible-playbooks"], None),
        (["uv", "run", "ansible-playbook"], None),
        ([], None),
    ],
)
def test_what_is_ansible_playbook(argv: list[str], arguments: tuple[str, ...] | None) -> None:
    assert arguments_of(argv) == arguments


def test_options_are_read_as_ansible_reads_them() -> None:
    found = parse_arguments(
        [
            "-i", "a", "-vvb", "--inventory=b", "-lcore", "-t", "x, y", "-t", "z", "--skip-t=q", "-e", "a=1", "-f9",
            "s.yml", "t.yml",
        ]
    )  # fmt: skip
    assert found == PlaybookCommand(
        playbooks=("s.yml", "t.yml"), inventories=("a", "b"), limit="core", tags=("x", "y", "z"), skip_tags=("q",),
        extra_vars=("a=1",),
    )  # fmt: skip
    assert parse_arguments(["--list-h", "s.yml"]).lists_only
    assert parse_arguments(["--no-such-option", "s.yml"]) == PlaybookCommand()
    assert parse_arguments(["--version"]) == PlaybookCommand(lists_only=True)
    assert parse_arguments(["s.yml", "-i", "a", "-C"]).playbooks == ("s.yml",)
    assert parse_arguments(["-i"]) == PlaybookCommand()


@given(st.lists(st.text(max_size=12), max_size=8))
def test_no_arguments_make_it_raise_or_exit(arguments: list[str]) -> None:
    assert isinstance(parse_arguments(arguments), PlaybookCommand)


def test_secrets_given_with_dash_e() -> None:
    found = secrets_in(["db_password=hunter22 user=anna-maria", "api_token='s3cr3t value'", "key=abc", "@vars.yml"])
    assert found == {"hunter22", "s3cr3t value"}


def test_secrets_in_variables() -> None:
    assert secret_values("db", {"password": "hunter22", "host": "core-number-1", "short_token": "abc"}) == {"hunter22"}
    assert secret_values("tokens", ["aaaaaa", 7, "b"]) == {"aaaaaa"}
    assert secret_values("x", {}) == frozenset()
