"""`infratrack accept`: only a person, only the right one, only what is complete."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.delivered import PROJECT, Delivered


@pytest.fixture
def delivered(tmp_path: Path) -> Delivered:
    return Delivered(tmp_path)


def core(delivered: Delivered) -> dict[str, object]:
    found: dict[str, object] = json.loads(delivered.ok("status", "--format", "json").stdout)["deliverables"][0]
    return found


def test_a_person_with_the_role_accepts_and_reopens(delivered: Delivered) -> None:
    delivered.build("core")
    accepted = delivered.ok("accept", "core", "--key", "anna", "--comment", "Seen on site")
    assert accepted.stdout == "accepted by anna: core is now accepted\n"
    found = core(delivered)
    assert found["status"] == "accepted"
    assert found["acceptance"]["comment"] == "Seen on site"  # type: ignore[index] # JSON
    again = delivered.ok("accept", "core", "--key", "anna", "--comment", "x")
    assert again.stdout == "core is accepted by anna already\n"
    reopened = delivered.ok("accept", "core", "--key", "anna", "--reopen", "--comment", "Wrong name")
    assert reopened.stdout == "reopened by anna: core is now in progress\n"
    assert core(delivered)["reason"] == "reopened by anna: Wrong name"
    refused = delivered.infratrack("accept", "core", "--key", "anna", "--comment", "x")
    assert refused.returncode == 1
    delivered.build("core")
    delivered.ok("accept", "core", "--key", "anna", "--comment", "Fixed")
    assert core(delivered)["status"] == "accepted"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("ci", "the key 'ci' belongs to no person of this project, and only people accept"),
        ("ben", "core is accepted by lead, not by ben"),
    ],
)
def test_others_may_not(delivered: Delivered, key: str, said: str) -> None:
    delivered.build("core")
    refused = delivered.infratrack("accept", "core", "--key", key, "--comment", "x")
    assert refused.returncode == 5
    assert said in refused.stderr
    assert core(delivered)["status"] == "complete"


def test_what_is_not_complete_is_not_accepted_and_what_never_was_is_not_reopened(delivered: Delivered) -> None:
    refused = delivered.infratrack("accept", "core", "--key", "anna", "--comment", "x")
    assert refused.returncode == 1
    assert "core is not complete: command.succeeded: no evidence yet" in refused.stderr
    refused = delivered.infratrack("accept", "core", "--key", "anna", "--reopen", "--comment", "x")
    assert refused.returncode == 1
    assert "never complete" in refused.stderr


def test_an_unknown_deliverable_and_a_missing_comment_are_refused(delivered: Delivered) -> None:
    assert delivered.infratrack("accept", "corr", "--key", "anna", "--comment", "x").returncode == 2
    assert delivered.infratrack("accept", "core", "--key", "anna").returncode == 2


def test_a_criterion_that_asks_for_signatures_is_met_by_accepting(delivered: Delivered) -> None:
    asked = 'done_when: {all: [{command.succeeded: {command: "true edge"}}, {signoff: {by: ben}}]}'
    delivered.write("infratrack.yaml", PROJECT.replace('done_when: {command.succeeded: {command: "true edge"}}', asked))
    delivered.build("edge")
    assert delivered.infratrack("status", "edge", "--check").returncode == 1
    assert delivered.infratrack("accept", "edge", "--key", "anna", "--comment", "x").returncode == 5
    signed = delivered.ok("accept", "edge", "--key", "ben", "--comment", "Seen")
    assert signed.stdout == "accepted by ben: edge is now complete\n"
