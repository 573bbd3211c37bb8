"""`infratrack explain`, driven as a person would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.delivered import Delivered


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    return Delivered(tmp_path)


def test_it_says_what_is_wanted_and_then_what_it_rests_on(delivered: Delivered) -> None:
    before = delivered.ok("explain", "core").stdout
    assert "○ not started" in before
    assert "wanted:" in before
    assert "to be accepted by lead" in before
    delivered.build("core")
    after = delivered.ok("explain", "core").stdout
    assert "✓ complete since" in after
    assert "→ entry 1 · command · " in after
    assert "(key ci)" in after
    document = json.loads(delivered.ok("explain", "core", "--format", "json").stdout)
    run = document["deliverable"]["criteria"][0]["evidence"][0]["run"]
    assert f"run {run}" in after
    assert document["tree"] == 0
    assert document["deliverable"]["criteria"][0]["subjects"][0]["judgement"] == "meets"
    assert document["history"][0]["what"] == "complete"


def test_it_looks_back(delivered: Delivered) -> None:
    delivered.build("core")
    assert "not started" in delivered.ok("explain", "core", "--as-of", "2020-01-01").stdout
    assert "not started" in delivered.ok("explain", "core", "--at-size", "0").stdout


def test_an_unknown_deliverable_is_a_sentence(delivered: Delivered) -> None:
    refused = delivered.infratrack("explain", "cor")
    assert refused.returncode == 2
    assert refused.stderr == "infratrack: the project has no deliverable 'cor'\n  → did you mean 'core'?\n"
